//! A blocked open ends with a signal, although the provider hangs: promised within 250 ms, asserted
//! with room for a busy machine.

use crate::scripted::Scripted;
use secretfs_tests::fixture::value;
use secretfs_tests::script::Step;
use secretfs_tests::{system, wait};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const BOUND: Duration = Duration::from_millis(2_500);

/// A mount whose provider hangs for longer than any test.
fn hanging() -> Scripted {
    let mount = Scripted::mounted("open_timeout: 10m", &["{name: A, file: a}"]);
    mount.sim.set("A", value("late", 64));
    mount.sim.hang("A");
    mount
}

fn release(mount: &Scripted) {
    mount.sim.release("A");
    mount.sim.wait_idle();
}

/// A `cat` that waits in its open.
fn blocked_cat(mount: &Scripted) -> Child {
    let child = mount
        .command("cat")
        .arg(mount.file("a"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("cat");
    mount.sim.wait_held("A", 1);
    wait::until("cat waits for the file system", || {
        system::waits_for_fuse(child.id()).then_some(())
    });
    child
}

fn ends_with(signal: &str) {
    let mount = hanging();
    let mut child = blocked_cat(&mount);
    let sent = Instant::now();
    system::signal(child.id(), signal);
    let status = wait::within(BOUND, signal, || child.try_wait().expect("wait"));
    assert!(sent.elapsed() < BOUND);
    assert!(!status.success());
    // The flight went on: its value is there for the next.
    release(&mount);
    assert_eq!(mount.read("a"), Ok(value("late", 64)));
    assert_eq!(mount.sim.count(), 1);
}

#[test]
fn sigint_ends_a_reader_of_a_hung_provider() {
    ends_with("INT");
}

#[test]
fn sigkill_ends_a_reader_of_a_hung_provider() {
    ends_with("KILL");
}

#[test]
fn hangup_quit_term_and_alarm_end_one_too() {
    for signal in ["HUP", "QUIT", "TERM", "ALRM"] {
        ends_with(signal);
    }
}

#[test]
fn a_handler_sees_eintr() {
    let mount = hanging();
    // Python retries an open that ends with EINTR, unless the handler raises.
    let script = "import signal, sys\n\
        def stop(*_): raise SystemExit(7)\n\
        signal.signal(signal.SIGINT, stop)\n\
        open(sys.argv[1])\n";
    let mut child = mount
        .command("/usr/bin/python3")
        .args(["-c", script])
        .arg(mount.file("a"))
        .spawn()
        .expect("python");
    mount.sim.wait_held("A", 1);
    system::signal(child.id(), "INT");
    let status = wait::within(BOUND, "the handler ran", || child.try_wait().expect("wait"));
    assert_eq!(status.code(), Some(7));
    release(&mount);
}

#[test]
fn signals_that_do_not_end_a_process_do_not_end_its_open() {
    let mount = hanging();
    let mut probe = mount.probe();
    probe.begin(&Step::Slurp {
        path: mount.file("a").to_str().expect("UTF-8").to_owned(),
    });
    mount.sim.wait_held("A", 1);
    for signal in ["CHLD", "WINCH", "URG", "CONT"] {
        system::signal(probe.pid(), signal);
    }
    // Another reader that is told to go proves that the daemon has looked at signals since.
    let mut cat = blocked_cat(&mount);
    system::signal(cat.id(), "INT");
    wait::within(BOUND, "cat ends", || cat.try_wait().expect("wait"));
    release(&mount);
    let outcome = probe.finish();
    assert_eq!(secretfs_tests::probe::bytes(outcome), value("late", 64));
}

#[test]
fn an_ignored_signal_does_not_end_an_open() {
    let mount = hanging();
    let mut child = mount
        .command("bash")
        .args(["-c", "trap '' INT; exec cat \"$0\""])
        .arg(mount.file("a"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("bash");
    mount.sim.wait_held("A", 1);
    system::signal(child.id(), "INT");
    let mut other = blocked_cat(&mount);
    system::signal(other.id(), "INT");
    wait::within(BOUND, "the other ends", || other.try_wait().expect("wait"));
    assert!(child.try_wait().expect("wait").is_none(), "still waiting");
    release(&mount);
    let output = child.wait_with_output().expect("cat");
    assert_eq!(output.stdout, value("late", 64));
}

#[test]
fn a_slow_open_does_not_block_others() {
    let entries = ["{name: A, file: a}", "{name: B, file: b}"];
    let mount = Scripted::mounted("open_timeout: 10m", &entries);
    mount.sim.set("A", value("late", 64));
    mount.sim.set("B", value("quick", 64));
    mount.sim.hang("A");
    let mut child = blocked_cat(&mount);
    let asked = Instant::now();
    let mut probe = mount.probe();
    assert_eq!(probe.list(mount.mountpoint()), ["a", "b"]);
    assert_eq!(probe.slurp(mount.file("b")), Ok(value("quick", 64)));
    assert_eq!(probe.stat(mount.file("a")).size, 0);
    let _ = mount.status();
    assert!(asked.elapsed() < BOUND, "{:?}", asked.elapsed());
    release(&mount);
    assert!(child.wait().expect("wait").success());
}

//! A reader that waits for a provider can be let go, though FUSE keeps it in an uninterruptible
//! sleep (contract fuse.md §2.1).

use crate::fake::{dir, file};
use crate::mount::{Mounted, eventually};
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn reader(mounted: &Mounted, command: &str, name: &str) -> Child {
    let fetches = mounted.world.vault.fetches() + mounted.world.vault.lists();
    let child = Command::new(command)
        .arg(mounted.path(name))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the reader waits", || {
        mounted.world.vault.fetches() + mounted.world.vault.lists() > fetches
    });
    child
}

/// How long the reader lives on, at best of three: the machine may be busy.
fn lives_on(signal: Signal, command: &str, name: &str) -> Duration {
    let mounted = Mounted::new(&[file("a"), dir("d")]);
    mounted.world.set("a", b"value");
    mounted.world.vault.hang(true);
    (0..3)
        .map(|_| {
            let mut child = reader(&mounted, command, name);
            let start = Instant::now();
            let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
            kill_process(pid, signal).unwrap();
            let status = child.wait().unwrap();
            assert_eq!(status.signal(), Some(signal.as_raw()), "{status:?}");
            start.elapsed()
        })
        .min()
        .unwrap()
}

#[test]
fn a_reader_of_a_hung_provider_ends_within_250_ms_of_a_signal() {
    for signal in [
        Signal::INT,
        Signal::TERM,
        Signal::HUP,
        Signal::QUIT,
        Signal::ALARM,
        Signal::KILL,
    ] {
        let lived = lives_on(signal, "cat", "a");
        assert!(lived <= Duration::from_millis(250), "{signal:?}: {lived:?}");
    }
}

#[test]
fn so_does_one_that_waits_for_the_names_of_a_folder() {
    let lived = lives_on(Signal::INT, "ls", "d");
    assert!(lived <= Duration::from_millis(250), "readdir: {lived:?}");
    let lived = lives_on(Signal::INT, "cat", "d/x");
    assert!(lived <= Duration::from_millis(250), "lookup: {lived:?}");
}

#[test]
fn the_flight_of_an_interrupted_reader_goes_on_for_others() {
    let mounted = Mounted::new(&[file("a")]);
    mounted.world.set("a", b"value");
    mounted.world.vault.hang(true);
    let mut child = reader(&mounted, "cat", "a");
    child.kill().unwrap();
    child.wait().unwrap();
    mounted.world.vault.hang(false);
    assert_eq!(mounted.read("a"), b"value");
    // An interrupted open is no failure of the file.
    let reports = mounted.world.fs.reports(secretfs_fs::map::EntryId(0), 10);
    assert_eq!(reports[0].last_error, None);
}

#[test]
fn a_signal_that_is_ignored_or_only_informs_leaves_the_reader_waiting() {
    let mounted = Mounted::new(&[file("a")]);
    mounted.world.set("a", b"value");
    mounted.world.vault.hang(true);
    let mut child = Command::new("sh")
        .args(["-c", "trap '' INT; exec cat \"$0\""])
        .arg(mounted.path("a"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    eventually("it waits", || mounted.world.vault.fetches() == 1);
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    for signal in [
        Signal::INT,
        Signal::CHILD,
        Signal::WINCH,
        Signal::URG,
        Signal::CONT,
    ] {
        kill_process(pid, signal).unwrap();
    }
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none());
    mounted.world.vault.hang(false);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, b"value");
}

#[test]
fn of_those_who_wait_together_only_the_one_that_is_signalled_is_let_go() {
    let mounted = Mounted::new(&[file("a")]);
    mounted.world.set("a", b"value");
    mounted.world.vault.hang(true);
    let mut readers: Vec<Child> = (0..3)
        .map(|n| {
            let child = Command::new("cat")
                .arg(mounted.path("a"))
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            eventually("one more waits", || mounted.world.fs.waiting() == n + 1);
            child
        })
        .collect();
    let mut gone = readers.remove(1);
    let pid = Pid::from_raw(i32::try_from(gone.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(gone.wait().unwrap().signal(), Some(Signal::INT.as_raw()));
    eventually("the others wait", || mounted.world.fs.waiting() == 2);
    mounted.world.vault.hang(false);
    for mut reader in readers {
        assert!(reader.wait().unwrap().success());
    }
    eventually("nobody waits", || mounted.world.fs.waiting() == 0);
}

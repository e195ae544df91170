//! Sealed memory keeps a machine from hibernating, so a locked daemon holds none of it; and it comes
//! back at unlock, or says that it cannot.

use crate::scripted::Scripted;
use secretfs_tests::fixture::{told, value};
use secretfs_tests::script::Step;
use secretfs_tests::{user, wait};

/// What root reads of a process below /proc.
fn proc(pid: u32, file: &str) -> String {
    let path = format!("/proc/{pid}/{file}");
    let output = user::privileged("cat").arg(path).output().expect("cat");
    assert!(output.status.success(), "{}", told(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// The mappings of secret memory that a process has.
fn secret(pid: u32) -> usize {
    let maps = proc(pid, "maps");
    assert!(maps.contains("[stack]"), "{maps}");
    maps.lines()
        .filter(|line| line.contains("secretmem"))
        .count()
}

#[test]
fn a_locked_daemon_holds_no_secret_memory_and_an_unlocked_one_serves_from_it() {
    let entries = ["{name: A, file: a}", "{name: x/B, file: b}"];
    let mount = Scripted::mounted("on_lock: seal, open_timeout: 60s", &entries);
    mount.sim.set("A", value("a", 9_000));
    mount.sim.set("x/B", value("b", 64));
    mount.sim.hang("x/B");
    let daemon = mount.process("internal-daemon").pid;
    assert_eq!(mount.read("a"), Ok(value("a", 9_000)));
    assert!(secret(daemon) > 0);
    let mut probe = mount.probe();
    let path = mount.file("b").to_str().expect("UTF-8").to_owned();
    probe.begin(&Step::Slurp { path });
    mount.sim.wait_held("x/B", 1);
    let before = mount.status()["memory"]["locked_bytes"].as_u64();

    // With a request under way, and a value held open.
    mount.run(["lock"]);
    assert_eq!(secret(daemon), 0);
    probe.finish();
    mount.sim.release("x/B");
    let status = mount.status();
    assert_eq!(status["state"], "locked");
    assert!(
        status["memory"]["locked_bytes"].as_u64() < before,
        "{status} {before:?}"
    );
    assert_eq!(secret(daemon), 0, "nor when the answer came");

    mount.run(["unlock"]);
    assert_eq!(mount.read("a"), Ok(value("a", 9_000)));
    assert!(secret(daemon) > 0);
}

#[test]
fn where_the_memory_cannot_be_had_again_opens_are_enomem_until_it_can() {
    let mount = Scripted::mounted("on_lock: seal, open_timeout: 1s", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 9_000));
    let daemon = mount.process("internal-daemon").pid;
    assert_eq!(mount.read("a"), Ok(value("a", 9_000)));
    mount.run(["lock"]);
    let locked = proc(daemon, "status");
    let locked = locked
        .lines()
        .find_map(|line| line.strip_prefix("VmLck:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .expect("VmLck");
    // Enough for the heap to grow, not for the values.
    limit(&mount, daemon, (locked << 10) + (1 << 20));
    mount.run(["unlock"]);
    assert_eq!(mount.read("a"), Err(libc::ENOMEM));
    assert_eq!(mount.read("a"), Err(libc::ENOMEM));
    assert_eq!(mount.status()["state"], "serving");

    limit(&mount, daemon, user::MEMLOCK);
    wait::until("there is memory again", || mount.read("a").ok());
    assert_eq!(mount.read("a"), Ok(value("a", 9_000)));
}

/// What the process may lock from now on: a user may lower it, and raise it again.
fn limit(mount: &Scripted, pid: u32, bytes: u64) {
    let output = mount
        .command("prlimit")
        .args([
            "--pid",
            &pid.to_string(),
            &format!("--memlock={bytes}:{}", user::MEMLOCK),
        ])
        .output()
        .expect("prlimit");
    assert!(output.status.success(), "{}", told(&output));
}

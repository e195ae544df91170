//! An `op` that is missing, hangs, fails, or prints what is no item.

use super::Mount;
use secretfs_tests::fixture::value;
use secretfs_tests::op::{Act, Call};
use secretfs_tests::script::{Outcome, Step, to_hex};
use secretfs_tests::{system, wait};
use std::process::Stdio;
use std::time::Duration;

fn one(config: &str) -> Mount {
    let mount = Mount::new();
    mount.item(1, "db");
    mount.mount_refs(config, &["op://Prod/db/f"]);
    mount
}

fn wait_gone(mount: &Mount, call: &Call) {
    let child = std::fs::read_to_string(mount.path("home/op/child"));
    let child = child.ok().and_then(|pid| pid.parse().ok());
    for pid in [Some(call.pid), child].into_iter().flatten() {
        wait::until("op and its child end", || {
            system::is_gone(pid).then_some(())
        });
    }
}

#[test]
fn each_failure_has_its_errno_and_its_reason() {
    let unauthorized = "(403) Forbidden: You aren't authorized to access this resource.";
    let limit = "(429) Too Many Requests: You've reached the maximum number of this type of requests this service account is allowed to make. Please retry in 58 minutes or try other requests.";
    let network = "Post \"https://my.1password.com/api/v3/auth/start\": dial tcp: lookup my.1password.com: no such host";
    for (text, errno, reason) in [
        (
            "account is not signed in",
            libc::ENOKEY,
            "nobody is signed in",
        ),
        (
            "session expired, sign in to create a new session",
            libc::EKEYEXPIRED,
            "expired",
        ),
        (
            "multiple accounts found. Use the --account flag",
            libc::ENOKEY,
            "several accounts",
        ),
        ("authorization timeout", libc::ENOKEY, "nobody answered"),
        ("read: context deadline exceeded", libc::EHOSTUNREACH, "app"),
        (
            "(401) Unauthorized: invalid bearer token",
            libc::EKEYREJECTED,
            "refuses",
        ),
        (unauthorized, libc::EACCES, "may not be read"),
        (limit, libc::EBUSY, "limited"),
        (network, libc::EHOSTUNREACH, "cannot reach"),
        ("unknown flag: --format", libc::EIO, "does not know"),
        ("hunter2", libc::EIO, "failed"),
    ] {
        let mount = one("");
        mount.next(&[Act::Fail(text.to_owned())]);
        assert_eq!(mount.read("f0"), Err(errno), "{text}");
        let told = mount.reason("f0");
        assert!(told.contains(reason) && !told.contains("hunter2"), "{told}");
        assert_eq!(mount.op.calls().len(), 1, "{text}");
    }
}

#[test]
fn what_is_not_there_and_what_could_mean_several_has_its_errno_and_its_reason() {
    let mount = Mount::new();
    mount.item(1, "db").item(2, "twice").item(3, "TWICE");
    let rows = [
        ("op://Prod/db/nope", libc::ENOENT, "no such field or file"),
        ("op://Prod/nope/f", libc::ENOENT, "no such item"),
        ("op://Nope/db/f", libc::ENOENT, "no such vault"),
        ("op://Prod/twice/f", libc::EIO, "i0000000000000000000000003"),
    ];
    mount.mount_refs("", &rows.map(|(reference, ..)| reference));
    for (at, (reference, errno, reason)) in rows.iter().enumerate() {
        let file = format!("f{at}");
        assert_eq!(mount.read(&file), Err(*errno), "{reference}");
        assert!(mount.reason(&file).contains(reason), "{reference}");
    }
}

#[test]
fn a_missing_program_is_told_with_what_to_install() {
    let mut mount = Mount::new();
    mount.item(1, "db");
    let path = ("PATH".to_owned(), "/usr/bin:/bin".to_owned());
    mount.fixture.environment.push(path);
    mount.mount_refs("", &["op://Prod/db/f"]);
    assert_eq!(mount.read("f0"), Err(libc::EHOSTUNREACH));
    assert!(mount.reason("f0").contains("`op` is not there"));
}

#[test]
fn a_program_that_hangs_is_etimedout_and_a_lock_kills_it_with_its_children() {
    let mount = one("open_timeout: 1s, on_lock: seal");
    mount.next(&[Act::Hang]);
    assert_eq!(mount.read("f0"), Err(libc::ETIMEDOUT));
    let calls = mount.op.wait_started(1);
    mount.run(["lock"]);
    wait_gone(&mount, &calls[0]);
    mount.run(["unlock"]);
    assert_eq!(mount.read("f0"), Ok(value("db", 64)));
}

#[test]
fn a_lock_in_the_middle_of_an_answer_publishes_nothing() {
    let mount = one("on_lock: seal");
    mount.next(&[Act::HalfThenHang]);
    let mut probe = mount.probe();
    probe.begin(&Step::Slurp {
        path: mount.file("f0").to_str().expect("UTF-8").to_owned(),
    });
    let calls = mount.op.wait_started(1);
    mount.run(["lock"]);
    assert_eq!(probe.finish(), Outcome::Failed(libc::ENOKEY));
    wait_gone(&mount, &calls[0]);
    assert_eq!(mount.read("f0"), Err(libc::ENOKEY));
    assert_eq!(probe.stat(mount.file("f0")).size, 0);
    mount.run(["unlock"]);
    assert_eq!(mount.read("f0"), Ok(value("db", 64)));
}

#[test]
fn a_lock_for_idleness_kills_it_too() {
    let mount = one("open_timeout: 1s, on_lock: seal, idle: 10m");
    mount.next(&[Act::Hang]);
    assert_eq!(mount.read("f0"), Err(libc::ETIMEDOUT));
    let calls = mount.op.wait_started(1);
    mount.advance(Duration::from_secs(601));
    wait_gone(&mount, &calls[0]);
    assert_eq!(mount.status()["state"], "locked");
}

#[test]
fn an_unmount_leaves_no_program_behind() {
    let mount = one("open_timeout: 1s");
    mount.next(&[Act::Hang]);
    assert_eq!(mount.read("f0"), Err(libc::ETIMEDOUT));
    let calls = mount.op.wait_started(1);
    mount.unmount();
    wait_gone(&mount, &calls[0]);
}

#[test]
fn ctrl_c_ends_a_reader_while_it_prompts_and_the_answer_is_kept_all_the_same() {
    let mount = one("");
    mount.next(&[Act::Prompt]);
    let mut child = mount
        .command("cat")
        .arg(mount.file("f0"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("cat");
    mount.op.wait_started(1);
    system::signal(child.id(), "INT");
    let limit = Duration::from_millis(2_500);
    let status = wait::within(limit, "cat ends", || child.try_wait().expect("wait"));
    assert!(!status.success());
    mount.op.answer_prompts(1);
    assert_eq!(mount.read("f0"), Ok(value("db", 64)));
    assert_eq!(mount.op.calls().len(), 1);
}

#[test]
fn what_is_printed_and_no_item_is_never_served() {
    let mount = one("");
    let acts = [
        Act::Print(to_hex(b"hunter2")),
        Act::Print(String::new()),
        Act::Print(to_hex(b"{\"id\":\"x\"}")),
        Act::HalfThenFail("account is not signed in".to_owned()),
        Act::Die,
        Act::Flood,
    ];
    let errnos = [
        libc::EIO,
        libc::EIO,
        libc::EIO,
        libc::ENOKEY,
        libc::EIO,
        libc::EIO,
    ];
    for (act, errno) in acts.into_iter().zip(errnos) {
        mount.next(std::slice::from_ref(&act));
        assert_eq!(mount.read("f0"), Err(errno), "{act:?}");
        mount.advance(Duration::from_secs(6));
    }
    assert_eq!(mount.read("f0"), Ok(value("db", 64)));
}

#[test]
fn a_stale_value_stands_in_while_1password_cannot_be_reached_and_not_while_nobody_is_signed_in() {
    let mount = one("ttl: 5m, stale: 1h");
    assert_eq!(mount.read("f0"), Ok(value("db", 64)));
    mount.advance(Duration::from_secs(301));
    let network = "Get \"https://my.1password.com/\": dial tcp: connection refused";
    mount.next(&[Act::Fail(network.to_owned())]);
    assert_eq!(mount.read("f0"), Ok(value("db", 64)));
    mount.advance(Duration::from_secs(60));
    mount.next(&[Act::Fail("account is not signed in".to_owned())]);
    assert_eq!(mount.read("f0"), Err(libc::ENOKEY));
    assert_eq!(mount.op.calls().len(), 3);
}

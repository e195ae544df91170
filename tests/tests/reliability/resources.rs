//! Resources that run out under a running mount: descriptors, lockable memory, the disk of the audit, a
//! home that can be written to. What is killed, and what is held open: `tests/mounts/killed.rs`,
//! `tests/mounts/limits.rs`.

use crate::lane::{Kind, Lane, with_lane};
use secretfs_tests::fault_proxy::Door;
use secretfs_tests::fixture::{Fixture, told};
use secretfs_tests::{user, wait};
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(1);

fn kind() -> Kind {
    Kind {
        tls: true,
        ttl: Duration::from_secs(60),
        stale: Duration::ZERO,
        open_timeout: TIMEOUT,
        config: "",
    }
}

fn all(lane: &Lane<'_>) -> Vec<usize> {
    (0..lane.servers.files.len()).collect()
}

/// Each file reads right.
fn assert_right(lane: &mut Lane<'_>, when: &str) {
    let files = all(lane);
    for (at, (read, _)) in files.iter().zip(lane.read(&files)) {
        let version = read.map(|bytes| lane.version(*at, &bytes));
        let name = &lane.servers.files[*at].name;
        assert_eq!(
            version,
            Ok(Ok(lane.versions[*at])),
            "{name} {when}\n{}",
            lane.status()
        );
    }
}

/// Each read ends in time with the whole value or one of these; how many failed.
fn assert_whole_or(lane: &mut Lane<'_>, errnos: &[i32], when: &str) -> usize {
    let files = all(lane);
    let mut failed = 0;
    for (at, (read, took)) in files.iter().zip(lane.read(&files)) {
        let name = lane.servers.files[*at].name.clone();
        assert!(took < 10 * TIMEOUT, "{name} {when}: {took:?}");
        match read {
            Ok(bytes) => assert_eq!(lane.version(*at, &bytes), Ok(1), "{name} {when}"),
            Err(errno) => {
                assert!(errnos.contains(&errno), "{name} {when}: errno {errno}");
                failed += 1;
            }
        }
    }
    failed
}

/// Sets a soft limit of a running process.
fn limit(fixture: &Fixture, pid: u32, which: &str, to: &str) {
    // As the user: those limits are the user's to set, and root may be without the right to.
    let mut command = fixture.command("prlimit");
    command.arg(format!("--{which}={to}:"));
    let output = command.args(["--pid", &pid.to_string()]).output();
    let output = output.expect("prlimit");
    assert!(output.status.success(), "{}", told(&output));
}

/// The descriptors that a process has, but no more; gives back what it could have before.
fn without_descriptors(fixture: &Fixture, pid: u32, act: impl FnOnce()) {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("limits");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let before = line
        .and_then(|line| line.split_whitespace().nth(3))
        .expect("a limit");
    limit(fixture, pid, "nofile", "0");
    act();
    limit(fixture, pid, "nofile", before);
}

/// Ticks of a processor that a process has used.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let fields: Vec<_> = stat
        .rsplit_once(") ")
        .expect("a name")
        .1
        .split(' ')
        .collect();
    let number = |at: usize| fields[at].parse::<u64>().expect("a number");
    number(11) + number(12)
}

#[test]
fn a_daemon_without_descriptors_serves_what_it_has_and_the_rest_when_there_are_some() {
    let fixture = Fixture::new();
    with_lane(&fixture, kind(), |lane| {
        assert_right(lane, "before");
        let daemon = lane.fixture.process("internal-daemon").pid;
        without_descriptors(&fixture, daemon, || {
            assert_right(lane, "cached, without descriptors");
            lane.advance(lane.kind.ttl);
            // Connections that are kept could serve one more.
            lane.proxies.iter().for_each(|proxy| proxy.door(Door::Open));
            let unreachable = [libc::EHOSTUNREACH, libc::ETIMEDOUT, libc::EIO];
            let failed = assert_whole_or(lane, &unreachable, "without descriptors");
            assert_eq!(
                failed,
                lane.servers.files.len(),
                "no connection can be made"
            );
        });
        lane.advance(lane.kind.ttl);
        assert_right(lane, "with descriptors again");
        assert_eq!(lane.fixture.process("internal-daemon").pid, daemon);
    });
}

#[test]
fn a_helper_without_descriptors_keeps_the_mount_rests_and_answers_when_there_are_some() {
    let fixture = Fixture::new();
    with_lane(&fixture, kind(), |lane| {
        assert_right(lane, "before");
        let helper = lane.fixture.process("internal-mount-helper").pid;
        without_descriptors(&fixture, helper, || {
            // Somebody knocks, and it cannot let them in: it must not turn in circles for that.
            let mut waiting = lane.secretfs(["status"]);
            waiting.stdout(std::process::Stdio::null());
            let mut waiting = waiting.spawn().expect("secretfs");
            let (begun, before) = (Instant::now(), ticks(helper));
            assert_right(lane, "cached, while the helper has no descriptors");
            waiting.wait().expect("status ends by itself");
            let used = ticks(helper) - before;
            // A tick is 10 ms: less than half of the time on one processor.
            let half = u64::try_from(begun.elapsed().as_millis() / 20).expect("not long");
            assert!(
                used <= half.max(20),
                "{used} ticks in {:?}",
                begun.elapsed()
            );
        });
        lane.advance(lane.kind.ttl);
        lane.proxies.iter().for_each(|proxy| proxy.door(Door::Open));
        without_descriptors(&fixture, helper, || {
            // No name can be resolved.
            let known = [libc::EHOSTUNREACH, libc::ETIMEDOUT, libc::EIO];
            let failed = assert_whole_or(lane, &known, "while the helper has no descriptors");
            assert_eq!(failed, lane.servers.files.len());
        });
        lane.advance(lane.kind.ttl);
        assert_right(lane, "with descriptors again");
        assert_eq!(lane.fixture.process("internal-mount-helper").pid, helper);
    });
}

#[test]
fn a_lock_limit_that_sinks_under_what_is_locked_fails_reads_with_an_errno_and_ends_nothing() {
    let fixture = Fixture::new();
    with_lane(&fixture, kind(), |lane| {
        let daemon = lane.fixture.process("internal-daemon").pid;
        // Nothing was fetched yet: no sealed area is there.
        limit(&fixture, daemon, "memlock", "4096");
        let full = [
            libc::ENOMEM,
            libc::EFBIG,
            libc::EHOSTUNREACH,
            libc::ETIMEDOUT,
            libc::EIO,
        ];
        let failed = assert_whole_or(lane, &full, "under a sunken limit");
        eprintln!("{failed} of {} reads failed", lane.servers.files.len());
        limit(&fixture, daemon, "memlock", &fixture.memlock.to_string());
        // A flight that found no room waits for some until its half minute is over.
        let files = all(lane);
        wait::within(
            Duration::from_secs(40),
            "every file can be read again",
            || {
                let outcomes = lane.read(&files);
                outcomes.iter().all(|(read, _)| read.is_ok()).then_some(())
            },
        );
        assert_right(lane, "under the limit of before");
        assert_eq!(lane.fixture.process("internal-daemon").pid, daemon);
    });
}

#[test]
fn a_full_disk_costs_lines_of_the_audit_and_nothing_else() {
    let fixture = Fixture::new();
    let state = fixture.path("state");
    with_lane(&fixture, kind(), |lane| {
        assert_right(lane, "before");
        lane.unmount();
        let who = user::mounting();
        lane.root(
            "mount",
            &[
                "-t",
                "tmpfs",
                "-o",
                &format!("size=64k,mode=700,uid={},gid={}", who.uid, who.gid),
                "tmpfs",
                state.to_str().expect("UTF-8"),
            ],
        );
        lane.secretfs_ok("mount");
        let filler = state.join("filler");
        let fill = format!("head -c 40000 /dev/zero >{}", filler.display());
        lane.root("sh", &["-c", &fill]);
        // Some hundred lines of 130 bytes fill the rest.
        for _ in 0..40 {
            assert_right(lane, "with a full disk");
        }
        lane.root("rm", &[filler.to_str().expect("UTF-8")]);
        wait::until("opens are written down again", || {
            assert_right(lane, "with room again");
            let audit = lane.root(
                "cat",
                &[&format!("{}/secretfs/audit.jsonl", state.display())],
            );
            let lines: Vec<_> = audit.lines().collect();
            (lines.len() > 40).then_some(())
        });
        let audit = lane.root(
            "cat",
            &[&format!("{}/secretfs/audit.jsonl", state.display())],
        );
        for line in audit.lines() {
            let read: Result<serde_json::Value, _> = serde_json::from_str(line);
            assert!(read.is_ok(), "a line in two: {line:?}");
        }
        wait::until("the log tells what was lost", || {
            assert_right(lane, "with room again");
            let log = lane.root(
                "cat",
                &[&format!("{}/secretfs/secretfs.log", state.display())],
            );
            log.contains("lines of log or audit were lost")
                .then_some(())
        });
    });
}

#[test]
fn where_the_home_is_read_only_a_mountpoint_elsewhere_works_and_one_in_it_is_told_why_not() {
    let fixture = Fixture::new();
    fixture.make_folder("home/secrets", 0o700);
    with_lane(&fixture, kind(), |lane| {
        lane.unmount();
        for folder in ["home", "state"] {
            let folder = lane.fixture.path(folder);
            let folder = folder.to_str().expect("UTF-8");
            lane.root("mount", &["--bind", folder, folder]);
            lane.root("mount", &["-o", "remount,ro,bind", folder]);
        }
        let inside = lane.fixture.mountpoint();
        let output = lane
            .secretfs(["mount".as_ref(), inside.as_os_str()])
            .output();
        let output = output.expect("secretfs");
        assert_eq!(output.status.code(), Some(6), "{}", told(&output));
        assert!(
            told(&output).contains("choose a mountpoint that can be written to"),
            "{}",
            told(&output)
        );
        lane.fixture.wait_for_no_process();

        let elsewhere = lane.fixture.path("run/secrets");
        let on = |command: &str| {
            let output = lane
                .secretfs([command.as_ref(), elsewhere.as_os_str()])
                .output();
            let output = output.expect("secretfs");
            assert!(output.status.success(), "{command}: {}", told(&output));
        };
        on("mount");
        // Log and audit have no place either.
        for (at, file) in lane.servers.files.iter().enumerate() {
            let read = lane.reader().slurp(elsewhere.join(&file.name));
            let version = read.map(|bytes| lane.version(at, &bytes));
            assert_eq!(version, Ok(Ok(1)), "{}", file.name);
        }
        on("unmount");
        lane.fixture.wait_for_no_process();
    });
}

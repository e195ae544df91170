//! What must hold, one function each. Each runs in a process, a folder and an environment of its
//! own; afterwards no mount and no process may be left.

use crate::stand_in::notes;
use rustix::process::{Pid, Signal, kill_process};
use secretfs_fs::link::wire;
use secretfs_mount_helper::control::client::{self, Found};
use secretfs_mount_helper::control::{MountState, Request, Response};
use secretfs_mount_helper::launch::{self, LaunchError, LaunchRequest, Launched, Passed};
use secretfs_mount_helper::mount::recover;
use secretfs_mount_helper::role;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The map of every scenario.
pub(crate) const MAP: &str = "\
providers: {vault: {type: local, file: vault.age}}
secrets:
- {name: A, file: a}
- {name: B, file: sub/b}
";

type Scenario = (&'static str, fn(&Path));

pub(crate) const ALL: &[Scenario] = &[
    ("a_mount_is_found_asked_and_unmounted", found_and_unmounted),
    ("a_second_mount_names_the_first", second_mount),
    ("a_daemon_that_refuses_leaves_nothing", daemon_refuses),
    ("a_bad_map_is_status_3_and_nothing_is_mounted", bad_map),
    ("credentials_pass_unread", credentials_pass),
    (
        "a_saved_map_reaches_the_daemon_and_a_bad_one_does_not",
        reload,
    ),
    ("a_lock_ends_everything_but_the_record", lock),
    ("a_seal_keeps_the_mount", seal),
    ("a_hung_daemon_is_unmounted_within_seconds", hung_daemon),
    ("a_hung_helper_is_ended_by_unmount", hung_helper),
    ("whichever_process_is_killed_nothing_stays", killed),
    (
        "killed_at_any_moment_of_the_start_nothing_stays",
        killed_at_start,
    ),
    (
        "a_command_that_is_killed_leaves_a_mount_or_none",
        command_killed,
    ),
    ("all_killed_at_once_the_next_mount_recovers", all_killed),
    ("sigterm_unmounts", sigterm),
    ("a_mount_over_ours_is_left_alone", covered),
];

/// A command that mounts, to be killed.
pub(crate) const COMMAND: Scenario = ("command", |folder| {
    let _ = start(folder, "plain");
});

fn request(folder: &Path, name: &str) -> LaunchRequest {
    let defaults = secretfs_fs::map::Defaults::default();
    LaunchRequest::new(folder.join(name), folder.join("secrets.yml"), defaults)
}

fn start(folder: &Path, name: &str) -> Result<Launched, LaunchError> {
    launch::start(&request(folder, name), Passed::default()).map(|(launched, _)| launched)
}

fn mounted(folder: &Path, name: &str) -> Found {
    start(folder, name).unwrap();
    client::expect(&folder.join(name)).unwrap()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_mounted(path: &Path) -> bool {
    recover::find(path).unwrap().is_some()
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

fn helper(found: &Found) -> u32 {
    found.record.helper.unwrap().pid
}

/// The other process that the helper started.
fn sentinel(found: &Found) -> u32 {
    let daemon = found.record.daemon.unwrap().pid;
    let mut sentinel = 0;
    until("a sentinel", || {
        let path = format!("/proc/{0}/task/{0}/children", helper(found));
        let children = std::fs::read_to_string(path).unwrap();
        let mut children = children.split_whitespace().flat_map(str::parse);
        sentinel = children.find(|pid| *pid != daemon).unwrap_or(0);
        sentinel != 0
    });
    sentinel
}

fn found_and_unmounted(folder: &Path) {
    let place = folder.join("plain");
    let found = mounted(folder, "plain");
    assert!(is_mounted(&place));
    let status = client::status(&found);
    assert_eq!(status.state, MountState::Serving);
    assert_eq!(status.entries, ["a", "sub/b"]);
    assert_eq!(status.providers, [("vault".into(), "local".into())]);
    assert!(status.daemon.is_some());
    let paths = vec!["sub/b".to_owned()];
    let refreshed = client::request(&found, &Request::Refresh { paths }, vec![]).unwrap();
    assert_eq!(refreshed, Response::Done { count: 1 });
    let paths = vec!["su".to_owned()];
    assert!(client::request(&found, &Request::Refresh { paths }, vec![]).is_err());
    // The stand-in asked for a vault that does not exist.
    until("an answer", || notes(&place).contains("answer 7 Err(2) 0"));
    client::unmount(&place).unwrap();
    assert!(!is_mounted(&place) && client::all().is_empty());
    assert_eq!(client::unmount(&place).unwrap_err().status, 6);
    let left: Vec<_> = std::fs::read_dir(folder.join("run/secretfs"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

fn second_mount(folder: &Path) {
    let found = mounted(folder, "plain");
    let error = start(folder, "plain").unwrap_err();
    assert_eq!(error.status, 6);
    assert!(
        error.message.contains(&helper(&found).to_string()),
        "{error}"
    );
    assert!(
        client::find(&folder.join("plain"))
            .unwrap()
            .unwrap()
            .is_running()
    );
    client::unmount(&folder.join("plain")).unwrap();
}

fn daemon_refuses(folder: &Path) {
    for (name, status, word) in [
        ("refuses", 6, "too little memory"),
        ("dies", 1, "ended unexpectedly"),
        ("dies-mounted", 1, "ended unexpectedly"),
    ] {
        let error = start(folder, name).unwrap_err();
        assert_eq!(error.status, status);
        assert!(error.message.contains(word), "{error}");
        assert!(!folder.join(name).exists(), "the mountpoint was made by us");
    }
    assert!(client::all().is_empty());
}

fn bad_map(folder: &Path) {
    std::fs::write(folder.join("secrets.yml"), "secrets: [").unwrap();
    assert_eq!(start(folder, "plain").unwrap_err().status, 3);
    assert!(!folder.join("plain").exists());
}

fn credentials_pass(folder: &Path) {
    let seen = |end: OwnedFd| {
        let mut text = [0; 4];
        std::fs::File::from(end).read_exact(&mut text).unwrap();
        assert_eq!(&text, b"seen");
    };
    let (ours, theirs) = wire::pair().unwrap();
    let passed = Passed {
        credentials: Some(theirs),
        ..Passed::default()
    };
    launch::start(&request(folder, "plain"), passed).unwrap();
    seen(ours);
    let found = client::expect(&folder.join("plain")).unwrap();
    let (ours, theirs) = wire::pair().unwrap();
    client::request(&found, &Request::Credentials, vec![theirs]).unwrap();
    seen(ours);
    client::unmount(&folder.join("plain")).unwrap();
}

fn reload(folder: &Path) {
    let place = folder.join("plain");
    let found = mounted(folder, "plain");
    let map = folder.join("secrets.yml");
    let new = folder.join("new.yml");
    std::fs::write(&new, format!("{MAP}- {{name: C, file: c}}\n")).unwrap();
    let saved = Instant::now();
    std::fs::rename(&new, &map).unwrap();
    until("the new map", || notes(&place).contains("reload 2 3"));
    assert!(saved.elapsed() < Duration::from_secs(1));
    std::fs::write(&map, "secrets: [").unwrap();
    until("the error", || client::status(&found).map_error.is_some());
    assert_eq!(client::status(&found).entries.len(), 3);
    assert_eq!(
        client::request(&found, &Request::Reload, vec![])
            .unwrap_err()
            .status,
        3
    );
    std::fs::write(&map, MAP).unwrap();
    signal(helper(&found), Signal::HUP);
    until("the good map", || notes(&place).contains("reload 3 2"));
    assert_eq!(client::status(&found).map_error, None);
    client::unmount(&place).unwrap();
}

fn lock(folder: &Path) {
    let place = folder.join("plain");
    let found = mounted(folder, "plain");
    client::request(&found, &Request::Lock, vec![]).unwrap();
    assert!(!is_mounted(&place));
    let locked = client::expect(&place).unwrap();
    assert!(!locked.is_running());
    assert_eq!(client::status(&locked).state, MountState::Locked);
    // It cannot be mounted again with this map: it stays locked.
    std::fs::write(folder.join("secrets.yml"), "secrets: [").unwrap();
    assert!(launch::start(&locked.record.request, Passed::default()).is_err());
    assert_eq!(client::all().len(), 1);
    std::fs::write(folder.join("secrets.yml"), MAP).unwrap();
    launch::start(&locked.record.request, Passed::default()).unwrap();
    assert!(client::expect(&place).unwrap().is_running());
    client::unmount(&place).unwrap();
    assert!(client::all().is_empty());
}

fn seal(folder: &Path) {
    let place = folder.join("plain");
    let map = format!("config: {{on_lock: seal}}\n{MAP}");
    std::fs::write(folder.join("secrets.yml"), map).unwrap();
    let found = mounted(folder, "plain");
    client::request(&found, &Request::Lock, vec![]).unwrap();
    assert!(is_mounted(&place));
    assert_eq!(client::status(&found).state, MountState::Locked);
    let with_credentials = false;
    client::request(&found, &Request::Unlock { with_credentials }, vec![]).unwrap();
    until("unlock", || notes(&place).contains("unlock"));
    assert_eq!(client::status(&found).state, MountState::Serving);
    client::unmount(&place).unwrap();
}

fn hung_daemon(folder: &Path) {
    mounted(folder, "hangs");
    let asked = Instant::now();
    client::unmount(&folder.join("hangs")).unwrap();
    assert!(asked.elapsed() < Duration::from_secs(4));
    assert!(!is_mounted(&folder.join("hangs")));
}

fn hung_helper(folder: &Path) {
    let place = folder.join("plain");
    let found = mounted(folder, "plain");
    signal(helper(&found), Signal::STOP);
    assert!(client::request(&found, &Request::Status, vec![]).is_err());
    client::unmount(&place).unwrap();
    assert!(!is_mounted(&place) && client::all().is_empty());
}

fn killed(folder: &Path) {
    let place = folder.join("plain");
    let found = mounted(folder, "plain");
    signal(found.record.daemon.unwrap().pid, Signal::KILL);
    until("nothing after the daemon", || {
        client::all().is_empty() && !is_mounted(&place)
    });

    let found = mounted(folder, "plain");
    signal(helper(&found), Signal::KILL);
    until("nothing after the helper", || {
        client::all().is_empty() && !is_mounted(&place)
    });

    // A sentinel that was killed is replaced by one that knows what it knew.
    let found = mounted(folder, "plain");
    let first = sentinel(&found);
    signal(first, Signal::KILL);
    until("another sentinel", || sentinel(&found) != first);
    client::request(&found, &Request::Ping, vec![]).unwrap();
    signal(helper(&found), Signal::KILL);
    until("nothing after both", || {
        client::all().is_empty() && !is_mounted(&place)
    });
}

/// Kills the helper after each of many delays, from before it has begun until after it serves.
fn killed_at_start(folder: &Path) {
    let place = folder.join("plain");
    for step in 0..40u64 {
        let starting = {
            let folder = folder.to_owned();
            std::thread::spawn(move || start(&folder, "plain"))
        };
        std::thread::sleep(Duration::from_millis(2 * step));
        for pid in helpers() {
            // It may have ended in this moment.
            let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
        }
        if starting.join().unwrap().is_ok() && client::find(&place).unwrap().is_some() {
            // It had not begun, or it served already and its sentinel is at work.
            let _ = client::unmount(&place);
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let left = (is_mounted(&place), client::all(), helpers());
            if !left.0 && left.1.is_empty() && left.2.is_empty() {
                break;
            }
            assert!(Instant::now() < deadline, "after {step}: {left:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A command that is killed, at each of many moments, leaves a mount that serves, or nothing.
fn command_killed(folder: &Path) {
    let place = folder.join("plain");
    for step in 0..40u64 {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        let mut command = command.args(["scenario", COMMAND.0]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(2 * step));
        command.kill().unwrap();
        command.wait().unwrap();
        until("one or the other", || {
            let found = client::all();
            let serves = |found: &Found| client::status(found).state == MountState::Serving;
            if helpers().is_empty() {
                assert!(
                    !is_mounted(&place),
                    "step {step} {found:?} {}",
                    notes(&place)
                );
                found.is_empty()
            } else {
                found.first().is_some_and(serves)
            }
        });
        if is_mounted(&place) {
            client::unmount(&place).unwrap();
        }
        until("the end", || helpers().is_empty());
    }
}

/// Helpers of this run. The executable of a process that is not dumpable is hidden from its own
/// user: then it is one of this user, and `main` has seen to it that no other test runs as that one.
fn helpers() -> Vec<i32> {
    let ours = std::env::current_exe().unwrap();
    let user = format!("Uid:\t{}\t", rustix::process::getuid().as_raw());
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let read =
                |file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            let is_helper = read("cmdline")
                .windows(role::HELPER.len())
                .any(|part| part == role::HELPER.as_bytes());
            let is_ours = || match std::fs::read_link(format!("/proc/{pid}/exe")) {
                Ok(executable) => executable == ours,
                Err(_) => String::from_utf8_lossy(&read("status")).contains(&user),
            };
            is_helper && is_ours()
        })
        .collect()
}

fn all_killed(folder: &Path) {
    let place = folder.join("plain");
    for by_unmount in [false, true] {
        let found = mounted(folder, "plain");
        let all = [
            sentinel(&found),
            helper(&found),
            found.record.daemon.unwrap().pid,
        ];
        // Stopped first: none shall see another's end.
        for pid in all {
            signal(pid, Signal::STOP);
        }
        for pid in all {
            signal(pid, Signal::KILL);
        }
        assert!(is_mounted(&place));
        if by_unmount {
            client::unmount(&place).unwrap();
        } else {
            until("their end", || client::all().is_empty());
            mounted(folder, "plain");
            client::unmount(&place).unwrap();
        }
        assert!(!is_mounted(&place));
    }
}

fn sigterm(folder: &Path) {
    let place = folder.join("plain");
    let found = mounted(folder, "plain");
    // What a service manager does: all of them at once.
    for pid in [sentinel(&found), helper(&found)] {
        signal(pid, Signal::TERM);
    }
    until("nothing", || {
        client::all().is_empty() && !is_mounted(&place)
    });
}

fn covered(folder: &Path) {
    let place: PathBuf = folder.join("plain");
    let found = mounted(folder, "plain");
    let ours = recover::find(&place).unwrap().unwrap();
    // Only root can put another mount on top.
    if rustix::process::getuid().is_root() {
        rustix::mount::mount(
            "none",
            &place,
            "tmpfs",
            rustix::mount::MountFlags::empty(),
            None,
        )
        .unwrap();
        signal(found.record.daemon.unwrap().pid, Signal::KILL);
        until("the end", || client::all().is_empty());
        let mounts = secretfs_mount_helper::mount::mountinfo::read().unwrap();
        let top = secretfs_mount_helper::mount::mountinfo::top_at(&mounts, &place).unwrap();
        assert_eq!(top.fs_type, "tmpfs");
        rustix::mount::unmount(&place, rustix::mount::UnmountFlags::DETACH).unwrap();
        recover::remove(&ours).unwrap();
    } else {
        client::unmount(&place).unwrap();
    }
}

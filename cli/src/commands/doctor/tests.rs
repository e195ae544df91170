//! Each verdict, from made-up machines.

use super::credentials::{Signed, Source, Without};
use super::facts::{Facts, Installer, Program};
use super::rows::{Row, State, all};
use super::session::Armed;
use super::{machine, print};
use crate::keyring::{DesktopState, Kind, Place, Trouble};
use crate::screen::Look;
use std::io;

/// A desktop where nothing is amiss.
fn good() -> Facts {
    Facts {
        fuse: Ok(()),
        mounts_itself: false,
        fusermount3: Some(program()),
        mtab: true,
        no_new_privs: false,
        apparmor: false,
        memlock: 8 << 20,
        memfd_secret: true,
        landlock: Ok(7),
        seccomp: true,
        swap: Vec::new(),
        core_pattern: "core".into(),
        no_cores: true,
        session_bus: true,
        logind: true,
        lockers: Vec::new(),
        mounts: vec![armed(&ALL)],
        op: Some("/usr/bin/op".into()),
        infisical: Some("/usr/local/bin/infisical".into()),
        desktop_keyring: DesktopState::Open,
        kernel_keyring: true,
        providers: Vec::new(),
        installer: Some(Installer::Apt),
    }
}

/// Everything that a mount ought to be locked by.
const ALL: [&str; 5] = ["lock", "logout", "sleep", "shutdown", "screensaver"];

fn armed(triggers: &[&str]) -> Armed {
    Armed {
        place: "~/secrets".into(),
        triggers: triggers.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn program() -> Program {
    Program {
        path: "/usr/bin/fusermount3".into(),
        setuid_root: true,
        may_run: true,
    }
}

/// The row of a name.
fn row(facts: &Facts, name: &str) -> Row {
    let rows = all(facts);
    let found = rows.iter().find(|row| row.name == name);
    found.unwrap_or_else(|| panic!("no row {name}")).clone()
}

/// The row of a name is like this, and its help names that.
fn is(facts: &Facts, name: &str, state: State, message: &str, help: &str) {
    let row = row(facts, name);
    assert_eq!(row.state, state, "{row:?}");
    assert!(row.message.contains(message), "{row:?}");
    let told = row.help.as_deref().unwrap_or_default();
    assert!(
        told.contains(help) && told.is_empty() == help.is_empty(),
        "{row:?}"
    );
}

fn errno(errno: rustix::io::Errno) -> io::Error {
    errno.into()
}

#[test]
fn where_all_is_well_every_row_is_ok_and_offers_no_help() {
    for row in all(&good()) {
        assert_eq!(
            (row.state, row.help.as_deref()),
            (State::Ok, None),
            "{row:?}"
        );
    }
}

#[test]
fn dev_fuse_is_needed_and_each_refusal_has_its_remedy() {
    use rustix::io::Errno;
    for (refusal, message, help) in [
        (Errno::NOENT, "does not exist", "`sudo modprobe fuse`"),
        (Errno::NODEV, "not loaded", "`sudo modprobe fuse`"),
        (Errno::NXIO, "not loaded", "`sudo modprobe fuse`"),
        (Errno::ACCESS, "by this user", "`sudo chmod 666 /dev/fuse`"),
        (Errno::PERM, "in this container", "`--device /dev/fuse`"),
        (Errno::IO, "cannot be opened", "`ls -l /dev/fuse`"),
    ] {
        let facts = Facts {
            fuse: Err(errno(refusal)),
            ..good()
        };
        is(&facts, "/dev/fuse", State::Failed, message, help);
    }
}

#[test]
fn fusermount3_is_needed_with_its_set_user_id_bit_and_where_that_has_an_effect() {
    let with = |fusermount3| Facts {
        fusermount3,
        ..good()
    };
    let name = "fusermount3";
    let missing = with(None);
    is(
        &missing,
        name,
        State::Failed,
        "not installed",
        "`sudo apt-get install fuse3`",
    );
    let plain = with(Some(Program {
        setuid_root: false,
        ..program()
    }));
    is(
        &plain,
        name,
        State::Failed,
        "not set-user-id root",
        "`sudo chown root /usr/bin/fusermount3 && sudo chmod u+s",
    );
    let closed = with(Some(Program {
        may_run: false,
        ..program()
    }));
    is(&closed, name, State::Failed, "by this user", "group");
    let bare = Facts {
        mtab: false,
        ..good()
    };
    is(
        &bare,
        name,
        State::Failed,
        "cannot unmount here",
        "`sudo ln -s /proc/self/mounts /etc/mtab`",
    );
    let sandboxed = Facts {
        no_new_privs: true,
        ..good()
    };
    is(
        &sandboxed,
        name,
        State::Failed,
        "no_new_privs",
        "`NoNewPrivileges=no`",
    );
    let confined = Facts {
        apparmor: true,
        ..good()
    };
    is(&confined, name, State::Note, "AppArmor", "home folder");
    // Root needs none of it.
    let root = Facts {
        mounts_itself: true,
        no_new_privs: true,
        ..with(None)
    };
    is(&root, name, State::Ok, "not needed", "");
}

#[test]
fn packages_are_installed_with_what_the_system_has() {
    for (installer, command) in [
        (Some(Installer::Apt), "`sudo apt-get install fuse3`"),
        (Some(Installer::Dnf), "`sudo dnf install fuse3`"),
        (Some(Installer::Pacman), "`sudo pacman -S fuse3`"),
        (Some(Installer::Zypper), "`sudo zypper install fuse3`"),
        (Some(Installer::Apk), "`sudo apk add fuse3`"),
        (None, "install the package fuse3"),
    ] {
        let facts = Facts {
            fusermount3: None,
            installer,
            ..good()
        };
        is(&facts, "fusermount3", State::Failed, "", command);
    }
}

#[test]
fn the_memory_lock_limit_is_told_with_what_is_needed_and_how_to_raise_it() {
    let with = |memlock| Facts { memlock, ..good() };
    let name = "memory lock";
    is(
        &with(8 << 20),
        name,
        State::Ok,
        "limit 8 MiB; 4 MiB are needed",
        "",
    );
    is(&with(4 << 20), name, State::Ok, "limit 4 MiB", "");
    is(&with(u64::MAX), name, State::Ok, "unlimited", "");
    is(
        &with(64 << 10),
        name,
        State::Failed,
        "limit 64 KiB; 4 MiB are needed",
        "LimitMEMLOCK=8192K",
    );
    is(
        &with(0),
        name,
        State::Failed,
        "4 MiB are needed",
        "limits.d",
    );
}

#[test]
fn a_kernel_that_protects_less_is_no_obstacle_and_is_told() {
    use rustix::io::Errno;
    let secret = Facts {
        memfd_secret: false,
        ..good()
    };
    is(
        &secret,
        "memfd_secret",
        State::Missing,
        "root can read",
        "secretmem.enable=1",
    );
    let filters = Facts {
        seccomp: false,
        ..good()
    };
    is(
        &filters,
        "seccomp",
        State::Missing,
        "no filters",
        "CONFIG_SECCOMP_FILTER",
    );
    let with = |landlock| Facts { landlock, ..good() };
    let name = "landlock";
    is(
        &with(Err(errno(Errno::NOSYS))),
        name,
        State::Missing,
        "has none",
        "5.13",
    );
    is(
        &with(Err(errno(Errno::OPNOTSUPP))),
        name,
        State::Missing,
        "switched off",
        "`lsm=`",
    );
    is(&with(Ok(3)), name, State::Note, "files alone", "6.7");
    is(
        &with(Ok(5)),
        name,
        State::Note,
        "files and TCP ports",
        "6.12",
    );
    is(&with(Ok(6)), name, State::Ok, "TCP ports and signals", "");
}

#[test]
fn swap_is_named_and_what_lies_in_memory_is_told_from_a_disk() {
    let with = |places: &[&str]| Facts {
        swap: places.iter().copied().map(str::to_owned).collect(),
        ..good()
    };
    is(
        &with(&["/dev/zram0"]),
        "swap",
        State::Ok,
        "in memory alone",
        "",
    );
    let disk = with(&["/dev/zram0", "/swapfile"]);
    is(
        &disk,
        "swap",
        State::Note,
        "/swapfile; whether it is encrypted",
        "`sudo swapoff -a`",
    );
    let table =
        "Filename\t\tType\t\tSize\n/dev/sda2  partition 1 0 -2\n/swap\\040file file 1 0 -3\n";
    assert_eq!(machine::swaps(table), ["/dev/sda2", "/swap\\040file"]);
    assert!(machine::swaps("Filename\t\tType\n").is_empty() && machine::swaps("").is_empty());
}

#[test]
fn core_dumps_of_readers_are_told_and_a_pipe_ignores_the_limit() {
    let with = |core_pattern: &str, no_cores| Facts {
        core_pattern: core_pattern.into(),
        no_cores,
        ..good()
    };
    let name = "core dumps";
    is(&with("core", true), name, State::Ok, "off", "");
    is(&with("", false), name, State::Ok, "off", "");
    is(
        &with("/var/core.%p", false),
        name,
        State::Note,
        "written as /var/core.%p",
        "`ulimit -c 0`",
    );
    let piped = "|/usr/lib/systemd/systemd-coredump %P %u";
    is(
        &with(piped, true),
        name,
        State::Note,
        "to the program /usr/lib/systemd/systemd-coredump;",
        "`sudo sysctl kernel.core_pattern=core`",
    );
}

#[test]
fn what_only_some_need_is_missing_and_no_obstacle() {
    let bare = Facts {
        session_bus: false,
        logind: false,
        op: None,
        infisical: None,
        ..good()
    };
    is(
        &bare,
        "session bus",
        State::Missing,
        "not found",
        "`dbus-run-session`",
    );
    is(
        &bare,
        "logind",
        State::Missing,
        "not found",
        "`sudo apt-get install elogind`",
    );
    is(&bare, "op", State::Missing, "not on PATH", "`backend: op`");
    is(
        &bare,
        "infisical",
        State::Missing,
        "not on PATH",
        "`auth: cli`",
    );
}

/// A server where a mount fails, with something of every kind.
fn server() -> Vec<Row> {
    let facts = Facts {
        fusermount3: None,
        memlock: 64 << 10,
        landlock: Ok(3),
        op: None,
        ..good()
    };
    // The help of the limit names the user of the test.
    let mut rows = all(&facts);
    for row in &mut rows {
        if row.name == "memory lock" {
            row.help = Some("raise it:\n  - there".into());
        }
    }
    rows
}

#[test]
fn a_locker_that_tells_nobody_comes_with_the_line_that_does() {
    for (program, line) in [
        ("swaylock", "exec 'secretfs lock --all; swaylock'"),
        (
            "i3lock",
            "exec --no-startup-id 'secretfs lock --all; i3lock'",
        ),
        ("hyprlock", "exec, secretfs lock --all; hyprlock"),
        ("slock", "sh -c 'secretfs lock --all; slock'"),
    ] {
        let facts = Facts {
            lockers: vec![program],
            ..good()
        };
        is(&facts, "locker", State::Note, program, line);
    }
}

#[test]
fn what_is_not_armed_of_a_running_mount_is_named_with_what_it_takes() {
    let with = |mounts| Facts { mounts, ..good() };
    let bare = with(vec![
        armed(&ALL),
        armed(&["command", "sleep-unheld", "lock"]),
    ]);
    let message = "not armed at ~/secrets: logout, sleep, shutdown, screensaver";
    is(&bare, "triggers", State::Note, message, "polkit");
    let help = row(&bare, "triggers").help.unwrap_or_default();
    assert_eq!(help.lines().count(), 4, "{help}");
    is(
        &with(Vec::new()),
        "triggers",
        State::Ok,
        "nothing is mounted",
        "",
    );
}

#[test]
fn the_table_shows_each_with_its_help_and_ends_with_the_verdict() {
    assert_eq!(
        print::table(&server(), Look::PLAIN),
        "\
/dev/fuse     ok       can be opened
fusermount3   failed   is not installed
                       help: `sudo apt-get install fuse3`
memory lock   failed   limit 64 KiB; 4 MiB are needed
                       help: raise it:
                               - there
memfd_secret  ok       values rest where not even root can read them
landlock      note     version 3: confines the daemon's files alone
                       help: Linux 6.7 or later confines its TCP ports, too
seccomp       ok       keeps the daemon from starting, tracing and mounting
swap          ok       none
core dumps    ok       off; the daemon never makes any
session bus   ok       found: a screen saver on it locks
logind        ok       found: the session's lock, logout and sleep lock
locker        ok       none is installed that locks in silence
triggers      ok       all are armed
op            missing  not on PATH
                       help: only for providers with `backend: op`: https://developer.1password.com/docs/cli
infisical     ok       /usr/local/bin/infisical
keyring       ok       the desktop's is open: `secretfs login` stores there

secretfs cannot mount here: fusermount3, memory lock
"
    );
    assert!(print::table(&all(&good()), Look::PLAIN).ends_with("\nsecretfs can mount here\n"));
}

#[test]
fn the_json_has_a_record_for_each_and_says_whether_a_mount_would_work() {
    let text = print::json(&server()).expect("json");
    let report: serde_json::Value = serde_json::from_str(&text).expect("json");
    assert_eq!(
        (&report["version"], &report["ok"]),
        (&1.into(), &false.into())
    );
    assert_eq!(
        report["checks"][1],
        serde_json::json!({
            "name": "fusermount3", "state": "failed", "message": "is not installed",
            "help": "`sudo apt-get install fuse3`"
        })
    );
    assert_eq!(report["checks"][0]["help"], serde_json::Value::Null);
    let text = print::json(&all(&good())).expect("json");
    assert!(text.starts_with("{\"version\":1,\"ok\":true,"), "{text}");
}

#[test]
fn no_control_character_of_the_machine_reaches_the_terminal() {
    let facts = Facts {
        swap: vec!["/swap\u{1b}[31m".into()],
        ..good()
    };
    assert!(!print::table(&all(&facts), Look::PLAIN).contains('\u{1b}'));
}

#[test]
fn where_there_is_no_desktop_keyring_the_kernel_s_is_what_login_uses() {
    let with = |desktop_keyring, kernel_keyring| Facts {
        desktop_keyring,
        kernel_keyring,
        ..good()
    };
    let name = "keyring";
    let locked = with(DesktopState::Locked, true);
    is(
        &locked,
        name,
        State::Note,
        "is locked",
        "on a terminal asks",
    );
    let absent = DesktopState::Not(Trouble::Absent);
    is(
        &with(absent, true),
        name,
        State::Note,
        "which a reboot empties",
        "`sudo apt-get install gnome-keyring`",
    );
    let none = with(absent, false);
    is(
        &none,
        name,
        State::Missing,
        "neither",
        "$CREDENTIALS_DIRECTORY",
    );
    let silent = with(DesktopState::Not(Trouble::Silent), true);
    is(&silent, name, State::Note, "does not answer", "busctl");
}

#[test]
fn a_provider_says_where_its_credential_is_and_never_what() {
    let with = |from: Option<Source>, elsewhere: Option<String>| Facts {
        providers: vec![Signed {
            provider: "work".to_owned(),
            from,
            without: Without::Nothing,
            elsewhere,
        }],
        ..good()
    };
    let row = |facts: &Facts| {
        let rows = super::rows::all(facts);
        rows.into_iter()
            .find(|row| row.name == "login work")
            .expect("a row")
    };
    let stored = row(&with(
        Some(Source::Stored(Kind::Token, Place::Kernel)),
        None,
    ));
    assert_eq!(stored.state, State::Ok);
    assert_eq!(
        stored.message,
        "token in the kernel keyring, until the next reboot"
    );
    let given = row(&with(Some(Source::Given("the environment")), None));
    assert_eq!(given.message, "a credential in the environment");
    let none = row(&with(None, None));
    assert_eq!(none.state, State::Missing);
    assert_eq!(none.help.as_deref(), Some("`secretfs login work`"));
    let machine = row(&with(None, Some("auth: kubernetes".to_owned())));
    assert_eq!(machine.state, State::Ok);
    assert_eq!(machine.message, "signs in with `auth: kubernetes`");
}

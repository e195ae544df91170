//! The verdicts, one for each thing that a mount needs or that protects it.

use super::facts::{Facts, Program};
use super::{credentials, session};
use crate::output::show;
use rustix::io::Errno;
use secretfs_memory::limit::{self, LimitError};
use serde::Serialize;
use std::borrow::Cow;

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// As it should be.
    Ok,
    /// Nothing of ours is wrong, but the user should know.
    Note,
    /// Not there, and a mount works without.
    Missing,
    /// No mount works.
    Failed,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    /// A stable name.
    pub(super) name: Cow<'static, str>,
    /// How it is.
    pub(super) state: State,
    /// What was found.
    pub(super) message: String,
    /// What mends it: a command where there is one. Lines.
    pub(super) help: Option<String>,
}

impl Row {
    pub(super) fn ok(name: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            state: State::Ok,
            message: message.into(),
            help: None,
        }
    }

    pub(super) fn not(
        name: impl Into<Cow<'static, str>>,
        state: State,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            state,
            message: message.into(),
            help: Some(help.into()),
        }
    }
}

/// All of them, what a mount needs first.
pub(super) fn all(facts: &Facts) -> Vec<Row> {
    let mut rows = vec![
        fuse(facts),
        fusermount3(facts),
        memory_lock(facts),
        memfd_secret(facts),
        landlock(facts),
        seccomp(facts),
        swap(facts),
        core_dumps(facts),
    ];
    rows.extend(session::rows(facts));
    rows.extend([op(facts), infisical(facts), credentials::keyring(facts)]);
    rows.extend(credentials::providers(facts));
    rows
}

/// How to install a package.
pub(super) fn install(facts: &Facts, package: &str) -> String {
    facts.installer.map_or_else(
        || format!("install the package {package}"),
        |installer| format!("`{} {package}`", installer.command()),
    )
}

fn fuse(facts: &Facts) -> Row {
    const NAME: &str = "/dev/fuse";
    let error = match &facts.fuse {
        Ok(()) => return Row::ok(NAME, "can be opened"),
        Err(error) => error,
    };
    let (message, help) = match Errno::from_io_error(error) {
        Some(Errno::NOENT) => (
            "does not exist".to_owned(),
            "`sudo modprobe fuse`; in a container: `--device /dev/fuse`",
        ),
        Some(Errno::NODEV | Errno::NXIO) => (
            "the kernel's module is not loaded".to_owned(),
            "`sudo modprobe fuse`",
        ),
        Some(Errno::ACCESS) => (
            "may not be opened by this user".to_owned(),
            "`sudo chmod 666 /dev/fuse`, which is the mode that udev gives it",
        ),
        Some(Errno::PERM) => (
            "may not be used in this container".to_owned(),
            "give the container the device: `--device /dev/fuse`",
        ),
        _ => (
            format!("cannot be opened: {error}"),
            "see whether `ls -l /dev/fuse` answers",
        ),
    };
    Row::not(NAME, State::Failed, message, help)
}

fn fusermount3(facts: &Facts) -> Row {
    const NAME: &str = "fusermount3";
    if facts.mounts_itself {
        return Row::ok(NAME, "not needed: this user may mount");
    }
    let failed = |message: String, help: String| Row::not(NAME, State::Failed, message, help);
    let Some(Program {
        path,
        setuid_root,
        may_run,
    }) = &facts.fusermount3
    else {
        return failed("is not installed".to_owned(), install(facts, "fuse3"));
    };
    let shown = show(path);
    if !may_run {
        return failed(
            format!("{shown} may not be started by this user"),
            format!("add yourself to the group that `ls -l {shown}` shows, and log in again"),
        );
    }
    if !setuid_root {
        return failed(
            format!("{shown} is not set-user-id root"),
            format!("`sudo chown root {shown} && sudo chmod u+s {shown}`"),
        );
    }
    if !facts.mtab {
        return failed(
            format!("{shown} cannot unmount here: there is no /etc/mtab"),
            "`sudo ln -s /proc/self/mounts /etc/mtab`".to_owned(),
        );
    }
    if facts.no_new_privs {
        return failed(
            "gains nothing from its set-user-id bit here (no_new_privs)".to_owned(),
            "mount outside of this sandbox; in a systemd unit: `NoNewPrivileges=no`, and no \
             setting that implies it"
                .to_owned(),
        );
    }
    if facts.apparmor {
        return Row::not(
            NAME,
            State::Note,
            format!("{shown}, confined by AppArmor"),
            "mount below your home folder, /tmp, /mnt, /media or /run/user/UID; elsewhere it is \
             \"Operation not permitted\"",
        );
    }
    Row::ok(NAME, format!("{shown}, set-user-id root"))
}

fn memory_lock(facts: &Facts) -> Row {
    const NAME: &str = "memory lock";
    let (has, needed) = (facts.memlock, limit::DAEMON_MIN);
    if has >= needed {
        let needed = limit::size(needed);
        let has = limit::size(has);
        return Row::ok(NAME, format!("limit {has}; {needed} are needed"));
    }
    let error = LimitError::TooLow { limit: has, needed };
    let message = format!(
        "limit {}; {} are needed",
        limit::size(has),
        limit::size(needed)
    );
    Row::not(NAME, State::Failed, message, error.help())
}

fn memfd_secret(facts: &Facts) -> Row {
    const NAME: &str = "memfd_secret";
    if facts.memfd_secret {
        return Row::ok(NAME, "values rest where not even root can read them");
    }
    Row::not(
        NAME,
        State::Missing,
        "values rest in locked memory, which root can read",
        "Linux 5.14 or later; before 6.5 with `secretmem.enable=1` on the kernel's command line",
    )
}

fn landlock(facts: &Facts) -> Row {
    const NAME: &str = "landlock";
    let version = match &facts.landlock {
        Ok(version) => *version,
        Err(error) if Errno::from_io_error(error) == Some(Errno::OPNOTSUPP) => {
            return Row::not(
                NAME,
                State::Missing,
                "is switched off at boot",
                "add `landlock` to `lsm=` on the kernel's command line",
            );
        }
        Err(_) => {
            return Row::not(
                NAME,
                State::Missing,
                "this kernel has none",
                "Linux 5.13 or later, built with CONFIG_SECURITY_LANDLOCK",
            );
        }
    };
    // What each version of it can (harden::landlock).
    match version {
        0..4 => Row::not(
            NAME,
            State::Note,
            format!("version {version}: confines the daemon's files alone"),
            "Linux 6.7 or later confines its TCP ports, too",
        ),
        4..6 => Row::not(
            NAME,
            State::Note,
            format!("version {version}: confines the daemon's files and TCP ports"),
            "Linux 6.12 or later confines its signals and abstract sockets, too",
        ),
        _ => Row::ok(
            NAME,
            format!("version {version}: confines the daemon's files, TCP ports and signals"),
        ),
    }
}

fn seccomp(facts: &Facts) -> Row {
    const NAME: &str = "seccomp";
    if facts.seccomp {
        return Row::ok(NAME, "keeps the daemon from starting, tracing and mounting");
    }
    Row::not(
        NAME,
        State::Missing,
        "this kernel has no filters",
        "a kernel built with CONFIG_SECCOMP_FILTER",
    )
}

fn swap(facts: &Facts) -> Row {
    const NAME: &str = "swap";
    if facts.swap.is_empty() {
        return Row::ok(NAME, "none");
    }
    let places = facts.swap.join(", ");
    if facts
        .swap
        .iter()
        .all(|place| place.starts_with("/dev/zram"))
    {
        return Row::ok(NAME, format!("in memory alone: {places}"));
    }
    Row::not(
        NAME,
        State::Note,
        format!("{places}; whether it is encrypted cannot be told"),
        "secretfs keeps its own memory out of it, but not that of the programs that read the \
         files: encrypt it, or `sudo swapoff -a`",
    )
}

fn core_dumps(facts: &Facts) -> Row {
    const NAME: &str = "core dumps";
    // A program behind a pipe gets them whatever the limit says.
    let piped = facts.core_pattern.starts_with('|');
    if facts.core_pattern.is_empty() || (facts.no_cores && !piped) {
        return Row::ok(NAME, "off; the daemon never makes any");
    }
    let pattern = facts.core_pattern.split_whitespace().next().unwrap_or("");
    let place = if piped {
        format!("go to the program {}", pattern.trim_start_matches('|'))
    } else {
        format!("are written as {pattern}")
    };
    Row::not(
        NAME,
        State::Note,
        format!("{place}; the daemon makes none"),
        if piped {
            "a program that reads the files and crashes leaves them there: \
             `sudo sysctl kernel.core_pattern=core`, and `ulimit -c 0`"
        } else {
            "a program that reads the files and crashes leaves them there: `ulimit -c 0`"
        },
    )
}

fn op(facts: &Facts) -> Row {
    const NAME: &str = "op";
    if let Some(path) = &facts.op {
        return Row::ok(NAME, show(path));
    }
    Row::not(
        NAME,
        State::Missing,
        "not on PATH",
        "only for providers with `backend: op`: https://developer.1password.com/docs/cli",
    )
}

fn infisical(facts: &Facts) -> Row {
    const NAME: &str = "infisical";
    if let Some(path) = &facts.infisical {
        return Row::ok(NAME, show(path));
    }
    Row::not(
        NAME,
        State::Missing,
        "not on PATH",
        "only for providers with `auth: cli`: https://infisical.com/docs/cli",
    )
}

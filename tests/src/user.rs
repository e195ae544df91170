//! As whom mounts are made and files are read: never root, whom the kernel refuses.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// The default of Linux 5.16 and later, and what secretfs promises to fit in.
pub const MEMLOCK: u64 = 8 << 20;

/// An account that mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Its id.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// Whether the tests run as root and switch to another user.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Who mounts: the user who runs the tests, or a fresh unprivileged one where that is root.
#[must_use]
pub fn mounting() -> &'static User {
    static USER: OnceLock<User> = OnceLock::new();
    USER.get_or_init(|| {
        if is_root() {
            ensure("secretfs-test")
        } else {
            by_id(rustix::process::geteuid().as_raw())
        }
    })
}

/// Somebody else, who must not get in. Needs root, or sudo without a password.
#[must_use]
pub fn other() -> &'static User {
    static USER: OnceLock<User> = OnceLock::new();
    USER.get_or_init(|| ensure("secretfs-other"))
}

fn passwd(key: &str) -> Option<User> {
    let out = Command::new("getent")
        .args(["passwd", key])
        .output()
        .expect("getent");
    let line = String::from_utf8(out.stdout).expect("passwd is text");
    let mut fields = line.trim_end().split(':');
    Some(User {
        name: fields.next().filter(|name| !name.is_empty())?.to_owned(),
        uid: fields.nth(1)?.parse().ok()?,
        gid: fields.next()?.parse().ok()?,
    })
}

fn by_id(uid: u32) -> User {
    passwd(&uid.to_string()).expect("the user who runs the tests has an account")
}

fn ensure(name: &str) -> User {
    if let Some(user) = passwd(name) {
        return user;
    }
    // Two test processes may come here at once: the second useradd fails, and that is all right.
    let _ = privileged("useradd")
        .args(["--system", "--no-create-home", "--shell", "/bin/sh", name])
        .output();
    passwd(name).unwrap_or_else(|| {
        panic!(
            "cannot create the user {name}: run the tests as root, or with sudo without a password"
        )
    })
}

/// A command that runs as root: directly, or through sudo.
#[must_use]
pub fn privileged(program: &str) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", "--", program]);
    command
}

/// A command that runs as `user`, with `memlock` bytes of lockable memory, and with nothing of this
/// process's environment. Every step is an exec: the process id stays the one that was spawned.
pub fn command_as(user: &User, memlock: u64, program: impl AsRef<OsStr>) -> Command {
    let mut command = if is_root() || *user == *mounting() {
        Command::new("prlimit")
    } else {
        let mut command = Command::new("sudo");
        command.args(["-n", "--", "prlimit"]);
        command
    };
    command.arg(format!("--memlock={memlock}:{memlock}"));
    // The soft one alone: what a process of ours makes of the hard one is a test's to see.
    command.arg("--core=0:");
    if is_root() || *user != *mounting() {
        command.args([
            "setpriv",
            &format!("--reuid={}", user.uid),
            &format!("--regid={}", user.gid),
            "--clear-groups",
            "--inh-caps=-all",
            "--",
        ]);
    }
    command.arg(program);
    command.env_clear();
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
    command.env("LANG", "C.UTF-8");
    command.env("USER", &user.name);
    command.env("NO_COLOR", "1");
    command.current_dir("/");
    command
}

/// Makes a command, with nothing but its own environment, what another one starts: `sudo`, `unshare`.
pub fn start_by(outer: &mut Command, inner: &Command) {
    outer.args(["env", "-i"]);
    for (name, value) in inner.get_envs() {
        let mut pair = name.to_owned();
        pair.push("=");
        pair.push(value.unwrap_or_default());
        outer.arg(pair);
    }
    outer.arg(inner.get_program()).args(inner.get_args());
}

/// Gives `path` to `user`.
pub fn give(path: &Path, user: &User) {
    if is_root() {
        std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid)).expect("chown");
    }
}

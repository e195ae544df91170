//! A real elogind on a bus of its own, with real sessions of the mounting user.
//!
//! It is installed, or its package was unpacked below the target folder: Debian's conflicts with systemd,
//! so tests/run.sh does not install it. It runs as root in a mount namespace with an empty `/run`; its
//! control group hierarchy is the kernel's own, so one runs at a time.

use super::bus::Bus;
use super::peer::Peer;
use crate::place;
use crate::user::{self, privileged};
use crate::wait;
use rustix::fs::FlockOperation;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use zbus::{OwnedFd, OwnedObjectPath};

const NAME: &str = "org.freedesktop.login1";
const PATH: &str = "/org/freedesktop/login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const SESSION: &str = "org.freedesktop.login1.Session";

/// A running elogind. Ends when dropped.
#[derive(Debug)]
pub struct Elogind {
    peer: Peer,
    process: Child,
    bus: Bus,
    _alone: std::fs::File,
}

/// Where the package's files are: `/`, or below the target folder.
fn tree() -> PathBuf {
    if let Some(given) = std::env::var_os("SECRETFS_ELOGIND") {
        return given.into();
    }
    if Path::new("/lib/elogind/elogind").exists() {
        return "/".into();
    }
    let probe = place::built("probe");
    let target = probe.ancestors().nth(2).expect("the target folder");
    let tree = target.join("elogind");
    assert!(
        tree.join("lib/elogind/elogind").exists(),
        "{}: unpack the packages elogind and libelogind0 there, as tests/run.sh does",
        tree.display()
    );
    tree
}

impl Elogind {
    /// Starts it, with a bus in `folder`.
    ///
    /// # Panics
    /// It does not come up: this needs root, or sudo without a password.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        let lock = place::root().with_file_name("elogind.lock");
        let alone = std::fs::File::create(lock).expect("a lock file");
        rustix::fs::flock(&alone, FlockOperation::LockExclusive).expect("flock");
        let tree = tree();
        let policy = tree.join("usr/share/dbus-1/system.d/org.freedesktop.login1.conf");
        let bus = Bus::system(folder, &policy);
        let script = "mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/systemd && exec \"$0\"";
        let process = privileged("unshare")
            .args(["--mount", "--propagation", "private", "--", "env"])
            .arg(format!("DBUS_SYSTEM_BUS_ADDRESS={}", bus.address()))
            .arg(format!(
                "LD_LIBRARY_PATH={}",
                tree.join("lib/elogind").display()
            ))
            .args(["sh", "-c", script])
            .arg(tree.join("lib/elogind/elogind"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("elogind");
        let peer = Peer::connect(bus.address());
        let elogind = Self {
            peer,
            process,
            bus,
            _alone: alone,
        };
        wait::until("elogind answers", || elogind.ask("ListSessions", &()).ok());
        elogind
    }

    /// Its bus.
    #[must_use]
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Ends the bus, and elogind with it.
    pub fn kill_bus(&mut self) {
        self.bus.kill();
    }

    fn ask<B: serde::Serialize + zbus::DynamicType>(
        &self,
        method: &str,
        body: &B,
    ) -> zbus::Result<zbus::Message> {
        self.peer.call(NAME, PATH, MANAGER, method, body)
    }

    /// A session of the mounting user, of a class, whose leader runs the lines that the test gives it.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn session(&self, class: &str, leader: Command) -> Login<'_> {
        let mut leader = leader;
        let mut leader = leader.stdin(Stdio::piped()).spawn().expect("a shell");
        let input = leader.stdin.take();
        let uid = user::mounting().uid;
        let none: Vec<(&str, zbus::Variant<'_>)> = Vec::new();
        let body = (
            uid,
            leader.id(),
            "test",
            "wayland",
            class,
            "sway",
            "",
            0_u32,
            "",
            "",
            false,
            "",
            "",
            none,
        );
        let made = self.ask("CreateSession", &body).expect("a session");
        type Made = (
            String,
            OwnedObjectPath,
            String,
            OwnedFd,
            u32,
            String,
            u32,
            bool,
        );
        let made: Made = made.body().deserialize().expect("a session");
        Login {
            elogind: self,
            id: made.0,
            path: made.1.as_str().to_owned(),
            _fifo: made.3,
            leader,
            input,
        }
    }
}

impl Drop for Elogind {
    fn drop(&mut self) {
        let pid = self.process.id();
        // It was started through sudo, perhaps, and ends in order.
        let _ = privileged("kill")
            .args(["-TERM", &pid.to_string()])
            .status();
        let _ = self.process.wait();
    }
}

/// A session. Its leader is ended when it is dropped.
#[derive(Debug)]
pub struct Login<'a> {
    elogind: &'a Elogind,
    /// Its id.
    pub id: String,
    path: String,
    // elogind ends the session when this is closed.
    _fifo: OwnedFd,
    leader: Child,
    input: Option<std::process::ChildStdin>,
}

impl Login<'_> {
    fn call<B: serde::Serialize + zbus::DynamicType>(&self, method: &str, body: &B) {
        self.elogind
            .peer
            .call(NAME, &self.path, SESSION, method, body)
            .expect(method);
    }

    /// `loginctl lock-session`.
    pub fn lock(&self) {
        self.call("Lock", &());
    }

    /// `loginctl unlock-session`.
    pub fn unlock(&self) {
        self.call("Unlock", &());
    }

    /// What a screen locker says.
    pub fn hint(&self, locked: bool) {
        self.call("SetLockedHint", &locked);
    }

    /// `loginctl terminate-session`: everything in it is ended.
    pub fn terminate(&self) {
        self.call("Terminate", &());
    }

    /// Runs a line in the session's leader, a shell, and so in its control group.
    ///
    /// # Panics
    /// The leader is gone.
    pub fn run(&mut self, line: &str) {
        let input = self.input.as_mut().expect("a leader");
        writeln!(input, "{line}").expect("a leader");
    }
}

impl Drop for Login<'_> {
    fn drop(&mut self) {
        drop(self.input.take());
        let pid = self.leader.id().to_string();
        let _ = privileged("kill").args(["-KILL", &pid]).output();
        let _ = self.leader.wait();
    }
}

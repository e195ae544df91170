//! A real gnome-keyring on a bus of the test's own, as the mounting user has it after a login.

use super::bus::Bus;
use super::peer::Peer;
use crate::fixture::Fixture;
use crate::wait;
use std::io::Write;
use std::process::{Child, Stdio};
use zbus::OwnedObjectPath;

const NAME: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";

/// A running keyring, unlocked. Ends when dropped.
#[derive(Debug)]
pub struct GnomeKeyring {
    peer: Peer,
    daemon: Child,
    bus: Bus,
}

impl GnomeKeyring {
    /// Starts it with a bus below the fixture's folder, and puts the fixture's commands on that bus.
    ///
    /// # Panics
    /// It does not come up.
    #[must_use]
    pub fn start(fixture: &mut Fixture) -> Self {
        let folder = fixture.make_folder("session", 0o755);
        let bus = Bus::open(&folder, "session");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        fixture
            .environment
            .push(pair("DBUS_SESSION_BUS_ADDRESS", bus.address()));
        let mut daemon = fixture
            .command("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon");
        let mut password = daemon.stdin.take().expect("a pipe");
        password.write_all(b"of the login").expect("a pipe");
        drop(password);
        let peer = Peer::connect(bus.address());
        let keyring = Self { peer, daemon, bus };
        wait::until("the keyring has a default collection", || {
            keyring.collection()
        });
        keyring
    }

    /// Its bus.
    #[must_use]
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    fn collection(&self) -> Option<OwnedObjectPath> {
        let asked = self
            .peer
            .call(NAME, PATH, SERVICE, "ReadAlias", &("default",));
        let path: OwnedObjectPath = asked.ok()?.body().deserialize().ok()?;
        (path.as_str() != "/").then_some(path)
    }

    /// Locks the collection, as the keyring's own program does.
    ///
    /// # Panics
    /// It stays open.
    pub fn lock(&self) {
        let collection = self.collection().expect("a collection");
        let asked = self
            .peer
            .call(NAME, PATH, SERVICE, "Lock", &(vec![&collection],));
        let (locked, _): (Vec<OwnedObjectPath>, OwnedObjectPath) =
            asked.expect("an answer").body().deserialize().expect("two");
        assert_eq!(locked, [collection]);
    }

    /// What `secret-tool`, a program of others, finds there of a type.
    ///
    /// # Panics
    /// It cannot be run.
    #[must_use]
    pub fn stored(&self, fixture: &Fixture, provider_type: &str) -> Option<String> {
        let output = fixture
            .command("secret-tool")
            .args(["lookup", "type", provider_type])
            .output()
            .expect("secret-tool");
        let text = String::from_utf8(output.stdout).expect("text");
        (!text.is_empty()).then_some(text)
    }
}

impl Drop for GnomeKeyring {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

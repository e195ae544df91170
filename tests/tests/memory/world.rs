//! Values of four sizes behind the shipped executable, and what a scanner looks for.

use crate::connect::OnePassword;
use crate::server::Server;
use crate::vault::Vault;
use secretfs_tests::fixture::Fixture;
use secretfs_tests::memory::client::Scanner;
use secretfs_tests::memory::marker::{Marker, Pattern};
use secretfs_tests::memory::naive::Naive;
use secretfs_tests::session::keyring::GnomeKeyring;
use secretfs_tests::vault::PASSPHRASE;
use std::io::Write;
use std::ops::Deref;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The sizes: a token's, a key file's, and two that do not fit one buffer.
pub(crate) const SIZES: [usize; 4] = [32, 3 << 10, 64 << 10, 900 << 10];

/// A mount of the shipped executable in front of a provider.
pub(crate) struct World {
    fixture: Fixture,
    markers: Vec<Marker>,
    source: Source,
}

/// Where the values are fetched from.
enum Source {
    Vault(Vault),
    Server(Server),
    OnePassword(OnePassword),
}

impl World {
    /// One world after the other, each mounted, nothing fetched yet: values from a local vault, and
    /// values over TLS, secret by secret and as fields and files of an item.
    pub(crate) fn each(config: &'static str) -> impl Iterator<Item = Self> {
        let prepare = [
            Self::behind_a_vault,
            Self::behind_a_server,
            Self::behind_connect,
        ];
        prepare.into_iter().map(move |prepare| {
            let world = prepare(config);
            world.mount();
            world
        })
    }

    /// Values in a local vault, nothing mounted.
    pub(crate) fn behind_a_vault(config: &str) -> Self {
        Self::new(config, |fixture, values| {
            Source::Vault(Vault::with(fixture, values))
        })
    }

    /// Values on a server that is spoken to over TLS, nothing mounted.
    pub(crate) fn behind_a_server(config: &str) -> Self {
        Self::new(config, |_, values| Source::Server(Server::with(values)))
    }

    /// Values in an item of 1Password, behind a Connect server over TLS, nothing mounted.
    pub(crate) fn behind_connect(config: &str) -> Self {
        Self::new(config, |_, values| {
            Source::OnePassword(OnePassword::with(values))
        })
    }

    fn new(config: &str, source: impl FnOnce(&Fixture, &[(String, Vec<u8>)]) -> Source) -> Self {
        let fixture = Fixture::shipped();
        let markers: Vec<_> = SIZES
            .iter()
            .map(|size| Marker::new(&format!("{size} bytes")))
            .collect();
        let values: Vec<(String, Vec<u8>)> = markers
            .iter()
            .zip(SIZES)
            .map(|(marker, size)| (format!("V{size}"), marker.value(size)))
            .collect();
        let source = source(&fixture, &values);
        let provider = match &source {
            Source::Vault(vault) => vault.provider(),
            Source::Server(server) => server.provider(),
            Source::OnePassword(server) => server.provider(),
        };
        // Shown where a test fails.
        eprintln!("--- {provider}");
        let mut map = format!("config: {{{config}}}\nproviders: {{p: {provider}}}\nsecrets:\n");
        for size in SIZES {
            let secret = match &source {
                Source::OnePassword(_) => format!("ref: op://Prod/memory/V{size}"),
                _ => format!("name: V{size}"),
            };
            map.push_str(&format!("- {{{secret}, file: v{size}}}\n"));
        }
        fixture.write_map(&map);
        Self {
            fixture,
            markers,
            source,
        }
    }

    // What opens the provider is given to the commands that take it, and to no other.

    /// `secretfs` with what opens the provider.
    pub(crate) fn opening<S: AsRef<std::ffi::OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = self.secretfs(args);
        match &self.source {
            Source::Vault(_) => {}
            Source::Server(server) => {
                command.envs(server.environment());
            }
            Source::OnePassword(server) => {
                command.envs(server.environment());
            }
        }
        command
    }

    /// A keyring of the desktop, for every command from now on.
    pub(crate) fn keyring(&mut self) -> GnomeKeyring {
        GnomeKeyring::start(&mut self.fixture)
    }

    /// `secretfs login`, with what opens the provider on its standard input.
    pub(crate) fn log_in(&self) {
        let fields = match &self.source {
            Source::Vault(_) => PASSPHRASE.to_owned(),
            Source::Server(server) => server.fields(),
            Source::OnePassword(server) => server.token(),
        };
        let mut child = self
            .secretfs(["login", "p"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("secretfs");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(fields.as_bytes()).expect("a pipe");
        drop(stdin);
        let status = child.wait().expect("secretfs");
        assert!(status.success(), "{status}");
    }

    /// Mounts; the files can be opened when it returns.
    pub(crate) fn mount(&self) {
        self.open(self.mount_args());
        assert!(self.is_mounted());
    }

    /// Opens a sealed mount again.
    pub(crate) fn unlock(&self) {
        let mut args = self.mount_args();
        args[0] = "unlock".to_owned();
        self.open(args);
    }

    fn open(&self, args: Vec<String>) {
        let output = self.opening(args).output().expect("secretfs");
        assert!(output.status.success(), "{output:?}");
    }

    /// Its files.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        SIZES
            .iter()
            .map(|size| self.file(&format!("v{size}")))
            .collect()
    }

    /// Reads every file, which fetches what is not there.
    pub(crate) fn read_all(&self) {
        for (marker, size) in self.markers.iter().zip(SIZES) {
            let seen = self.read(&format!("v{size}"));
            assert!(seen == Ok(marker.value(size)), "v{size}: not its bytes");
        }
    }

    /// Forgets every value, so that the next read fetches it again.
    pub(crate) fn forget(&self) {
        self.run(["refresh"]);
    }

    /// The server forgets whom it let in: the next fetch signs in again. With a vault nothing changes.
    pub(crate) fn end_sessions(&self) {
        if let Source::Server(server) = &self.source {
            server.revoke_tokens();
        }
    }

    /// The server that is asked secret by secret, where it is that one.
    pub(crate) fn server(&self) -> Option<&Server> {
        match &self.source {
            Source::Vault(_) | Source::OnePassword(_) => None,
            Source::Server(server) => Some(server),
        }
    }

    /// Every form of every value.
    pub(crate) fn values(&self) -> Vec<Pattern> {
        self.markers.iter().flat_map(Marker::patterns).collect()
    }

    /// Every form of what opens the provider, what it has given out for that until now included.
    pub(crate) fn credentials(&self) -> Vec<Pattern> {
        match &self.source {
            Source::Vault(vault) => vault.credentials(),
            Source::Server(server) => server.credentials(),
            Source::OnePassword(server) => server.credentials(),
        }
    }

    /// Both.
    pub(crate) fn secrets(&self) -> Vec<Pattern> {
        let mut all = self.values();
        all.extend(self.credentials());
        all
    }

    /// Daemon, helper and sentinel.
    pub(crate) fn pids(&self) -> Vec<u32> {
        [
            "internal-daemon",
            "internal-mount-helper",
            "internal-sentinel",
        ]
        .map(|role| self.process(role).pid)
        .into()
    }

    /// The scanner.
    pub(crate) fn scanner(&self) -> Scanner {
        Scanner::start(&self.fixture)
    }

    /// The control: a program that has read every file.
    pub(crate) fn naive(&self) -> Naive {
        Naive::read(&self.fixture, &self.files())
    }
}

impl Deref for World {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

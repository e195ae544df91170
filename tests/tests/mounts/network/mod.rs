//! What the network does to a mount: proxies, outages, events. The server is the simulator of
//! Infisical.

mod events;
mod outages;
mod proxy;

use secretfs_tests::fixture::{Fixture, told};
use secretfs_tests::http_sim::Tls;
use secretfs_tests::infisical::{CLIENT_ID, CLIENT_SECRET, Infisical};
use std::ops::Deref;
use std::process::Command;

/// A fixture whose provider `i` is a simulator.
pub(crate) struct Networked {
    // First, so that nothing asks a simulator that is gone.
    fixture: Fixture,
    /// The server.
    pub(crate) sim: Infisical,
    url: String,
}

impl Networked {
    /// The secret `A` is the file `a`, and `B` is `b`; nothing mounted yet.
    pub(crate) fn new(config: &str) -> Self {
        Self::of(Infisical::start(Tls::Yes), config)
    }

    /// The same with a server of the test.
    pub(crate) fn of(sim: Infisical, config: &str) -> Self {
        sim.set("/", "A", "the value of A");
        sim.set("/other", "B", "the value of B");
        let networked = Self {
            fixture: Fixture::new(),
            url: sim.url(),
            sim,
        };
        let provider = networked.sim.provider();
        networked.set_map(config, &provider);
        networked
    }

    /// Writes the map with another definition of the provider.
    pub(crate) fn set_map(&self, config: &str, provider: &str) {
        self.write_map(&format!(
            "config: {{{config}}}\nproviders: {{i: {provider}}}\n\
             secrets:\n- {{name: A, file: a}}\n- {{name: B, path: /other, file: b}}\n"
        ));
    }

    /// The server has this address in map and environment.
    pub(crate) fn at(mut self, config: &str, url: &str) -> Self {
        let provider = self.sim.provider().replace(&self.sim.url(), url);
        self.set_map(config, &provider);
        url.clone_into(&mut self.url);
        self
    }

    /// `secretfs` with the identity of the server.
    pub(crate) fn opening(
        &self,
        args: impl IntoIterator<Item = impl AsRef<std::ffi::OsStr>>,
    ) -> Command {
        let mut command = self.secretfs(args);
        command
            .env("INFISICAL_DOMAIN", &self.url)
            .env("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID", CLIENT_ID)
            .env("INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET", CLIENT_SECRET);
        command
    }

    /// Mounts with further environment; the files can be opened when it returns.
    pub(crate) fn mount_with(&self, environment: &[(&str, &str)]) {
        let mut command = self.opening(self.mount_args());
        let output = command
            .envs(environment.iter().copied())
            .output()
            .expect("secretfs");
        assert!(output.status.success(), "{}", told(&output));
    }

    /// Mounts.
    pub(crate) fn mounted(config: &str) -> Self {
        let networked = Self::new(config);
        networked.mount_with(&[]);
        networked
    }

    /// The errno of an open, and what `status` says of it: message and help.
    pub(crate) fn refused(&self, file: &str) -> (i32, String) {
        let errno = self.read(file).expect_err("the open must fail");
        let error = &self.status_of(file)["last_error"];
        assert_eq!(error["errno"], errno, "{error}");
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        (errno, format!("{}\n{}", text("message"), text("help")))
    }
}

impl Deref for Networked {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

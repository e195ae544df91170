//! Mounts in front of an Infisical: what a user sees, and how many requests it takes. What each answer
//! of the server means is tested without a mount, in `tests/tests/infisical/`.

mod auth;
mod check;
mod folders;
mod freshness;
mod guide;
mod init;
mod requests;

use secretfs_tests::fixture::{Fixture, MARKER};
use secretfs_tests::http_sim::Tls;
use secretfs_tests::infisical::{Generation, Infisical};
use std::ops::Deref;

/// A fixture whose provider is a simulated Infisical, and whose environment has its credential.
pub(super) struct Mount {
    // First, so that nothing asks a simulator that is gone.
    fixture: Fixture,
    pub(super) sim: Infisical,
}

impl Mount {
    /// Of a server over TLS, not mounted yet.
    pub(super) fn of(generation: Generation) -> Self {
        Self::over(Infisical::start_as(generation, Tls::Yes))
    }

    pub(super) fn over(sim: Infisical) -> Self {
        let mut fixture = Fixture::new();
        fixture.environment = sim.environment();
        Self { fixture, sim }
    }

    /// Writes a map of these entries (YAML flow mappings), and mounts it.
    pub(super) fn mounted(self, config: &str, entries: &[String]) -> Self {
        let provider = self.sim.provider();
        let mut text = format!("config: {{{config}}}\nproviders:\n  i: {provider}\nsecrets:\n");
        for entry in entries {
            text.push_str(&format!("  - {entry}\n"));
        }
        self.write_map(&text);
        self.mount();
        self
    }
}

impl Deref for Mount {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

/// A value that the fixture would find in any file that is left behind.
fn secret(of: &str) -> String {
    format!("{MARKER} {of}\n")
}

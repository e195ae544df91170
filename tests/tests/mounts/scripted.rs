//! A mount in front of the simulator of the scripted provider.

use secretfs_tests::fixture::Fixture;
use secretfs_tests::scripted::Simulator;
use std::ops::Deref;

/// A fixture whose provider `s` does what the test says.
pub(crate) struct Scripted {
    // First, so that nothing asks a simulator that is gone.
    fixture: Fixture,
    /// The provider's other end.
    pub(crate) sim: Simulator,
}

impl Scripted {
    /// Nothing mounted yet.
    pub(crate) fn new() -> Self {
        Self {
            fixture: Fixture::new(),
            sim: Simulator::start(),
        }
    }

    /// The same with the executable of the release profile and test hooks: what is tried from inside
    /// is tried in what is shipped, as nearly as that can be.
    pub(crate) fn released() -> Self {
        Self {
            fixture: Fixture::shipped_with_hooks(),
            sim: Simulator::start(),
        }
    }

    /// Writes a map of these entries (YAML flow mappings) and further settings, and mounts it.
    pub(crate) fn mounted(config: &str, entries: &[&str]) -> Self {
        let scripted = Self::new();
        scripted.set_map(config, entries);
        scripted.mount();
        scripted
    }

    /// Further environment of every command.
    pub(crate) fn environment(&mut self, name: &str, value: &str) {
        let pair = (name.to_owned(), value.to_owned());
        self.fixture.environment.push(pair);
    }

    /// Sets what each process may lock.
    pub(crate) fn memlock(&mut self, bytes: u64) {
        self.fixture.memlock = bytes;
    }

    /// One file `a` with the secret `A`, which has this value.
    pub(crate) fn with_value(value: impl AsRef<[u8]>) -> Self {
        let scripted = Self::mounted("", &["{name: A, file: a}"]);
        scripted.sim.set("A", value);
        scripted
    }

    /// Writes the map, over a running mount too.
    pub(crate) fn set_map(&self, config: &str, entries: &[&str]) {
        let mut text = String::new();
        if !config.is_empty() {
            text.push_str(&format!("config: {{{config}}}\n"));
        }
        text.push_str(&format!(
            "providers:\n  s: {}\nsecrets:\n",
            self.sim.provider()
        ));
        for entry in entries {
            text.push_str(&format!("  - {entry}\n"));
        }
        self.write_map(&text);
    }
}

impl Deref for Scripted {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

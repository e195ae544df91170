//! 1Password through the `op` program on a real mount, with a strict stand-in for it.

mod failing;
mod init;
mod prompts;
mod service_account;
mod values;

use secretfs_tests::fixture::{Fixture, value};
use secretfs_tests::op::{Account, Item, Op, Vault};
use std::ops::Deref;

/// A fixture with `op` and one vault, `Prod`.
struct Mount {
    fixture: Fixture,
    op: Op,
}

const VAULT: &str = "v0000000000000000000000000";

impl Mount {
    /// Nothing mounted yet.
    fn new() -> Self {
        let mut fixture = Fixture::new();
        let op = Op::install(&mut fixture);
        let mount = Self { fixture, op };
        mount.change(|account| {
            account.vaults.push(Vault {
                id: VAULT.to_owned(),
                name: "Prod".to_owned(),
                items: Vec::new(),
            });
        });
        mount
    }

    fn change(&self, change: impl FnOnce(&mut Account)) {
        self.op.change(&self.fixture, change);
    }

    fn next(&self, acts: &[secretfs_tests::op::Act]) {
        self.op.next(&self.fixture, acts);
    }

    fn add(&self, item: Item) -> &Self {
        self.change(|account| account.vaults[0].items.push(item));
        self
    }

    /// An item of this number with one field `f`, which has its title as its value.
    fn item(&self, n: usize, title: &str) -> &Self {
        self.add(Item::new(n, title).field("f", &text(&value(title, 64))))
    }

    fn write(&self, config: &str, provider: &str, entries: &[String]) {
        let mut map = format!(
            "config: {{{config}}}\nproviders:\n  w: {{type: onepassword, backend: op{provider}}}\nsecrets:\n"
        );
        for entry in entries {
            map.push_str(&format!("  - {entry}\n"));
        }
        self.fixture.write_map(&map);
    }

    /// A map of these references, each as the file of its place in the list.
    fn write_refs(&self, config: &str, references: &[&str]) {
        let entry = |(at, reference)| format!("{{ref: \"{reference}\", file: f{at}}}");
        let entries: Vec<_> = references.iter().enumerate().map(entry).collect();
        self.write(config, "", &entries);
    }

    fn mount_refs(&self, config: &str, references: &[&str]) {
        self.write_refs(config, references);
        self.fixture.mount();
    }

    /// The reason that status tells for a file.
    fn reason(&self, file: &str) -> String {
        let error = &self.status_of(file)["last_error"];
        let help = error["help"].as_str().expect("a help line");
        assert!(!help.is_empty(), "{error}");
        error["message"].as_str().expect("a message").to_owned()
    }
}

impl Deref for Mount {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

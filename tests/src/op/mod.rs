//! A stand-in for the `op` program, strict: what it would not be asked, and what must not be in its
//! environment, is a violation that fails the test. The program is `tests/src/bin/op-stand-in`; here is
//! what it shows, what it does next, and what it wrote down.

mod world;

pub use world::{Account, Act, Call, Item, Vault};

use crate::fixture::Fixture;
use crate::place;
use crate::wait;
use std::cell::RefCell;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// The folder that it works in, below the home.
pub const FOLDER: &str = "op";

/// The program, installed for one fixture.
#[derive(Debug)]
pub struct Op {
    folder: PathBuf,
    account: RefCell<Account>,
    /// Held open, so that neither end ever waits for the other to come.
    go: File,
}

impl Op {
    /// Puts it on the `PATH` of the fixture's commands.
    ///
    /// # Panics
    /// It cannot be put there.
    #[must_use]
    pub fn install(fixture: &mut Fixture) -> Self {
        let tools = fixture.make_folder("tools", 0o755);
        place::link_as("op-stand-in", "op", &tools);
        let path = format!("{}:/usr/bin:/bin", tools.display());
        fixture.environment.push(("PATH".to_owned(), path));
        let folder = fixture.make_folder("home/op", 0o700);
        let fifo = folder.join("go");
        let made = fixture.command("mkfifo").arg(&fifo).status();
        assert!(made.expect("mkfifo").success());
        let go = File::options().read(true).write(true).open(&fifo);
        let op = Self {
            folder,
            account: RefCell::default(),
            go: go.expect("a fifo"),
        };
        op.save(fixture);
        op
    }

    /// Changes what there is.
    pub fn change(&self, fixture: &Fixture, change: impl FnOnce(&mut Account)) {
        change(&mut self.account.borrow_mut());
        self.save(fixture);
    }

    fn save(&self, fixture: &Fixture) {
        let text = serde_json::to_vec(&*self.account.borrow()).expect("JSON");
        fixture.write(&self.folder.join("account.json"), &text);
    }

    /// What the next runs do, before they go on to answer.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn next(&self, fixture: &Fixture, acts: &[Act]) {
        let text = serde_json::to_vec(acts).expect("JSON");
        fixture.write(&self.folder.join("next.json"), &text);
    }

    /// Lets that many runs go on that prompt.
    ///
    /// # Panics
    /// The fifo is gone.
    pub fn answer_prompts(&self, count: usize) {
        let mut go = &self.go;
        go.write_all(&vec![b'.'; count]).expect("a fifo");
    }

    /// All runs so far.
    ///
    /// # Panics
    /// One of them was asked or given what it must not be.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        let text = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let calls: Vec<Call> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        for call in &calls {
            assert!(call.violations.is_empty(), "{call:?}");
        }
        calls
    }

    /// Their arguments.
    #[must_use]
    pub fn args(&self) -> Vec<String> {
        let calls = self.calls();
        calls.iter().map(|call| call.args.join(" ")).collect()
    }

    /// Waits until that many were started.
    pub fn wait_started(&self, count: usize) -> Vec<Call> {
        wait::until("op is started", || {
            let calls = self.calls();
            (calls.len() >= count).then_some(calls)
        })
    }
}

impl Drop for Op {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _checked = self.calls();
        }
    }
}

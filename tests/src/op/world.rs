//! What the stand-in and the tests tell each other, as JSON. Values are in hexadecimal: the fixture looks
//! for plaintext in every file that is left behind.

use crate::script::to_hex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An account of 1Password.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Account {
    /// Its vaults.
    pub vaults: Vec<Vault>,
    /// The only token that is taken; without one, the desktop app has somebody signed in.
    pub token: Option<String>,
    /// `--account`, where it must be given.
    pub account: Option<String>,
}

/// A vault.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Vault {
    /// 26 characters.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What is in it.
    pub items: Vec<Item>,
}

/// An item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Item {
    /// 26 characters.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Rises with every change.
    pub version: u64,
    /// Its fields, as JSON in hexadecimal.
    pub fields: Vec<String>,
    /// Names and bytes of its files.
    pub files: BTreeMap<String, String>,
}

impl Item {
    /// Without fields. `n` makes its id.
    #[must_use]
    pub fn new(n: usize, title: &str) -> Self {
        Self {
            id: id('i', n),
            title: title.to_owned(),
            version: 1,
            fields: Vec::new(),
            files: BTreeMap::new(),
        }
    }

    /// With a field.
    #[must_use]
    pub fn field(self, label: &str, value: &str) -> Self {
        self.raw(&json!({
            "id": label, "type": "CONCEALED", "label": label, "value": value, "reference": format!("op://…/{label}"),
        }))
    }

    /// With a field as it is printed.
    #[must_use]
    pub fn raw(mut self, field: &Value) -> Self {
        self.fields.push(to_hex(field.to_string().as_bytes()));
        self
    }

    /// With a file.
    #[must_use]
    pub fn file(mut self, name: &str, bytes: &[u8]) -> Self {
        self.files.insert(name.to_owned(), to_hex(bytes));
        self
    }
}

/// What looks like an id of 1Password.
#[must_use]
fn id(kind: char, n: usize) -> String {
    format!("{kind}{n:0>25}")
}

/// What a run does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Act {
    /// What it is asked.
    Answer,
    /// Asks somebody first: [`super::Op::answer_prompts`].
    Prompt,
    /// Asks somebody, and is dismissed.
    PromptThenFail(String),
    /// Writes that to standard error, and fails.
    Fail(String),
    /// Prints half of the answer, then fails like this.
    HalfThenFail(String),
    /// Prints half of the answer, and hangs.
    HalfThenHang,
    /// Hangs, and has a child that hangs with it.
    Hang,
    /// Prints that, in hexadecimal, and ends well.
    Print(String),
    /// Prints for ever.
    Flood,
    /// Is killed.
    Die,
}

/// A run, as it wrote itself down.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    /// Its process.
    pub pid: u32,
    /// Its arguments.
    pub args: Vec<String>,
    /// The names in its environment.
    pub environment: Vec<String>,
    /// Whether it was given the right token; `None`: it was given none.
    pub token: Option<bool>,
    /// How many ran, this one included.
    pub running: usize,
    /// What must not be.
    pub violations: Vec<String>,
}

//! Rules of single values: each takes text and answers with what it means, or with what is wrong
//! and what to write instead.

pub(super) mod env;
pub(super) mod host_path;
pub(super) mod name;
pub(super) mod path;
pub(super) mod url;

/// What is wrong with a value, and what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) message: String,
    pub(super) help: String,
}

impl Broken {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
        }
    }
}

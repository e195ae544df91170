//! The scripted provider: drives every answer, failure and delay from a test over a socket. Only in
//! builds with the feature `test-hooks`. The other end is `secretfs_tests::scripted::Simulator`.

mod client;
mod link;
pub mod wire;

pub use client::ScriptedProvider;

use crate::provider::Place;
use rkyv::{Archive, Deserialize, Serialize};

/// A secret of the scripted provider. `a/b` is the secret `b` of the place `a`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Archive, Serialize, Deserialize)]
pub struct Reference {
    /// The name.
    pub name: String,
}

impl Reference {
    /// What stands before the last `/`.
    pub(crate) fn place(&self) -> Place {
        Place(
            self.name
                .rsplit_once('/')
                .map_or_else(String::new, |(place, _)| place.to_owned()),
        )
    }
}

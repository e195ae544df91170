//! How the server is doing, from what was seen last.

use crate::error::{ErrorKind, ProviderError};
use crate::provider::Health;
use std::sync::{Mutex, PoisonError};

/// The last thing that was seen.
#[derive(Debug)]
pub(crate) struct Seen(Mutex<Health>);

impl Seen {
    pub(crate) fn nothing() -> Self {
        Self(Mutex::new(Health::Unknown))
    }

    fn set(&self, health: Health) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = health;
    }

    pub(crate) fn get(&self) -> Health {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Nothing is known any more.
    pub(crate) fn forget(&self) {
        self.set(Health::Unknown);
    }

    /// What a call's end says of the server. One that says no about a secret is well.
    pub(crate) fn note<T>(&self, outcome: &Result<T, ProviderError>) {
        let health = match outcome {
            Ok(_) => Health::Good,
            Err(error) => match error.kind {
                ErrorKind::Missing
                | ErrorKind::TooLarge
                | ErrorKind::NoMemory
                | ErrorKind::Ambiguous => Health::Good,
                ErrorKind::NoCredential => Health::NeedsCredential,
                ErrorKind::Denied
                | ErrorKind::Refused
                | ErrorKind::Expired
                | ErrorKind::Unreachable
                | ErrorKind::TimedOut
                | ErrorKind::Limited { .. }
                | ErrorKind::Server
                | ErrorKind::Protocol
                | ErrorKind::Unsupported => Health::Failing(error.clone()),
            },
        };
        self.set(health);
    }

    /// It goes on failing like this while somebody waits.
    pub(crate) fn fails(&self, error: &ProviderError) {
        self.set(Health::Failing(error.clone()));
    }
}

//! The token of a Connect server. It is made elsewhere and cannot be renewed here; one that is refused
//! is not sent with every open until somebody mends it.

use crate::credential::Kept;
use crate::error::{ErrorKind, ProviderError};
use secrecy::SecretString;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a refused token is not sent, doubled each time. Short at first: servers before 1.7.2 could
/// refuse a good one in their first moment (contract onepassword.md §1.5).
const BACK_OFF: Duration = Duration::from_secs(5);
const BACK_OFF_MOST: Duration = Duration::from_secs(5 * 60);

#[derive(Debug, Default)]
struct State {
    kept: Option<Kept>,
    refused: Option<Refused>,
    /// Counts what was supplied and forgotten: a refusal of an earlier token is not this one's.
    epoch: u64,
}

#[derive(Debug)]
struct Refused {
    until: Instant,
    wait: Duration,
}

/// The token of one provider.
#[derive(Debug)]
pub(super) struct Token {
    provider: String,
    state: Mutex<State>,
}

impl Token {
    pub(super) fn none(provider: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn renew(&self, kept: Option<Kept>) {
        let mut state = self.state();
        let epoch = state.epoch + 1;
        *state = State {
            kept,
            refused: None,
            epoch,
        };
    }

    pub(super) fn supply(&self, kept: Kept) {
        self.renew(Some(kept));
    }

    /// Lock: it goes.
    pub(super) fn forget(&self) {
        self.renew(None);
    }

    /// The token, to be sent and dropped, and the epoch it is of.
    pub(super) fn ready(&self, now: Instant) -> Result<(SecretString, u64), ProviderError> {
        let state = self.state();
        let kept = state.kept.as_ref().ok_or_else(|| self.missing())?;
        if state.refused.as_ref().is_some_and(|r| now < r.until) {
            return Err(self.refusal());
        }
        let text = kept.show().map_err(|_| self.missing())?;
        Ok((text, state.epoch))
    }

    /// The server does not take it.
    pub(super) fn refused(&self, epoch: u64, now: Instant) -> ProviderError {
        let mut state = self.state();
        if state.epoch == epoch {
            let before = state.refused.as_ref().map(|refused| refused.wait);
            let wait = before.map_or(BACK_OFF, |wait| (wait * 2).min(BACK_OFF_MOST));
            state.refused = Some(Refused {
                until: now + wait,
                wait,
            });
        }
        self.refusal()
    }

    /// Something was read with it.
    pub(super) fn worked(&self) {
        self.state().refused = None;
    }

    fn refusal(&self) -> ProviderError {
        ProviderError::new(
            ErrorKind::Refused,
            format!("provider {}: the server refuses the token", self.provider),
            "make a Connect token for this server, set OP_CONNECT_TOKEN to it, and run `secretfs unlock`",
        )
    }

    fn missing(&self) -> ProviderError {
        ProviderError::new(
            ErrorKind::NoCredential,
            format!("provider {}: no credential was given", self.provider),
            "set OP_CONNECT_HOST and OP_CONNECT_TOKEN, and run `secretfs unlock`",
        )
    }
}

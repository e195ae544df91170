//! The token of a service account. It rests in sealed memory, and leaves it in a pipe that ends in the
//! child which becomes `op` (architecture.md, "Credentials").
//!
//! Once there was one, nothing is read without one: after a lock that wiped it, the desktop app would
//! be asked as somebody else.

use crate::credential::Kept;
use crate::error::{ErrorKind, ProviderError};
use rustix::pipe::{PipeFlags, pipe_with};
use secrecy::ExposeSecret;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The variable that `op` takes it from.
pub const TOKEN: &str = "OP_SERVICE_ACCOUNT_TOKEN";
/// The longest: a pipe takes it whole, so that writing never waits.
const MAX_TOKEN: usize = 4096;

#[derive(Debug, Default)]
struct State {
    kept: Option<Kept>,
    is_needed: bool,
}

/// The token of one provider, where it has one.
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

    pub(super) fn supply(&self, kept: Kept) {
        *self.state() = State {
            kept: Some(kept),
            is_needed: true,
        };
    }

    /// Lock: it goes.
    pub(super) fn forget(&self) {
        self.state().kept = None;
    }

    /// Whether a service account is read with.
    pub(super) fn is_needed(&self) -> bool {
        self.state().is_needed
    }

    /// A descriptor that it can be read from, once; `None`: there is no service account.
    pub(super) fn descriptor(&self) -> Result<Option<OwnedFd>, ProviderError> {
        let kept = {
            let state = self.state();
            if !state.is_needed {
                return Ok(None);
            }
            state.kept.clone()
        };
        let text = kept.and_then(|kept| kept.show().ok());
        let text = text.ok_or_else(|| self.missing())?;
        if text.expose_secret().len() > MAX_TOKEN {
            return Err(self.error(ErrorKind::Refused, "the token is too long to be one"));
        }
        let piped = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).and_then(|(from, to)| {
            rustix::io::write(&to, text.expose_secret().as_bytes())?;
            // Whoever reads it waits for its end.
            rustix::fs::fcntl_setfl(&from, rustix::fs::OFlags::empty())?;
            Ok(from)
        });
        piped
            .map(Some)
            .map_err(|_| self.error(ErrorKind::Protocol, "the token cannot be handed to `op`"))
    }

    fn missing(&self) -> ProviderError {
        self.error(
            ErrorKind::NoCredential,
            "the token of the service account was wiped at a lock",
        )
    }

    fn error(&self, kind: ErrorKind, what: &str) -> ProviderError {
        ProviderError::new(
            kind,
            format!("provider {}: {what}", self.provider),
            format!("set {TOKEN}, and run `secretfs unlock`"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secretfs_memory::sealed::SealedPool;
    use std::io::Read;

    #[test]
    fn a_token_is_read_from_its_descriptor_until_a_lock_and_is_needed_from_then_on() {
        let pool = SealedPool::new(64 << 10, true).unwrap();
        let token = Token::none("w");
        assert!(token.descriptor().unwrap().is_none());
        token.supply(Kept::keep(&"ops_hunter2".into(), &pool, "the token").unwrap());
        for _ in 0..2 {
            let mut file = std::fs::File::from(token.descriptor().unwrap().unwrap());
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            assert_eq!(text, "ops_hunter2");
        }
        token.forget();
        let error = token.descriptor().unwrap_err();
        assert_eq!(error.kind, ErrorKind::NoCredential);
        assert!(!error.to_string().contains("hunter2"));
    }
}

//! What opens the server: a way to sign in or a ready-made token, and the token that is in use. Tokens
//! are never renewed: on a server with its default settings a renewal fails and deletes the token that
//! was good a second ago (contract §2, "DEFAULT CONFIG TRAP"). A new sign-in takes a token's place,
//! and is made while the old one is still good where an open comes by in time.
//!
//! | file | idea |
//! |---|---|
//! | `token` | a token, and what is known of its end |
//! | `way` | the ways to sign in, behind one trait |
//! | `universal` | client id and secret |
//! | `jwt` | kubernetes, OIDC, JWT |
//! | `aws`, `sigv4` | AWS IAM, and its signature |
//! | `session` | what the `infisical` program is signed in with |
//! | `sign_in` | one sign-in at a time, ahead of need where that can be |
//! | `supply` | from what a command offers to one of these |
//! | `scope` | whether a legacy service token answers from where it is asked |

mod aws;
mod jwt;
#[cfg(test)]
mod model_tests;
mod scope;
mod session;
mod sign_in;
mod sigv4;
mod supply;
mod token;
mod universal;
mod way;

pub(super) use sign_in::token;

pub use session::ProgramConfig;
pub(super) use token::Token;

use crate::error::{ErrorKind, ProviderError};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use way::Way;

/// How long a refused sign-in is not tried again; doubled each time, up to [`BACK_OFF_MOST`]. Some
/// wrong sign-ins in a row lock the identity out, for everybody who uses it.
const BACK_OFF: Duration = Duration::from_secs(5 * 60);
const BACK_OFF_MOST: Duration = Duration::from_secs(60 * 60);
/// How long a sign-in that was made ahead, and failed, is not tried ahead again.
const AHEAD_AGAIN: Duration = Duration::from_secs(30);
/// Tokens in a row that were fresh from a sign-in and not taken, until no more sign-ins are made.
const UNTAKEN: u32 = 2;

/// What to do for a token.
#[derive(Debug)]
enum Next {
    /// Use this one.
    Token(Arc<Token>),
    /// Use this one, and sign in meanwhile: it ends soon. Told to one caller alone, who has to call
    /// [`Auth::ahead_ended`].
    Ahead(Arc<Token>),
    /// Sign in.
    SignIn(Arc<Way>),
}

#[derive(Debug, Default)]
struct State {
    way: Option<Arc<Way>>,
    ready: Option<Arc<Token>>,
    token: Option<Arc<Token>>,
    refused: Option<Refused>,
    /// Fresh tokens in a row that the server did not take.
    untaken: u32,
    /// Somebody signs in ahead of need.
    is_ahead: bool,
    ahead_again: Option<Instant>,
    /// Where the service token was seen to answer from.
    confirmed: HashSet<(String, String)>,
    /// Counts what was supplied and forgotten: what a sign-in of before brings is not kept.
    epoch: u64,
}

/// A refusal that is remembered.
#[derive(Debug)]
struct Refused {
    error: ProviderError,
    /// `None`: until another credential is supplied.
    until: Option<Instant>,
    times: u32,
}

/// All of one provider.
#[derive(Debug)]
pub(super) struct Auth {
    provider: String,
    /// Its place in the map.
    index: u16,
    state: Mutex<State>,
    /// Held by the one who signs in; the others wait and use what it brings.
    login: tokio::sync::Mutex<()>,
    /// Held by the one who looks where a service token answers from.
    confirming: tokio::sync::Mutex<()>,
}

impl Auth {
    pub(super) fn new(provider: &str, index: u16) -> Self {
        Self {
            provider: provider.to_owned(),
            index,
            state: Mutex::default(),
            login: tokio::sync::Mutex::new(()),
            confirming: tokio::sync::Mutex::new(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A way to sign in takes the place of all there was.
    fn supply_way(&self, way: Way) {
        self.state().renew().way = Some(Arc::new(way));
    }

    /// A token to use as it is.
    fn supply_token(&self, token: Token) {
        self.state().renew().ready = Some(Arc::new(token));
    }

    /// Lock: everything goes.
    pub(super) fn forget(&self) {
        self.state().renew();
    }

    /// What is there to do for a token, and the epoch it holds for.
    fn next(&self, now: Instant, wall: SystemTime) -> Result<(Next, u64), ProviderError> {
        let mut state = self.state();
        let epoch = state.epoch;
        let refused = state.refused.as_ref();
        let refused = refused.filter(|refused| refused.until.is_none_or(|until| now < until));
        let refused = refused.map(|refused| refused.error.clone());
        let Some(way) = state.way.clone() else {
            return match (&state.ready, refused) {
                (_, Some(error)) => Err(error),
                // The clock foretold it: no round trip is needed to learn it.
                (Some(token), _) if token.is_over(now, wall) => Err(self.expired()),
                (Some(token), _) => Ok((Next::Token(Arc::clone(token)), epoch)),
                (None, _) => Err(self.missing()),
            };
        };
        let held = state.token.take_if(|token| token.is_over(now, wall));
        drop(held);
        let Some(token) = state.token.clone() else {
            // Only what is missing is refused: a token that is there may be better than the last try.
            return refused.map_or(Ok((Next::SignIn(way), epoch)), Err);
        };
        let may = !state.is_ahead
            && refused.is_none()
            && state.ahead_again.is_none_or(|again| now >= again);
        if may && way.goes_ahead() && token.ends_soon(now, wall) {
            state.is_ahead = true;
            return Ok((Next::Ahead(token), epoch));
        }
        Ok((Next::Token(token), epoch))
    }

    /// The token in use, as far as there is a good one: for what signs nobody in.
    pub(super) fn in_use(&self, now: Instant, wall: SystemTime) -> Option<Arc<Token>> {
        let state = self.state();
        let token = match state.way {
            Some(_) => state.token.as_ref(),
            // What was refused is not sent again.
            None => state.ready.as_ref().filter(|_| state.refused.is_none()),
        };
        token.filter(|token| !token.is_over(now, wall)).cloned()
    }

    /// The way to sign in in the place of `token`, if that is still the one in use.
    fn instead_of(&self, token: &Arc<Token>) -> Option<(Arc<Way>, u64)> {
        let state = self.state();
        let is_it = state.token.as_ref().is_some_and(|t| Arc::ptr_eq(t, token));
        let way = state.way.clone().filter(|_| is_it)?;
        Some((way, state.epoch))
    }

    /// The sign-in ahead of need is over.
    fn ahead_ended(&self, now: Instant) {
        let mut state = self.state();
        state.is_ahead = false;
        state.ahead_again = now.checked_add(AHEAD_AGAIN);
    }

    /// A sign-in brought this token.
    fn signed_in(&self, epoch: u64, token: Token) -> Arc<Token> {
        let token = Arc::new(token);
        let mut state = self.state();
        if state.epoch == epoch {
            state.token = Some(Arc::clone(&token));
            state.refused = None;
        }
        token
    }

    /// The server does not take this token any more. One that can be had anew is dropped; a ready-made
    /// one is not sent again.
    pub(super) fn spoiled(&self, token: &Arc<Token>, expired: bool, now: Instant) -> ProviderError {
        let mut state = self.state();
        let error = match (&state.way, expired) {
            (Some(way), _) if token.from_login => self.untaken(way, expired),
            (_, true) => self.expired(),
            (_, false) => ProviderError::new(
                ErrorKind::Refused,
                format!("provider {}: the server refuses the token", self.provider),
                "make a new one, and run `secretfs unlock` with it",
            ),
        };
        let is = |held: &Option<Arc<Token>>| held.as_ref().is_some_and(|h| Arc::ptr_eq(h, token));
        if is(&state.token) {
            state.token = None;
            // Each sign-in may cost a use of the secret, and a token that is never taken no read.
            state.untaken = if token.has_worked() {
                0
            } else {
                state.untaken.saturating_add(1)
            };
            if state.untaken >= UNTAKEN {
                state.untaken = 0;
                let is_session = state
                    .way
                    .as_deref()
                    .is_some_and(|way| matches!(way, Way::Session));
                if is_session {
                    // No secret is worn out, and somebody may sign in at any moment.
                    state.refused = Some(Refused {
                        error: error.clone(),
                        until: now.checked_add(session::AGAIN),
                        times: 0,
                    });
                } else {
                    state.back_off(error.clone(), now);
                }
            }
        } else if is(&state.ready) {
            state.refused = Some(Refused {
                error: error.clone(),
                until: None,
                times: 1,
            });
        }
        error
    }

    /// A sign-in was refused. It is not tried again for minutes.
    fn refused(&self, epoch: u64, way: &Way, now: Instant) -> ProviderError {
        let mut state = self.state();
        let error = ProviderError::new(
            ErrorKind::Refused,
            format!(
                "provider {}: the server refuses {}",
                self.provider,
                way.what()
            ),
            format!(
                "not tried again for {} minutes, because repeated refusals lock the identity out; {}",
                state.wait().as_secs() / 60,
                way.remedy()
            ),
        );
        if state.epoch == epoch {
            state.back_off(error.clone(), now);
        }
        error
    }

    /// No sign-in is tried before `until`, and what asks for one is told this.
    fn not_before(&self, epoch: u64, error: &ProviderError, until: Instant) {
        let mut state = self.state();
        if state.epoch == epoch {
            let times = state.refused.as_ref().map_or(0, |refused| refused.times);
            state.refused = Some(Refused {
                error: error.clone(),
                until: Some(until),
                times,
            });
        }
    }

    /// Something was read with this token.
    pub(super) fn worked(&self, token: &Token) {
        if !token.works() {
            self.state().untaken = 0;
        }
    }

    fn untaken(&self, way: &Way, expired: bool) -> ProviderError {
        if matches!(way, Way::Session) {
            let kind = if expired {
                ErrorKind::Expired
            } else {
                ErrorKind::Refused
            };
            return ProviderError::new(
                kind,
                format!(
                    "provider {}: the server has ended {}",
                    self.provider,
                    way.what()
                ),
                format!("{}, then open the file again", way.remedy()),
            );
        }
        ProviderError::new(
            ErrorKind::Refused,
            format!(
                "provider {}: the server does not take the token that it gave for {}",
                self.provider,
                way.what()
            ),
            "see whether the identity was removed from the project, and its trusted addresses",
        )
    }

    fn expired(&self) -> ProviderError {
        ProviderError::new(
            ErrorKind::Expired,
            format!("provider {}: the token has expired", self.provider),
            "make a new one, and run `secretfs unlock` with it; \
             a client id and secret would be signed in with anew by themselves",
        )
    }

    pub(super) fn missing(&self) -> ProviderError {
        ProviderError::new(
            ErrorKind::NoCredential,
            format!("provider {}: no credential was given", self.provider),
            "set INFISICAL_UNIVERSAL_AUTH_CLIENT_ID and INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET, or \
             INFISICAL_TOKEN, or run `infisical login`; then run `secretfs unlock`",
        )
    }
}

impl State {
    /// Forgets everything but the count of it.
    fn renew(&mut self) -> &mut Self {
        *self = Self {
            epoch: self.epoch + 1,
            // Whoever is at it ends it.
            is_ahead: self.is_ahead,
            ..Self::default()
        };
        self
    }

    /// How long the next refusal holds.
    fn wait(&self) -> Duration {
        let times = self.refused.as_ref().map_or(0, |refused| refused.times);
        BACK_OFF
            .saturating_mul(1 << times.min(8))
            .min(BACK_OFF_MOST)
    }

    fn back_off(&mut self, error: ProviderError, now: Instant) {
        let until = now.checked_add(self.wait());
        let times = self.refused.as_ref().map_or(0, |refused| refused.times);
        self.refused = Some(Refused {
            error,
            until,
            times: times.saturating_add(1),
        });
    }
}

//! What opens the server: credentials that were supplied, and the token that is in use. Tokens are
//! never renewed: on a server with its default settings a renewal fails and deletes the token that was
//! good a second ago (contract §2, "DEFAULT CONFIG TRAP"). A new sign-in takes a token's place.

use crate::credential::Kept;
use crate::error::{ErrorKind, ProviderError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use secretfs_memory::sealed::SealedError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use zeroize::Zeroizing;

/// How long a refused sign-in is not tried again; doubled each time, up to [`BACK_OFF_MOST`]. Some
/// wrong sign-ins in a row lock the identity out, for everybody who uses it.
const BACK_OFF: Duration = Duration::from_secs(5 * 60);
const BACK_OFF_MOST: Duration = Duration::from_secs(60 * 60);
/// How long before its end a token is not used any more, at most.
const MARGIN: Duration = Duration::from_secs(60);
/// The longest token whose inside is looked at.
const MAX_TOKEN: usize = 16 << 10;

/// Client id and secret of a universal-auth identity.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: Kept,
    pub(super) secret: Kept,
}

/// A bearer token.
#[derive(Debug)]
pub(super) struct Token {
    text: Kept,
    /// Whether a new one can be had by signing in.
    pub(super) from_login: bool,
    end: End,
}

/// When a token ends, as far as it is known.
#[derive(Debug, Clone, Copy)]
enum End {
    Unknown,
    /// By the monotonic clock: counted from the sign-in.
    At(Instant),
    /// By the calendar: what a ready-made token says of itself.
    Wall(SystemTime),
}

/// What to do for a token.
#[derive(Debug)]
pub(super) enum Next {
    /// Use this one.
    Token(Arc<Token>),
    /// Sign in with this.
    SignIn(Arc<Client>),
}

#[derive(Debug, Default)]
struct State {
    client: Option<Arc<Client>>,
    ready: Option<Arc<Token>>,
    token: Option<Arc<Token>>,
    refused: Option<Refused>,
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
    state: Mutex<State>,
    /// Held by the one who signs in; the others wait and use what it brings.
    pub(super) login: tokio::sync::Mutex<()>,
}

impl Auth {
    pub(super) fn new(provider: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            state: Mutex::default(),
            login: tokio::sync::Mutex::new(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A machine identity to sign in with.
    pub(super) fn supply_client(&self, id: Kept, secret: Kept) {
        let mut state = self.state();
        state.renew();
        state.client = Some(Arc::new(Client { id, secret }));
    }

    /// A token to use as it is.
    pub(super) fn supply_token(&self, text: &SecretString, kept: Kept) {
        let mut state = self.state();
        state.renew();
        state.ready = Some(Arc::new(Token {
            end: end_of(text),
            from_login: false,
            text: kept,
        }));
    }

    /// Lock: everything goes.
    pub(super) fn forget(&self) {
        let mut state = self.state();
        let epoch = state.epoch + 1;
        *state = State {
            epoch,
            ..State::default()
        };
    }

    /// What is there to do for a token, and the epoch it holds for.
    pub(super) fn next(
        &self,
        now: Instant,
        wall: SystemTime,
    ) -> Result<(Next, u64), ProviderError> {
        let mut state = self.state();
        if let Some(refused) = &state.refused
            && refused.until.is_none_or(|until| now < until)
        {
            return Err(refused.error.clone());
        }
        let epoch = state.epoch;
        if let Some(client) = state.client.clone() {
            match &state.token {
                Some(token) if !token.is_over(now, wall) => {
                    return Ok((Next::Token(Arc::clone(token)), epoch));
                }
                _ => {
                    state.token = None;
                    return Ok((Next::SignIn(client), epoch));
                }
            }
        }
        match &state.ready {
            // The clock foretold it: no round trip is needed to learn it.
            Some(token) if token.is_over(now, wall) => Err(self.expired()),
            Some(token) => Ok((Next::Token(Arc::clone(token)), epoch)),
            None => Err(self.missing()),
        }
    }

    /// A sign-in brought this token, good for `lives` (`None`: for ever).
    pub(super) fn signed_in(
        &self,
        epoch: u64,
        text: Kept,
        lives: Option<Duration>,
        now: Instant,
    ) -> Arc<Token> {
        let end = lives.map_or(End::Unknown, |lives| {
            End::At(now + lives.saturating_sub(MARGIN.min(lives / 10)))
        });
        let token = Arc::new(Token {
            text,
            from_login: true,
            end,
        });
        let mut state = self.state();
        if state.epoch == epoch {
            state.token = Some(Arc::clone(&token));
        }
        token
    }

    /// The server does not take this token any more. One that can be had anew is dropped; a ready-made
    /// one is not sent again.
    pub(super) fn spoiled(&self, token: &Arc<Token>, expired: bool) -> ProviderError {
        let error = if expired {
            self.expired()
        } else {
            ProviderError::new(
                ErrorKind::Refused,
                format!("provider {}: the server refuses the token", self.provider),
                "make a new one, and run `secretfs unlock` with it",
            )
        };
        let mut state = self.state();
        let is = |held: &Option<Arc<Token>>| held.as_ref().is_some_and(|h| Arc::ptr_eq(h, token));
        if is(&state.token) {
            state.token = None;
        } else if is(&state.ready) && state.client.is_none() {
            state.refused = Some(Refused {
                error: error.clone(),
                until: None,
                times: 1,
            });
        }
        error
    }

    /// A sign-in was refused. It is not tried again for minutes.
    pub(super) fn refused(&self, epoch: u64, now: Instant) -> ProviderError {
        let mut state = self.state();
        let times = state.refused.as_ref().map_or(0, |refused| refused.times);
        let wait = BACK_OFF
            .saturating_mul(1 << times.min(8))
            .min(BACK_OFF_MOST);
        let error = ProviderError::new(
            ErrorKind::Refused,
            format!(
                "provider {}: the server refuses the client id or secret",
                self.provider
            ),
            format!(
                "not tried again for {} minutes, because repeated refusals lock the identity out; \
                 give another one with `secretfs unlock`",
                wait.as_secs() / 60
            ),
        );
        if state.epoch == epoch {
            state.refused = Some(Refused {
                error: error.clone(),
                until: Some(now + wait),
                times: times.saturating_add(1),
            });
        }
        error
    }

    /// Something was read with a token: the sign-in behind it is a good one.
    pub(super) fn worked(&self) {
        self.state().refused = None;
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
             INFISICAL_TOKEN, and run `secretfs unlock`",
        )
    }
}

impl State {
    fn renew(&mut self) {
        self.epoch += 1;
        self.token = None;
        self.refused = None;
    }
}

impl Token {
    /// To be sent, and dropped.
    pub(super) fn show(&self) -> Result<SecretString, SealedError> {
        self.text.show()
    }

    fn is_over(&self, now: Instant, wall: SystemTime) -> bool {
        match self.end {
            End::Unknown => false,
            End::At(end) => now >= end,
            End::Wall(end) => wall >= end,
        }
    }
}

/// The end that a JWT tells of itself (`exp`). Other tokens tell nothing.
fn end_of(token: &SecretString) -> End {
    #[derive(serde::Deserialize)]
    struct Claims {
        exp: Option<u64>,
    }
    let text = token.expose_secret();
    let mut parts = text.split('.');
    let (_, Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return End::Unknown;
    };
    if text.len() > MAX_TOKEN {
        return End::Unknown;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(claims.len()));
    if URL_SAFE_NO_PAD.decode_vec(claims, &mut bytes).is_err() {
        return End::Unknown;
    }
    let exp = serde_json::from_slice::<Claims>(&bytes).ok();
    let exp = exp.and_then(|claims| claims.exp).map(Duration::from_secs);
    exp.and_then(|exp| SystemTime::UNIX_EPOCH.checked_add(exp))
        .map_or(End::Unknown, End::Wall)
}

//! One sign-in at a time, and few of them: a secret may be good for so many only, and each takes the
//! server some 80 ms. In the last part of a token's life an open has the next one fetched beside it,
//! so that none waits for a round trip that the clock foretold.

use super::token::Token;
use super::way::{Login, Way};
use super::{Auth, Next, session};
use crate::credential::Kept;
use crate::error::{ErrorKind, ProviderError};
use crate::http::{Budget, HttpClient, Request, Turn};
use crate::infisical::refusal::{self, Refusal};
use crate::provider::Context;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout_at};

/// The most bytes of the answer.
const MAX_ANSWER: usize = 64 << 10;
/// How long a sign-in beside an open may take.
const AHEAD: Duration = Duration::from_secs(30);
/// The pauses before a sign-in that reached nobody is tried again.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(200)];
/// How long sign-ins are left alone where a limit does not say how long it lasts.
const LIMITED: Duration = Duration::from_secs(5);

/// The answer. `expiresIn` in seconds; 0: never.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Granted {
    #[serde(deserialize_with = "secret")]
    access_token: SecretString,
    expires_in: u64,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}

/// A token that the clock does not speak against: the one in use, or one of a new sign-in.
pub(in crate::infisical) async fn token(
    auth: &Arc<Auth>,
    http: &Arc<HttpClient>,
    cx: &Context,
    turn: &Turn<'_>,
) -> Result<Arc<Token>, ProviderError> {
    match auth.next(cx.clock.now(), cx.clock.wall())?.0 {
        Next::Token(token) => return Ok(token),
        Next::Ahead(token) => {
            ahead(Arc::clone(&token), auth, http, cx);
            return Ok(token);
        }
        Next::SignIn(_) => {}
    }
    let attempt = SignIn {
        auth,
        http,
        cx,
        turn,
    };
    let late = |_| attempt.error(ErrorKind::TimedOut, "the sign-in did not end in time", "");
    let _turn = timeout_at(turn.budget.until(), auth.login.lock())
        .await
        .map_err(late)?;
    // The one before may have signed in, or been refused.
    match auth.next(cx.clock.now(), cx.clock.wall())? {
        (Next::Token(token), _) => Ok(token),
        (Next::Ahead(token), _) => {
            ahead(Arc::clone(&token), auth, http, cx);
            Ok(token)
        }
        (Next::SignIn(way), epoch) => Box::pin(attempt.by(&way, epoch)).await,
    }
}

/// Has a new token fetched beside the open that asks for this one.
fn ahead(token: Arc<Token>, auth: &Arc<Auth>, http: &Arc<HttpClient>, cx: &Context) {
    // Tells the end in any case: it may be dropped with the runtime, or panic.
    struct Ends(Arc<Auth>, Context);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.ahead_ended(self.1.clock.now());
        }
    }
    let mut cx = cx.clone();
    cx.deadline = cx.clock.now() + AHEAD;
    let ends = Ends(Arc::clone(auth), cx);
    let http = Arc::clone(http);
    tokio::spawn(async move {
        let Ends(auth, cx) = &ends;
        let budget = Budget::of(cx);
        let signed_in = async {
            let turn = http.turn(budget).await?;
            let attempt = SignIn {
                auth,
                http: &http,
                cx,
                turn: &turn,
            };
            let Ok(_turn) = timeout_at(budget.until(), auth.login.lock()).await else {
                return Ok(());
            };
            let Some((way, epoch)) = auth.instead_of(&token) else {
                return Ok(());
            };
            Box::pin(attempt.by(&way, epoch)).await.map(drop)
        };
        if let Err(error) = signed_in.await {
            tracing::warn!(%error, "a sign-in ahead of a token's end failed; the token is used to its end");
        }
    });
}

/// One sign-in.
struct SignIn<'a> {
    auth: &'a Auth,
    http: &'a HttpClient,
    cx: &'a Context,
    turn: &'a Turn<'a>,
}

impl SignIn<'_> {
    async fn by(&self, way: &Way, epoch: u64) -> Result<Arc<Token>, ProviderError> {
        let token = match way {
            Way::Login(login) => self.login(way, login.as_ref(), epoch).await?,
            Way::Session => self.session(epoch).await?,
        };
        Ok(self.auth.signed_in(epoch, token))
    }

    async fn login(
        &self,
        way: &Way,
        login: &dyn Login,
        epoch: u64,
    ) -> Result<Token, ProviderError> {
        let mut pauses = PAUSES.iter();
        let mut response = loop {
            let request = Request {
                path: &["api", "v1", "auth", login.method(), "login"],
                post: Some(login.body(self.cx).await?.into_bytes()),
                ..Request::default()
            };
            match self.http.send(request, self.turn, self.cx).await {
                Ok(response) => break response,
                // Nothing of it has reached the server: it costs no use of the secret.
                Err(failure) if !failure.is_sent && failure.is_passing => match pauses.next() {
                    Some(pause) if *pause * 2 < self.turn.budget.left() => sleep(*pause).await,
                    _ => return Err(failure.error),
                },
                Err(failure) => return Err(failure.error),
            }
        };
        if response.status() != 200 {
            let told = refusal::of(&mut response, &self.auth.provider, "the sign-in").await?;
            return Err(self.refused(&told, way, epoch));
        }
        let answer = response.small(MAX_ANSWER).await?;
        let granted: Granted = serde_json::from_slice(&answer).map_err(|_| self.nonsense())?;
        let lives = (granted.expires_in > 0).then(|| Duration::from_secs(granted.expires_in));
        let text = Kept::keep(&granted.access_token, &self.cx.pool, "the token")?;
        let clock = &self.cx.clock;
        Ok(Token::of_login(text, lives, clock.now(), clock.wall()))
    }

    async fn session(&self, epoch: u64) -> Result<Token, ProviderError> {
        let server = self.http.endpoint().origin();
        let token = Box::pin(session::token(
            self.auth,
            &server,
            self.cx,
            self.turn.budget,
        ))
        .await;
        if let Err(error) = &token
            && let Some(until) = self.cx.clock.now().checked_add(session::AGAIN)
        {
            // A program is not started for each of the opens that wait.
            self.auth.not_before(epoch, error, until);
        }
        token
    }

    fn refused(&self, refusal: &Refusal, way: &Way, epoch: u64) -> ProviderError {
        let now = self.cx.clock.now();
        match refusal {
            Refusal::Token { .. }
            | Refusal::Denied
            | Refusal::Missing
            | Refusal::MissingSecret
            | Refusal::MissingFolder
            | Refusal::Invalid => {
                self.auth.refused(epoch, way, now)
            }
            Refusal::Limited(after) => {
                let wait = after.unwrap_or(LIMITED);
                let error = self.error(
                    ErrorKind::Limited {
                        retry_after: Some(wait),
                    },
                    "the server's rate limit of sign-ins is reached",
                    "wait; a token that lives longer needs fewer of them",
                );
                if let Some(until) = now.checked_add(wait) {
                    self.auth.not_before(epoch, &error, until);
                }
                error
            }
            Refusal::NoRoute => self.error(
                ErrorKind::Unreachable,
                "the server does not know this way to sign in",
                "check `site_url` and `auth`: is it the address of an Infisical, with its path prefix?",
            ),
            Refusal::Server => self.error(
                ErrorKind::Server,
                "the server failed to sign in",
                "see its log; the id of the request is in the log of secretfs",
            ),
            Refusal::Stranger => self.error(
                ErrorKind::Unreachable,
                "something that is no Infisical answers",
                "check `site_url`, and whether a proxy or a portal is in between",
            ),
        }
    }

    fn nonsense(&self) -> ProviderError {
        self.error(
            ErrorKind::Protocol,
            "the server's answer to the sign-in makes no sense",
            "check `site_url`, and whether a proxy is in between",
        )
    }

    fn error(&self, kind: ErrorKind, what: &str, help: &str) -> ProviderError {
        ProviderError::new(
            kind,
            format!("provider {}: {what}", self.auth.provider),
            help,
        )
    }
}

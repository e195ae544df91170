//! Universal auth: client id and secret for a token (contract §2). One sign-in is under way at a time,
//! and few are made: a secret may be good for so many only, and each takes the server some 80 ms.

use super::auth::{Client, Next, Token};
use super::call::Call;
use super::refusal::Refusal;
use crate::credential::Kept;
use crate::error::{ErrorKind, ProviderError};
use crate::http::Request;
use secrecy::{ExposeSecret, SecretString};
use secretfs_memory::sealed::SealedError;
use serde::{Deserialize, Deserializer};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout_at;
use zeroize::Zeroizing;

/// The most bytes of the answer.
const MAX_ANSWER: usize = 64 << 10;

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

impl Call<'_> {
    /// A token that the clock does not speak against: the one in use, or one of a new sign-in.
    pub(super) async fn token(&self) -> Result<Arc<Token>, ProviderError> {
        let auth = &self.of.auth;
        if let (Next::Token(token), _) = auth.next(self.cx.clock.now(), self.cx.clock.wall())? {
            return Ok(token);
        }
        let late = |_| self.error(ErrorKind::TimedOut, "the sign-in did not end in time", "");
        let _turn = timeout_at(self.turn.budget.until(), auth.login.lock())
            .await
            .map_err(late)?;
        // The one before may have signed in, or been refused.
        match auth.next(self.cx.clock.now(), self.cx.clock.wall())? {
            (Next::Token(token), _) => Ok(token),
            (Next::SignIn(client), epoch) => self.sign_in(&client, epoch).await,
        }
    }

    async fn sign_in(&self, client: &Client, epoch: u64) -> Result<Arc<Token>, ProviderError> {
        let auth = &self.of.auth;
        let mut attempt = 0;
        let mut response = loop {
            let request = Request {
                path: &["api", "v1", "auth", "universal-auth", "login"],
                post: Some(body(client).map_err(|_| auth.missing())?),
                ..Request::default()
            };
            match self.send_once(request).await {
                Ok(response) => break response,
                // Nothing of it has reached the server: it costs no use of the secret.
                Err(failure) if !failure.is_sent && failure.is_passing => {
                    self.pause(&mut attempt, failure.error).await?;
                }
                Err(failure) => return Err(failure.error),
            }
        };
        if response.status() != 200 {
            let told = self.refusal(&mut response, "the sign-in").await?;
            return Err(match told {
                Refusal::Token { .. } | Refusal::Denied | Refusal::Missing | Refusal::Invalid => {
                    auth.refused(epoch, self.cx.clock.now())
                }
                other => self.failed(&other, "sign in"),
            });
        }
        let answer = response.small(MAX_ANSWER).await?;
        let granted: Granted =
            serde_json::from_slice(&answer).map_err(|_| self.nonsense("to the sign-in"))?;
        let lives = (granted.expires_in > 0).then(|| Duration::from_secs(granted.expires_in));
        let token = Kept::keep(&granted.access_token, &self.cx.pool, "the token")?;
        Ok(auth.signed_in(epoch, token, lives, self.cx.clock.now()))
    }
}

/// `{"clientId":"…","clientSecret":"…"}`, in memory that is wiped.
fn body(client: &Client) -> Result<Zeroizing<Vec<u8>>, SealedError> {
    let pairs = [
        ("{\"clientId\":", client.id.show()?),
        (",\"clientSecret\":", client.secret.show()?),
    ];
    // Escapes make it six times as long at the most: it never grows, and leaves no copy behind.
    let room: usize = pairs.iter().map(|(_, s)| s.expose_secret().len() * 6).sum();
    let mut body = Zeroizing::new(Vec::with_capacity(room + 64));
    for (name, value) in pairs {
        body.extend_from_slice(name.as_bytes());
        // Writing text into memory cannot fail.
        let _ = serde_json::to_writer(&mut *body, value.expose_secret());
    }
    body.push(b'}');
    Ok(body)
}

//! Signing in, renewing, revoking: the credential is in the body, and no Authorization belongs there.

use super::accounts::{Accounts, Issued};
use super::asked::Asked;
use super::aws;
use super::ids::Ids;
use super::refusal::Refusal;
use super::site::Site;
use crate::http_sim::Answer;
use serde::Serialize;
use std::time::Duration;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Granted<'a> {
    access_token: &'a str,
    expires_in: u64,
    #[serde(rename = "accessTokenMaxTTL")]
    access_token_max_ttl: u64,
    token_type: &'static str,
}

fn granted(issued: &Issued) -> Answer {
    Answer::json(
        200,
        &Granted {
            access_token: &issued.token,
            expires_in: issued.ttl,
            access_token_max_ttl: issued.max_ttl,
            token_type: "Bearer",
        },
    )
}

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

impl Site {
    pub(super) fn universal(&mut self, asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
        let fields = asked.fields(&["clientId", "clientSecret"])?;
        let [client_id, secret] = &fields[..] else {
            return Err(Refusal::internal());
        };
        let newer = self.generation.is_newer();
        let now = self.clock.now();
        self.accounts
            .universal(client_id, secret, newer, &mut self.ids, now)
            .map(|issued| granted(&issued))
    }

    /// The other methods, each with its own body (contract §2).
    pub(super) fn machine(&mut self, asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
        let method = asked.request.segments().get(3).cloned().unwrap_or_default();
        let names: &[&str] = match method.as_str() {
            "aws-auth" => &[
                "identityId",
                "iamHttpRequestMethod",
                "iamRequestBody",
                "iamRequestHeaders",
            ],
            "ldap-auth" => &["identityId", "username", "password"],
            _ => &["identityId", "jwt"],
        };
        let fields = asked.fields(names)?;
        let given = |name: &str| {
            let at = names.iter().position(|known| *known == name)?;
            fields.get(at).map(String::as_str)
        };
        let id = given("identityId").unwrap_or_default().to_owned();
        let Some(identity) = self.accounts.identity(&id) else {
            return Err(Refusal::not_found(format!(
                "No identity with ID {id} was found"
            )));
        };
        let decoded = |name| decode(given(name).unwrap_or_default());
        let is_right = match (given("jwt"), &identity.jwt, &identity.aws) {
            (Some(given), Some(known), _) => given == known,
            (None, _, Some(keys)) if method == "aws-auth" => {
                let (headers, body) = (decoded("iamRequestHeaders"), decoded("iamRequestBody"));
                let signed = aws::verify(keys, &headers, &body, self.clock.now());
                if body != b"Action=GetCallerIdentity&Version=2011-06-15" {
                    asked.wrong("another question than who the caller is");
                }
                signed.map_err(|why| asked.wrong(why)).is_ok()
            }
            (None, Some(_), None) => true,
            _ => false,
        };
        if let Some(verb) = given("iamHttpRequestMethod") {
            if verb != "POST" {
                asked.wrong("iamHttpRequestMethod is not POST");
            }
            for name in ["iamRequestBody", "iamRequestHeaders"] {
                if !is_base64(given(name).unwrap_or_default()) {
                    asked.wrong(format!("{name} is no base64"));
                }
            }
        }
        if !is_right {
            return Err(Refusal::unauthorized("Invalid credentials"));
        }
        let now = self.clock.now();
        let issued = self.accounts.issue(&id, None, &mut self.ids, now);
        issued
            .map(|issued| granted(&issued))
            .ok_or_else(Refusal::internal)
    }

    pub(super) fn renew(&mut self, asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
        let token = asked.fields(&["accessToken"])?.concat();
        let now = self.clock.now();
        let issued = self.accounts.renew(&token, now)?;
        Ok(granted(&issued))
    }

    pub(super) fn revoke(&mut self, asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
        let token = asked.fields(&["accessToken"])?.concat();
        self.accounts.revoke(&token, self.clock.now())?;
        let message = "Successfully revoked access token";
        Ok(Answer::json(200, &Message { message }))
    }
}

fn is_base64(text: &str) -> bool {
    !decode(text).is_empty()
}

fn decode(text: &str) -> Vec<u8> {
    use base64::Engine;
    let engine = base64::engine::general_purpose::STANDARD;
    engine.decode(text).unwrap_or_default()
}

impl Accounts {
    fn universal(
        &mut self,
        client_id: &str,
        secret: &str,
        newer: bool,
        ids: &mut Ids,
        now: Duration,
    ) -> Result<Issued, Refusal> {
        let is = |of: &&mut super::accounts::Identity| of.client_id == client_id;
        let Some(identity) = self.identities.iter_mut().find(is) else {
            // Newer servers do not tell which of the two was wrong.
            return Err(if newer {
                Refusal::unauthorized("Invalid credentials")
            } else {
                Refusal::not_found("No identity with specified client ID was found".to_owned())
            });
        };
        if identity.lockout != 0 && identity.failures >= identity.lockout {
            return Err(Refusal::unauthorized(
                "This identity auth method is temporarily locked, please try again later",
            ));
        }
        let is = |of: &&mut super::accounts::ClientSecret| of.text == secret && !of.is_revoked;
        let Some(known) = identity.secrets.iter_mut().find(is) else {
            identity.failures += 1;
            return Err(Refusal::unauthorized("Invalid credentials"));
        };
        match &mut known.uses_left {
            // Revoked for good from here on.
            Some(0) => {
                known.is_revoked = true;
                return Err(Refusal::unauthorized(
                    "Access denied due to client secret usage limit reached",
                ));
            }
            Some(left) => *left -= 1,
            None => {}
        }
        identity.failures = 0;
        let (identity, secret) = (identity.id.clone(), known.id.clone());
        self.issue(&identity, Some(&secret), ids, now)
            .ok_or_else(Refusal::internal)
    }
}

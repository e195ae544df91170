//! Access tokens: JWTs with HS256, and what the server says of one that is none (contract §2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::hmac;
use serde::{Deserialize, Serialize};

/// What a token says.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Claims {
    pub(super) identity_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_secret_id: Option<String>,
    pub(super) identity_access_token_id: String,
    pub(super) auth_token_type: String,
    pub(super) iat: u64,
    /// Missing in a token that never expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exp: Option<u64>,
}

/// Why a token is none: the `message` of its 403.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken(pub(super) &'static str);

fn key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, b"the key of a simulated server")
}

pub(super) fn sign(claims: &Claims) -> String {
    let claims = serde_json::to_vec(claims).expect("claims are JSON");
    let head = BASE64.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{head}.{}", BASE64.encode(claims));
    let tag = hmac::sign(&key(), signed.as_bytes());
    format!("{signed}.{}", BASE64.encode(tag))
}

/// Reads a token, at a time in seconds.
pub(super) fn verify(token: &str, now: u64) -> Result<Claims, Broken> {
    if token.is_empty() {
        return Err(Broken("jwt must be provided"));
    }
    let malformed = Broken(
        "The provided access token is malformed. Please use a valid token or generate a new one and try again.",
    );
    let Some((signed, tag)) = token.rsplit_once('.') else {
        return Err(malformed);
    };
    let Some((_, claims)) = signed.split_once('.').filter(|(_, c)| !c.contains('.')) else {
        return Err(malformed);
    };
    let claims = BASE64.decode(claims).ok();
    let claims = claims.and_then(|bytes| serde_json::from_slice::<Claims>(&bytes).ok());
    let Some(claims) = claims else {
        return Err(Broken("invalid token"));
    };
    let tag = BASE64.decode(tag).unwrap_or_default();
    if hmac::verify(&key(), signed.as_bytes(), &tag).is_err() {
        return Err(Broken("invalid signature"));
    }
    if claims.exp.is_some_and(|exp| now >= exp) {
        return Err(Broken("Your token has expired. Please re-authenticate."));
    }
    Ok(claims)
}

//! The kinds of credentials on the channel: a number, and what its two parts are.

use crate::link::wire::WireError;
use secrecy::{ExposeSecret, SecretString};
use secretfs_providers::{Credential, IdentityMethod};

const AGE_IDENTITY: u8 = 1;
const TOKEN: u8 = 2;
const CLIENT_SECRET: u8 = 3;
const SESSION: u8 = 4;
const KUBERNETES: u8 = 5;
const OIDC: u8 = 6;
const JWT: u8 = 7;
const AWS: u8 = 8;
const PROXY: u8 = 9;

/// The number and the parts of a credential, where they lie; a part that it lacks is empty.
pub(super) fn split(credential: &Credential) -> Result<(u8, &str, &str), WireError> {
    Ok(match credential {
        Credential::AgeIdentity(identity) => (AGE_IDENTITY, identity.expose_secret(), ""),
        Credential::Token(token) => (TOKEN, token.expose_secret(), ""),
        Credential::ClientSecret { id, secret } => {
            (CLIENT_SECRET, id.expose_secret(), secret.expose_secret())
        }
        Credential::Session => (SESSION, "", ""),
        Credential::Proxy(user) => (PROXY, user.expose_secret(), ""),
        Credential::Identity { method, id, proof } => {
            let kind = match method {
                IdentityMethod::Kubernetes => KUBERNETES,
                IdentityMethod::Oidc => OIDC,
                IdentityMethod::Jwt => JWT,
                IdentityMethod::Aws => AWS,
            };
            let proof = proof.as_ref().map_or("", |proof| proof.expose_secret());
            (kind, id, proof)
        }
        _ => return Err(WireError::Unsendable),
    })
}

/// The credential of a number and two parts.
pub(super) fn join(
    kind: u8,
    first: SecretString,
    second: SecretString,
) -> Result<Credential, WireError> {
    let method = match kind {
        AGE_IDENTITY => return Ok(Credential::AgeIdentity(first)),
        TOKEN => return Ok(Credential::Token(first)),
        CLIENT_SECRET => {
            return Ok(Credential::ClientSecret {
                id: first,
                secret: second,
            });
        }
        SESSION => return Ok(Credential::Session),
        PROXY => return Ok(Credential::Proxy(first)),
        KUBERNETES => IdentityMethod::Kubernetes,
        OIDC => IdentityMethod::Oidc,
        JWT => IdentityMethod::Jwt,
        AWS => IdentityMethod::Aws,
        _ => return Err(WireError::Malformed),
    };
    Ok(Credential::Identity {
        method,
        id: first.expose_secret().to_owned(),
        proof: (!second.expose_secret().is_empty()).then_some(second),
    })
}

//! What opens a provider, and the origin that it was made for.

use crate::error::ProviderError;
use secrecy::{ExposeSecret, SecretString};
use secretfs_memory::sealed::{Sealed, SealedError, SealedPool};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A credential, by what it is made of. Its parts are secrets.
#[derive(Debug)]
#[non_exhaustive]
pub enum Credential {
    /// The unwrapped age identity of a local vault (`AGE-SECRET-KEY-1…`). The passphrase and its
    /// scrypt stay in the command (architecture.md).
    AgeIdentity(SecretString),
    /// A ready-made bearer token: Infisical, 1Password Connect, a service account.
    Token(SecretString),
    /// Infisical universal auth.
    ClientSecret {
        /// The identity's client id.
        id: SecretString,
        /// Its secret.
        secret: SecretString,
    },
    /// `user:password` of the proxy that the offer's origin names. No provider's: what connects to
    /// the proxy keeps it ([`crate::http::Proxies`]).
    Proxy(SecretString),
    /// Leave to use what a vendor's own program is signed in with (`infisical login`). The mount-helper
    /// starts it; nothing of it is known here yet.
    Session,
    /// Leave to sign in as a machine identity of Infisical, by what the machine itself is known with.
    Identity {
        /// How.
        method: IdentityMethod,
        /// The identity. No secret.
        id: String,
        /// A JWT, or for AWS what [`aws_keys`] makes; `None`: a JWT is in the file that the map names.
        proof: Option<SecretString>,
    },
}

/// By what a machine proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityMethod {
    /// The JWT of a Kubernetes service account.
    Kubernetes,
    /// The JWT of an OIDC issuer.
    Oidc,
    /// A JWT.
    Jwt,
    /// The keys of an AWS principal.
    Aws,
}

impl IdentityMethod {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 4] = [Self::Kubernetes, Self::Oidc, Self::Jwt, Self::Aws];

    /// The word for it in `auth:`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Oidc => "oidc",
            Self::Jwt => "jwt",
            Self::Aws => "aws",
        }
    }

    /// The word for it in the server's routes.
    pub(crate) fn route(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes-auth",
            Self::Oidc => "oidc-auth",
            Self::Jwt => "jwt-auth",
            Self::Aws => "aws-auth",
        }
    }
}

/// The keys of an AWS principal as one credential: access key id, secret access key, session token
/// (empty where there is none) and region, a line each.
#[must_use]
pub fn aws_keys(
    id: &SecretString,
    secret: &SecretString,
    session: Option<&SecretString>,
    region: &str,
) -> SecretString {
    let session = session.map_or("", |session| session.expose_secret());
    let parts = [id.expose_secret(), secret.expose_secret(), session, region];
    // As long as it becomes: it never grows, and leaves no copy behind.
    let length = parts.iter().map(|part| part.len() + 1).sum::<usize>() - 1;
    let mut text = String::with_capacity(length);
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            text.push('\n');
        }
        text.push_str(part);
    }
    text.into()
}

/// A credential on its way to a running daemon.
#[derive(Debug)]
pub struct CredentialOffer {
    /// The provider's name in the map.
    pub provider: String,
    /// The origin that it is bound to: `https://host:port`, or `file:///…/vault.age`. A provider
    /// whose own origin differs does not take it: the map comes with a repository and is not
    /// trusted with credentials (product.md, "The map").
    pub origin: String,
    /// What it is.
    pub credential: Credential,
}

/// A credential at rest: in sealed memory, as values are, and a text only while it is used.
#[derive(Debug, Clone)]
pub struct Kept(Sealed);

impl Kept {
    /// Puts a credential away. `what` names it in an error.
    ///
    /// # Errors
    /// There is no room in the sealed memory.
    pub fn keep(
        secret: &SecretString,
        pool: &Arc<SealedPool>,
        what: &str,
    ) -> Result<Self, ProviderError> {
        let bytes = secret.expose_secret().as_bytes();
        let mut writer = pool.writer(Some(bytes.len()), bytes.len());
        writer
            .append(bytes)
            .and_then(|()| writer.finish())
            .map(Self)
            .map_err(|error| ProviderError::sealed(error, what))
    }

    /// The credential, to be used and dropped.
    ///
    /// # Errors
    /// A lock wiped it.
    pub fn show(&self) -> Result<SecretString, SealedError> {
        // Exactly as long as the secret, so that boxing it below moves nothing.
        let mut bytes = Zeroizing::new(vec![0; self.0.len()]);
        self.0.read_at(0, &mut bytes)?;
        // It was text when it came.
        String::from_utf8(std::mem::take(&mut *bytes))
            .map(SecretString::from)
            .map_err(|error| {
                drop(Zeroizing::new(error.into_bytes()));
                SealedError::Wiped
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_that_was_put_away_comes_back_until_a_wipe() {
        let pool = SealedPool::new(64 << 10, true).unwrap();
        let kept = Kept::keep(&"hunter2 \u{e9}".into(), &pool, "the token").unwrap();
        assert_eq!(kept.show().unwrap().expose_secret(), "hunter2 \u{e9}");
        pool.wipe();
        assert!(kept.show().is_err());
    }
}

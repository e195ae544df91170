//! What opens a provider, and the origin that it was made for.

use secrecy::SecretString;

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

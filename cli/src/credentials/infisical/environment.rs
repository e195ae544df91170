//! What the environment holds of credentials: taken out of it and overwritten, all of it at once, the
//! parts that are not used too. Nothing that opens a server stays there.

use crate::credentials::protected;
use crate::error::CliError;
use secrecy::{ExposeSecret, SecretString};
use secretfs_memory::environment;

pub(super) const CLIENT_ID: &str = "INFISICAL_UNIVERSAL_AUTH_CLIENT_ID";
pub(super) const CLIENT_SECRET: &str = "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET";

/// All of them. Of the tokens, in the order in which the `infisical` program looks; its last one,
/// `TOKEN`, is left out: who has it set means some other program's token as a rule.
const NAMES: [&str; 9] = [
    CLIENT_ID,
    CLIENT_SECRET,
    "INFISICAL_UNIVERSAL_AUTH_ACCESS_TOKEN",
    "INFISICAL_TOKEN",
    "INFISICAL_JWT",
    // Its old name, for OIDC alone.
    "INFISICAL_OIDC_AUTH_JWT",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// What was there.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) client: Option<(SecretString, SecretString)>,
    pub(super) token: Option<SecretString>,
    pub(super) jwt: Option<SecretString>,
    pub(super) oidc: Option<SecretString>,
    /// Key id, key, and session token.
    pub(super) aws: Option<(SecretString, SecretString, Option<SecretString>)>,
}

/// Takes all of it.
pub(super) fn take(insecure: bool) -> Result<Taken, CliError> {
    if NAMES.iter().all(|name| std::env::var_os(name).is_none()) {
        return Ok(Taken::default());
    }
    // On a thread of its own, while this one waits: nobody else reads the environment meanwhile.
    protected(insecure, || {
        let [
            client_id,
            client_secret,
            access_token,
            token,
            jwt,
            oidc,
            key_id,
            key,
            session,
        ] = NAMES.map(|name| environment::take(name).filter(is_set));
        Ok(Taken {
            client: client_id.zip(client_secret),
            token: access_token.or(token),
            jwt,
            oidc,
            aws: key_id.zip(key).map(|(id, key)| (id, key, session)),
        })
    })
}

/// An empty variable is none.
fn is_set(value: &SecretString) -> bool {
    !value.expose_secret().is_empty()
}

//! What `secretfs login` has put into the keyring for a server. It was stored for that server and is
//! found by it, so nobody has to vouch for where it goes.

use super::{Found, Way};
use crate::credentials::protected;
use crate::error::CliError;
use crate::keyring::{Entry, Keyring, Kind};
use secrecy::{ExposeSecret, SecretString};
use secretfs_fs::map::ProviderSpec;
use secretfs_providers::Credential;

/// The credential of the first kind that may be used and is there.
pub(super) fn look(
    spec: &ProviderSpec,
    way: Option<Way>,
    keyring: &mut Keyring,
    insecure: bool,
) -> Result<Option<Found>, CliError> {
    let kinds: &[Kind] = match way {
        None => &[Kind::Client, Kind::Token],
        Some(Way::Universal) => &[Kind::Client],
        Some(Way::Token) => &[Kind::Token],
        Some(Way::Session | Way::Identity(_)) => &[],
    };
    for entry in kinds.iter().filter_map(|kind| Entry::of(spec, *kind)) {
        let found = protected(insecure, || Ok(keyring.find(&entry)))?;
        if let Some(credential) = found.and_then(|text| credential(entry.kind(), text)) {
            return Ok(Some((credential, entry.origin().to_owned())));
        }
    }
    Ok(None)
}

/// Of the text that is stored.
fn credential(kind: Kind, text: SecretString) -> Option<Credential> {
    match kind {
        Kind::Client => {
            let (id, secret) = text.expose_secret().split_once('\n')?;
            Some(Credential::ClientSecret {
                id: id.into(),
                secret: secret.into(),
            })
        }
        _ => Some(Credential::Token(text)),
    }
}

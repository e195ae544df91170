//! Credentials of 1Password Connect: the token, from `$CREDENTIALS_DIRECTORY` or the environment, by
//! the names that all its clients agree on; else from the keyring. The environment's belongs to the
//! server that `OP_CONNECT_HOST` names, the keyring's to the one that it was stored for, and either is
//! offered to no other: the map comes with a repository.

use super::protected;
use crate::error::{CliError, Status};
use crate::keyring::{Entry, Keyring, Kind};
use crate::output::warn;
use crate::passphrase;
use secrecy::{ExposeSecret, SecretString};
use secretfs_fs::map::{ProviderSettings, ProviderSpec};
use secretfs_memory::environment;
use secretfs_providers::{Credential, CredentialOffer, http};

const HOST: &str = "OP_CONNECT_HOST";
const TOKEN: &str = "OP_CONNECT_TOKEN";
/// What `op` would use where these two are not set.
const SERVICE_ACCOUNT: &str = "OP_SERVICE_ACCOUNT_TOKEN";

/// What the environment has: taken out of it once, for all maps of a command.
#[derive(Default)]
pub(super) struct Connect(Option<Option<SecretString>>);

impl Connect {
    /// The credential for this provider. `uses_op`: the map has one for a service account, too. What is missing, or belongs elsewhere, is warned about; half
    /// of a credential is an error.
    pub(super) fn offers(
        &mut self,
        spec: &ProviderSpec,
        keyring: &mut Keyring,
        uses_op: bool,
        insecure: bool,
    ) -> Result<Option<CredentialOffer>, CliError> {
        let ProviderSettings::OnePassword {
            op: false,
            connect_host: Some(server),
            ..
        } = &spec.settings
        else {
            return Ok(None);
        };
        let name = &spec.name;
        let host = std::env::var(HOST).ok().filter(|host| !host.is_empty());
        let token = self.find(name, insecure)?;
        let mut stored = || stored(spec, keyring, insecure);
        let (host, token) = match (host, token) {
            (Some(host), Some(token)) => (host, token),
            (None, None) => {
                let found = stored()?;
                if found.is_none() {
                    warn(
                        &format!("provider {name}: no credential: {HOST} and {TOKEN} are not set"),
                        &super::how_to_give(name),
                    );
                }
                return Ok(found);
            }
            (Some(_), None) => return Err(half(name, &format!("{HOST} is set without {TOKEN}"))),
            (None, Some(_)) => {
                return Err(half(
                    name,
                    &format!("there is a token, but {HOST} is not set"),
                ));
            }
        };
        let server = http::origin(server).unwrap_or_default();
        let origin = http::origin(&host);
        if origin.as_ref() != Some(&server)
            && let Some(found) = stored()?
        {
            return Ok(Some(found));
        }
        let Some(origin) = origin else {
            warn(
                &format!("{HOST} is no address, so the token belongs to no server"),
                "write `https://host`, with a port where needed",
            );
            return Ok(None);
        };
        if origin != server {
            warn(
                &format!("provider {name}: the token is for {origin}, not for {server}"),
                "set OP_CONNECT_HOST to the server that it was made for; it is sent to no other",
            );
            return Ok(None);
        }
        if !uses_op && std::env::var_os(SERVICE_ACCOUNT).is_some() {
            warn(
                &format!("{SERVICE_ACCOUNT} is set too, and not used: Connect comes first"),
                "unset one of them",
            );
        }
        Ok(Some(CredentialOffer {
            provider: name.clone(),
            origin,
            credential: Credential::Token(token),
        }))
    }

    /// From the service's folder if it has one for this provider, else from the environment.
    fn find(&mut self, provider: &str, insecure: bool) -> Result<Option<SecretString>, CliError> {
        if let Some(file) = passphrase::in_credentials_directory(provider, "token") {
            return protected(insecure, || passphrase::read_file(&file)).map(Some);
        }
        let taken = match &mut self.0 {
            Some(taken) => taken,
            none => none.insert(take(insecure)?),
        };
        Ok(taken.clone())
    }
}

/// What `secretfs login` stored for this server.
fn stored(
    spec: &ProviderSpec,
    keyring: &mut Keyring,
    insecure: bool,
) -> Result<Option<CredentialOffer>, CliError> {
    let Some(entry) = Entry::of(spec, Kind::Token) else {
        return Ok(None);
    };
    let token = protected(insecure, || Ok(keyring.find(&entry)))?;
    Ok(token.map(|token| CredentialOffer {
        provider: spec.name.clone(),
        origin: entry.origin().to_owned(),
        credential: Credential::Token(token),
    }))
}

/// Both or neither: one alone is a mistake that would show only at the first open.
fn half(provider: &str, what: &str) -> CliError {
    CliError::new(
        Status::Credential,
        format!("provider {provider}: {what}"),
        format!("set both {HOST} and {TOKEN}, or neither"),
    )
}

/// Takes it out of the environment: nothing that opens a server stays there.
fn take(insecure: bool) -> Result<Option<SecretString>, CliError> {
    if std::env::var_os(TOKEN).is_none() {
        return Ok(None);
    }
    // On a thread of its own, while this one waits: nobody else reads the environment meanwhile.
    protected(insecure, || {
        // An empty variable is none.
        let is_set = |value: &SecretString| !value.expose_secret().is_empty();
        Ok(environment::take(TOKEN).filter(is_set))
    })
}

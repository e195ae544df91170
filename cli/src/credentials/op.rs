//! Credentials of 1Password's `op`: the token of a service account, from `$CREDENTIALS_DIRECTORY` or the
//! environment, else from the keyring. There may be none: then the desktop app is asked, and nothing is missing.

use super::protected;
use crate::error::CliError;
use crate::keyring::{Entry, Keyring, Kind};
use crate::output::warn;
use crate::passphrase;
use secrecy::{ExposeSecret, SecretString};
use secretfs_fs::map::{ProviderSettings, ProviderSpec};
use secretfs_memory::environment;
use secretfs_providers::onepassword::op::{Op as Client, TOKEN};
use secretfs_providers::{Credential, CredentialOffer};

/// What `op` itself would go to a Connect server with, before anything else.
const CONNECT: [&str; 2] = ["OP_CONNECT_HOST", "OP_CONNECT_TOKEN"];

/// What the environment has: taken out of it once, for all maps of a command.
#[derive(Default)]
pub(super) struct Op(Option<Option<SecretString>>);

impl Op {
    /// The credential for this provider, where there is one.
    pub(super) fn offers(
        &mut self,
        spec: &ProviderSpec,
        keyring: &mut Keyring,
        insecure: bool,
    ) -> Result<Option<CredentialOffer>, CliError> {
        let ProviderSettings::OnePassword {
            op: true, account, ..
        } = &spec.settings
        else {
            return Ok(None);
        };
        let name = &spec.name;
        if let Some(set) = CONNECT.iter().find(|name| std::env::var_os(name).is_some()) {
            warn(
                &format!("provider {name}: {set} is set, and not used: the map says `backend: op`"),
                "unset it, or write `backend: connect` with `connect_host`",
            );
        }
        let mut token = self.find(name, insecure)?;
        if token.is_none()
            && let Some(entry) = Entry::of(spec, Kind::ServiceAccount)
        {
            token = protected(insecure, || Ok(keyring.find(&entry)))?;
        }
        Ok(token.map(|token| CredentialOffer {
            provider: name.clone(),
            origin: Client::origin_of(account.as_deref()),
            credential: Credential::Token(token),
        }))
    }

    /// From the service's folder if it has one for this provider, else from the environment.
    fn find(&mut self, provider: &str, insecure: bool) -> Result<Option<SecretString>, CliError> {
        let taken = match &mut self.0 {
            Some(taken) => taken,
            // Also where it is not used: nothing that opens anything stays in the environment.
            none => none.insert(take(insecure)?),
        };
        if let Some(file) = passphrase::in_credentials_directory(provider, "token") {
            return protected(insecure, || passphrase::read_file(&file)).map(Some);
        }
        Ok(taken.clone())
    }
}

/// Says that a provider that had one is without.
pub(super) fn warn_of_missing(provider: &str) {
    warn(
        &format!(
            "provider {provider}: it was mounted with the token of a service account, and there is none now"
        ),
        "`secretfs login` keeps one; or set OP_SERVICE_ACCOUNT_TOKEN where you run `secretfs unlock`",
    );
}

/// Takes it out of the environment.
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

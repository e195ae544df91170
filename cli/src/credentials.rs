//! Credentials on their way from the user to the daemon of a mount. They are in this process's
//! locked heap alone, and travel over a socketpair that nothing reads on the way.

mod connect;
mod infisical;
mod op;

use crate::error::{CliError, Status};
use crate::keyring::{Asking, Keyring, Outside};
use crate::map::Map;
use crate::output::{show, warn};
use secrecy::SecretString;
use secretfs_fs::link::credentials::{Client, Outcome};
use secretfs_fs::map::{ProviderSettings, ProviderSpec};
use secretfs_memory::heap::{self, HeapConfig};
use secretfs_memory::limit::LimitError;
use secretfs_memory::stack;
use secretfs_providers::{Credential, CredentialOffer};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the daemon may take to say whether it takes a credential; it only has to look at it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The stack of a command's work with secrets: scrypt, the vault's ciphers, a provider's calls. A debug
/// build keeps every future once more on it.
const STACK: usize = if cfg!(debug_assertions) {
    1 << 20
} else {
    512 << 10
};

/// Runs what reads a secret, the first byte of one included: with the heap locked, core dumps off,
/// out of the same user's sight, and on a thread whose stack is locked and cleared afterwards. Only
/// commands that read a secret pay for it.
pub(crate) fn protected<T: Send>(
    insecure: bool,
    work: impl FnOnce() -> Result<T, CliError> + Send,
) -> Result<T, CliError> {
    protect_process(insecure)?;
    stack::run(insecure, "secrets", STACK, work).map_err(|error| refused(&error))?
}

/// Once for the process.
fn protect_process(insecure: bool) -> Result<(), CliError> {
    static DONE: std::sync::OnceLock<()> = std::sync::OnceLock::new();
    if DONE.get().is_some() {
        return Ok(());
    }
    secretfs_memory::harden::no_dumps().map_err(|error| {
        CliError::new(
            Status::Other,
            format!("cannot turn core dumps off: {error}"),
            "",
        )
    })?;
    let plan = secretfs_memory::limit::plan_command(insecure).map_err(|error| refused(&error))?;
    heap::lock(HeapConfig {
        initial: plan.heap.min(256 << 10),
        limit: plan.heap,
        insecure,
        // scrypt's table holds what the passphrase is stretched to.
        wipe_large: true,
    })
    .map_err(|error| refused(&error))?;
    let _ = DONE.set(());
    Ok(())
}

fn refused(error: &LimitError) -> CliError {
    CliError::new(Status::Mount, error.to_string(), error.help())
}

/// What a mount without its credential means.
pub(crate) const UNTIL_UNLOCK: &str =
    "its files answer \"Required key not available\" until `secretfs unlock` or `secretfs login`";

/// Where this process was given a credential for a provider, without looking at it.
pub(crate) fn given_in(spec: &ProviderSpec) -> Option<&'static str> {
    let (parts, variables): (&[&str], &[&[&str]]) = match &spec.settings {
        ProviderSettings::Infisical { .. } => (
            &["client-id", "token"],
            &[
                &[
                    "INFISICAL_UNIVERSAL_AUTH_CLIENT_ID",
                    "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET",
                ],
                &["INFISICAL_UNIVERSAL_AUTH_ACCESS_TOKEN"],
                &["INFISICAL_TOKEN"],
            ],
        ),
        ProviderSettings::OnePassword { op: false, .. } => {
            (&["token"], &[&["OP_CONNECT_HOST", "OP_CONNECT_TOKEN"]])
        }
        ProviderSettings::OnePassword { op: true, .. } => {
            (&["token"], &[&["OP_SERVICE_ACCOUNT_TOKEN"]])
        }
        ProviderSettings::Local { .. } => (&["passphrase"], &[]),
        #[cfg(feature = "test-hooks")]
        ProviderSettings::Scripted { .. } => (&[], &[]),
    };
    let in_folder = |part| crate::passphrase::in_credentials_directory(&spec.name, part).is_some();
    if parts.iter().any(|part| in_folder(part)) {
        return Some("$CREDENTIALS_DIRECTORY");
    }
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let all_set = |names: &&[&str]| names.iter().all(is_set);
    variables.iter().any(all_set).then_some("the environment")
}

/// The help for a provider that has no credential.
fn how_to_give(provider: &str) -> String {
    format!(
        "`secretfs login {provider}` asks for it and keeps it; or set them where you run `secretfs \
         mount` or `secretfs unlock`"
    )
}

/// Asks for the credentials of maps. One passphrase opens a vault for all that use it.
pub(crate) struct Collector<'a> {
    passphrase_file: Option<&'a Path>,
    /// What is said where a passphrase is missing.
    without: &'static str,
    /// By vault file; `None`: there is no way to ask.
    known: BTreeMap<PathBuf, Option<SecretString>>,
    missing: bool,
    keyring: Keyring,
    infisical: infisical::Infisical,
    connect: connect::Connect,
    op: op::Op,
    /// Providers that had the token of a service account before.
    service_accounts: Vec<String>,
}

impl<'a> Collector<'a> {
    /// Takes passphrases from the file, where there is one; `without` is the help for where none is
    /// found.
    pub(crate) fn new(passphrase_file: Option<&'a Path>, without: &'static str) -> Self {
        Self {
            passphrase_file,
            without,
            known: BTreeMap::new(),
            missing: false,
            keyring: Keyring::new(Asking::of_process()),
            infisical: infisical::Infisical::default(),
            connect: connect::Connect::default(),
            op: op::Op::default(),
            service_accounts: Vec::new(),
        }
    }

    /// Looks at these keys of the kernel, too.
    pub(crate) fn with_keys(self, outside: Outside) -> Self {
        Self {
            keyring: self.keyring.with(outside),
            ..self
        }
    }

    /// These providers had the token of a service account when they were mounted: without one they lack
    /// something.
    pub(crate) fn expect(&mut self, service_accounts: Vec<String>) {
        self.service_accounts = service_accounts;
    }

    /// Whether a provider was found that lacks what it needs.
    pub(crate) fn is_anything_missing(&self) -> bool {
        self.missing
    }

    /// The credentials of the map's providers. What is missing is warned about; a passphrase that is
    /// wrong is an error.
    pub(crate) fn collect(
        &mut self,
        map: &Map,
        insecure: bool,
    ) -> Result<Vec<CredentialOffer>, CliError> {
        let mut offers = Vec::new();
        let uses_op = map.providers().iter().any(is_op);
        for spec in map.providers() {
            let ProviderSettings::Local { file } = &spec.settings else {
                let before = offers.len();
                let keyring = &mut self.keyring;
                offers.extend(self.infisical.offers(spec, keyring, insecure)?);
                offers.extend(self.connect.offers(spec, keyring, uses_op, insecure)?);
                offers.extend(self.op.offers(spec, keyring, insecure)?);
                // What has a server needs a credential; anything else has nothing to lack.
                let is_needed = match is_op(spec) {
                    true => self.service_accounts.contains(&spec.name),
                    false => spec.settings.address().is_some(),
                };
                if is_needed && offers.len() == before {
                    self.missing = true;
                    if is_op(spec) {
                        op::warn_of_missing(&spec.name);
                    }
                }
                continue;
            };
            let origin = secretfs_providers::local::origin(file);
            let file = Path::new(file);
            if !file.exists() {
                self.missing = true;
                warn(
                    &format!("provider {}: there is no vault {}", spec.name, show(file)),
                    "`secretfs vault init` makes one",
                );
                continue;
            }
            if let Some(identity) = self.identity(&spec.name, file, insecure)? {
                offers.push(CredentialOffer {
                    provider: spec.name.clone(),
                    origin,
                    credential: Credential::AgeIdentity(identity),
                });
            } else {
                self.missing = true;
                warn(
                    &format!(
                        "provider {}: the passphrase of {} is missing",
                        spec.name,
                        show(file)
                    ),
                    self.without,
                );
            }
        }
        // What the environment held is overwritten: also where looking through it left a copy.
        secretfs_memory::residue::clear_recent();
        Ok(offers)
    }

    fn identity(
        &mut self,
        provider: &str,
        vault: &Path,
        insecure: bool,
    ) -> Result<Option<SecretString>, CliError> {
        if let Some(known) = self.known.get(vault) {
            return Ok(known.clone());
        }
        let passphrase_file = self.passphrase_file;
        let keyring = &mut self.keyring;
        let identity = protected(insecure, || {
            crate::passphrase::unlock_identity(provider, vault, passphrase_file, keyring)
        })?;
        self.known.insert(vault.to_owned(), identity.clone());
        Ok(identity)
    }
}

/// Whether a provider is 1Password, read through `op`.
pub(crate) fn is_op(spec: &ProviderSpec) -> bool {
    matches!(
        spec.settings,
        ProviderSettings::OnePassword { op: true, .. }
    )
}

/// The providers that the token of a service account is offered to.
pub(crate) fn service_accounts(map: &Map, offers: &[CredentialOffer]) -> Vec<String> {
    let is_offered = |spec: &&ProviderSpec| offers.iter().any(|of| of.provider == spec.name);
    let given = map.providers().iter().filter(|spec| is_op(spec));
    given
        .filter(is_offered)
        .map(|spec| spec.name.clone())
        .collect()
}

fn unsent(error: &dyn std::fmt::Display) -> CliError {
    CliError::new(
        Status::Other,
        format!("cannot send the credentials: {error}"),
        "try again",
    )
}

/// Credentials that were sent, until the daemon says what it thinks of them.
pub(crate) struct Delivery {
    channel: Option<(Client, Vec<String>)>,
}

impl Delivery {
    /// Sends the offers into a new channel, whose other end the mount-helper passes on; `None` where
    /// there is nothing to send.
    pub(crate) fn send(
        offers: &[CredentialOffer],
        insecure: bool,
    ) -> Result<(Self, Option<OwnedFd>), CliError> {
        if offers.is_empty() {
            return Ok((Self { channel: None }, None));
        }
        let (ours, theirs) = secretfs_fs::link::wire::pair().map_err(|error| unsent(&error))?;
        Ok((Self::over(ours, offers, insecure)?, Some(theirs)))
    }

    /// Sends the offers into a channel whose other end the mount-helper has.
    pub(crate) fn over(
        channel: OwnedFd,
        offers: &[CredentialOffer],
        insecure: bool,
    ) -> Result<Self, CliError> {
        let mut client = Client::new(channel);
        protected(insecure, || {
            client
                .send(offers, Instant::now() + PATIENCE)
                .map_err(|error| unsent(&error))
        })?;
        let names = offers.iter().map(|offer| offer.provider.clone()).collect();
        Ok(Self {
            channel: Some((client, names)),
        })
    }

    /// Waits until the daemon has looked at all of them; an error for the first that it refuses.
    pub(crate) fn confirm(self) -> Result<(), CliError> {
        let Some((mut client, names)) = self.channel else {
            return Ok(());
        };
        let outcomes = client
            .outcomes(names.len(), Instant::now() + PATIENCE)
            .map_err(|error| {
                CliError::new(
                    Status::Credential,
                    format!("the daemon did not confirm the credentials: {error}"),
                    "see `secretfs status`, and try `secretfs unlock`",
                )
            })?;
        for (name, outcome) in names.iter().zip(outcomes) {
            if let Outcome::Refused { message, help } = outcome {
                return Err(CliError::new(
                    Status::Credential,
                    format!("provider {name}: {message}"),
                    help,
                ));
            }
        }
        Ok(())
    }
}

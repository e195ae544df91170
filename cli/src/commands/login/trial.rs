//! Whether a provider takes a credential: it is used once, for something that may not even be there.
//! What is refused, or cannot be tried, is not stored.

use super::ask::Given;
use super::target::Target;
use crate::commands::check::status;
use crate::error::{CliError, Status};
use crate::keyring::{Entry, Kind};
use crate::online::{self, Online};
use crate::output::warn;
use secretfs_fs::map::{ProviderSettings, Source};
use secretfs_providers::local::store::Vault;
use secretfs_providers::onepassword::op::Op;
use secretfs_providers::{
    Context, CredentialOffer, ErrorKind, FolderReference, Provider, ProviderError, Reference,
};
use std::path::Path;
use std::time::Duration;

/// How long the provider may take: signing in, and one question.
const PATIENCE: Duration = Duration::from_secs(30);

/// Tries it; what it opened comes back with it.
pub(super) fn pass(target: &Target, entry: &Entry, mut given: Given) -> Result<Given, CliError> {
    if let (ProviderSettings::Local { file }, Some(passphrase)) =
        (&target.spec().settings, given.passphrase())
    {
        let key = Vault::at(Path::new(file)).unlock(passphrase)?;
        given.identity = Some(key.to_secret());
        return Ok(given);
    }
    let offer = given.credential().map(|credential| CredentialOffer {
        provider: target.spec().name.clone(),
        origin: match &target.spec().settings {
            // The account's name, as its provider writes it.
            ProviderSettings::OnePassword {
                op: true, account, ..
            } => Op::origin_of(account.as_deref()),
            _ => entry.origin().to_owned(),
        },
        credential,
    });
    let online = Online::with(target.map(), offer.into_iter().collect())?;
    let Some(provider) = online.providers.get(target.index()) else {
        return Ok(given);
    };
    let cx = online.contexts()(PATIENCE);
    let asking = question(target, provider.as_ref(), &cx);
    let answer = online::runtime()?
        .block_on(async { tokio::time::timeout(PATIENCE, Box::pin(asking)).await })
        .unwrap_or_else(|_| {
            Err(ProviderError::new(
                ErrorKind::TimedOut,
                format!("no answer within {} s", PATIENCE.as_secs()),
                "try again",
            ))
        });
    judge(target, entry.kind(), answer)?;
    Ok(given)
}

/// Something that the credential is needed for.
async fn question(
    target: &Target,
    provider: &dyn Provider,
    cx: &Context,
) -> Result<(), ProviderError> {
    if let ProviderSettings::Infisical {
        path, environment, ..
    } = &target.spec().settings
    {
        let folder = FolderReference {
            path: path.clone(),
            environment: Some(environment.clone()),
            expand_references: None,
        };
        return provider.check_folder(&folder, false, cx).await;
    }
    match first_secret(target) {
        Some(reference) => provider.check(&reference, cx).await,
        None => Ok(()),
    }
}

/// One that the map wants of this provider.
fn first_secret(target: &Target) -> Option<Reference> {
    target.map().entries().iter().find_map(|entry| {
        let of_it = |provider: u16| usize::from(provider) == target.index();
        match (&entry.source, &entry.fallback) {
            (Source::Secret(reference), _) if of_it(entry.provider) => Some(reference.clone()),
            (_, Some(fallback)) if of_it(fallback.provider) => Some(fallback.reference.clone()),
            _ => None,
        }
    })
}

fn judge(target: &Target, kind: Kind, answer: Result<(), ProviderError>) -> Result<(), CliError> {
    let Err(error) = answer else {
        return Ok(());
    };
    let name = &target.spec().name;
    let message = match error.message.contains(name.as_str()) {
        true => error.message.clone(),
        false => format!("provider {name}: {}", error.message),
    };
    match error.kind {
        // Whoever is told so is known to the provider.
        ErrorKind::Missing | ErrorKind::Denied | ErrorKind::Ambiguous => {
            if target.is_of_map() && error.kind == ErrorKind::Denied {
                warn(
                    &format!("the {} is good, but {message}", kind.told()),
                    &error.help,
                );
            }
            Ok(())
        }
        ErrorKind::TooLarge | ErrorKind::NoMemory => Ok(()),
        other => match status(other) {
            Status::Credential => Err(CliError::new(
                Status::Credential,
                format!("{message}; nothing is stored"),
                "copy it once more, or make a new one",
            )),
            status => Err(CliError::new(
                status,
                format!("{message}; nothing is stored"),
                error.help,
            )),
        },
    }
}

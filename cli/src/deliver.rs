//! The running mounts that a stored credential concerns: which they are, giving it to them, and
//! locking them where it is taken away.

use crate::control;
use crate::credentials::Delivery;
use crate::error::CliError;
use crate::keyring::Entry;
use crate::map::Map;
use crate::output::{print, say, show};
use secretfs_fs::map::{ProviderSettings, ProviderSpec};
use secretfs_mount_helper::control::client::{self, Found};
use secretfs_mount_helper::control::{MountState, Request};
use secretfs_providers::{Credential, CredentialOffer};

/// Mounts, and which of their providers take the credential.
pub(crate) struct Running(Vec<(Found, Vec<ProviderSpec>)>);

impl Running {
    /// Those with a provider of this entry. To be called before the heap is locked: it reads maps,
    /// and a large one takes more than may be locked.
    pub(crate) fn with(entry: &Entry) -> Self {
        Self::where_any(|spec| Entry::of(spec, entry.kind()).as_ref() == Some(entry))
    }

    /// Those with a provider that a login could have been for.
    pub(crate) fn with_any() -> Self {
        Self::where_any(|spec| !Entry::all_of(spec).is_empty())
    }

    fn where_any(takes: impl Fn(&ProviderSpec) -> bool) -> Self {
        let running = client::all().into_iter().filter(Found::is_running);
        Self(
            running
                .filter_map(|found| {
                    let map = Map::of_mount(&found.record.request).ok()?;
                    let specs = map.providers().iter().filter(|spec| takes(spec));
                    let specs: Vec<_> = specs.cloned().collect();
                    (!specs.is_empty()).then_some((found, specs))
                })
                .collect(),
        )
    }

    /// Gives it to each that serves. It is stored already: what cannot be done is warned about.
    pub(crate) fn give(
        self,
        credential: impl Fn() -> Option<Credential>,
        insecure: bool,
    ) -> Result<(), CliError> {
        for (found, specs) in self.0 {
            let place = show(found.mountpoint());
            match client::status(&found).state {
                MountState::Serving => {}
                // Whoever locked it has to unlock it: it finds the credential then.
                MountState::Locked => {
                    say(&format!(
                        "{place} is locked: `secretfs unlock` takes it from there"
                    ))?;
                    continue;
                }
                _ => continue,
            }
            let offers: Vec<_> = specs
                .iter()
                .filter_map(|spec| offer(spec, &credential))
                .collect();
            match hand_over(&found, &offers, insecure) {
                Ok(true) => print(format!("gave it to {place}\n"))?,
                Ok(false) => {}
                Err(error) => error.warn(),
            }
        }
        Ok(())
    }

    /// Locks each: what a mount was given is wiped by a lock alone.
    pub(crate) fn lock(self) -> Result<(), CliError> {
        let mut first = Ok(());
        for (found, _) in self.0 {
            // One that is about to end, as that of a `run` whose command has ended, is as good as locked.
            let Some(found) = client::settled(found).filter(Found::is_running) else {
                continue;
            };
            if client::status(&found).state != MountState::Serving {
                continue;
            }
            match control::ask(&found, &Request::Lock, None) {
                Ok(_) => print(format!("locked {}\n", show(found.mountpoint())))?,
                Err(error) => {
                    if !client::settled(found).is_some_and(|found| found.is_running()) {
                        continue;
                    }
                    match &first {
                        Ok(()) => first = Err(error),
                        Err(_) => error.warn(),
                    }
                }
            }
        }
        first
    }
}

fn offer(
    spec: &ProviderSpec,
    credential: impl Fn() -> Option<Credential>,
) -> Option<CredentialOffer> {
    let credential = credential()?;
    let word = match &credential {
        Credential::ClientSecret { .. } => "universal",
        _ => "token",
    };
    if let ProviderSettings::Infisical {
        auth: Some(auth), ..
    } = &spec.settings
        && auth != word
    {
        return None;
    }
    Some(CredentialOffer {
        provider: spec.name.clone(),
        origin: secretfs_fs::daemon::registry::make(0, spec, &Default::default()).origin(),
        credential,
    })
}

/// Whether there was anything to give.
fn hand_over(found: &Found, offers: &[CredentialOffer], insecure: bool) -> Result<bool, CliError> {
    let (delivery, channel) = Delivery::send(offers, insecure)?;
    if channel.is_none() {
        return Ok(false);
    }
    control::ask(found, &Request::Credentials, channel)?;
    delivery.confirm().map(|()| true)
}

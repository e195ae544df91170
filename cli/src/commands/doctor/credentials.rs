//! Whether `secretfs login` has somewhere to keep a credential, and which provider of the map that is
//! found from here has one. Nothing is read but names.

use super::facts::Facts;
use super::rows::{Row, State, install};
use crate::credentials::given_in;
use crate::keyring::{DesktopState, Entry, Keyring, Kind, Place, Trouble};
use crate::map::Map;
use secretfs_fs::map::{ProviderSettings, ProviderSpec};

/// A provider that needs a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signed {
    /// Its name.
    pub(super) provider: String,
    /// Where its credential is.
    pub(super) from: Option<Source>,
    /// What there is where none is stored.
    pub(super) without: Without,
    /// `auth: …`, where something else than a credential signs in.
    pub(super) elsewhere: Option<String>,
}

/// What a provider without a stored credential does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Without {
    /// A person at a terminal is asked.
    Asks,
    /// The program has a session of its own.
    Program,
    /// Nothing can be fetched.
    Nothing,
}

/// Where a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Given to this process.
    Given(&'static str),
    /// Stored by `secretfs login`.
    Stored(Kind, Place),
}

impl Signed {
    /// Those of the map that is found from here; a bad one is a matter of `secretfs check`.
    pub(super) fn of_map(keyring: &mut Keyring) -> Vec<Self> {
        let Ok(map) = Map::find(None) else {
            return Vec::new();
        };
        map.providers()
            .iter()
            .filter(|spec| !Entry::all_of(spec).is_empty())
            .map(|spec| Self::of(spec, keyring))
            .collect()
    }

    fn of(spec: &ProviderSpec, keyring: &mut Keyring) -> Self {
        let auth = match &spec.settings {
            ProviderSettings::Infisical { auth, .. } => auth.as_deref(),
            _ => None,
        };
        let is_machine = |auth: &&str| !["universal", "token"].contains(auth);
        let stored = |keyring: &mut Keyring| {
            let mut entries = Entry::all_of(spec).into_iter();
            entries.find_map(|entry| {
                // Stored, but not what the map wants.
                let fits = match (auth, entry.kind()) {
                    (Some("universal"), kind) => kind == Kind::Client,
                    (Some("token"), kind) => kind == Kind::Token,
                    _ => true,
                };
                let place = fits.then(|| keyring.holds(&entry)).flatten()?;
                Some(Source::Stored(entry.kind(), place))
            })
        };
        Self {
            provider: spec.name.clone(),
            from: given_in(spec)
                .map(Source::Given)
                .or_else(|| stored(keyring)),
            without: match &spec.settings {
                ProviderSettings::Local { .. } => Without::Asks,
                ProviderSettings::OnePassword { op: true, .. } => Without::Program,
                _ => Without::Nothing,
            },
            elsewhere: auth.filter(is_machine).map(|auth| format!("auth: {auth}")),
        }
    }
}

/// The keyrings.
pub(super) fn keyring(facts: &Facts) -> Row {
    const NAME: &str = "keyring";
    let (message, help) = match (facts.desktop_keyring, facts.kernel_keyring) {
        (DesktopState::Open, _) => {
            return Row::ok(NAME, "the desktop's is open: `secretfs login` stores there");
        }
        (DesktopState::Locked, _) => (
            "the desktop's is locked: what is stored there is not found".to_owned(),
            "it is unlocked with the session; `secretfs unlock` on a terminal asks".to_owned(),
        ),
        (DesktopState::Not(Trouble::Absent), true) => (
            "the kernel's, which a reboot empties: there is no desktop keyring".to_owned(),
            format!("on a desktop: {}", install(facts, "gnome-keyring")),
        ),
        (DesktopState::Not(trouble), true) => (
            format!("the kernel's, which a reboot empties: {trouble}"),
            trouble.help().to_owned(),
        ),
        (DesktopState::Not(_), false) => {
            return Row::not(
                NAME,
                State::Missing,
                "neither the desktop's nor the kernel's: `secretfs login` cannot keep anything",
                Trouble::NoKernel.help(),
            );
        }
    };
    Row::not(NAME, State::Note, message, help)
}

/// The map's providers.
pub(super) fn providers(facts: &Facts) -> impl Iterator<Item = Row> {
    facts.providers.iter().map(|signed| {
        let name = format!("login {}", signed.provider);
        match (&signed.from, &signed.elsewhere) {
            (_, Some(auth)) => Row::ok(name, format!("signs in with `{auth}`")),
            (Some(Source::Given(place)), _) => Row::ok(name, format!("a credential in {place}")),
            (Some(Source::Stored(kind, place)), _) => {
                Row::ok(name, format!("{} in {}", kind.told(), place.told()))
            }
            (None, None) if signed.without == Without::Asks => Row::ok(
                name,
                "its passphrase is stored nowhere: a terminal is asked for it",
            ),
            (None, None) if signed.without == Without::Program => {
                Row::ok(name, "no service account: as whoever is signed in to `op`")
            }
            (None, None) => Row::not(
                name,
                State::Missing,
                "no credential is stored, or in the environment",
                format!("`secretfs login {}`", signed.provider),
            ),
        }
    })
}

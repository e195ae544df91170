//! Credentials of Infisical providers: from `$CREDENTIALS_DIRECTORY`, then from the environment, by
//! the names that the `infisical` program uses (contract infisical.md §7). They belong to the server
//! that the same environment names, and are offered to no other: the map comes with a repository.

use super::protected;
use crate::error::CliError;
use crate::output::warn;
use crate::passphrase;
use secrecy::SecretString;
use secretfs_fs::map::{ProviderSettings, ProviderSpec};
use secretfs_memory::environment;
use secretfs_providers::{Credential, CredentialOffer, http};

const CLIENT_ID: &str = "INFISICAL_UNIVERSAL_AUTH_CLIENT_ID";
const CLIENT_SECRET: &str = "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET";
/// In the order in which the `infisical` program looks. Its last one, `TOKEN`, is left out: who has
/// it set means some other program's token as a rule.
const TOKENS: [&str; 2] = ["INFISICAL_UNIVERSAL_AUTH_ACCESS_TOKEN", "INFISICAL_TOKEN"];
/// Where the server is told; the second is the old name.
const DOMAINS: [&str; 2] = ["INFISICAL_DOMAIN", "INFISICAL_API_URL"];
const DEFAULT_DOMAIN: &str = "https://app.infisical.com";

/// What the environment has: taken out of it once, for all maps of a command.
#[derive(Default)]
pub(super) struct Infisical {
    taken: Option<Taken>,
    missing: bool,
}

#[derive(Default)]
struct Taken {
    client: Option<(SecretString, SecretString)>,
    token: Option<SecretString>,
}

impl Infisical {
    /// Whether a provider was found that lacks what it needs.
    pub(super) fn is_anything_missing(&self) -> bool {
        self.missing
    }

    /// The credentials for this provider. What is missing, or belongs elsewhere, is warned about.
    pub(super) fn offers(
        &mut self,
        spec: &ProviderSpec,
        insecure: bool,
    ) -> Result<Vec<CredentialOffer>, CliError> {
        let offers = self.look(spec, insecure)?;
        // `None`: it needs nothing of here.
        self.missing |= offers.as_ref().is_some_and(Vec::is_empty);
        Ok(offers.unwrap_or_default())
    }

    fn look(
        &mut self,
        spec: &ProviderSpec,
        insecure: bool,
    ) -> Result<Option<Vec<CredentialOffer>>, CliError> {
        let ProviderSettings::Infisical { site_url, auth, .. } = &spec.settings else {
            return Ok(None);
        };
        let (universal, ready) = match auth.as_deref() {
            None => (true, true),
            Some("universal") => (true, false),
            Some("token") => (false, true),
            // The others need nothing of here.
            Some(_) => return Ok(None),
        };
        let credentials = self.find(&spec.name, universal, ready, insecure)?;
        let name = &spec.name;
        if credentials.is_empty() {
            let wanted = match (universal, ready) {
                (true, false) => format!("{CLIENT_ID} and {CLIENT_SECRET} are not set"),
                (false, true) => "INFISICAL_TOKEN is not set".to_owned(),
                _ => format!("neither {CLIENT_ID} and {CLIENT_SECRET} nor INFISICAL_TOKEN are set"),
            };
            warn(
                &format!("provider {name}: no credential: {wanted}"),
                "set them where you run `secretfs mount` or `secretfs unlock`",
            );
            return Ok(Some(Vec::new()));
        }
        let domain = DOMAINS.iter().find_map(|name| std::env::var(name).ok());
        let domain = domain.as_deref().unwrap_or(DEFAULT_DOMAIN);
        let server = http::origin(site_url).unwrap_or_default();
        let Some(origin) = http::origin(domain) else {
            warn(
                "INFISICAL_DOMAIN is no address, so the credential belongs to no server",
                "write `https://host`, with a port and a path where needed",
            );
            return Ok(Some(Vec::new()));
        };
        if origin != server {
            warn(
                &format!("provider {name}: the credential is for {origin}, not for {server}"),
                "set INFISICAL_DOMAIN to the server that it was made for; it is sent to no other",
            );
            return Ok(Some(Vec::new()));
        }
        let offer = |credential| CredentialOffer {
            provider: name.clone(),
            origin: origin.clone(),
            credential,
        };
        Ok(Some(credentials.into_iter().map(offer).collect()))
    }

    /// From the service's folder if it has one for this provider, else from the environment.
    fn find(
        &mut self,
        provider: &str,
        universal: bool,
        ready: bool,
        insecure: bool,
    ) -> Result<Vec<Credential>, CliError> {
        let file = |what: &str| -> Result<Option<SecretString>, CliError> {
            let Some(file) = passphrase::in_credentials_directory(provider, what) else {
                return Ok(None);
            };
            protected(insecure, || passphrase::read_file(&file)).map(Some)
        };
        let mut found = Vec::new();
        if universal && let (Some(id), Some(secret)) = (file("client-id")?, file("client-secret")?)
        {
            found.push(Credential::ClientSecret { id, secret });
        }
        if ready && let Some(token) = file("token")? {
            found.push(Credential::Token(token));
        }
        if !found.is_empty() {
            return Ok(found);
        }
        let taken = match &mut self.taken {
            Some(taken) => taken,
            none => none.insert(take(insecure)?),
        };
        if universal && let Some((id, secret)) = &taken.client {
            found.push(Credential::ClientSecret {
                id: id.clone(),
                secret: secret.clone(),
            });
        }
        if ready && let Some(token) = &taken.token {
            found.push(Credential::Token(token.clone()));
        }
        Ok(found)
    }
}

/// Takes all of it out of the environment, the parts that are not used too: nothing that opens a
/// server stays there.
fn take(insecure: bool) -> Result<Taken, CliError> {
    let all = [CLIENT_ID, CLIENT_SECRET].into_iter().chain(TOKENS);
    if all.clone().all(|name| std::env::var_os(name).is_none()) {
        return Ok(Taken::default());
    }
    // On a thread of its own, while this one waits: nobody else reads the environment meanwhile.
    protected(insecure, || {
        let mut taken = all.map(|name| environment::take(name).filter(is_set));
        let mut next = || taken.next().flatten();
        let (id, secret) = (next(), next());
        let (first, second) = (next(), next());
        Ok(Taken {
            client: id.zip(secret),
            token: first.or(second),
        })
    })
}

/// An empty variable is none.
fn is_set(value: &SecretString) -> bool {
    use secrecy::ExposeSecret;
    !value.expose_secret().is_empty()
}

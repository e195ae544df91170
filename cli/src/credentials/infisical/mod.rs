//! Credentials of Infisical providers: from `$CREDENTIALS_DIRECTORY`, then from the environment, by
//! the names that the `infisical` program uses (contract infisical.md §7), then from the keyring, then
//! what the machine or a program of the user is signed in with. The map comes with a repository, so it is never the one who
//! says where any of it goes.
//!
//! | file | idea |
//! |---|---|
//! | `environment` | what is taken out of the environment |
//! | `vouch` | to which server, and as which identity, that may be used |
//! | `session` | the session of the `infisical` program |
//! | `stored` | what `secretfs login` has put into the keyring |

mod environment;
mod session;
mod stored;
#[cfg(test)]
mod tests;
mod vouch;

use super::protected;
use crate::error::CliError;
use crate::keyring::Keyring;
use crate::output::warn;
use crate::passphrase;
use environment::{CLIENT_ID, CLIENT_SECRET, Taken};
use secretfs_fs::map::{ProviderSettings, ProviderSpec};
use secretfs_providers::credential::aws_keys;
use secretfs_providers::{Credential, CredentialOffer, IdentityMethod, http};
use std::path::Path;
use vouch::World;

/// The ways to sign in, in the order in which they are looked for where `auth:` is unset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Universal,
    Token,
    Session,
    Identity(IdentityMethod),
}

impl Way {
    const ALL: [Self; 7] = [
        Self::Universal,
        Self::Token,
        Self::Session,
        Self::Identity(IdentityMethod::Kubernetes),
        Self::Identity(IdentityMethod::Oidc),
        Self::Identity(IdentityMethod::Jwt),
        Self::Identity(IdentityMethod::Aws),
    ];

    /// The word in `auth:`, and in INFISICAL_AUTH_METHOD.
    fn words(self) -> [&'static str; 2] {
        match self {
            Self::Universal => ["universal", "universal-auth"],
            Self::Token => ["token", "token-auth"],
            Self::Session => ["cli", "user"],
            Self::Identity(IdentityMethod::Kubernetes) => ["kubernetes", "kubernetes-auth"],
            Self::Identity(IdentityMethod::Oidc) => ["oidc", "oidc-auth"],
            Self::Identity(IdentityMethod::Jwt) => ["jwt", "jwt-auth"],
            Self::Identity(IdentityMethod::Aws) => ["aws", "aws-iam"],
        }
    }
}

/// A credential that is there, and the server that it may be sent to.
type Found = (Credential, String);

/// Why a way that is there cannot be used: what, and what to do.
type Why = (String, String);

/// What one way comes to: `None`: it is not there, and nobody asked for it.
type Look = Result<Option<Found>, Why>;

/// The environment: taken out once, for all maps of a command.
pub(super) struct Infisical {
    world: World,
    taken: Option<Taken>,
}

impl Default for Infisical {
    fn default() -> Self {
        Self {
            world: World::of_process(),
            taken: None,
        }
    }
}

/// What is looked at for one provider.
struct Asked<'a> {
    name: &'a str,
    server: String,
    /// `auth:`, or what the environment has in its place.
    way: Option<Way>,
    identity: Option<&'a str>,
    jwt_file: Option<&'a str>,
}

impl Infisical {
    /// The credential for this provider. What is missing, or belongs elsewhere, is warned about.
    pub(super) fn offers(
        &mut self,
        spec: &ProviderSpec,
        keyring: &mut Keyring,
        insecure: bool,
    ) -> Result<Vec<CredentialOffer>, CliError> {
        let ProviderSettings::Infisical {
            site_url,
            auth,
            identity_id,
            jwt_file,
            ..
        } = &spec.settings
        else {
            return Ok(Vec::new());
        };
        let word = auth.as_deref().or(self.world.method.as_deref());
        let way = word.map(|word| Way::ALL.into_iter().find(|way| way.words().contains(&word)));
        if way == Some(None) {
            warn(
                &format!(
                    "provider {}: INFISICAL_AUTH_METHOD names a way to sign in that secretfs does not have",
                    spec.name
                ),
                "use universal-auth, kubernetes, oidc-auth, jwt-auth or aws-iam, or write `auth:` in the map",
            );
            return Ok(Vec::new());
        }
        let asked = Asked {
            name: &spec.name,
            server: http::origin(site_url).unwrap_or_default(),
            way: way.flatten(),
            identity: identity_id.as_deref(),
            jwt_file: jwt_file.as_deref(),
        };
        let taken = match &mut self.taken {
            Some(taken) => taken,
            none => none.insert(environment::take(insecure)?),
        };
        let found = find(&asked, taken, &self.world, insecure, |way| {
            stored::look(spec, way, keyring, insecure)
        })?;
        match found {
            Ok((credential, origin)) => Ok(vec![CredentialOffer {
                provider: spec.name.clone(),
                origin,
                credential,
            }]),
            Err((what, help)) => {
                warn(&format!("provider {}: {what}", spec.name), &help);
                Ok(Vec::new())
            }
        }
    }
}

/// The first way that is there, and may be used for this server; else why there is none.
fn find(
    asked: &Asked<'_>,
    taken: &Taken,
    world: &World,
    insecure: bool,
    mut stored: impl FnMut(Option<Way>) -> Result<Option<Found>, CliError>,
) -> Result<Result<Found, Why>, CliError> {
    let mut why = None;
    let mut is_stored_looked_at = false;
    for way in Way::ALL {
        if asked.way.is_some_and(|only| only != way) {
            continue;
        }
        // After what was given to this command, before what the machine happens to have.
        let is_given = matches!(way, Way::Universal | Way::Token);
        if !is_given
            && !std::mem::replace(&mut is_stored_looked_at, true)
            && let Some(found) = stored(asked.way)?
        {
            return Ok(Ok(found));
        }
        let look = match way {
            Way::Universal => world.for_server(client(asked.name, taken, insecure)?, asked),
            Way::Token => world.for_server(token(asked.name, taken, insecure)?, asked),
            Way::Session => session::look(world, asked, insecure)?,
            Way::Identity(method) => identity(method, asked, taken, world),
        };
        match look {
            Ok(Some(found)) => return Ok(Ok(found)),
            Ok(None) => {}
            // The first is the one that was meant, most likely.
            Err(told) => why = why.or(Some(told)),
        }
    }
    if !is_stored_looked_at && let Some(found) = stored(asked.way)? {
        return Ok(Ok(found));
    }
    Ok(Err(why.unwrap_or_else(|| missing(asked))))
}

impl World {
    /// A credential of the environment goes to the server that the environment names.
    fn for_server(&self, credential: Option<Credential>, asked: &Asked<'_>) -> Look {
        let Some(credential) = credential else {
            return Ok(None);
        };
        let origin = self.origin()?;
        if origin == asked.server {
            return Ok(Some((credential, origin)));
        }
        Err((
            format!("the credential is for {origin}, not for {}", asked.server),
            "set INFISICAL_DOMAIN to the server that it was made for; it is sent to no other"
                .to_owned(),
        ))
    }
}

fn file(
    provider: &str,
    what: &str,
    insecure: bool,
) -> Result<Option<secrecy::SecretString>, CliError> {
    let Some(file) = passphrase::in_credentials_directory(provider, what) else {
        return Ok(None);
    };
    protected(insecure, || passphrase::read_file(&file)).map(Some)
}

/// From the service's folder if it has one for this provider, else from the environment.
fn client(provider: &str, taken: &Taken, insecure: bool) -> Result<Option<Credential>, CliError> {
    let (id, secret) = match (
        file(provider, "client-id", insecure)?,
        file(provider, "client-secret", insecure)?,
    ) {
        (Some(id), Some(secret)) => (id, secret),
        _ => match &taken.client {
            Some((id, secret)) => (id.clone(), secret.clone()),
            None => return Ok(None),
        },
    };
    Ok(Some(Credential::ClientSecret { id, secret }))
}

fn token(provider: &str, taken: &Taken, insecure: bool) -> Result<Option<Credential>, CliError> {
    let token = file(provider, "token", insecure)?;
    Ok(token.or_else(|| taken.token.clone()).map(Credential::Token))
}

/// Leave to sign in as the machine's identity.
fn identity(method: IdentityMethod, asked: &Asked<'_>, taken: &Taken, world: &World) -> Look {
    let is_meant = asked.way == Some(Way::Identity(method));
    let in_file = asked.jwt_file.is_some_and(|file| Path::new(file).exists());
    let jwt = |own: Option<&secrecy::SecretString>| match own {
        Some(jwt) => Ok(Some(jwt.clone())),
        None if in_file => Ok(None),
        None => Err(match asked.jwt_file {
            Some(file) => format!("there is no {file}"),
            None => "there is no JWT".to_owned(),
        }),
    };
    let proof = match method {
        IdentityMethod::Kubernetes => jwt(None),
        IdentityMethod::Oidc => jwt(taken.oidc.as_ref().or(taken.jwt.as_ref())),
        IdentityMethod::Jwt => jwt(taken.jwt.as_ref()),
        IdentityMethod::Aws => match &taken.aws {
            Some((id, secret, session)) => {
                Ok(Some(aws_keys(id, secret, session.as_ref(), &world.region)))
            }
            None => Err("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set".to_owned()),
        },
    };
    let proof = match proof {
        Ok(proof) => proof,
        Err(what) if is_meant => return Err((what, remedy(method).to_owned())),
        Err(_) => return Ok(None),
    };
    let Some(id) = asked.identity else {
        return match is_meant {
            true => Err((
                "there is no identity to sign in as".to_owned(),
                "write `identity_id:` in the map, or set INFISICAL_MACHINE_IDENTITY_ID".to_owned(),
            )),
            // A pod or a runner that has nothing to do with Infisical.
            false => Ok(None),
        };
    };
    world.vouches_for(id)?;
    let credential = Credential::Identity {
        method,
        id: id.to_owned(),
        proof,
    };
    world.for_server(Some(credential), asked)
}

fn remedy(method: IdentityMethod) -> &'static str {
    match method {
        IdentityMethod::Kubernetes => {
            "write `jwt_file:` in the map where the service account's token is mounted elsewhere"
        }
        IdentityMethod::Oidc | IdentityMethod::Jwt => {
            "write `jwt_file:` in the map, or set INFISICAL_JWT"
        }
        IdentityMethod::Aws => {
            "set them where you run `secretfs mount`; keys of an instance's or a container's role are not looked for"
        }
    }
}

/// What is missing, where nothing was found.
fn missing(asked: &Asked<'_>) -> Why {
    let what = match asked.way {
        Some(Way::Universal) => format!("{CLIENT_ID} and {CLIENT_SECRET} are not set"),
        Some(Way::Token) => "INFISICAL_TOKEN is not set".to_owned(),
        _ => format!(
            "neither {CLIENT_ID} and {CLIENT_SECRET} nor INFISICAL_TOKEN are set, and nobody is \
             signed in to `infisical`"
        ),
    };
    (
        format!("no credential: {what}"),
        super::how_to_give(asked.name),
    )
}

//! The proxies of the environment, by the names and in the order that curl reads them. A map never
//! names one: it comes with a repository. Values with a user and a password are secrets: they are
//! overwritten in the environment block, and travel with the credentials.

use crate::credentials::protected;
use crate::error::{CliError, Status};
use secrecy::{ExposeSecret, SecretString};
use secretfs_fs::map::ProviderSpec;
use secretfs_memory::environment;
use secretfs_providers::http::{Proxy, ProxySettings, UnusableProxy};
use secretfs_providers::{Credential, CredentialOffer};

/// For servers with TLS …
const HTTPS: &[&str] = &["https_proxy", "HTTPS_PROXY"];
/// … and for those without: in small letters alone. A server hands its programs `HTTP_PROXY` with
/// whatever a client wrote into a header of that name (CVE-2016-5385).
const HTTP: &[&str] = &["http_proxy"];
/// For both, where these are not set.
const ALL: &[&str] = &["all_proxy", "ALL_PROXY"];
/// What is reached without.
const EXCEPT: &[&str] = &["no_proxy", "NO_PROXY"];
/// Not read, but what stands in it is a secret all the same.
const UNREAD: &str = "HTTP_PROXY";

/// What the environment has: read once, for all maps of a command.
#[derive(Default)]
pub(crate) struct Proxies(Option<Taken>);

struct Taken {
    settings: ProxySettings,
    /// Origin, and `user:password`.
    users: Vec<(String, SecretString)>,
}

/// What was found for one scheme.
type Found = Option<(Proxy, Option<SecretString>)>;

impl Proxies {
    /// Which proxies there are for a map's providers. Nothing is read for a map without a server.
    ///
    /// # Errors
    /// One is set that cannot be used.
    pub(crate) fn settings(
        &mut self,
        providers: &[ProviderSpec],
        insecure: bool,
    ) -> Result<ProxySettings, CliError> {
        // `op` has one, too, whichever that is.
        let has_server = |spec: &ProviderSpec| {
            crate::credentials::is_op(spec) || spec.settings.address().is_some()
        };
        if !providers.iter().any(has_server) {
            return Ok(ProxySettings::default());
        }
        let taken = match &mut self.0 {
            Some(taken) => taken,
            none => none.insert(take(insecure)?),
        };
        Ok(taken.settings.clone())
    }

    /// What opens them.
    pub(crate) fn offers(&self, settings: &ProxySettings) -> Vec<CredentialOffer> {
        let users = self.0.iter().flat_map(|taken| &taken.users);
        users
            .filter(|(origin, _)| settings.all().any(|proxy| proxy.origin() == *origin))
            .map(|(origin, user)| CredentialOffer {
                // No provider's; this is what it is called where it is refused.
                provider: origin.clone(),
                origin: origin.clone(),
                credential: Credential::Proxy(user.clone()),
            })
            .collect()
    }
}

fn take(insecure: bool) -> Result<Taken, CliError> {
    let names = [HTTPS, HTTP, ALL].concat();
    let is_secret = |name: &&str| environment::has_byte(name, b'@');
    if names.iter().chain([&UNREAD]).any(is_secret) {
        // On a thread of its own, while this one waits: nobody else reads the environment meanwhile.
        return protected(insecure, || {
            let taken = read(|name| match is_secret(&name) {
                true => environment::take(name),
                false => plain(name),
            });
            // What was not read as well, and what another took precedence over.
            for name in names.iter().chain([&UNREAD]).filter(|name| is_secret(name)) {
                drop(environment::take(name));
            }
            taken
        });
    }
    read(plain)
}

/// A variable without a secret in it.
fn plain(name: &str) -> Option<SecretString> {
    std::env::var(name).ok().map(SecretString::from)
}

/// Reads them with `variable`. An empty one counts as none.
fn read(mut variable: impl FnMut(&str) -> Option<SecretString>) -> Result<Taken, CliError> {
    let mut first = |names: &[&'static str]| {
        names.iter().find_map(|name| {
            let value = variable(name)?;
            (!value.expose_secret().is_empty()).then_some((*name, value))
        })
    };
    let all = first(ALL);
    let mut proxy = |names: &[&'static str]| -> Result<Found, CliError> {
        let Some((name, value)) = first(names).or_else(|| all.clone()) else {
            return Ok(None);
        };
        let parsed = Proxy::parse(value.expose_secret());
        parsed.map(Some).map_err(|why| unusable(name, why))
    };
    let (https, http) = (proxy(HTTPS)?, proxy(HTTP)?);
    let except = first(EXCEPT);
    let users = [&https, &http].into_iter().flatten();
    let users = users.filter_map(|(proxy, user)| Some((proxy.origin(), user.clone()?)));
    let mut users: Vec<_> = users.collect();
    // The same proxy for both: its user is told once.
    users.dedup_by(|(one, _), (other, _)| one == other);
    let (name, except) = except.unwrap_or(("NO_PROXY", SecretString::default()));
    let settings = ProxySettings::new(
        https.map(|(proxy, _)| proxy),
        http.map(|(proxy, _)| proxy),
        except.expose_secret(),
    );
    Ok(Taken {
        settings: settings.map_err(|why| unusable(name, why))?,
        users,
    })
}

/// Never quotes the value: it may hold a password, also where it is malformed.
fn unusable(name: &str, why: UnusableProxy) -> CliError {
    CliError::new(Status::Usage, format!("{name} {why}"), why.help())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(environment: &[(&str, &str)]) -> Result<Taken, CliError> {
        read(|name| {
            let found = environment.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| SecretString::from(*value))
        })
    }

    /// The proxies for TLS and without.
    fn ports(environment: &[(&str, &str)]) -> (Option<u16>, Option<u16>) {
        let taken = of(environment).unwrap();
        let port = |tls| taken.settings.of(tls, "a.example").map(Proxy::port);
        (port(true), port(false))
    }

    #[test]
    fn variables_are_read_in_the_order_of_curl() {
        for (environment, expected) in [
            (&[][..], (None, None)),
            (&[("HTTPS_PROXY", "p:1")], (Some(1), None)),
            (&[("https_proxy", "p:1")], (Some(1), None)),
            (
                &[("HTTPS_PROXY", "p:1"), ("https_proxy", "p:2")],
                (Some(2), None),
            ),
            (
                &[("HTTPS_PROXY", "p:1"), ("https_proxy", "")],
                (Some(1), None),
            ),
            (&[("http_proxy", "p:1")], (None, Some(1))),
            // Not in capitals.
            (&[("HTTP_PROXY", "p:1")], (None, None)),
            (&[("ALL_PROXY", "p:1")], (Some(1), Some(1))),
            (
                &[
                    ("all_proxy", "p:1"),
                    ("ALL_PROXY", "p:9"),
                    ("http_proxy", "p:2"),
                ],
                (Some(1), Some(2)),
            ),
            (
                &[("HTTPS_PROXY", "p:1"), ("NO_PROXY", "a.example")],
                (None, None),
            ),
            (
                &[
                    ("HTTPS_PROXY", "p:1"),
                    ("NO_PROXY", "a.example"),
                    ("no_proxy", "b.example"),
                ],
                (Some(1), None),
            ),
        ] {
            assert_eq!(ports(environment), expected, "{environment:?}");
        }
    }

    #[test]
    fn users_are_told_apart_from_the_addresses_and_each_once() {
        let url = "http://me:secret@p.example:3128";
        let taken = of(&[("HTTPS_PROXY", url), ("http_proxy", url)]).unwrap();
        let proxies = Proxies(Some(taken));
        let settings = proxies.0.as_ref().unwrap().settings.clone();
        assert!(!format!("{settings:?}").contains("secret"));
        let offers = proxies.offers(&settings);
        assert_eq!(offers.len(), 1);
        assert_eq!(offers[0].origin, "http://p.example:3128");
        assert!(proxies.offers(&ProxySettings::default()).is_empty());
    }

    #[test]
    fn an_unusable_proxy_is_named_by_its_variable_and_never_quoted() {
        for value in [
            "socks5://me:hunter2@p",
            "http://me:hunter2@p:x",
            "http://me:%zzhunter2@p",
        ] {
            let error = of(&[("HTTPS_PROXY", value)]).map(drop).unwrap_err();
            let text = format!("{error:?}");
            assert!(
                text.contains("HTTPS_PROXY") && !text.contains("hunter2"),
                "{text}"
            );
        }
    }
}

//! Proxies: which server is reached through which, and what opens them.
//!
//! | file | rule |
//! |---|---|
//! | `address` | what stands in `HTTPS_PROXY`, and how it is read |
//! | `rules` | `NO_PROXY`, as curl reads it |
//! | `access` | users and passwords, and proxies that refuse them |
//!
//! A map never names a proxy: it comes with a repository, and would choose who sees which servers are
//! asked. They come from the environment of the command that mounts, and are the same until the mount
//! ends. Users and passwords come beside them, over the channel of the credentials.

mod access;
mod address;
mod rules;

pub use access::Proxies;
pub(super) use access::{Authorization, REFUSED_FOR};
pub use address::{Proxy, UnusableProxy};

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The longest `NO_PROXY` that is taken.
const MAX_EXCEPT: usize = 4 << 10;

/// Which servers are reached through which proxy. Holds no secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxySettings {
    https: Option<Proxy>,
    http: Option<Proxy>,
    except: String,
}

impl ProxySettings {
    /// For servers that are spoken to over TLS, for those that are not, and the value of `NO_PROXY`.
    ///
    /// # Errors
    /// `NO_PROXY` is too long to be one.
    pub fn new(
        https: Option<Proxy>,
        http: Option<Proxy>,
        except: &str,
    ) -> Result<Self, UnusableProxy> {
        if except.len() > MAX_EXCEPT {
            return Err(UnusableProxy::TooLong);
        }
        Ok(Self {
            https,
            http,
            except: except.to_owned(),
        })
    }

    /// The proxy for a server, where there is one. Never for this machine, whatever `NO_PROXY` says:
    /// plain http may go to this machine without being asked for, and must not leave it.
    #[must_use]
    pub fn of(&self, tls: bool, host: &str) -> Option<&Proxy> {
        let proxy = if tls { &self.https } else { &self.http };
        let proxy = proxy.as_ref()?;
        let ip = host.parse::<IpAddr>().ok();
        let is_here = ip.is_some_and(|ip| ip.to_canonical().is_loopback())
            || host.trim_end_matches('.').eq_ignore_ascii_case("localhost");
        (!is_here && !rules::excepts(&self.except, host, ip)).then_some(proxy)
    }

    /// The same as variables for a program of somebody else that speaks TLS. Without users and
    /// passwords: a child's environment is no place for them.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let Some(proxy) = &self.https else {
            return Vec::new();
        };
        let mut set = vec![("HTTPS_PROXY", proxy.origin())];
        if !self.except.is_empty() {
            set.push(("NO_PROXY", self.except.clone()));
        }
        set
    }

    /// All of them, one of which may be there twice.
    pub fn all(&self) -> impl Iterator<Item = &Proxy> {
        self.https.iter().chain(&self.http)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(except: &str) -> ProxySettings {
        let proxy = |text: &str| Some(Proxy::parse(text).unwrap().0);
        ProxySettings::new(proxy("tls.example:1"), proxy("plain.example:2"), except).unwrap()
    }

    fn of(except: &str, tls: bool, host: &str) -> Option<u16> {
        settings(except).of(tls, host).map(|proxy| proxy.port())
    }

    #[test]
    fn a_server_is_reached_through_the_proxy_of_its_scheme() {
        assert_eq!(of("", true, "a.example"), Some(1));
        assert_eq!(of("", false, "a.example"), Some(2));
        assert_eq!(of("a.example", true, "a.example"), None);
        assert_eq!(ProxySettings::default().of(true, "a.example"), None);
    }

    #[test]
    fn this_machine_is_reached_through_none() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
        ] {
            assert_eq!(of("", true, host), None, "{host}");
            assert_eq!(of("", false, host), None, "{host}");
        }
        for host in ["localhost.example", "128.0.0.1", "::2"] {
            assert_eq!(of("", true, host), Some(1), "{host}");
        }
    }

    #[test]
    fn an_exception_without_end_is_refused() {
        let long = "a".repeat(MAX_EXCEPT + 1);
        assert_eq!(
            ProxySettings::new(None, None, &long),
            Err(UnusableProxy::TooLong)
        );
    }
}

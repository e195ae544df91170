//! Where a provider's server is: what the sandbox lets the daemon connect to, and what the
//! mount-helper resolves for it.

use super::plan::ProviderSettings;

/// A server's name or address, and its TCP port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    /// Whether it is spoken to over TLS.
    pub tls: bool,
    /// Without the brackets of an IPv6 address.
    pub host: &'a str,
    /// The scheme's, where the URL names none.
    pub port: u16,
}

impl ProviderSettings {
    /// The server; `None` for providers that have none.
    #[must_use]
    pub fn address(&self) -> Option<Address<'_>> {
        match self {
            Self::Infisical { site_url, .. } => of(site_url),
            Self::OnePassword { connect_host, .. } => connect_host.as_deref().and_then(of),
            Self::Local { .. } => None,
            #[cfg(feature = "test-hooks")]
            Self::Scripted { .. } => None,
        }
    }
}

/// Of `scheme://host[:port][/path]`, as the map's rules let it through.
fn of(url: &str) -> Option<Address<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, rest) = bracketed.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match (port.filter(|port| !port.is_empty()), scheme) {
        (Some(port), _) => port.parse().ok()?,
        (None, "https") => 443,
        (None, "http") => 80,
        (None, _) => return None,
    };
    let tls = scheme == "https";
    (!host.is_empty()).then_some(Address { tls, host, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_found_in_every_address_that_a_map_may_have() {
        for (url, expected) in [
            (
                "https://app.infisical.com",
                Some(("app.infisical.com", 443)),
            ),
            (
                "https://host.example:8443/prefix",
                Some(("host.example", 8443)),
            ),
            ("http://127.0.0.1:8080", Some(("127.0.0.1", 8080))),
            ("http://localhost", Some(("localhost", 80))),
            ("https://[::1]:9/x", Some(("::1", 9))),
            ("https://[2001:db8::7]", Some(("2001:db8::7", 443))),
            ("https://user@host/x@y", Some(("host", 443))),
            ("ftp://host", None),
            ("https://:1/", None),
            ("https://host:99999", None),
            ("host", None),
        ] {
            let found = of(url).map(|address| (address.host, address.port));
            assert_eq!(found, expected, "{url}");
            let tls = of(url).map(|address| address.tls);
            assert_eq!(tls, expected.map(|_| url.starts_with("https:")), "{url}");
        }
    }
}

//! A server of the map, and the origin that its credentials are bound to.

use crate::error::{ErrorKind, ProviderError};
use hyper::Uri;
use std::net::IpAddr;

/// Where a provider's server is.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The provider's name in the map, for messages.
    pub(super) provider: String,
    /// Its place in the map, which the mount-helper is asked with.
    pub(super) index: u16,
    /// Whether the map gives it a CA bundle of its own.
    pub(super) ca_file: bool,
    /// `None`: the map's text is no address; the map's own check lets none such through.
    address: Option<Address>,
    plain_allowed: bool,
}

/// An address in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Whether TLS is spoken.
    pub(super) tls: bool,
    /// In small letters, an IPv6 address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// Without a trailing `/`.
    prefix: String,
}

impl Address {
    fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        if authority.as_str().contains('@') {
            return None;
        }
        let host = authority.host().to_ascii_lowercase();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let default = if tls { 443 } else { 80 };
        (!bare.is_empty()).then(|| Self {
            tls,
            host: bare.to_owned(),
            port: authority.port_u16().unwrap_or(default),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// `host:port`, with an IPv6 address in brackets.
    pub(super) fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        }
    }

    fn origin(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }

    fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.ip().is_some_and(|ip| ip.is_loopback())
    }

    /// The address, where the host is one and no name.
    pub(super) fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Path and query of a resource: the prefix is kept, each of `path` becomes one segment, whatever
    /// characters it has.
    pub(super) fn target(&self, path: &[&str], query: &[(&str, &str)]) -> String {
        let mut target = self.prefix.clone();
        for segment in path {
            target.push('/');
            encode(segment, &mut target);
        }
        if target.is_empty() {
            target.push('/');
        }
        let mut mark = '?';
        for (name, value) in query {
            target.push(mark);
            encode(name, &mut target);
            target.push('=');
            encode(value, &mut target);
            mark = '&';
        }
        target
    }
}

impl Endpoint {
    /// The server at `address` of the provider `name` at `index`. `ca_file`: whether the map names a
    /// CA bundle for it; `plain_allowed`: whether http may go beyond this machine.
    #[must_use]
    pub fn new(name: &str, index: u16, address: &str, ca_file: bool, plain_allowed: bool) -> Self {
        Self {
            provider: name.to_owned(),
            index,
            ca_file,
            address: Address::parse(address),
            plain_allowed,
        }
    }

    /// The provider's name in the map.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// `scheme://host:port`, always with the port; what credentials are bound to.
    #[must_use]
    pub fn origin(&self) -> String {
        self.address
            .as_ref()
            .map_or_else(String::new, Address::origin)
    }

    /// The address, if it may be spoken to.
    ///
    /// # Errors
    /// The map's text is none, or plain http would leave this machine.
    pub(super) fn address(&self) -> Result<&Address, ProviderError> {
        let unusable = |why: &str, help: &str| {
            let message = format!("provider {}: {why}", self.provider);
            ProviderError::new(ErrorKind::Unsupported, message, help)
        };
        let Some(address) = &self.address else {
            return Err(unusable("its address cannot be read", "mend it in the map"));
        };
        // The map was checked, but by another program's eyes: the credential goes out of here.
        if !address.tls && !self.plain_allowed && !address.is_loopback() {
            return Err(unusable(
                "plain http beyond this machine is not allowed",
                "write `https://`, or set `allow_insecure_http: true` if the network is trusted",
            ));
        }
        Ok(address)
    }
}

/// `scheme://host:port` of an address, always with the port; `None` where it is no http(s) address.
/// What a credential is bound to is told by the same function that a provider compares with.
#[must_use]
pub fn origin(address: &str) -> Option<String> {
    Address::parse(address).map(|address| address.origin())
}

/// Percent-encodes all but letters, digits, `-`, `_`, `.` and `~`. Not by a library for addresses:
/// those leave line breaks and tabs out of a path, and one secret's name would become another's.
fn encode(text: &str, into: &mut String) {
    use std::fmt::Write;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            into.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port_however_it_is_written() {
        for (text, expected) in [
            ("https://app.infisical.com", "https://app.infisical.com:443"),
            (
                "https://App.Infisical.Com/api",
                "https://app.infisical.com:443",
            ),
            ("http://localhost:8080/prefix/", "http://localhost:8080"),
            ("https://[::1]:8443/x", "https://[::1]:8443"),
            ("http://10.0.0.1", "http://10.0.0.1:80"),
        ] {
            assert_eq!(origin(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "app.infisical.com",
            "ftp://x",
            "https://",
            "https://u:p@x",
            "https:///x",
            "/x",
        ] {
            assert_eq!(origin(text), None, "{text}");
        }
    }

    #[test]
    fn a_segment_is_one_segment_whatever_it_holds() {
        let address = Address::parse("https://x/prefix/").unwrap();
        assert_eq!(
            address.target(
                &["api", "a/b?c#d\n\t%2e \u{e9}"],
                &[("secretPath", "/a b&c")]
            ),
            "/prefix/api/a%2Fb%3Fc%23d%0A%09%252e%20%C3%A9?secretPath=%2Fa%20b%26c"
        );
        assert_eq!(Address::parse("https://x").unwrap().target(&[], &[]), "/");
    }

    #[test]
    fn plain_http_stays_on_this_machine_unless_the_map_allows_more() {
        let usable = |address: &str, allowed| {
            Endpoint::new("p", 0, address, false, allowed)
                .address()
                .is_ok()
        };
        for address in [
            "http://localhost:1",
            "http://127.0.0.9",
            "http://[::1]:5",
            "https://a.example",
        ] {
            assert!(usable(address, false), "{address}");
        }
        for address in [
            "http://a.example",
            "http://10.0.0.1",
            "http://localhost.example",
        ] {
            assert!(!usable(address, false), "{address}");
            assert!(usable(address, true), "{address}");
        }
        assert!(!usable("nothing", true));
    }
}

//! What stands in `HTTPS_PROXY`: `[scheme://][user:password@]host[:port]`, as curl reads it. The
//! user and the password are taken out at once and never stand in a text that is shown.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// curl's, where a proxy over plain http names no port …
const PORT: u16 = 1080;
/// … and where one over TLS names none.
const TLS_PORT: u16 = 443;
/// The longest value that is looked at.
const MAX: usize = 4096;

/// A proxy, without what opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    tls: bool,
    host: String,
    port: u16,
}

/// Why a proxy cannot be used. Says nothing of the value, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnusableProxy {
    /// It is no address.
    #[error("is no address of a proxy")]
    Malformed,
    /// It is a SOCKS proxy.
    #[error("names a SOCKS proxy, which secretfs cannot use")]
    Socks,
    /// It has another scheme than http and https.
    #[error("has a scheme that no proxy of secretfs has")]
    Scheme,
    /// User or password cannot be decoded.
    #[error("has a user or a password that cannot be decoded")]
    Credential,
    /// It is longer than any address.
    #[error("is too long")]
    TooLong,
}

impl UnusableProxy {
    /// What to do about it.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Malformed | Self::TooLong => {
                "write `http://host:port`, or `http://user:password@host:port`"
            }
            Self::Socks | Self::Scheme => {
                "name an HTTP proxy, `http://host:port` or `https://host:port`, or unset the variable for this command"
            }
            Self::Credential => {
                "percent-encode what is not a letter or a digit, as UTF-8: `p%40ss` is `p@ss`"
            }
        }
    }
}

impl Proxy {
    /// The proxy, and the `user:password` that opens it, where there is one.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn parse(text: &str) -> Result<(Self, Option<SecretString>), UnusableProxy> {
        if text.len() > MAX {
            return Err(UnusableProxy::TooLong);
        }
        let (tls, rest) = match text.split_once("://") {
            None => (false, text),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, _)) if is_socks(scheme) => return Err(UnusableProxy::Socks),
            Some(_) => return Err(UnusableProxy::Scheme),
        };
        // From the right: a password may hold a `/` that nobody encoded, a host cannot hold an `@`.
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, rest),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = split(authority).ok_or(UnusableProxy::Malformed)?;
        let port = match port {
            None | Some("") => {
                if tls {
                    TLS_PORT
                } else {
                    PORT
                }
            }
            Some(port) => port.parse().map_err(|_| UnusableProxy::Malformed)?,
        };
        if port == 0 || !is_host(host) {
            return Err(UnusableProxy::Malformed);
        }
        let proxy = Self {
            tls,
            host: host.to_ascii_lowercase(),
            port,
        };
        let user = user.filter(|user| !user.is_empty());
        Ok((proxy, user.map(decode).transpose()?))
    }

    /// Whether it is spoken to over TLS.
    #[must_use]
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// Its name in small letters, or its address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `scheme://host:port`, what its user and password are bound to, and what it is called.
    #[must_use]
    pub fn origin(&self) -> String {
        let Self { tls, host, port } = self;
        let scheme = if *tls { "https" } else { "http" };
        match host.contains(':') {
            true => format!("{scheme}://[{host}]:{port}"),
            false => format!("{scheme}://{host}:{port}"),
        }
    }
}

fn is_socks(scheme: &str) -> bool {
    let scheme = scheme.to_ascii_lowercase();
    scheme.starts_with("socks")
}

/// Host and port of an authority.
fn split(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(bracketed) = authority.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return match rest {
            "" => Some((host, None)),
            rest => Some((host, Some(rest.strip_prefix(':')?))),
        };
    }
    match authority.split_once(':') {
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
}

fn is_host(host: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    (1..=253).contains(&host.len()) && host.bytes().all(plain)
}

/// Percent-decodes `user:password`; a user alone has an empty password.
fn decode(text: &str) -> Result<SecretString, UnusableProxy> {
    // Nothing grows: no copy is left behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + 1));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
            return Err(UnusableProxy::Credential);
        };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| UnusableProxy::Credential)?);
    }
    if !text.contains(':') {
        bytes.push(b':');
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| UnusableProxy::Credential)?;
    // What ends a line of a header would begin another.
    if text.contains(|c: char| c.is_control()) {
        return Err(UnusableProxy::Credential);
    }
    Ok(SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn parsed(text: &str) -> Result<(String, Option<String>), UnusableProxy> {
        let (proxy, user) = Proxy::parse(text)?;
        Ok((
            proxy.origin(),
            user.map(|user| user.expose_secret().to_owned()),
        ))
    }

    #[test]
    fn a_proxy_is_read_as_curl_reads_it() {
        for (text, origin, user) in [
            ("proxy.example", "http://proxy.example:1080", None),
            ("proxy.example:3128", "http://proxy.example:3128", None),
            (
                "http://Proxy.Example:3128/",
                "http://proxy.example:3128",
                None,
            ),
            ("https://proxy.example", "https://proxy.example:443", None),
            ("HTTP://10.0.0.1:8080", "http://10.0.0.1:8080", None),
            ("http://[::1]:3128", "http://[::1]:3128", None),
            ("[2001:db8::1]", "http://[2001:db8::1]:1080", None),
            (
                "http://me:secret@p.example:1",
                "http://p.example:1",
                Some("me:secret"),
            ),
            ("me:p%40ss@p:1", "http://p:1", Some("me:p@ss")),
            ("http://me@p:1", "http://p:1", Some("me:")),
            ("http://me:@p:1", "http://p:1", Some("me:")),
            ("http://me:a/b@c@p:1/", "http://p:1", Some("me:a/b@c")),
            ("http://@p:1", "http://p:1", None),
            (
                "http://h%C3%A9:x%3Ay@p:1",
                "http://p:1",
                Some("h\u{e9}:x:y"),
            ),
        ] {
            let expected = (origin.to_owned(), user.map(str::to_owned));
            assert_eq!(parsed(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_with_its_reason() {
        use UnusableProxy::{Credential, Malformed, Scheme, Socks, TooLong};
        for (text, why) in [
            ("", Malformed),
            ("http://", Malformed),
            ("http://:3128", Malformed),
            ("http://p:0", Malformed),
            ("http://p:65536", Malformed),
            ("http://p:x", Malformed),
            ("http://a b:1", Malformed),
            ("http://a\r\nb:1", Malformed),
            ("http://::1:3128", Malformed),
            ("http://[x]:1", Malformed),
            ("http://[::1]x", Malformed),
            ("socks5h://p:1", Socks),
            ("SOCKS4://p", Socks),
            ("ftp://p", Scheme),
            ("http://me:%zz@p", Credential),
            ("http://me:%f@p", Credential),
            ("http://me:%ff@p", Credential),
            ("http://me:a%0d%0ab@p", Credential),
            (&"p".repeat(5000), TooLong),
        ] {
            assert_eq!(parsed(text), Err(why), "{text}");
            assert!(!why.to_string().is_empty() && !why.help().is_empty());
        }
    }
}

//! What a failed request means. The texts are ours: a server's may quote a value.

use super::Endpoint;
use super::proxy::{Proxy, REFUSED_FOR};
use crate::error::{ErrorKind, ProviderError};
use crate::host::HostError;
use rustix::io::Errno;
use rustls::CertificateError;
use std::error::Error;
use std::io;

/// What is behind an error, as far as it says something to the user.
#[derive(Debug)]
pub(super) enum Cause {
    /// The sandbox does not let connections to this port out.
    Sandbox,
    Name(HostError),
    Refused,
    /// Another error of the network.
    Network(Errno),
    Certificate(CertificateError),
    Tls,
    TimedOut,
    /// The connection ended, or spoke no HTTP.
    Broken,
    /// Any of these, on the way to the proxy.
    AtProxy(Box<Cause>),
    /// The proxy answers CONNECT with this status.
    Tunnel(u16),
    /// The proxy wants a user and a password, and there are none.
    ProxyShut,
    /// The proxy refuses the user or the password.
    ProxyRefused,
}

/// Why a request brought no answer.
#[derive(Debug)]
pub struct Failure {
    /// What to tell.
    pub error: ProviderError,
    /// Whether the server may have seen something of the request.
    pub is_sent: bool,
    /// Whether it may work a moment later.
    pub is_passing: bool,
}

impl From<Failure> for ProviderError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl Failure {
    /// One that came before anything was sent, and will not pass.
    pub(super) fn before(error: ProviderError) -> Self {
        Self {
            error,
            is_sent: false,
            is_passing: false,
        }
    }

    /// One of which it is not known what the server saw, and which took all the time there was.
    pub(super) fn late(error: ProviderError) -> Self {
        Self {
            error,
            is_sent: true,
            is_passing: false,
        }
    }

    /// There is no connection.
    pub(super) fn unsent(endpoint: &Endpoint, proxy: Option<&Proxy>, cause: &Cause) -> Self {
        Self {
            error: told(endpoint, proxy, cause),
            is_sent: false,
            is_passing: cause.is_passing(),
        }
    }

    /// A request that brought no answer.
    pub(super) fn of(endpoint: &Endpoint, proxy: Option<&Proxy>, error: &hyper::Error) -> Self {
        let cause = Cause::of(error);
        Self {
            error: told(endpoint, proxy, &cause),
            is_sent: !error.is_canceled(),
            is_passing: cause.is_passing(),
        }
    }
}

fn told(endpoint: &Endpoint, proxy: Option<&Proxy>, cause: &Cause) -> ProviderError {
    let origin = endpoint.origin();
    let proxy = proxy.map(Proxy::origin).unwrap_or_default();
    let (kind, what, help) = match cause {
        Cause::AtProxy(cause) => {
            let (kind, what, _) = plainly(&format!("the proxy {proxy}"), cause);
            let help = match **cause {
                Cause::Sandbox => "run `secretfs unmount`, then mount again",
                _ => {
                    "check HTTPS_PROXY, http_proxy and NO_PROXY where you mount, and whether the proxy is well"
                }
            };
            (kind, format!("{what}, on the way to {origin}"), help.to_owned())
        }
        Cause::Tunnel(status) => (
            ErrorKind::Unreachable,
            format!("the proxy {proxy} does not connect to {origin}: it answers with status {status}"),
            tunnel_help(*status).to_owned(),
        ),
        Cause::ProxyShut => (
            ErrorKind::Unreachable,
            format!("the proxy {proxy} wants a user and a password"),
            "write them into HTTPS_PROXY or http_proxy as `http://user:password@host:port`, and run `secretfs unlock`"
                .to_owned(),
        ),
        Cause::ProxyRefused => (
            ErrorKind::Unreachable,
            format!("the proxy {proxy} refuses the user or the password"),
            format!(
                "not tried again for {} minutes, because repeated refusals may lock the account; \
                 mend HTTPS_PROXY or http_proxy, and run `secretfs unlock`",
                REFUSED_FOR.as_secs() / 60
            ),
        ),
        cause => {
            let (kind, what, help) = plainly(&origin, cause);
            (kind, what, help.to_owned())
        }
    };
    ProviderError::new(
        kind,
        format!("provider {}: {what}", endpoint.provider),
        help,
    )
}

fn tunnel_help(status: u16) -> &'static str {
    match status {
        403 | 405 => "ask whoever runs the proxy to allow this host, or name it in NO_PROXY",
        502..=504 => {
            "the proxy cannot reach the server: check the address in the map, or name the host in NO_PROXY and mount again"
        }
        _ => {
            "see whether it is a proxy that knows CONNECT; without one the host belongs into NO_PROXY"
        }
    }
}

/// What a cause means at one end, which is called `end`.
fn plainly(end: &str, cause: &Cause) -> (ErrorKind, String, &'static str) {
    match cause {
        Cause::Sandbox => (
            ErrorKind::Denied,
            format!("the sandbox lets no connection to {end} out"),
            "the mount was made before the map named this port: run `secretfs unmount`, then mount again",
        ),
        Cause::Name(HostError::Os(errno)) if *errno == Errno::ACCESS.raw_os_error() => (
            ErrorKind::Denied,
            format!("the host of {end} is none of the map's"),
            "run `secretfs unmount`, then mount again",
        ),
        Cause::Name(error) => (
            ErrorKind::Unreachable,
            format!("the host of {end} cannot be resolved: {error}"),
            "check the address in the map, and the network",
        ),
        Cause::Refused => (
            ErrorKind::Unreachable,
            format!("{end} refuses connections"),
            "see whether the server runs, and check the address in the map",
        ),
        Cause::Network(errno) => (
            ErrorKind::Unreachable,
            format!("{end} cannot be reached: {}", io::Error::from(*errno)),
            "check the network, and the address in the map",
        ),
        Cause::Certificate(why) => {
            let (what, help) = certificate(why);
            (
                ErrorKind::Unreachable,
                format!("the certificate of {end} {what}"),
                help,
            )
        }
        Cause::Tls => (
            ErrorKind::Unreachable,
            format!("{end} and this program found no way to speak TLS"),
            "check the address in the map: is it a server with TLS 1.2 or 1.3?",
        ),
        Cause::TimedOut => (
            ErrorKind::TimedOut,
            format!("no connection to {end} in time"),
            "check the network, and the address in the map",
        ),
        Cause::Broken
        | Cause::AtProxy(_)
        | Cause::Tunnel(_)
        | Cause::ProxyShut
        | Cause::ProxyRefused => (
            ErrorKind::Unreachable,
            format!("{end} broke the connection off"),
            "see whether the server is well, and whether a proxy is in between",
        ),
    }
}

fn certificate(why: &CertificateError) -> (&'static str, &'static str) {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "has expired",
            "renew it on the server, or check this machine's clock",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("is not valid yet", "check this machine's clock")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "is for another name",
            "check the address in the map; somebody may be in between",
        ),
        CertificateError::UnknownIssuer | CertificateError::BadSignature => (
            "is signed by nobody that this machine trusts",
            "for an authority of your own set `ca_file`; otherwise somebody may be in between",
        ),
        _ => (
            "is not valid",
            "mend it on the server; somebody may be in between",
        ),
    }
}

/// The error of an answer whose body ended early.
pub(super) fn broken_off(provider: &str) -> ProviderError {
    ProviderError::new(
        ErrorKind::Unreachable,
        format!("provider {provider}: the server broke its answer off"),
        "see whether the server is well, and whether a proxy is in between",
    )
}

/// The error of a redirect. Its target is the server's text, and not told.
pub(super) fn redirected(endpoint: &Endpoint) -> ProviderError {
    ProviderError::new(
        ErrorKind::Unreachable,
        format!(
            "provider {}: {} redirects elsewhere, where no credential is sent to",
            endpoint.provider,
            endpoint.origin()
        ),
        "write the address that it redirects to into the map; or a portal of this network wants a sign-in",
    )
}

impl Cause {
    /// What is behind an error of a connection.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(one) = next {
            if let Some(found) = known(one) {
                return found;
            }
            next = one.source();
        }
        Self::Broken
    }

    /// The same, on the way to the proxy.
    pub(super) fn at_proxy(self) -> Self {
        Self::AtProxy(Box::new(self))
    }

    /// Whether it may be over in a moment.
    fn is_passing(&self) -> bool {
        match self {
            Self::Refused | Self::Network(_) | Self::Broken | Self::Tunnel(502..=504) => true,
            Self::AtProxy(cause) => cause.is_passing(),
            Self::Sandbox
            | Self::Name(_)
            | Self::Certificate(_)
            | Self::Tls
            | Self::TimedOut
            | Self::Tunnel(_)
            | Self::ProxyShut
            | Self::ProxyRefused => false,
        }
    }
}

fn known(error: &(dyn Error + 'static)) -> Option<Cause> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(match error {
            rustls::Error::InvalidCertificate(why) => Cause::Certificate(why.clone()),
            _ => Cause::Tls,
        });
    }
    let error = error.downcast_ref::<io::Error>()?;
    // What an io error wraps is not its source.
    if let Some(inner) = error.get_ref()
        && let Some(found) = known(inner)
    {
        return Some(found);
    }
    let errno = Errno::from_io_error(error)?;
    Some(match errno {
        Errno::ACCESS | Errno::PERM => Cause::Sandbox,
        Errno::CONNREFUSED => Cause::Refused,
        Errno::TIMEDOUT => Cause::TimedOut,
        Errno::CONNRESET | Errno::PIPE | Errno::CONNABORTED => Cause::Broken,
        errno => Cause::Network(errno),
    })
}

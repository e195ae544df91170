//! What a provider may ask of the world outside the sandbox. The daemon opens and resolves nothing
//! by itself: the mount-helper does, and passes descriptors that it does not read (architecture.md).

use crate::provider::BoxFuture;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

/// Where systems keep their CA bundle (PEM), in the order in which they are tried: Debian, Arch and most others; Fedora; SUSE; Alpine.
pub const SYSTEM_CA: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// One request to the helper. It names what is wanted by its place in the compiled map, never by a
/// path: a taken-over daemon cannot ask for another file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum HostRequest {
    /// Open the vault file of the provider of this index, for reading.
    OpenVault {
        /// Index in the compiled map's list of providers.
        provider: u16,
    },
    /// Resolve a host name of the map's providers or of a proxy.
    Resolve {
        /// The name.
        host: String,
        /// The port.
        port: u16,
    },
    /// Open the CA bundle that the map names for the provider of this index (`ca_file`).
    OpenCaFile {
        /// Index in the compiled map's list of providers.
        provider: u16,
    },
    /// Open the system's CA bundle.
    OpenSystemCa,
    /// Connect to the simulator of the scripted provider of this index.
    #[cfg(feature = "test-hooks")]
    ConnectScripted {
        /// Index in the compiled map's list of providers.
        provider: u16,
    },
}

/// The helper's answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum HostAnswer {
    /// An open descriptor.
    Fd(OwnedFd),
    /// Addresses, best first.
    Addresses(Vec<SocketAddr>),
}

/// Why the helper could not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The system refused; the errno as a number.
    #[error("{}", std::io::Error::from_raw_os_error(*.0))]
    Os(i32),
    /// The helper did not answer before the deadline, or is gone.
    #[error("the mount-helper did not answer")]
    NoAnswer,
}

/// The helper, as providers see it.
pub trait Host: Send + Sync {
    /// Asks, and waits for the answer within the deadline of the link.
    fn ask(&self, request: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>>;
}

//! What a provider may ask of the world outside the sandbox. The daemon opens and resolves nothing
//! by itself: the mount-helper does, and passes descriptors that it does not read (architecture.md).

use crate::onepassword::op::{Complaint, OpCall};
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
    /// Open the file with a JWT that the map names for the provider of this index (`jwt_file`).
    OpenJwtFile {
        /// Index in the compiled map's list of providers.
        provider: u16,
    },
    /// Open the configuration of the program that the provider of this index uses the session of.
    OpenProgramConfig {
        /// Index in the compiled map's list of providers.
        provider: u16,
    },
    /// Start a program for the provider of this index. Its standard output is the descriptor of the
    /// answer, a pipe that the helper does not read.
    StartProgram {
        /// Index in the compiled map's list of providers.
        provider: u16,
        /// Which one, and what it is to do.
        call: ProgramCall,
    },
    /// Wait for the end of a program that was started.
    EndOfProgram {
        /// As [`HostAnswer::Started`] told it.
        run: u64,
    },
    /// Connect to the simulator of the scripted provider of this index.
    #[cfg(feature = "test-hooks")]
    ConnectScripted {
        /// Index in the compiled map's list of providers.
        provider: u16,
    },
}

/// What a program may be started for. Programs and arguments are words of the helper or of the map: a
/// taken-over daemon can ask for nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ProgramCall {
    /// `infisical`: print the token of the session.
    InfisicalToken,
    /// `op`: print an item, or a field or file of one. With the token of a service account, where a
    /// descriptor that it can be read from came beside the question.
    Op(OpCall),
}

/// How a program ended, as far as its status and the start of what it complained tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ProgramEnd {
    /// It did what it was to do.
    Done,
    /// It says that nobody is signed in.
    SignedOut,
    /// It failed for another reason.
    Failed,
    /// `op` failed, and complained like this.
    Op(Complaint),
    /// It was killed, because it took too long.
    TimedOut,
}

/// The helper's answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum HostAnswer {
    /// An open descriptor.
    Fd(OwnedFd),
    /// Addresses, best first.
    Addresses(Vec<SocketAddr>),
    /// A program runs.
    Started {
        /// To ask for its end with.
        run: u64,
        /// What it writes.
        stdout: OwnedFd,
    },
    /// It has ended.
    Ended(ProgramEnd),
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

    /// The same with a descriptor beside the question, for a program that is to read a credential from
    /// it. The helper passes it on, and reads nothing of it.
    fn ask_with(
        &self,
        request: HostRequest,
        beside: OwnedFd,
    ) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        drop((request, beside));
        Box::pin(async { Err(HostError::NoAnswer) })
    }
}

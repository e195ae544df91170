//! Who is trusted: the system's CA bundle, and the provider's own beside it. The mount-helper opens
//! both and passes the descriptors; they are read here, certificate by certificate, because a whole
//! bundle in memory would take an eighth of the locked heap.

use super::Endpoint;
use crate::error::{ErrorKind, ProviderError};
use crate::host::{Host, HostAnswer, HostError, HostRequest};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The most bytes of a bundle.
const MAX_BUNDLE: usize = 4 << 20;
/// The most bytes of one certificate in it.
const MAX_CERTIFICATE: usize = 64 << 10;
/// The most certificates that are kept of all bundles.
const MAX_ROOTS: usize = 1024;
/// What the locked heap must still be able to give before one more is kept.
const SPARE_HEAP: usize = 256 << 10;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// The system's, read once for the process: they are some 100 KiB, and no secret.
static SYSTEM: OnceCell<Arc<RootCertStore>> = OnceCell::const_new();

/// How TLS is spoken to one server.
#[derive(Clone)]
pub(super) struct Roots(pub(super) Arc<ClientConfig>);

/// Reads who may vouch for `endpoint`.
pub(super) async fn read(endpoint: &Endpoint, host: &dyn Host) -> Result<Roots, ProviderError> {
    let roots = authorities(endpoint, host).await?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|_| {
        let message = format!("provider {}: cannot set up TLS", endpoint.provider);
        ProviderError::new(ErrorKind::Unsupported, message, "")
    })?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A remembered session would be a secret at rest, and saves no round trip in TLS 1.3.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Roots(Arc::new(config)))
}

async fn authorities(
    endpoint: &Endpoint,
    host: &dyn Host,
) -> Result<Arc<RootCertStore>, ProviderError> {
    let system = SYSTEM
        .get_or_try_init(|| async {
            let mut roots = RootCertStore::empty();
            add(ask(host, HostRequest::OpenSystemCa).await?, &mut roots).await?;
            roots.roots.shrink_to_fit();
            Ok::<_, NoRoots>(Arc::new(roots))
        })
        .await;
    if !endpoint.ca_file {
        return match system {
            Ok(roots) => Ok(Arc::clone(roots)),
            Err(why) => Err(why.told(endpoint, "the system's CA bundle", NO_SYSTEM)),
        };
    }
    // A machine without a bundle of its own is no obstacle to a map that brings one.
    let mut roots = RootCertStore::empty();
    if let Ok(system) = system {
        roots.roots.clone_from(&system.roots);
    }
    let request = HostRequest::OpenCaFile {
        provider: endpoint.index,
    };
    let own = async { add(ask(host, request).await?, &mut roots).await }.await;
    match own {
        Ok(()) => Ok(Arc::new(roots)),
        Err(why) => Err(why.told(endpoint, "`ca_file`", NO_CA_FILE)),
    }
}

const NO_SYSTEM: &str = "install the package ca-certificates, or set `ca_file` in the map";
const NO_CA_FILE: &str = "name a readable file with certificates in PEM format";

/// Why there is nobody to trust.
#[derive(Debug)]
enum NoRoots {
    Unopened(HostError),
    Unread(std::io::Error),
    Empty,
    NoRoom,
}

impl NoRoots {
    fn told(&self, endpoint: &Endpoint, what: &str, help: &str) -> ProviderError {
        let (kind, why) = match self {
            Self::Unopened(error) => (ErrorKind::Unreachable, format!("cannot be opened: {error}")),
            Self::Unread(error) => (ErrorKind::Unreachable, format!("cannot be read: {error}")),
            Self::Empty => (
                ErrorKind::Unreachable,
                "holds no usable certificate".to_owned(),
            ),
            Self::NoRoom => (
                ErrorKind::NoMemory,
                "does not fit the locked memory".to_owned(),
            ),
        };
        let message = format!("provider {}: {what} {why}", endpoint.provider);
        ProviderError::new(kind, message, help)
    }
}

async fn ask(host: &dyn Host, request: HostRequest) -> Result<OwnedFd, NoRoots> {
    match host.ask(request).await {
        Ok(HostAnswer::Fd(fd)) => Ok(fd),
        Ok(_) => Err(NoRoots::Unopened(HostError::NoAnswer)),
        Err(error) => Err(NoRoots::Unopened(error)),
    }
}

/// Adds the certificates of a bundle. One that cannot be used is left out, as everybody does: bundles
/// have some; none at all is an error.
async fn add(fd: OwnedFd, roots: &mut RootCertStore) -> Result<(), NoRoots> {
    // A regular file, the mount-helper saw to that: reading 4 KiB of one does not block to speak of.
    let mut file = File::from(fd);
    let mut bundle = Bundle::default();
    let mut piece = [0; 4096];
    let mut left = MAX_BUNDLE;
    let before = roots.len();
    loop {
        let read = file.read(&mut piece).map_err(NoRoots::Unread)?;
        let Some(read) = piece.get(..read).filter(|read| !read.is_empty()) else {
            break;
        };
        left = left.saturating_sub(read.len());
        if left == 0 {
            return Err(NoRoots::NoRoom);
        }
        bundle.push(read, |certificate| {
            if roots.len() >= MAX_ROOTS || !secretfs_memory::heap::has_room(SPARE_HEAP) {
                return Err(NoRoots::NoRoom);
            }
            let _ = roots.add(certificate);
            Ok(())
        })?;
        tokio::task::yield_now().await;
    }
    if roots.len() == before {
        return Err(NoRoots::Empty);
    }
    Ok(())
}

/// Cuts a bundle into its certificates. Comments between them, and sections of other kinds, are
/// passed over without being kept: `ca_file` may name any file there is.
#[derive(Default)]
struct Bundle {
    /// The start of the current line, while outside a certificate.
    line: Vec<u8>,
    /// The current certificate, with its `BEGIN` line.
    section: Option<Vec<u8>>,
}

impl Bundle {
    fn push(
        &mut self,
        bytes: &[u8],
        mut found: impl FnMut(CertificateDer<'static>) -> Result<(), NoRoots>,
    ) -> Result<(), NoRoots> {
        for byte in bytes {
            let Some(section) = &mut self.section else {
                if *byte == b'\n' {
                    if self.line.trim_ascii_end() == BEGIN {
                        self.section = Some([BEGIN, b"\n"].concat());
                    }
                    self.line.clear();
                } else if self.line.len() <= BEGIN.len() + 1 {
                    self.line.push(*byte);
                }
                continue;
            };
            section.push(*byte);
            if section.ends_with(END) {
                if let Ok(certificate) = CertificateDer::from_pem_slice(section) {
                    found(certificate)?;
                }
                self.section = None;
            } else if section.len() > MAX_CERTIFICATE {
                self.section = None;
            }
        }
        Ok(())
    }
}

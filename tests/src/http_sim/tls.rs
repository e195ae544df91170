//! Certificates: a CA for every simulator, whose file a map names as `ca_file`.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A name that nobody resolves but a proxy: this machine is reached without one.
pub const BEHIND_A_PROXY: &str = "infisical.example";

/// Whether there is TLS, and whether its certificate is a good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Plain HTTP.
    No,
    /// TLS, with a certificate for 127.0.0.1, localhost and [`BEHIND_A_PROXY`].
    Yes,
    /// TLS, with a certificate for another host.
    WrongHost,
    /// TLS, with a certificate of long ago.
    Expired,
}

/// The CA's file and the server's chain.
#[derive(Debug)]
pub(super) struct Certificates {
    ca_file: PathBuf,
    server: Arc<ServerConfig>,
    _folder: tempfile::TempDir,
}

impl Certificates {
    pub(super) fn make(tls: Tls) -> Option<Self> {
        let hosts = match tls {
            Tls::No => return None,
            Tls::Yes | Tls::Expired => &["127.0.0.1", "localhost", BEHIND_A_PROXY][..],
            Tls::WrongHost => &["elsewhere.example", "192.0.2.1"],
        };
        let ca = authority();
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut leaf = CertificateParams::new(hosts).expect("names");
        leaf.distinguished_name
            .push(DnType::CommonName, "secretfs simulator");
        if tls == Tls::Expired {
            leaf.not_after = rcgen::date_time_ymd(2020, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = leaf.signed_by(&key, &ca).expect("a certificate");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("the key of the certificate");
        server.alpn_protocols = vec![b"http/1.1".to_vec()];

        // The daemon that reads the file is another user's.
        let folder = tempfile::Builder::new()
            .prefix("secretfs-ca-")
            .permissions(std::fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("a temporary folder");
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, ca.pem()).expect("a file");
        std::fs::set_permissions(&ca_file, PermissionsExt::from_mode(0o644)).expect("chmod");
        Some(Self {
            ca_file,
            server: Arc::new(server),
            _folder: folder,
        })
    }

    pub(super) fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server)
    }

    pub(super) fn ca_file(&self) -> &Path {
        &self.ca_file
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "secretfs simulator CA");
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("a certificate")
}

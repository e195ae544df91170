//! A client for the simulators' own tests: it sends what it is told, byte by byte, and shows what came,
//! byte by byte. A library would mend both.

use super::{Server, Site};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Speaks to one simulator.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
}

/// What came back, as far as it came.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether all came that the header had promised.
    pub(crate) is_whole: bool,
}

impl Client {
    pub(crate) fn of<S: Site>(server: &Server<S>) -> Self {
        Self::trusting(server, server.ca_file())
    }

    /// Trusts a certificate of its own choice.
    pub(crate) fn trusting<S: Site>(server: &Server<S>, ca: Option<&Path>) -> Self {
        let tls = ca.map(|file| {
            let mut roots = RootCertStore::empty();
            let certificate = CertificateDer::from_pem_file(file).unwrap();
            roots.add(certificate).unwrap();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            Arc::new(config)
        });
        Self {
            address: server.address(),
            tls,
        }
    }

    /// A request with these header lines and this body.
    pub(crate) fn ask(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> io::Result<Got> {
        let mut text = format!("{method} {target} HTTP/1.1\r\nhost: simulator\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            text.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        text.push_str("connection: close\r\n\r\n");
        text.push_str(body);
        let bytes = self.exchange(text.as_bytes())?;
        parse(method, &bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    pub(crate) fn get(&self, target: &str, token: &str) -> Got {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str())];
        self.ask("GET", target, &headers, "").unwrap()
    }

    pub(crate) fn get_if(&self, target: &str, token: &str, tag: &str) -> Got {
        let authorization = format!("Bearer {token}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("if-none-match", tag),
        ];
        self.ask("GET", target, &headers, "").unwrap()
    }

    pub(crate) fn post(&self, target: &str, body: &str) -> Got {
        let headers = [("content-type", "application/json")];
        self.ask("POST", target, &headers, body).unwrap()
    }

    /// Sends bytes, and reads until the other side ends, well or not.
    pub(crate) fn exchange(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = self.connect()?;
        stream.write_all(bytes)?;
        stream.flush()?;
        let mut all = Vec::new();
        let mut piece = [0; 4096];
        loop {
            match stream.read(&mut piece) {
                Ok(0) => return Ok(all),
                Ok(read) => all.extend_from_slice(&piece[..read]),
                // What came before a connection was cut still counts.
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Err(e),
                Err(e) if all.is_empty() => return Err(e),
                Err(_) => return Ok(all),
            }
        }
    }

    /// A connection of its own.
    pub(crate) fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let tcp = TcpStream::connect(self.address)?;
        tcp.set_read_timeout(Some(Duration::from_secs(10)))?;
        let Some(config) = &self.tls else {
            return Ok(Box::new(tcp));
        };
        let name = ServerName::from(self.address.ip());
        let tls = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        Ok(Box::new(StreamOwned::new(tls, tcp)))
    }
}

/// A connection, with or without TLS.
pub(crate) trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

fn parse(method: &str, bytes: &[u8]) -> Option<Got> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(used) = response.parse(bytes).ok()? else {
        return None;
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers: Vec<_> = response
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), text(header.value)))
        .collect();
    let mut got = Got {
        status: response.code?,
        headers,
        body: bytes.get(used..)?.to_vec(),
        is_whole: true,
    };
    let has_body = method != "HEAD" && got.status != 304;
    let length = got.header("content-length");
    let length = length.and_then(|text| text.parse::<usize>().ok());
    got.is_whole = !has_body || length == Some(got.body.len());
    Some(got)
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

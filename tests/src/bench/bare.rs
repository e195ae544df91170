//! One HTTPS request and nothing else: the floor of what a fetch can take. The TLS of the program
//! (rustls, ring), a connection that is kept, no client library, no JSON.

use crate::http_sim::Far;
use crate::infisical::{CLIENT_ID, CLIENT_SECRET, Infisical, Route};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

/// A client of one server.
#[derive(Debug)]
pub struct Bare {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    stream: Option<StreamOwned<ClientConnection, TcpStream>>,
}

impl Bare {
    /// Of a simulator that is far away.
    ///
    /// # Panics
    /// It has no TLS.
    #[must_use]
    pub fn new(sim: &Infisical, far: &Far) -> Self {
        let mut roots = RootCertStore::empty();
        let file = sim.ca_file().expect("TLS");
        let ca = CertificateDer::from_pem_file(file).expect("a certificate");
        roots.add(ca).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            address: far.address(),
            tls: Arc::new(tls),
            stream: None,
        }
    }

    /// Forgets its connection: the next request makes another one.
    pub fn hang_up(&mut self) {
        self.stream = None;
    }

    /// Asks, and reads the answer to its end.
    ///
    /// # Panics
    /// It is not 200.
    pub fn ask(&mut self, method: &str, target: &str, token: Option<&str>, body: &str) -> Vec<u8> {
        let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n"));
        let typed = match body {
            "" => String::new(),
            _ => format!(
                "content-type: application/json\r\ncontent-length: {}\r\n",
                body.len()
            ),
        };
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: {}\r\naccept: application/json\r\n{}{typed}\r\n{body}",
            self.address,
            authorization.unwrap_or_default(),
        );
        let stream = self.stream.get_or_insert_with(|| {
            let tcp = TcpStream::connect(self.address).expect("a connection");
            tcp.set_nodelay(true).expect("nodelay");
            let name = ServerName::from(self.address.ip());
            let tls = ClientConnection::new(Arc::clone(&self.tls), name).expect("TLS");
            StreamOwned::new(tls, tcp)
        });
        stream.write_all(request.as_bytes()).expect("a request");
        stream.flush().expect("a request");
        answer(stream)
    }

    /// Signs in; the token.
    ///
    /// # Panics
    /// It is refused.
    pub fn sign_in(&mut self) -> String {
        let body = serde_json::json!({"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET});
        let route = "/api/v1/auth/universal-auth/login";
        let answer = self.ask("POST", route, None, &body.to_string());
        let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
        answer["accessToken"].as_str().expect("a token").to_owned()
    }
}

/// What the last request for one secret asked for, to ask for the same.
///
/// # Panics
/// There was none.
#[must_use]
pub fn target_of_the_last(sim: &Infisical) -> String {
    let mut requests = sim.requests();
    requests.retain(|seen| seen.route == Route::SecretSingle);
    let seen = requests.pop().expect("a request for a secret");
    let query = seen
        .query
        .iter()
        .map(|(key, value)| format!("{key}={value}"));
    format!("{}?{}", seen.path, query.collect::<Vec<_>>().join("&"))
}

fn answer(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut piece = [0; 16 << 10];
    loop {
        let read = stream.read(&mut piece).expect("an answer");
        assert_ne!(read, 0, "the connection ends in the middle of an answer");
        bytes.extend_from_slice(&piece[..read]);
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(head) = response.parse(&bytes).expect("HTTP") else {
            continue;
        };
        assert_eq!(response.code, Some(200));
        let length = response
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case("content-length"));
        let length = std::str::from_utf8(length.expect("a length").value).expect("a number");
        if bytes.len() >= head + length.parse::<usize>().expect("a number") {
            return bytes.split_off(head);
        }
    }
}

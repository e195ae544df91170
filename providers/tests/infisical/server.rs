//! A small HTTP server of a test: over TLS or plain, one answer for each request from a closure,
//! every request kept. It runs on the test's own runtime.

use secretfs_memory::sealed::{Sealed, SealedPool};
use secretfs_providers::clock::SystemClock;
use secretfs_providers::infisical::{Infisical, Reference as Name, Settings};
use secretfs_providers::{
    BoxFuture, Context, Credential, CredentialOffer, Host, HostAnswer, HostError, HostRequest,
    Provider, Reference, Wanted,
};
use std::io::{Seek, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// One request, as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// `GET /path?query`
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the query has this pair, as it is encoded.
    pub(crate) fn asks(&self, pair: &str) -> bool {
        let query = self.line.split_once('?').map_or("", |(_, query)| query);
        query.split('&').any(|one| one == pair)
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Json(u16, String),
    /// With further header lines.
    With(u16, String, Vec<(&'static str, String)>),
    /// These bytes, and the end of the connection.
    Raw(Vec<u8>),
    /// Never.
    Hang,
}

pub(crate) fn error(status: u16, error: &str, message: &str) -> Reply {
    let body = serde_json::json!({
        "reqId": "req-1", "statusCode": status, "error": error, "message": message,
    });
    Reply::Json(status, body.to_string())
}

pub(crate) fn no_route() -> Reply {
    Reply::Json(
        404,
        r#"{"message":"Route GET:/api/v4/secrets not found","error":"Not Found","statusCode":404}"#
            .to_owned(),
    )
}

pub(crate) fn secret(name: &str, value: &str) -> Reply {
    let body = serde_json::json!({"secret": {
        "id": "ae5b", "workspace": "p", "environment": "dev", "version": 1, "type": "shared",
        "secretKey": name, "secretValue": value, "secretComment": "", "secretReminderNote": null,
        "skipMultilineEncoding": false, "updatedAt": "2026-11-22T15:15:18.622Z",
        "secretValueHidden": false, "tags": [{"secretKey": "not this one"}], "secretMetadata": [],
    }});
    Reply::With(200, body.to_string(), vec![("etag", "\"abc\"".to_owned())])
}

pub(crate) fn login(token: &str, expires: u64) -> Reply {
    let body = serde_json::json!({
        "accessToken": token, "expiresIn": expires, "accessTokenMaxTTL": expires, "tokenType": "Bearer",
    });
    Reply::Json(200, body.to_string())
}

type Answer = Box<dyn Fn(&Seen, usize) -> Reply + Send + Sync>;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) tls: bool,
    pub(crate) ca: Option<String>,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
    pub(crate) connections: Arc<Mutex<usize>>,
    /// Of the daemon, for all contexts of the test.
    pub(crate) pool: Arc<SealedPool>,
}

/// Whom the certificate is for.
pub(crate) struct Certificate {
    acceptor: TlsAcceptor,
    ca: String,
}

pub(crate) fn certificate(name: &str) -> Certificate {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap();
    Certificate {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        ca,
    }
}

impl Server {
    /// Answers each request with what `answer` says; the second argument counts them from 0.
    pub(crate) async fn start(
        certificate: Option<Certificate>,
        answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let (acceptor, ca) = certificate.map(|c| (c.acceptor, c.ca)).unzip();
        let shared: Arc<Answer> = Arc::new(Box::new(answer));
        let (log, count, tls) = (Arc::clone(&seen), Arc::clone(&connections), ca.is_some());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *count.lock().unwrap() += 1;
                let (log, answer, acceptor) =
                    (Arc::clone(&log), Arc::clone(&shared), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, &log, &answer).await;
                            }
                        }
                        None => serve(stream, &log, &answer).await,
                    }
                });
            }
        });
        Self {
            address,
            tls,
            ca,
            seen,
            connections,
            pool: SealedPool::new(2 << 20, true).unwrap(),
        }
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.address.port())
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let path = |seen: Seen| seen.line.split('?').next().unwrap().to_owned();
        self.requests().into_iter().map(path).collect()
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            site_url: self.url(),
            project_id: Some("project".into()),
            environment: "dev".into(),
            expand_references: true,
            include_imports: true,
            ca_file: self.ca.is_some(),
            ..Settings::default()
        }
    }

    pub(crate) fn provider(&self) -> Infisical {
        Infisical::new("inf", 0, self.settings())
    }

    pub(crate) fn context(&self) -> Context {
        Context {
            pool: Arc::clone(&self.pool),
            deadline: Instant::now() + Duration::from_secs(10),
            host: Arc::new(Outside {
                ca: self.ca.clone(),
                address: self.address,
                asked: Mutex::default(),
            }),
            clock: Arc::new(SystemClock),
        }
    }
}

/// The mount-helper of a test.
pub(crate) struct Outside {
    pub(crate) ca: Option<String>,
    pub(crate) address: SocketAddr,
    pub(crate) asked: Mutex<Vec<HostRequest>>,
}

impl Host for Outside {
    fn ask(&self, request: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        self.asked.lock().unwrap().push(request.clone());
        Box::pin(async move {
            match (request, &self.ca) {
                (HostRequest::OpenCaFile { provider: 0 }, Some(ca)) => {
                    let mut file = tempfile::tempfile().unwrap();
                    file.write_all(ca.as_bytes()).unwrap();
                    file.rewind().unwrap();
                    Ok(HostAnswer::Fd(file.into()))
                }
                (HostRequest::Resolve { host, .. }, _) if host == "localhost" => {
                    Ok(HostAnswer::Addresses(vec![self.address]))
                }
                _ => Err(HostError::Os(2)),
            }
        })
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    log: &Mutex<Vec<Seen>>,
    answer: &Answer,
) {
    let mut bytes = Vec::new();
    while let Some(seen) = request(&mut stream, &mut bytes).await {
        let count = {
            let mut log = log.lock().unwrap();
            log.push(seen.clone());
            log.len() - 1
        };
        let (status, body, headers) = match answer(&seen, count) {
            Reply::Json(status, body) => (status, body, Vec::new()),
            Reply::With(status, body, headers) => (status, body, headers),
            Reply::Raw(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Reply::Hang => std::future::pending().await,
        };
        let mut head = format!("HTTP/1.1 {status} X\r\n");
        if status != 304 {
            head += &format!("content-length: {}\r\n", body.len());
        }
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            head += "content-type: application/json; charset=utf-8\r\n";
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        if stream.write_all(head.as_bytes()).await.is_err()
            || stream.write_all(body.as_bytes()).await.is_err()
            || stream.flush().await.is_err()
        {
            return;
        }
    }
}

async fn request<S: AsyncRead + Unpin>(stream: &mut S, bytes: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head: Vec<u8> = bytes.drain(..end).collect();
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let line = lines
        .next()
        .unwrap()
        .trim_end_matches(" HTTP/1.1")
        .to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut seen = Seen {
        line,
        headers,
        body: String::new(),
    };
    let length = seen
        .header("content-length")
        .map_or(0, |n| n.parse().unwrap());
    while bytes.len() < length {
        if stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
    seen.body = String::from_utf8(bytes.drain(..length).collect()).unwrap();
    Some(seen)
}

pub(crate) fn wanted(name: &str) -> Wanted {
    Wanted {
        reference: reference(name),
        max_size: 1 << 20,
        validator: None,
    }
}

pub(crate) fn reference(name: &str) -> Reference {
    Reference::Infisical(Name {
        name: name.into(),
        path: "/".into(),
        environment: "dev".into(),
        expand_references: true,
    })
}

pub(crate) fn text(value: &Sealed) -> String {
    let mut bytes = Vec::new();
    value
        .expose(|piece| bytes.extend_from_slice(piece))
        .unwrap();
    String::from_utf8(bytes).unwrap()
}

pub(crate) fn give_token(provider: &Infisical, cx: &Context) {
    give(provider, cx, Credential::Token("a-token".into()));
}

pub(crate) fn give_client(provider: &Infisical, cx: &Context) {
    let credential = Credential::ClientSecret {
        id: "the-id".into(),
        secret: "the \"secret\"".into(),
    };
    give(provider, cx, credential);
}

pub(crate) fn give(provider: &Infisical, cx: &Context, credential: Credential) {
    provider
        .supply(
            CredentialOffer {
                provider: "inf".into(),
                origin: provider.origin(),
                credential,
            },
            &cx.pool,
        )
        .unwrap();
}

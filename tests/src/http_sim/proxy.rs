//! A strict HTTP proxy: CONNECT for TLS, absolute addresses for plain http. Whatever host it is asked
//! for, it goes to the one server of the test, so that names need nobody to resolve them; it goes wrong
//! in every way a proxy goes wrong.

use super::tls::{Certificates, Tls};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// The longest header that is read.
const MAX_HEAD: usize = 64 << 10;
/// How long a test waits for what should happen at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the proxy does instead of its work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyFault {
    /// It takes the request and never answers.
    Hang,
    /// It takes the request and closes.
    Close,
    /// It answers with this status and a page.
    Page(u16),
    /// What it answers is no HTTP.
    Garbage,
    /// Its header has no end.
    Endless,
    /// It connects, and breaks off after that many bytes from the server.
    BreakAfter(usize),
}

/// One request to the proxy. Without the password: a failed assertion prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `CONNECT`, or what goes to the server.
    pub method: String,
    /// `host:port`, or the absolute address without its query.
    pub target: String,
    /// Whether it came with a user and a password, and they are the right ones.
    pub authorized: Option<bool>,
}

/// A running proxy. Dropping it ends it, and panics when it saw what it should not have seen.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    certificates: Option<Certificates>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    server: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The expected `Proxy-Authorization`.
    key: Option<String>,
    fault: Option<ProxyFault>,
    asked: Vec<Asked>,
    violations: Vec<String>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.address)
    }
}

impl Proxy {
    /// A proxy in front of the server at that address. `tls`: how it is spoken to itself.
    ///
    /// # Panics
    /// There is no port, or no thread.
    #[must_use]
    pub fn start(server: SocketAddr, tls: Tls) -> Self {
        let certificates = Certificates::make(tls);
        let acceptor = certificates
            .as_ref()
            .map(|certificates| TlsAcceptor::from(certificates.server()));
        let shared = Arc::new(Shared {
            server,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                tell.send(listener.local_addr().expect("an address"))
                    .expect("the starting thread waits");
                tokio::select! {
                    _ = stopped => {}
                    () = listen(&listener, acceptor, &serving) => {}
                }
            });
        });
        Self {
            address: told.recv().expect("the serving thread has a port"),
            shared,
            certificates,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// It wants this user and password (RFC 7617).
    #[must_use]
    pub fn with_user(self, user: &str, password: &str) -> Self {
        self.set_user(user, password);
        self
    }

    /// From now on it wants this user and password.
    pub fn set_user(&self, user: &str, password: &str) {
        use base64::Engine;
        let text = format!("{user}:{password}");
        let key = base64::engine::general_purpose::STANDARD.encode(text);
        self.state().key = Some(format!("Basic {key}"));
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, or `https://…`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("")
    }

    /// The same with `user:password@`.
    #[must_use]
    pub fn url_of(&self, user: &str) -> String {
        let scheme = match self.certificates {
            Some(_) => "https",
            None => "http",
        };
        let at = if user.is_empty() { "" } else { "@" };
        format!("{scheme}://{user}{at}{}", self.address)
    }

    /// The certificate of its CA; `None` without TLS.
    #[must_use]
    pub fn ca_file(&self) -> Option<&Path> {
        self.certificates.as_ref().map(Certificates::ca_file)
    }

    /// It goes wrong like this, until it is told otherwise.
    pub fn fault(&self, fault: Option<ProxyFault>) {
        self.state().fault = fault;
    }

    /// What it was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.state().asked.clone()
    }

    /// Waits until it was asked `n` times.
    ///
    /// # Panics
    /// It was not, within ten seconds.
    pub fn wait_asked(&self, n: usize) {
        let until = Instant::now() + PATIENCE;
        let mut state = self.state();
        while state.asked.len() < n {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "still not asked {n} times");
            let woken = self.shared.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// What broke the rules so far; it no longer fails the test.
    #[must_use]
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut self.state().violations)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        if !std::thread::panicking() {
            let violations = self.take_violations();
            assert!(
                violations.is_empty(),
                "the proxy was asked what no client should ask: {violations:#?}"
            );
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn listen(listener: &TcpListener, tls: Option<TlsAcceptor>, shared: &Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let (tls, shared) = (tls.clone(), Arc::clone(shared));
                connections.spawn(async move {
                    // An error is a connection that ended: scripted, or the client gave up.
                    let _ended = match tls {
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &shared).await,
                            Err(error) => Err(error),
                        },
                        None => serve(stream, &shared).await,
                    };
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A request's head.
struct Head {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    /// What came behind it.
    rest: Vec<u8>,
}

impl Head {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut client: S,
    shared: &Shared,
) -> io::Result<()> {
    let Some(head) = read_head(&mut client, shared).await? else {
        return Ok(());
    };
    let is_connect = head.method == "CONNECT";
    let (authorized, fault) = judge(&head, is_connect, shared);
    match fault {
        Some(ProxyFault::Hang) => {
            // Until the client gives up.
            let mut piece = [0; 1024];
            while client.read(&mut piece).await? > 0 {}
            return Ok(());
        }
        Some(ProxyFault::Close) => return client.shutdown().await,
        Some(ProxyFault::Page(status)) => return page(&mut client, status, "").await,
        Some(ProxyFault::Garbage) => {
            return client.write_all(b"\x15\x03\x01 no HTTP\r\n\r\n").await;
        }
        Some(ProxyFault::Endless) => {
            client.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            loop {
                client.write_all(&b"x: y\r\n".repeat(512)).await?;
            }
        }
        Some(ProxyFault::BreakAfter(_)) | None => {}
    }
    if authorized == Some(false) {
        let challenge = "proxy-authenticate: Basic realm=\"simulator\"\r\n";
        return page(&mut client, 407, challenge).await;
    }
    let mut server = TcpStream::connect(shared.server).await?;
    if is_connect {
        client
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .await?;
        if !head.rest.is_empty() {
            let what = "bytes behind CONNECT, before the answer".to_owned();
            shared.state().violations.push(what);
        }
    } else {
        server.write_all(&forwarded(&head)).await?;
    }
    if let Some(ProxyFault::BreakAfter(bytes)) = fault {
        return break_after(&mut client, &mut server, bytes).await;
    }
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

async fn read_head<S: AsyncRead + Unpin>(
    client: &mut S,
    shared: &Shared,
) -> io::Result<Option<Head>> {
    let mut bytes = Vec::new();
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&bytes) {
            Ok(httparse::Status::Complete(used)) => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let headers = request.headers.iter();
                return Ok(Some(Head {
                    method: request.method.unwrap_or_default().to_owned(),
                    target: request.path.unwrap_or_default().to_owned(),
                    headers: headers
                        .map(|header| (header.name.to_ascii_lowercase(), text(header.value)))
                        .collect(),
                    rest: bytes[used..].to_vec(),
                }));
            }
            Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD => {}
            _ => {
                let what = "a request that is no HTTP".to_owned();
                shared.state().violations.push(what);
                return Ok(None);
            }
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
}

/// Writes down what was asked, and what is wrong with it.
fn judge(head: &Head, is_connect: bool, shared: &Shared) -> (Option<bool>, Option<ProxyFault>) {
    let mut state = shared.state();
    let mut wrong = |what: &str| {
        let line = format!("{} {}: {what}", head.method, head.target);
        state.violations.push(line);
    };
    let authority = if is_connect {
        if head.header("authorization").is_some() {
            wrong("the server's credential, in the clear");
        }
        if head.header("content-length").is_some() || head.header("transfer-encoding").is_some() {
            wrong("a body");
        }
        head.target.as_str()
    } else {
        let rest = head.target.strip_prefix("http://");
        if rest.is_none() {
            wrong("no absolute address of plain http");
        }
        rest.unwrap_or_default()
            .split('/')
            .next()
            .unwrap_or_default()
    };
    if authority
        .rsplit_once(':')
        .is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err())
    {
        wrong("no host and port");
    }
    if head.header("host") != Some(authority) {
        wrong("another host in its header");
    }
    let keys = head
        .headers
        .iter()
        .filter(|(name, _)| name == "proxy-authorization");
    if keys.count() > 1 {
        wrong("several users");
    }
    let given = head.header("proxy-authorization").map(str::to_owned);
    if given.is_some() && state.key.is_none() {
        let line = "a user for a proxy that wants none";
        state.violations.push(line.to_owned());
    }
    let is_right = given == state.key;
    let asked = Asked {
        method: head.method.clone(),
        target: head.target.split('?').next().unwrap_or_default().to_owned(),
        authorized: given.map(|_| is_right),
    };
    state.asked.push(asked);
    shared.changed.notify_all();
    let authorized = state.key.is_some().then_some(is_right);
    (authorized, state.fault.clone())
}

/// What goes to the server: without what is the proxy's, and for this one request.
fn forwarded(head: &Head) -> Vec<u8> {
    let path = head.target.strip_prefix("http://").unwrap_or_default();
    let path = path.find('/').map_or("/", |at| &path[at..]);
    let mut text = format!("{} {path} HTTP/1.1\r\nconnection: close\r\n", head.method);
    for (name, value) in &head.headers {
        if !name.starts_with("proxy-") && name != "connection" {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(&head.rest);
    bytes
}

async fn page<S: AsyncWrite + Unpin>(client: &mut S, status: u16, more: &str) -> io::Result<()> {
    let body = "<html><body><h1>secretfs simulator of a proxy</h1></body></html>\n";
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} Proxy\r\n{more}content-type: text/html\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    client.write_all(text.as_bytes()).await?;
    client.shutdown().await
}

async fn break_after<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut S,
    server: &mut TcpStream,
    mut left: usize,
) -> io::Result<()> {
    let (mut up, mut down) = ([0; 4096], [0; 4096]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                server.write_all(&up[..read]).await?;
            }
            read = server.read(&mut down) => {
                let read = read?;
                let piece = read.min(left);
                client.write_all(&down[..piece]).await?;
                left -= piece;
                if read == 0 || left == 0 {
                    return client.shutdown().await;
                }
            }
        }
    }
}

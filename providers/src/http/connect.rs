//! From a server's name to a connection that speaks HTTP/1.1, through a proxy where there is one: the
//! mount-helper resolves the name, the addresses are tried in turn, TLS is rustls with ring.

use super::endpoint::Address;
use super::failure::Cause;
use super::proxy::Proxy;
use super::roots::Roots;
use super::tunnel::tunnel;
use crate::host::{Host, HostAnswer, HostError, HostRequest};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HeaderValue;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long one address may keep the next one waiting (RFC 8305).
const HEAD_START: Duration = Duration::from_millis(250);
/// How long a connection may take to be there, TLS included.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most bytes of an answer's head, and of what is read of a body at once. Left to itself hyper
/// takes up to 408 KiB for each connection, and twice that while its buffer grows: a fast server with
/// one large secret would use the locked heap of 2 MiB up.
pub(super) const BUFFER: usize = 16 << 10;
/// The most header lines of an answer.
pub(super) const MAX_HEADERS: usize = 64;

/// What is sent.
pub(super) type Body = Full<Bytes>;

/// A connection, and the task that drives it. Dropped, both end at once: with them goes what TLS
/// decrypted last.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: SendRequest<Body>,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// The proxy on the way.
#[derive(Debug)]
pub(super) struct Via<'a> {
    pub(super) proxy: &'a Proxy,
    /// What opens it.
    pub(super) authorization: Option<HeaderValue>,
}

/// Connects within `limit`, and in any case within a few seconds.
pub(super) async fn connect(
    to: &Address,
    via: Option<Via<'_>>,
    roots: Option<&Roots>,
    host: &dyn Host,
    limit: Duration,
) -> Result<Connection, Cause> {
    let until = Instant::now() + PATIENCE.min(limit);
    let Some(via) = via else {
        let stream = within(until, Box::pin(open(&to.host, to.port, host))).await?;
        return within(until, Box::pin(speak(stream, to, roots))).await;
    };
    let proxy = via.proxy;
    let stream = within(until, Box::pin(open(proxy.host(), proxy.port(), host)));
    let stream = stream.await.map_err(Cause::at_proxy)?;
    if !proxy.tls() {
        return Box::pin(onward(stream, to, via, roots, until)).await;
    }
    let roots_of_proxy = roots.ok_or(Cause::at_proxy(Cause::Tls))?;
    let stream = within(until, Box::pin(tls(stream, proxy.host(), roots_of_proxy)));
    let stream = stream.await.map_err(Cause::at_proxy)?;
    Box::pin(onward(stream, to, via, roots, until)).await
}

/// From the proxy to the server. Plain http needs no way of its own: each request says where it goes.
async fn onward<S>(
    stream: S,
    to: &Address,
    via: Via<'_>,
    roots: Option<&Roots>,
    until: Instant,
) -> Result<Connection, Cause>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    if !to.tls {
        return within(until, Box::pin(handshake(stream))).await;
    }
    let tunnelled = Box::pin(tunnel(stream, to, via.authorization));
    let tunnelled = timeout_at(until, tunnelled).await;
    let stream = tunnelled.unwrap_or(Err(Cause::at_proxy(Cause::TimedOut)))?;
    within(until, Box::pin(speak(stream, to, roots))).await
}

async fn within<T>(
    until: Instant,
    work: impl Future<Output = Result<T, Cause>>,
) -> Result<T, Cause> {
    timeout_at(until, work)
        .await
        .unwrap_or(Err(Cause::TimedOut))
}

/// TLS, where the server speaks it, and HTTP.
async fn speak<S>(stream: S, to: &Address, roots: Option<&Roots>) -> Result<Connection, Cause>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    match roots.filter(|_| to.tls) {
        Some(roots) => {
            let stream = Box::pin(tls(stream, &to.host, roots)).await?;
            Box::pin(handshake(stream)).await
        }
        // An address with TLS has roots: nothing is ever sent without.
        None if to.tls => Err(Cause::Tls),
        None => handshake(stream).await,
    }
}

async fn tls<S>(stream: S, host: &str, roots: &Roots) -> Result<TlsStream<S>, Cause>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Cause::Tls)?;
    let stream = TlsConnector::from(Arc::clone(&roots.0)).connect(name, stream);
    stream.await.map_err(|error| Cause::of(&error))
}

async fn handshake<S>(stream: S) -> Result<Connection, Cause>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(BUFFER)
        .max_headers(MAX_HEADERS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Cause::of(&error))?;
    let driver = tokio::spawn(marked(connection));
    Ok(Connection { sender, driver })
}

/// Drives a connection. Tokens and values are encrypted and decrypted on its stack.
pub(super) async fn marked<F: Future>(connection: F) {
    let mut connection = std::pin::pin!(connection);
    // What went wrong is told to the one who waits for the answer.
    let _ = std::future::poll_fn(|cx| {
        secretfs_memory::residue::mark();
        connection.as_mut().poll(cx)
    })
    .await;
}

/// A connection to a host.
async fn open(name: &str, port: u16, host: &dyn Host) -> Result<TcpStream, Cause> {
    let stream = first(addresses(name, port, host).await?).await?;
    // Requests are small and wait for their answer.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// The addresses of a name, best first.
async fn addresses(name: &str, port: u16, host: &dyn Host) -> Result<Vec<SocketAddr>, Cause> {
    if let Ok(ip) = name.parse() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let request = HostRequest::Resolve {
        host: name.to_owned(),
        port,
    };
    match host.ask(request).await {
        Ok(HostAnswer::Addresses(found)) => Ok(found),
        Ok(_) => Err(Cause::Name(HostError::NoAnswer)),
        Err(error) => Err(Cause::Name(error)),
    }
}

/// The first of these addresses that answers. One that is silent does not hold the others up.
async fn first(addresses: Vec<SocketAddr>) -> Result<TcpStream, Cause> {
    let mut attempts = JoinSet::new();
    let mut waiting = addresses.into_iter();
    let mut failure = None;
    loop {
        let more = waiting.next();
        let last = more.is_none();
        if let Some(address) = more {
            attempts.spawn(TcpStream::connect(address));
        } else if attempts.is_empty() {
            return Err(failure.unwrap_or(Cause::Name(HostError::NoAnswer)));
        }
        let ended = if last {
            attempts.join_next().await
        } else {
            timeout(HEAD_START, attempts.join_next())
                .await
                .ok()
                .flatten()
        };
        match ended {
            Some(Ok(Ok(stream))) => return Ok(stream),
            // The first address is the best one, and so is its reason.
            Some(Ok(Err(error))) => {
                failure.get_or_insert(Cause::of(&error));
            }
            Some(Err(_)) | None => {}
        }
    }
}

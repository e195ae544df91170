//! From a server's name to a connection that speaks HTTP/1.1: the mount-helper resolves the name, the
//! addresses are tried in turn, TLS is rustls with ring.

use super::endpoint::Address;
use super::failure::Cause;
use super::roots::Roots;
use crate::host::{Host, HostAnswer, HostError, HostRequest};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long one address may keep the next one waiting (RFC 8305).
const HEAD_START: Duration = Duration::from_millis(250);
/// How long a connection may take to be there, TLS included.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most bytes of an answer's head, and of what is read of a body at once. Left to itself hyper
/// takes up to 408 KiB for each connection, and twice that while its buffer grows: a fast server with
/// one large secret would use the locked heap of 2 MiB up.
const BUFFER: usize = 16 << 10;
/// The most header lines of an answer.
const MAX_HEADERS: usize = 64;

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

/// Connects.
pub(super) async fn connect(
    to: &Address,
    roots: Option<&Roots>,
    host: &dyn Host,
) -> Result<Connection, Cause> {
    let connected = async {
        let stream = open(addresses(to, host).await?).await?;
        // Requests are small and wait for their answer.
        let _ = stream.set_nodelay(true);
        let Some(roots) = roots else {
            return handshake(stream).await;
        };
        let name = ServerName::try_from(to.host.clone()).map_err(|_| Cause::Tls)?;
        let stream = TlsConnector::from(Arc::clone(&roots.0)).connect(name, stream);
        handshake(stream.await.map_err(|error| Cause::of(&error))?).await
    };
    timeout(PATIENCE, connected)
        .await
        .unwrap_or(Err(Cause::TimedOut))
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
    let driver = tokio::spawn(async move {
        let mut connection = std::pin::pin!(connection);
        // What went wrong is told to the one who waits for the answer.
        let _ = std::future::poll_fn(|cx| {
            // Tokens and values are encrypted and decrypted on this stack.
            secretfs_memory::residue::mark();
            connection.as_mut().poll(cx)
        })
        .await;
    });
    Ok(Connection { sender, driver })
}

/// The addresses of a name, best first.
async fn addresses(of: &Address, host: &dyn Host) -> Result<Vec<SocketAddr>, Cause> {
    if let Some(ip) = of.ip() {
        return Ok(vec![SocketAddr::new(ip, of.port)]);
    }
    let request = HostRequest::Resolve {
        host: of.host.clone(),
        port: of.port,
    };
    match host.ask(request).await {
        Ok(HostAnswer::Addresses(found)) => Ok(found),
        Ok(_) => Err(Cause::Name(HostError::NoAnswer)),
        Err(error) => Err(Cause::Name(error)),
    }
}

/// The first of these addresses that answers. One that is silent does not hold the others up.
async fn open(addresses: Vec<SocketAddr>) -> Result<TcpStream, Cause> {
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

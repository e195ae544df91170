//! The bytes of one connection: requests are read, answers are written, and broken where they should.

use super::request::Request;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// The longest header that is read.
const MAX_HEAD: usize = 64 << 10;
/// The longest body that is read: above every limit that a service has.
const MAX_BODY: usize = 8 << 20;

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection with a client.
pub(super) struct Wire {
    stream: Stream,
    /// What was read and not yet used.
    ahead: Vec<u8>,
}

/// Why a request could not be read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// The client ended the connection between two requests, or in the middle of one.
    Ended,
    /// It is no request as a client should send one.
    Wrong(&'static str),
}

impl From<io::Error> for Unreadable {
    fn from(_: io::Error) -> Self {
        Self::Ended
    }
}

impl Wire {
    pub(super) fn plain(stream: TcpStream) -> Self {
        Self {
            stream: Stream::Plain(stream),
            ahead: Vec::new(),
        }
    }

    pub(super) fn tls(stream: TlsStream<TcpStream>) -> Self {
        Self {
            stream: Stream::Tls(Box::new(stream)),
            ahead: Vec::new(),
        }
    }

    async fn read_more(&mut self) -> io::Result<usize> {
        let mut piece = [0; 16 << 10];
        let read = match &mut self.stream {
            Stream::Plain(stream) => stream.read(&mut piece).await,
            Stream::Tls(stream) => stream.read(&mut piece).await,
        }?;
        self.ahead.extend_from_slice(&piece[..read]);
        Ok(read)
    }

    /// Waits until the client is gone. What it sends meanwhile is kept.
    pub(super) async fn gone(&mut self) {
        while matches!(self.read_more().await, Ok(read) if read > 0) {}
    }

    /// The next request.
    pub(super) async fn request(&mut self) -> Result<Request, Unreadable> {
        let (method, target, headers, used) = loop {
            if let Some(head) = head(&self.ahead)? {
                break head;
            }
            if self.ahead.len() > MAX_HEAD {
                return Err(Unreadable::Wrong("a header without end"));
            }
            if self.read_more().await? == 0 {
                return Err(Unreadable::Ended);
            }
        };
        let find = |name: &str| headers.iter().find(|(key, _)| key == name);
        if find("transfer-encoding").is_some() {
            return Err(Unreadable::Wrong("a body in chunks"));
        }
        let length = match find("content-length") {
            None => 0,
            Some((_, length)) => length
                .parse()
                .ok()
                .filter(|length| *length <= MAX_BODY)
                .ok_or(Unreadable::Wrong("a body that is too long"))?,
        };
        while self.ahead.len() < used + length {
            if self.read_more().await? == 0 {
                return Err(Unreadable::Ended);
            }
        }
        let rest = self.ahead.split_off(used + length);
        let body = self.ahead.split_off(used);
        self.ahead = rest;
        Ok(Request::new(&method, &target, headers, body))
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes).await,
            Stream::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }

    /// Ends well: with TLS's own goodbye.
    pub(super) async fn close(mut self) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.shutdown().await,
            Stream::Tls(stream) => stream.shutdown().await,
        }
    }

    /// Ends with RST.
    pub(super) fn reset(self) -> io::Result<()> {
        let stream = match &self.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.get_ref().0,
        };
        stream.set_zero_linger()
    }
}

type Head = (String, String, Vec<(String, String)>, usize);

/// Method, target, headers, and the bytes they took; `None`: there is more to come.
fn head(bytes: &[u8]) -> Result<Option<Head>, Unreadable> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let used = match request.parse(bytes) {
        Ok(httparse::Status::Complete(used)) => used,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(Unreadable::Wrong("what is no HTTP")),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = request
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), text(header.value)))
        .collect();
    let method = request.method.unwrap_or_default().to_owned();
    let target = request.path.unwrap_or_default().to_owned();
    Ok(Some((method, target, headers, used)))
}

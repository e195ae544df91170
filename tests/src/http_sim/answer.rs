//! An answer, before it becomes bytes.

use super::feed::Feed;
use serde::Serialize;
use std::fmt;

/// What is sent back.
#[derive(Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body. May hold values.
    pub body: Vec<u8>,
    /// What comes after it, for as long as it comes.
    pub feed: Option<Feed>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.body.len())
    }
}

impl Answer {
    /// JSON, its members in the order of the type.
    ///
    /// # Panics
    /// It cannot be written as JSON.
    #[must_use]
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("a body of the simulator is JSON");
        Self::new(status, "application/json; charset=utf-8", body)
    }

    /// Bytes of some type.
    #[must_use]
    pub fn new(status: u16, kind: &str, body: Vec<u8>) -> Self {
        let answer = Self {
            status,
            headers: Vec::new(),
            body,
            feed: None,
        };
        answer.with("content-type", kind)
    }

    /// Nothing but a status.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            feed: None,
        }
    }

    /// A body that comes as it is sent, in chunks.
    #[must_use]
    pub fn endless(status: u16, kind: &str, feed: Feed) -> Self {
        Self {
            feed: Some(feed),
            ..Self::new(status, kind, Vec::new()).with("transfer-encoding", "chunked")
        }
    }

    /// With another header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The header, up to its empty line. `length`: of the body, where it is told.
    pub(super) fn head(&self, length: Option<usize>) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(length) = length {
            head.push_str(&format!("content-length: {length}\r\n"));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        413 => "Payload Too Large",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}

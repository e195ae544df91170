//! What was asked, without secrets: a failed assertion prints it.

use super::request::Request;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen<R> {
    /// Its route.
    pub route: R,
    /// Its method.
    pub method: String,
    /// Its path, as it came: percent-encoded.
    pub path: String,
    /// Its query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Whether it was conditional (`If-None-Match`).
    pub conditional: bool,
    /// Whether it carried a credential (`Authorization`).
    pub authorized: bool,
    /// What it was answered; `None`: nothing, or not yet.
    pub status: Option<u16>,
}

impl<R> Seen<R> {
    pub(super) fn new(route: R, request: &Request) -> Self {
        Self {
            route,
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            conditional: request.header("if-none-match").is_some(),
            authorized: request.header("authorization").is_some(),
            status: None,
        }
    }

    /// The first value of a query parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

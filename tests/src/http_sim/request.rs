//! A request, parsed. Paths are taken as they came: a client that normalises `..` away shows.

use std::fmt;

/// One request.
#[derive(Clone)]
pub struct Request {
    /// GET, HEAD, POST, …
    pub method: String,
    /// Path and query, as they came.
    pub target: String,
    /// The path, as it came.
    pub path: String,
    /// The query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body. May hold credentials.
    pub body: Vec<u8>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)
    }
}

impl Request {
    pub(super) fn new(
        method: &str,
        target: &str,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            path: path.to_owned(),
            query: pairs(query),
            headers,
            body,
        }
    }

    /// The first header of that name (lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The first value of a query parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The components of the path, decoded.
    #[must_use]
    pub fn segments(&self) -> Vec<String> {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        path.split('/').map(decode).collect()
    }

    /// Whether the client wants the connection to end.
    pub(super) fn is_last(&self) -> bool {
        self.header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            // As in a form: a plus is a blank.
            let part = |text: &str| decode(&text.replace('+', " "));
            (part(key), part(value))
        })
        .collect()
}

/// Percent-decodes; what is no escape stays, and what is no UTF-8 is replaced.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match after {
            [high, low, ..] if first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                out.push(high * 16 + low);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_are_decoded_and_kept_as_they_came() {
        let target = "/api/a%2Fb/..?x=%2Fone+two&y=%C3%A9&x=2&z";
        let request = Request::new("GET", target, Vec::new(), Vec::new());
        assert_eq!(request.path, "/api/a%2Fb/..");
        assert_eq!(request.segments(), ["api", "a/b", ".."]);
        assert_eq!(request.parameter("x"), Some("/one two"));
        assert_eq!(request.parameter("y"), Some("\u{e9}"));
        assert_eq!(request.parameter("z"), Some(""));
        assert_eq!(request.query.len(), 4);
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz%4"), "%zz%4");
    }
}

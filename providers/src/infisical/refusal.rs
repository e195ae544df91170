//! What an answer without a secret means (contract infisical.md §2, "Auth error matrix", §5, §6). The
//! body is read for its fixed words only; nothing of it is ever told, but for the request's id, which
//! the server's own log can be searched for.

use crate::error::{ErrorKind, ProviderError};
use crate::http::Response;
use serde::Deserialize;
use std::time::Duration;
use zeroize::Zeroizing;

/// The most bytes of such a body that are looked at.
const MAX_BODY: usize = 64 << 10;

/// Why there is no secret in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The server does not know the path: it speaks another version, or is something else.
    NoRoute,
    /// There is no such thing: a project, or something that is not told.
    Missing,
    /// There is no such secret, in a folder that is there.
    MissingSecret,
    /// There is no such folder, or no such environment.
    MissingFolder,
    /// The token is no good; `expired`: the server says that its time is over.
    Token {
        /// Over, rather than wrong.
        expired: bool,
    },
    /// The token is good, but may not read this.
    Denied,
    /// Too many requests.
    Limited(Option<Duration>),
    /// The request was not understood.
    Invalid,
    /// The server failed.
    Server,
    /// This is no answer of an Infisical: a proxy's, or a portal's.
    Stranger,
}

/// An error body: `{reqId, statusCode, message, error[, details]}`, where `message` may be a list and
/// `error` any text.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    #[serde(rename = "reqId")]
    id: Option<String>,
    #[serde(rename = "statusCode")]
    code: Option<u16>,
    error: Option<serde_json::Value>,
    message: Option<serde_json::Value>,
}

/// A refusal, and the id of its request.
#[derive(Debug)]
struct Told {
    refusal: Refusal,
    id: Option<String>,
}

/// What an answer without a secret means. Its id goes into the log.
pub(super) async fn of(
    response: &mut Response,
    provider: &str,
    what: &str,
) -> Result<Refusal, ProviderError> {
    let (status, json) = (response.status(), response.is_json());
    let after = response.retry_after();
    let body = match response.small(MAX_BODY).await {
        Ok(body) => body,
        // A page too long to be the server's: the status has to do.
        Err(error) if error.kind == ErrorKind::TooLarge => Zeroizing::default(),
        Err(error) => return Err(error),
    };
    let told = read(status, json, &body, after);
    let id = told.id.as_deref().unwrap_or("none");
    tracing::info!(%provider, status, req_id = %id, "{what} was answered with an error");
    Ok(told.refusal)
}

/// What an answer of this status, with this body, means. `json`: the body says that it is JSON.
fn read(status: u16, json: bool, body: &[u8], retry_after: Option<Duration>) -> Told {
    let body: Option<Body> = json
        .then(|| serde_json::from_slice(body).ok())
        .flatten()
        .filter(|body: &Body| body.code == Some(status));
    let Some(body) = body else {
        // Not what this server writes: what stands in between has spoken.
        let refusal = match status {
            429 => Refusal::Limited(retry_after),
            _ => Refusal::Stranger,
        };
        return Told { refusal, id: None };
    };
    let error = text(body.error.as_ref());
    let message = text(body.message.as_ref());
    let refusal = match status {
        401 => Refusal::Token { expired: false },
        403 if error == "TokenError" => Refusal::Token {
            expired: message.contains("expired"),
        },
        403 => Refusal::Denied,
        // With a space and without an id: the router's, not the application's.
        404 if error == "Not Found" && message.starts_with("Route ") => Refusal::NoRoute,
        404 if message.starts_with("Secret with name ") => Refusal::MissingSecret,
        404 if message.starts_with("Folder with path ")
            || message.starts_with("Environment with slug ") =>
        {
            Refusal::MissingFolder
        }
        404 => Refusal::Missing,
        429 => Refusal::Limited(retry_after),
        400..=499 => Refusal::Invalid,
        _ => Refusal::Server,
    };
    Told {
        refusal,
        id: body.id.filter(|id| is_plain(id)),
    }
}

fn text(value: Option<&serde_json::Value>) -> &str {
    value
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default()
}

/// An id goes into the log: nothing else may pass for one.
fn is_plain(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=64).contains(&id.len()) && id.bytes().all(plain)
}

/// What an answer of this status means, and the id that is logged, for fuzzing.
#[cfg(feature = "test-hooks")]
pub(super) fn shown(status: u16, body: &[u8]) -> (String, Option<String>) {
    let told = read(status, true, body, None);
    (format!("{:?}", told.refusal), told.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, error: &str, message: &str) -> Refusal {
        let body = serde_json::json!({
            "reqId": "req-abc123", "statusCode": status, "error": error, "message": message,
        });
        read(status, true, body.to_string().as_bytes(), None).refusal
    }

    #[test]
    fn the_captured_rows_are_told_apart() {
        let token = |expired| Refusal::Token { expired };
        for (status, error, message, expected) in [
            (401, "UnauthorizedError", "Token missing", token(false)),
            (
                401,
                "UnauthorizedError",
                "No identity access token found",
                token(false),
            ),
            (
                403,
                "TokenError",
                "Your token has expired. Please re-authenticate.",
                token(true),
            ),
            (403, "TokenError", "jwt malformed", token(false)),
            (
                403,
                "Identity is not a member of the specified project with ID 'x'",
                "You are not allowed to access this resource",
                Refusal::Denied,
            ),
            (
                403,
                "PermissionDenied",
                "You are not allowed to describeSecret on secrets",
                Refusal::Denied,
            ),
            (
                403,
                "ForbiddenReadSecretError",
                "You do not have permission to view secret value",
                Refusal::Denied,
            ),
            (
                404,
                "NotFound",
                "Secret with name 'NOPE' not found",
                Refusal::MissingSecret,
            ),
            (
                404,
                "GetSecretByName",
                "Folder with path '/' in environment with slug 'nope' not found",
                Refusal::MissingFolder,
            ),
            (
                404,
                "NotFound",
                "Project with ID 'x' not found during bot lookup. Are you sure?",
                Refusal::Missing,
            ),
            (
                404,
                "Not Found",
                "Route GET:/api/v4/secrets not found",
                Refusal::NoRoute,
            ),
            (
                400,
                "BadRequest",
                "Missing workspace id or environment",
                Refusal::Invalid,
            ),
            (
                429,
                "RateLimitExceeded",
                "Rate limit exceeded. Please try again in 58 seconds",
                Refusal::Limited(None),
            ),
            (
                500,
                "InternalServerError",
                "Something went wrong",
                Refusal::Server,
            ),
            (
                500,
                "IdAccessTokenFindOne",
                "Something went wrong",
                Refusal::Server,
            ),
        ] {
            assert_eq!(of(status, error, message), expected, "{status} {error}");
        }
    }

    #[test]
    fn a_list_of_issues_is_a_message_too() {
        let body = br#"{"reqId":"r","statusCode":422,"error":"ValidationFailure","message":[{"code":"invalid_type"}]}"#;
        assert_eq!(read(422, true, body, None).refusal, Refusal::Invalid);
    }

    #[test]
    fn what_is_not_the_servers_own_is_a_strangers() {
        for (status, json, body) in [
            (403, false, &b"<html>blocked</html>"[..]),
            (404, false, b"404 page not found"),
            (502, false, b"<html>Bad Gateway</html>"),
            (401, true, b"{\"message\":\"proxy sign-in\"}"),
            (500, true, b"not json"),
            (503, true, b"{\"statusCode\":500}"),
        ] {
            assert_eq!(
                read(status, json, body, None).refusal,
                Refusal::Stranger,
                "{status}"
            );
        }
    }

    #[test]
    fn an_id_that_could_be_something_else_is_not_told() {
        let body = br#"{"reqId":"a value, perhaps","statusCode":500,"error":"x","message":"y"}"#;
        assert_eq!(read(500, true, body, None).id, None);
    }
}

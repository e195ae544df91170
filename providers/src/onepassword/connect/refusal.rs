//! What an answer without a result means (contract onepassword.md §1.5). The status decides; the body
//! is read for a few fixed words, and nothing of it is ever told.

use serde::Deserialize;
use std::time::Duration;

/// The most bytes of such a body that are looked at.
pub(super) const MAX_BODY: usize = 64 << 10;

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 400: an id that is none, a filter that is not understood.
    Invalid,
    /// 401.
    Token,
    /// 403: not permitted, or an id that the server does not know.
    Denied {
        /// In the words of the refusal that comes and goes on healthy tokens (connect#82).
        is_sporadic: bool,
    },
    /// 404.
    Missing,
    /// 413.
    TooLarge,
    /// 408: the first synchronisation is still under way.
    Syncing,
    /// 429.
    Limited(Option<Duration>),
    /// 502, 503, 504: of a proxy, or of the server for a moment.
    Passing,
    /// 500; for what was not synchronised yet, too.
    Server {
        /// In words of synchronisation.
        is_syncing: bool,
    },
    /// This is no answer of a Connect server.
    Stranger,
}

/// `{"status":404,"message":"…"}`
#[derive(Debug, Deserialize)]
struct Body {
    message: String,
}

/// What is known of an answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told<'a> {
    pub(super) status: u16,
    /// Whether the body says that it is JSON.
    pub(super) is_json: bool,
    /// Whether the server has told its version, which proxies do not.
    pub(super) has_version: bool,
    pub(super) body: &'a [u8],
    pub(super) retry_after: Option<Duration>,
}

/// What it means.
pub(super) fn read(told: Told<'_>) -> Refusal {
    let body = told.is_json.then(|| serde_json::from_slice(told.body).ok());
    let body: Option<Body> = body.flatten();
    let is_own = body.is_some() || told.has_version;
    let message = body.map_or_else(String::new, |body| body.message);
    let is_syncing = message.to_ascii_lowercase().contains("sync");
    match told.status {
        408 => Refusal::Syncing,
        429 => Refusal::Limited(told.retry_after),
        502..=504 => Refusal::Passing,
        500..=599 => Refusal::Server { is_syncing },
        // What says no about a secret must be the server itself: a portal's page is no such word.
        _ if !is_own => Refusal::Stranger,
        400 => Refusal::Invalid,
        401 => Refusal::Token,
        403 => Refusal::Denied {
            is_sporadic: message.starts_with("Authorization"),
        },
        404 => Refusal::Missing,
        413 => Refusal::TooLarge,
        _ => Refusal::Stranger,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, message: &str) -> Refusal {
        let body = serde_json::json!({"status": status, "message": message}).to_string();
        read(Told {
            status,
            is_json: true,
            body: body.as_bytes(),
            ..Told::default()
        })
    }

    #[test]
    fn the_rows_of_the_contract_are_told_apart() {
        let denied = |is_sporadic| Refusal::Denied { is_sporadic };
        let server = |is_syncing| Refusal::Server { is_syncing };
        for (status, message, expected) in [
            (400, "Invalid Vault UUID", Refusal::Invalid),
            (400, "Invalid Item UUID", Refusal::Invalid),
            (401, "Invalid token signature", Refusal::Token),
            (401, "Invalid bearer token", Refusal::Token),
            (403, "vault x is not in scope", denied(false)),
            (
                403,
                "Authorization: token does not have access to vault x",
                denied(true),
            ),
            (404, "item x not found", Refusal::Missing),
            (404, "not found", Refusal::Missing),
            (
                408,
                "sync did not complete within timeout, please retry the request",
                Refusal::Syncing,
            ),
            (
                413,
                "File is too large to inline in request.",
                Refusal::TooLarge,
            ),
            (429, "slow down", Refusal::Limited(None)),
            (
                500,
                "failed to initiate, review service logs for details",
                server(false),
            ),
            (500, "Something went wrong", server(false)),
            (500, "file content not synced yet", server(true)),
            (503, "", Refusal::Passing),
        ] {
            assert_eq!(of(status, message), expected, "{status} {message}");
        }
    }

    #[test]
    fn a_page_of_something_in_between_is_no_word_about_a_secret() {
        for (status, expected) in [
            (400, Refusal::Stranger),
            (401, Refusal::Stranger),
            (403, Refusal::Stranger),
            (404, Refusal::Stranger),
            (418, Refusal::Stranger),
            (500, Refusal::Server { is_syncing: false }),
            (502, Refusal::Passing),
        ] {
            let page = Told {
                status,
                body: b"<html>blocked</html>",
                ..Told::default()
            };
            assert_eq!(read(page), expected, "{status}");
            // The same page with the server's version is the server's.
            if status == 404 {
                let own = Told {
                    has_version: true,
                    ..page
                };
                assert_eq!(read(own), Refusal::Missing);
            }
        }
    }
}

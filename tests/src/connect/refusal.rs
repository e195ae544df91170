//! Errors as the server writes them: `{"status":404,"message":"…"}` (contract §1.5).

use crate::http_sim::Answer;
use serde_json::json;

/// An answer that is none.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// An id that is unknown is answered like one that may not be read.
    pub(super) fn no_access(vault: &str) -> Self {
        let message = format!("Authorization: token does not have access to vault {vault}");
        Self::new(403, message)
    }

    pub(super) fn not_found(what: &str, id: &str) -> Self {
        Self::new(404, format!("{what} {id} not found"))
    }

    /// What the server says when it is broken in this way.
    pub(super) fn broken(status: u16) -> Self {
        let message = match status {
            400 => "Invalid Item UUID",
            401 => "Invalid bearer token",
            403 => "Authorization: token does not have access to vault",
            404 => "not found",
            408 => "sync did not complete within timeout, please retry the request",
            413 => "File is too large to inline in request. Use the /content endpoint instead.",
            429 => "Too Many Requests",
            500 => "Something went wrong",
            _ => "",
        };
        Self::new(status, message)
    }

    pub(super) fn answer(&self) -> Answer {
        let Self { status, message } = self;
        Answer::json(*status, &json!({"status": status, "message": message}))
    }
}

//! Errors as the server writes them: `{reqId,statusCode,message,error[,details]}` (contract §5).

use super::ids;
use crate::http_sim::Answer;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// An answer that is none.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) error: String,
    /// A text, or for 422 a list.
    pub(super) message: Value,
    pub(super) details: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    req_id: String,
    status_code: u16,
    message: &'a Value,
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: &'a Option<Value>,
}

/// "Route … not found": no `reqId`, and a blank in `error` (contract §3).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NoRoute {
    message: String,
    error: &'static str,
    status_code: u16,
}

impl Refusal {
    pub(super) fn new(status: u16, error: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            error: error.to_owned(),
            message: Value::String(message.into()),
            details: None,
        }
    }

    pub(super) fn unauthorized(message: &str) -> Self {
        Self::new(401, "UnauthorizedError", message)
    }

    pub(super) fn not_found(message: String) -> Self {
        Self::new(404, "NotFound", message)
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(super) fn internal() -> Self {
        Self::new(500, "InternalServerError", "Something went wrong")
    }

    /// 422: `message` is a list of zod's issues.
    pub(super) fn invalid(issues: Vec<Value>) -> Self {
        Self {
            message: Value::Array(issues),
            ..Self::new(422, "ValidationFailure", "")
        }
    }

    pub(super) fn with_details(self, details: Value) -> Self {
        Self {
            details: Some(details),
            ..self
        }
    }

    pub(super) fn answer(&self) -> Answer {
        // New in every answer, so the ETag of an error always differs (contract §3).
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Answer::json(
            self.status,
            &Body {
                req_id: format!("req-{}", &ids::uuid(&format!("request {number}"))[..13]),
                status_code: self.status,
                message: &self.message,
                error: &self.error,
                details: &self.details,
            },
        )
    }
}

/// zod's issue of a field that is not there.
pub(super) fn required(field: &str) -> Value {
    json!({"code": "invalid_type", "expected": "string", "received": "undefined",
           "path": [field], "message": "Required"})
}

/// zod's issue of a boolean that is none.
pub(super) fn no_boolean(field: &str, received: &str) -> Value {
    let message = format!("Invalid enum value. Expected 'true' | 'false', received '{received}'");
    json!({"received": received, "code": "invalid_enum_value", "options": ["true", "false"],
           "path": [field], "message": message})
}

pub(super) fn no_route(method: &str, target: &str) -> Answer {
    Answer::json(
        404,
        &NoRoute {
            message: format!("Route {method}:{target} not found"),
            error: "Not Found",
            status_code: 404,
        },
    )
}

//! Answers about something that was not asked for: what a confused cache or a hostile proxy sends.

use crate::http_sim::Answer;
use serde_json::{Value, json};

/// What stands where the value was.
pub const LIE: &str = "the value of another secret";

/// The same answer, for another secret: of a single secret another key, of a list another folder.
pub(super) fn about(answer: Answer) -> Answer {
    let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) else {
        return answer;
    };
    if let Some(secret) = body.get_mut("secret").and_then(Value::as_object_mut) {
        secret.insert("secretKey".to_owned(), json!("ANOTHER_SECRET"));
        secret.insert("secretValue".to_owned(), json!(LIE));
    }
    if let Some(secrets) = body.get_mut("secrets").and_then(Value::as_array_mut) {
        for secret in secrets.iter_mut().filter_map(Value::as_object_mut) {
            secret.insert("secretPath".to_owned(), json!("/another-folder"));
            secret.insert("secretValue".to_owned(), json!(LIE));
        }
    }
    let mut lie = Answer::json(answer.status, &body);
    lie.headers
        .push(("etag".into(), super::etag::of(&lie.body)));
    lie
}

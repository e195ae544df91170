//! Answers about something that was not asked for: what a confused cache or a hostile proxy sends.

use super::{Route, ids};
use crate::http_sim::Answer;
use serde_json::{Value, json};

/// What stands where the value was.
pub const LIE: &str = "the value of another secret";

/// The same answer, for another vault, item or file.
pub(super) fn about(route: Route, answer: Answer) -> Answer {
    if route == Route::Content {
        return Answer {
            body: LIE.as_bytes().to_vec(),
            ..answer
        };
    }
    let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) else {
        return answer;
    };
    let other = |one: &mut Value| {
        one["id"] = json!(ids::of("another one"));
        for key in ["name", "title"] {
            if one.get(key).is_some() {
                one[key] = json!("another one");
            }
        }
        let fields = one.get_mut("fields").and_then(Value::as_array_mut);
        for field in fields.into_iter().flatten() {
            field["value"] = json!(LIE);
        }
    };
    match &mut body {
        Value::Array(all) => all.iter_mut().for_each(other),
        one => other(one),
    }
    let headers = answer.headers;
    Answer {
        headers,
        ..Answer::json(answer.status, &body)
    }
}

//! Strong ETags, as @fastify/etag makes and compares them (contract §3): one exact string, no weak
//! ones, no lists, no `*`.

use super::asked::Asked;
use crate::http_sim::Answer;
use base64::Engine;
use ring::digest;

/// Adds the ETag, and answers 304 where the client has it already.
pub(super) fn apply(answer: Answer, asked: &mut Asked<'_>) -> Answer {
    let tag = of(&answer.body);
    let known = asked.request.header("if-none-match");
    if let Some(known) = known
        && (known.starts_with("W/") || known.contains([',', '*']))
    {
        asked.wrong("an If-None-Match that the server does not understand");
    }
    let same = known == Some(tag.as_str()) && asked.request.method == "GET";
    let answer = answer.with("etag", tag);
    if same && answer.status == 200 {
        return Answer {
            status: 304,
            body: Vec::new(),
            ..answer
        };
    }
    answer
}

/// `"<base64 of the body's SHA-1>"`, quotes included.
pub(super) fn of(body: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, body);
    let engine = base64::engine::general_purpose::STANDARD;
    format!("\"{}\"", engine.encode(hash))
}

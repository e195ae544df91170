//! Items as servers write them, and worse.

mod model;
mod reading;
mod resolving;
mod serving;

use super::*;
use crate::json::Tokenizer;
use secretfs_memory::sealed::SealedPool;
use serde_json::Value as Json;
use std::sync::Arc;

const VAULT: &str = "ytrfte14kw1uex5txaore1emkz";
const ITEM: &str = "wepiqdxdzncjtnvmv5fegud4qy";

fn pool() -> Arc<SealedPool> {
    SealedPool::new(1 << 20, true).unwrap()
}

/// An item of these sections, fields and files.
fn json(sections: impl Into<Json>, fields: impl Into<Json>, files: impl Into<Json>) -> String {
    let (sections, fields, files) = (sections.into(), fields.into(), files.into());
    serde_json::json!({
        "id": ITEM, "title": "Test", "version": 21, "vault": {"id": VAULT}, "category": "LOGIN",
        "updatedAt": "2020-11-10T14:05:53Z", "tags": ["x"], "urls": [{"primary": true, "href": "https://e"}],
        "sections": sections, "fields": fields, "files": files,
    })
    .to_string()
}

/// Reads a text in pieces of so many bytes.
fn read_by(
    step: usize,
    text: &[u8],
    names: &[&str],
    pool: &Arc<SealedPool>,
    max: usize,
) -> Result<Item, Malformed> {
    let mut reader = Reader::new(Wants {
        pool,
        max,
        names: names.iter().map(|name| fold(name)).collect(),
    });
    let mut tokenizer = Tokenizer::new();
    for piece in text.chunks(step) {
        let read = tokenizer.push(piece, |token| reader.token(token));
        read.map_err(|_| Malformed)?;
    }
    let read = tokenizer.finish(|token| reader.token(token));
    read.map_err(|_| Malformed)?;
    reader.finish()
}

fn read(text: &str, names: &[&str], pool: &Arc<SealedPool>) -> Result<Item, Malformed> {
    read_by(7, text.as_bytes(), names, pool, 4096)
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Whole(value) => {
            let mut all = Vec::new();
            value.expose(|piece| all.extend_from_slice(piece)).unwrap();
            Some(all)
        }
        Value::Absent => None,
        Value::Failed(error) => panic!("{error}"),
    }
}

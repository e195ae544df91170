//! The answer to a list of a hundred secrets, as it comes: 3 KiB each, in chunks of 16 KiB.

use criterion::{Criterion, Throughput};
use secretfs_providers::json::{Token, Tokenizer};
use secretfs_tests::fixture::value;
use std::hint::black_box;

const SECRETS: usize = 100;
const CHUNK: usize = 16 << 10;

pub(crate) fn run(criterion: &mut Criterion) {
    let body = body();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("a list of 100 secrets of 3 KiB", |b| {
        b.iter(|| {
            let mut tokenizer = Tokenizer::new();
            let mut texts = 0;
            for chunk in black_box(&body).chunks(CHUNK) {
                let pushed = tokenizer.push(chunk, |token| {
                    if let Token::Text(text) = token {
                        texts += text.len();
                    }
                    Ok::<(), ()>(())
                });
                pushed.expect("JSON");
            }
            tokenizer
                .finish(|_| Ok::<(), ()>(()))
                .expect("a whole document");
            texts
        });
    });
    group.finish();
}

/// As Infisical writes it.
fn body() -> Vec<u8> {
    let secrets: Vec<_> = (0..SECRETS)
        .map(|at| {
            let text = String::from_utf8(value(&format!("S{at}"), 3072)).expect("text");
            serde_json::json!({
                "id": format!("{at:08}-5d2e-4b6a-9c3d-0e1f2a3b4c5d"),
                "workspace": "73c7a1f0-5d2e-4b6a-9c3d-0e1f2a3b4c5d",
                "environment": "dev",
                "version": 1,
                "type": "shared",
                "secretKey": format!("S{at}"),
                "secretValue": text,
                "secretComment": "",
                "secretPath": "/backend",
                "tags": [],
                "secretMetadata": [],
            })
        })
        .collect();
    serde_json::to_vec(&serde_json::json!({"secrets": secrets, "imports": []})).expect("JSON")
}

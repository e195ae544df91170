//! `.env` files, as `vault import` and `init` read them, and lines of an `.envrc`. The first byte says which.

use super::tells_nothing;
use secretfs_fs::map::Format;
use secretfs_fs::render::render;
use secretfs_memory::sealed::{Sealed, SealedPool};
use secretfs_providers::local::{dotenv, glance::glance};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// The command's own file: it is no library, and this part of it needs nothing of the rest.
#[path = "../../../cli/src/commands/init/envrc/lines.rs"]
mod envrc;

/// One file.
///
/// # Panics
/// A property does not hold.
pub fn run(data: &[u8]) {
    let Some((which, text)) = data.split_first() else {
        return;
    };
    if which % 2 == 1 {
        String::from_utf8_lossy(text).lines().for_each(line);
        return;
    }
    match (dotenv::parse(text), glance(text)) {
        (Ok(values), Ok(seen)) => {
            let values: Values = values
                .into_iter()
                .map(|(name, value)| (name, value.copied()))
                .collect();
            assert_eq!(values.len(), seen.len());
            for one in seen {
                let value = values.get(&one.name).expect("the same names");
                assert_eq!(one.is_empty, value.is_empty());
                assert!(one.line <= 1 + text.iter().filter(|byte| **byte == b'\n').count());
                if let Some(reference) = one.reference {
                    assert_eq!(reference.as_bytes(), value);
                }
            }
            again(&values);
        }
        (Err(error), Err(other)) => {
            assert_eq!(error.to_string(), other.to_string());
            tells_nothing(&error.to_string());
            assert!(
                error.line >= 1
                    && error.line <= 1 + text.iter().filter(|byte| **byte == b'\n').count()
            );
        }
        (all, names) => panic!("{all:?}, and only names: {names:?}"),
    }
}

type Values = BTreeMap<String, Vec<u8>>;

/// Rendered as a `folder:` of `format: dotenv` is, it is the same file.
fn again(values: &Values) {
    static POOL: OnceLock<Arc<SealedPool>> = OnceLock::new();
    let pool = POOL.get_or_init(|| SealedPool::new(1 << 20, true).expect("a pool"));
    let sealed = |bytes: &[u8]| {
        let mut writer = pool.writer(None, 1 << 18);
        writer.append(bytes).expect("room");
        writer.finish().expect("a value")
    };
    let kept: Vec<(&str, Sealed)> = values
        .iter()
        .map(|(name, value)| (name.as_str(), sealed(value)))
        .collect();
    let mut out = pool.writer(None, 1 << 19);
    let secrets = kept.iter().map(|(name, value)| (*name, value));
    let left_out = render(Format::Dotenv, secrets, &mut out).expect("room");
    let rendered = out.finish().expect("a file");
    let mut text = Vec::new();
    rendered
        .expose(|piece| text.extend_from_slice(piece))
        .expect("a value");
    let read = dotenv::parse(&text).expect("our own file");
    let read: Values = read
        .into_iter()
        .map(|(name, value)| (name, value.copied()))
        .collect();
    let mut expected = values.clone();
    expected.retain(|name, _| !left_out.contains(name));
    assert_eq!(read, expected);
    drop((rendered, kept));
    assert_eq!(pool.used(), 0, "sealed memory is left");
}

/// What is taken of a line is in it, and is a reference and nothing else.
fn line(line: &str) {
    let line = line.trim();
    let Some((name, reference)) = envrc::assignment(line) else {
        return;
    };
    assert!(line.contains(name) && !name.is_empty());
    assert!(
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
        "{name}"
    );
    if let Some(reference) = reference {
        assert!(
            line.contains(reference) && reference.starts_with("op://"),
            "{reference}"
        );
        assert!(!reference.contains(['\\', '`', '\n']), "{reference}");
    }
}

//! Bodies of answers, as servers and `op` send them, cut wherever a network cuts them. The first byte says what
//! they are read as, the second how they are cut.

use super::{MARKER, pieces, tells_nothing};
use secretfs_memory::sealed::SealedPool;
use secretfs_providers::answers::{Seen, Shown};
use secretfs_providers::json::{JsonError, Stopped, Token, Tokenizer};
use secretfs_providers::local::read::VaultReader;
use secretfs_providers::onepassword::op::{OpCall, classify};
use secretfs_providers::onepassword::{Attribute, Reference};
use secretfs_providers::{infisical, onepassword};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::{Arc, OnceLock};

/// The most bytes of a value: few, so that small inputs find the bound.
const MOST: usize = 64;

/// One answer.
///
/// # Panics
/// A property does not hold.
pub fn run(data: &[u8]) {
    let [what, how, body @ ..] = data else {
        return;
    };
    let (whole, cut) = (pieces(body, 0), pieces(body, (*how).max(1)));
    match what % 9 {
        0 => list(&whole, &cut, None),
        1 => list(
            &whole,
            &cut,
            Some(BTreeMap::from([
                ("A".to_owned(), MOST),
                ("B".to_owned(), 8),
            ])),
        ),
        2 => item(&whole, &cut, *how),
        3 => {
            let read = |chunks: &[&[u8]]| onepassword::answers::found(chunks.iter().copied(), "db");
            let found = same(read(&whole), read(&cut));
            for id in found.unwrap_or_default() {
                assert!(onepassword::is_id(&id), "{id:?} goes into a path");
            }
        }
        4 => {
            let (kind, id) = infisical::answers::refused(400 + u16::from(*how) % 200, body);
            tells_nothing(&kind);
            if let Some(id) = id {
                assert!(
                    id.len() <= 64
                        && !id.contains(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c))),
                    "{id:?}"
                );
            }
        }
        5 => events(body, &cut),
        6 => tokens(body, &cut),
        7 => vault(&whole, &cut),
        _ => complaint(body),
    }
    assert_eq!(pool().used(), 0, "sealed memory is left");
}

/// One for the process: that nothing of an answer is left in it is seen after each.
fn pool() -> &'static Arc<SealedPool> {
    static POOL: OnceLock<Arc<SealedPool>> = OnceLock::new();
    POOL.get_or_init(|| SealedPool::new(1 << 20, true).expect("a pool"))
}

fn same<T: PartialEq + std::fmt::Debug>(
    whole: Result<T, String>,
    cut: Result<T, String>,
) -> Result<T, String> {
    if let Err(error) = &whole {
        tells_nothing(error);
    }
    match (&whole, &cut) {
        // Where it went wrong is told as near as the end of a piece lets it be known.
        (Err(a), Err(b)) => assert_eq!(kind(a), kind(b), "whole, and cut"),
        _ => assert_eq!(whole, cut, "whole, and cut"),
    }
    whole
}

/// An error without the place.
fn kind(error: &str) -> String {
    error.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn list(whole: &[&[u8]], cut: &[&[u8]], wanted: Option<BTreeMap<String, usize>>) {
    let limits = wanted.clone();
    let read = |chunks: &[&[u8]], personal| {
        infisical::answers::list(
            pool(),
            chunks.iter().copied(),
            wanted.clone(),
            MOST,
            personal,
        )
    };
    let texts = texts(whole);
    for personal in [false, true] {
        let Ok(seen) = same(read(whole, personal), read(cut, personal)) else {
            continue;
        };
        for Seen { name, value } in seen {
            let limit = limits
                .as_ref()
                .map_or(Some(&MOST), |limits| limits.get(&name));
            assert!(limit.is_some(), "{name:?} was not wanted");
            // A name that came after its value may have taken the longer limit of another; the caller looks again.
            if let Shown::Bytes(bytes) = value {
                assert!(bytes.len() <= MOST);
                assert!(texts.contains(&bytes), "no text of the answer is {bytes:?}");
            }
        }
    }
}

/// Every text of a document, however far it can be read.
fn texts(whole: &[&[u8]]) -> BTreeSet<Vec<u8>> {
    let mut texts = BTreeSet::new();
    let mut open = Vec::new();
    let mut tokenizer = Tokenizer::new();
    for chunk in whole {
        let _ = tokenizer.push(chunk, |token| {
            match token {
                Token::TextStart => open.clear(),
                Token::Text(piece) => open.extend_from_slice(piece.as_bytes()),
                Token::TextEnd => {
                    texts.insert(open.clone());
                }
                _ => {}
            }
            Ok::<(), ()>(())
        });
    }
    texts
}

fn item(whole: &[&[u8]], cut: &[&[u8]], how: u8) {
    let attribute = match how % 3 {
        0 => None,
        1 => Some(Attribute::Otp),
        _ => Some(Attribute::OpenSsh),
    };
    let of = Reference {
        vault: "V".to_owned(),
        item: "I".to_owned(),
        section: (how & 4 != 0).then(|| "S".to_owned()),
        field: "f".to_owned(),
        attribute,
    };
    // A key is longer than other values.
    let most = if attribute == Some(Attribute::OpenSsh) {
        8192
    } else {
        MOST
    };
    let read = |chunks: &[&[u8]]| {
        onepassword::answers::served(pool(), chunks.iter().copied(), &of, most, how & 8 != 0)
    };
    let (a, b) = (read(whole), read(cut));
    // An OpenSSH key has a random number in it.
    if attribute == Some(Attribute::OpenSsh) {
        assert_eq!(a.is_ok(), b.is_ok(), "whole, and cut");
        if let Err(error) = a {
            tells_nothing(&error);
        }
    } else if let Ok(Some(Shown::Bytes(bytes))) = same(a, b) {
        assert!(bytes.len() <= most);
        assert!(
            bytes.is_empty() || texts(whole).contains(&bytes),
            "no text of the answer is {bytes:?}"
        );
    }
}

/// That an event came does not depend on how it came; one that ends in the middle of a piece counts once.
fn events(body: &[u8], cut: &[&[u8]]) {
    let count = |chunks: &[&[u8]]| infisical::answers::events(chunks.iter().copied());
    let each: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(count(&[body]) > 0, count(&each) > 0);
    assert_eq!(count(cut) > 0, count(&each) > 0);
    assert!(count(cut) <= count(&each));
}

/// The tokens agree with `serde_json`.
fn tokens(body: &[u8], cut: &[&[u8]]) {
    let read = |chunks: &[&[u8]]| {
        let mut tokenizer = Tokenizer::new();
        let mut depth = 0_u32;
        let mut sink = |token: Token<'_>| {
            match token {
                Token::ObjectStart | Token::ArrayStart => depth += 1,
                Token::ObjectEnd | Token::ArrayEnd => depth -= 1,
                Token::Text(piece) => assert!(!piece.is_empty()),
                _ => {}
            }
            Ok::<(), ()>(())
        };
        for chunk in chunks {
            tokenizer.push(chunk, &mut sink)?;
        }
        tokenizer.finish(&mut sink)
    };
    let (whole, cut) = (read(&[body]), read(cut));
    let kinds = [&whole, &cut].map(|read| kind(&format!("{read:?}")));
    assert_eq!(kinds[0], kinds[1], "whole, and cut");
    match (whole, serde_json::from_slice::<serde::de::IgnoredAny>(body)) {
        (Ok(()), Ok(_)) | (Err(_), Err(_)) => {}
        (Err(Stopped::Json(JsonError::Bound { .. })), Ok(_)) => {}
        // What is skipped is not checked to be Unicode there, but is here.
        (Err(Stopped::Json(JsonError::Unicode { .. })), Ok(_)) => {}
        (ours, theirs) => panic!("{ours:?}, and serde_json {theirs:?}"),
    }
}

/// A reader that gives what it has piece by piece.
struct Pieces<'a>(std::collections::VecDeque<&'a [u8]>);

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let Some(first) = self.0.front_mut() else {
            return Ok(0);
        };
        let n = first.len().min(into.len());
        into[..n].copy_from_slice(&first[..n]);
        *first = &first[n..];
        if first.is_empty() {
            self.0.pop_front();
        }
        // An empty piece is not the end.
        if n == 0 && !into.is_empty() {
            return self.read(into);
        }
        Ok(n)
    }
}

/// A vault's content, decrypted.
fn vault(whole: &[&[u8]], cut: &[&[u8]]) {
    let read = |chunks: &[&[u8]]| vault_of(Pieces(chunks.iter().copied().collect()));
    if let (_, Some(error)) = read(whole) {
        tells_nothing(&error);
    }
    assert_eq!(read(whole), read(cut), "whole, and cut");
}

type Members = Vec<(String, Option<Vec<u8>>)>;

fn vault_of(pieces: Pieces<'_>) -> (Members, Option<String>) {
    let mut members = Members::new();
    let mut reader = match VaultReader::new(pieces) {
        Ok(reader) => reader,
        Err(error) => return (members, Some(error.to_string())),
    };
    loop {
        match reader.next_name() {
            Ok(Some(name)) => members.push((name, None)),
            Ok(None) => break,
            // A name that comes twice is told.
            Err(error) if error.to_string().contains(MARKER) => {
                return (members, Some("twice".to_owned()));
            }
            Err(error) => return (members, Some(error.to_string())),
        }
        match value_of(&mut reader) {
            Ok(value) => members.last_mut().expect("a name").1 = value,
            Err(error) => return (members, Some(error)),
        }
    }
    let ended = reader.finish().err().map(|error| error.to_string());
    (members, ended)
}

/// The value of the name that was read last.
fn value_of(reader: &mut VaultReader<Pieces<'_>>) -> Result<Option<Vec<u8>>, String> {
    let mut bytes = Vec::new();
    // As long as a reader has to have it.
    let mut buffer = vec![0; 4096];
    let Some(mut value) = reader.open().map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    loop {
        match value
            .piece(&mut buffer)
            .map_err(|error| error.to_string())?
        {
            0 => break,
            n => bytes.extend_from_slice(&buffer[..n]),
        }
    }
    drop(value);
    reader.close().map_err(|error| error.to_string())?;
    Ok(Some(bytes))
}

/// What `op` writes to standard error, whose names may be anything.
fn complaint(body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    let call = OpCall::Item {
        vault: "V".to_owned(),
        item: "I".to_owned(),
    };
    let found = classify(&call, &text);
    tells_nothing(&format!("{found:?}"));
}

//! The tokenizer agrees with serde_json, however the text is cut, and no bytes make it panic.

use super::*;
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Builds a value from tokens, as a sink would.
#[derive(Default)]
struct Builder {
    open: Vec<(Value, Option<String>)>,
    text: Option<String>,
    done: Option<Value>,
}

impl Builder {
    fn put(&mut self, value: Value) {
        match self.open.last_mut() {
            Some((Value::Array(items), _)) => items.push(value),
            Some((Value::Object(members), name)) => {
                members.insert(name.take().unwrap(), value);
            }
            Some(_) => unreachable!(),
            None => assert!(self.done.replace(value).is_none()),
        }
    }

    fn token(&mut self, token: Token<'_>) -> Result<(), std::convert::Infallible> {
        match token {
            Token::ObjectStart => self.open.push((Value::Object(Map::new()), None)),
            Token::ArrayStart => self.open.push((Value::Array(Vec::new()), None)),
            Token::ObjectEnd | Token::ArrayEnd => {
                let (value, _) = self.open.pop().unwrap();
                self.put(value);
            }
            Token::Name(name) => {
                let (_, place) = self.open.last_mut().unwrap();
                assert!(place.replace(name.to_owned()).is_none());
            }
            Token::TextStart => assert!(self.text.replace(String::new()).is_none()),
            Token::Text(piece) => {
                assert!(!piece.is_empty());
                self.text.as_mut().unwrap().push_str(piece);
            }
            Token::TextEnd => {
                let text = self.text.take().unwrap();
                self.put(Value::String(text));
            }
            Token::Number(number) => self.put(serde_json::from_str(number).unwrap_or(Value::Null)),
            Token::Bool(is) => self.put(Value::Bool(is)),
            Token::Null => self.put(Value::Null),
        }
        Ok(())
    }
}

/// Reads `bytes`, cut at every one of `cuts`.
fn read(bytes: &[u8], cuts: &[usize]) -> Result<Value, JsonError> {
    let mut tokenizer = Tokenizer::new();
    let mut builder = Builder::default();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let mut from = 0;
    let json = |stopped| match stopped {
        Stopped::Json(error) => error,
        Stopped::Sink(never) => match never {},
    };
    for to in cuts.into_iter().chain([bytes.len()]) {
        tokenizer
            .push(&bytes[from..to], |token| builder.token(token))
            .map_err(json)?;
        from = to;
    }
    tokenizer
        .finish(|token| builder.token(token))
        .map_err(json)?;
    Ok(builder.done.unwrap())
}

fn each_byte(text: &str) -> Result<Value, JsonError> {
    let cuts: Vec<usize> = (0..=text.len()).collect();
    read(text.as_bytes(), &cuts)
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Writes every character of a string as an escape.
fn escaped(text: &str) -> String {
    let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
    format!("\"{}\"", units.collect::<String>())
}

proptest! {
    #[test]
    fn any_document_cut_anywhere_is_read_as_serde_json_reads_it(
        value in values(),
        pretty: bool,
        cuts in prop::collection::vec(any::<usize>(), 0..12),
    ) {
        let text = if pretty {
            serde_json::to_string_pretty(&value)
        } else {
            serde_json::to_string(&value)
        }
        .unwrap();
        let expected: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(read(text.as_bytes(), &cuts), Ok(expected.clone()));
        prop_assert_eq!(each_byte(&text), Ok(expected));
    }

    #[test]
    fn any_string_of_escapes_is_read_back(text: String, cuts in prop::collection::vec(any::<usize>(), 0..6)) {
        prop_assert_eq!(read(escaped(&text).as_bytes(), &cuts), Ok(Value::String(text)));
    }

    #[test]
    fn any_bytes_are_read_or_refused_as_serde_json_does(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        agrees(&bytes, &cuts)?;
    }

    #[test]
    fn anything_that_looks_like_json_is_read_or_refused_as_serde_json_does(
        text in "[\\[\\]{}:,\"\\\\ \\nutrefalsn0-9.eE+\u{e9}\u{1f511}-]{0,40}",
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        agrees(text.as_bytes(), &cuts)?;
    }

    #[test]
    fn a_document_cut_short_is_an_error(value in values(), at: usize) {
        let text = serde_json::to_string(&vec![value]).unwrap();
        let cut = at % text.len();
        prop_assert!(read(&text.as_bytes()[..cut], &[]).is_err());
    }
}

fn agrees(bytes: &[u8], cuts: &[usize]) -> Result<(), TestCaseError> {
    match (read(bytes, cuts), serde_json::from_slice::<Value>(bytes)) {
        (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
        (Err(_), Err(_)) => {}
        // A number that no f64 holds: it is not read here, only recognised.
        (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("out of range")),
        (Err(error), Ok(_)) => prop_assert!(matches!(error, JsonError::Bound { .. }), "{}", error),
    }
    Ok(())
}

#[test]
fn text_comes_in_pieces_as_the_chunks_do() {
    let mut tokenizer = Tokenizer::new();
    let mut seen = Vec::new();
    for chunk in [&b"{\"a\":\"on"[..], b"e\\", b"nt\xc3", b"\xa9o\"", b"}"] {
        tokenizer
            .push(chunk, |token| {
                seen.push(format!("{token:?}"));
                Ok::<(), ()>(())
            })
            .unwrap();
    }
    let expected = [
        "ObjectStart",
        "Name(\"a\")",
        "TextStart",
        "Text(\"on\")",
        "Text(\"e\")",
        "Text(\"\\n\")",
        "Text(\"t\")",
        "Text(\"\u{e9}\")",
        "Text(\"o\")",
        "TextEnd",
        "ObjectEnd",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn what_exceeds_a_bound_is_refused_before_it_is_kept() {
    let deep = "[".repeat(65);
    let name = format!("{{\"{}\":1}}", "n".repeat(MAX_NAME + 1));
    let number = "1".repeat(MAX_NUMBER + 1);
    for text in [deep, name, number] {
        assert!(matches!(
            read(text.as_bytes(), &[]),
            Err(JsonError::Bound { .. })
        ));
    }
    let widest = format!("{}1{}", "[".repeat(64), "]".repeat(64));
    assert!(read(widest.as_bytes(), &[]).is_ok());
    let longest = format!("{{\"{}\":1}}", "n".repeat(MAX_NAME));
    assert!(read(longest.as_bytes(), &[]).is_ok());
}

#[test]
fn a_name_over_its_bound_with_a_wrong_byte_after_it_is_over_its_bound_however_it_is_cut() {
    let mut body = b"{\"".to_vec();
    body.extend([b'n'; MAX_NAME + 1]);
    body.extend(b"\xff\": 1}");
    for cuts in [vec![], vec![MAX_NAME], vec![MAX_NAME + 3]] {
        let read = read(&body, &cuts);
        assert!(matches!(read, Err(JsonError::Bound { .. })), "{read:?}");
    }
}

#[test]
fn half_a_surrogate_pair_is_refused() {
    for text in [
        r#""\ud83d""#,
        r#""\ud83dx""#,
        r#""\ud83d\n""#,
        r#""\ud83d\u0041""#,
        r#""\udd11""#,
    ] {
        assert!(each_byte(text).is_err(), "{text}");
    }
    assert_eq!(each_byte(r#""\uD83D\uDD11""#), Ok(Value::from("\u{1f511}")));
}

#[test]
fn a_sink_that_stops_stops_the_reading() {
    let mut tokenizer = Tokenizer::new();
    let stopped = tokenizer.push(b"[1, 2]", |token| match token {
        Token::Number("2") => Err("enough"),
        _ => Ok(()),
    });
    assert_eq!(stopped, Err(Stopped::Sink("enough")));
}

#[test]
fn after_an_error_nothing_more_is_read() {
    let mut tokenizer = Tokenizer::new();
    let ignore = |_: Token<'_>| Ok::<(), ()>(());
    let error = tokenizer.push(b"{]", ignore).unwrap_err();
    assert_eq!(tokenizer.push(b"\"a\":1}", ignore).unwrap_err(), error);
    assert_eq!(tokenizer.finish(ignore).unwrap_err(), error);
}

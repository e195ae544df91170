//! `.env` files.

use crate::local::dotenv::parse;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn parsed(text: impl AsRef<[u8]>) -> BTreeMap<String, Vec<u8>> {
    parse(text.as_ref())
        .unwrap()
        .into_iter()
        .map(|(name, value)| (name, value.pieces().collect::<Vec<_>>().concat()))
        .collect()
}

fn one(text: &str) -> String {
    let mut values = parsed(text);
    assert_eq!(values.len(), 1, "{text:?}");
    String::from_utf8(values.remove("A").unwrap()).unwrap()
}

#[test]
fn values_are_read_as_shells_and_the_common_readers_agree() {
    for (text, value) in [
        ("A=b", "b"),
        ("A=", ""),
        ("A=\n", ""),
        ("A=b c ", "b c"),
        ("A = b", "b"),
        ("  A=b\r\n", "b"),
        ("export A=b", "b"),
        ("export\tA=b", "b"),
        ("A=b # comment", "b"),
        ("A=b#c", "b#c"),
        ("A= # comment", ""),
        ("A=#b", "#b"),
        ("A=b=c", "b=c"),
        ("A=b'c\"d", "b'c\"d"),
        ("A=$B ${C} `d` \\n", "$B ${C} `d` \\n"),
        ("A='b'", "b"),
        ("A='b # c' # comment", "b # c"),
        ("A='a\\n\"$B'", "a\\n\"$B"),
        ("A='one\ntwo\n'\n", "one\ntwo\n"),
        ("A='one\r\ntwo'\r\n", "one\r\ntwo"),
        ("A=`it's \"x\"`", "it's \"x\""),
        ("A=\"b\"", "b"),
        ("A=\"\"", ""),
        (
            "A=\"a\\nb\\tc\\\"d\\\\e\\$f\\`g\\r\"",
            "a\nb\tc\"d\\e$f`g\r",
        ),
        ("A=\"a\\xb\"", "a\\xb"),
        ("A=\"$B ${C}\"", "$B ${C}"),
        (
            "A=\"-----BEGIN-----\nx\n-----END-----\n\"",
            "-----BEGIN-----\nx\n-----END-----\n",
        ),
        ("# c\n\n \t\nA=b\n#x", "b"),
        ("\u{feff}A=b", "b"),
        ("A=1\nA=2", "2"),
        ("A='b'# comment", "b"),
    ] {
        assert_eq!(one(text), value, "{text:?}");
    }
}

#[test]
fn several_lines_make_several_secrets() {
    let values = parsed("A=1\nB.c-d='2\n3'\n_E=\"4\" # x\nexport=5\n");
    let shown: Vec<_> = values.iter().map(|(n, v)| (n.as_str(), &v[..])).collect();
    assert_eq!(
        shown,
        [
            ("A", &b"1"[..]),
            ("B.c-d", b"2\n3"),
            ("_E", b"4"),
            ("export", b"5"),
        ]
    );
    assert!(parsed("").is_empty());
    assert_eq!(parsed(b"A=\xff\0\xfe\n")["A"], b"\xff\0\xfe");
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_without_the_value() {
    for (text, line, what) in [
        ("hunter2", 1, "no `=`"),
        ("A=1\nhunter2 x\n", 2, "no `=`"),
        ("export hunter2", 1, "no `=`"),
        ("A=1\n\n=hunter2", 3, "expected NAME=value"),
        ("1A=hunter2", 1, "expected NAME=value"),
        ("A$B=hunter2", 1, "expected NAME=value"),
        ("\u{e4}=hunter2", 1, "expected NAME=value"),
        ("B='x\ny'\nA='hunter2\n\n", 3, "quote of A is not closed"),
        ("A=\"hunter2\\\"", 1, "quote of A is not closed"),
        ("A=\"hunter2\\", 1, "quote of A is not closed"),
        ("\nA='hunter2' hunter2", 2, "after the closing quote of A"),
        ("A='x\n'hunter2", 2, "after the closing quote of A"),
    ] {
        let error = parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.line, line, "{text:?}: {error}");
        assert!(error.to_string().contains(what), "{text:?}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{text:?}: {error}");
    }
}

fn quoted(value: &[u8]) -> Vec<u8> {
    let mut out = vec![b'"'];
    for byte in value {
        if matches!(byte, b'"' | b'\\' | b'$' | b'`') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
    out
}

proptest! {
    #[test]
    fn no_text_panics(text in prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..100),
        "[A='\"`\\\\#\n\r $]{0,40}".prop_map(String::into_bytes),
    ]) {
        drop(parse(&text));
    }

    #[test]
    fn what_is_quoted_comes_back(
        values in proptest::collection::btree_map(
            "[A-Za-z_][A-Za-z0-9_.-]{0,8}",
            proptest::collection::vec(any::<u8>(), 0..40),
            0..5,
        ),
    ) {
        let mut text = Vec::new();
        for (name, value) in &values {
            text.extend_from_slice(name.as_bytes());
            text.push(b'=');
            text.extend(quoted(value));
            text.push(b'\n');
        }
        prop_assert_eq!(parsed(text), values);
    }
}

//! Content and files that somebody made to hurt: always an error, never a panic, never a part of a
//! value.

use super::rig::{Rig, bytes, folder, plaintext, seal, wanted};
use crate::local::read::{FormatError, ValueError, VaultReader};
use crate::{Answer, ErrorKind, Provider};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::Read;

#[test]
fn a_vault_cut_off_anywhere_is_no_vault() {
    let rig = Rig::new();
    rig.set("A", "0123456789").unwrap();
    let whole = std::fs::read(rig.vault.file()).unwrap();
    for len in 0..whole.len() {
        std::fs::write(rig.vault.file(), &whole[..len]).unwrap();
        assert_eq!(rig.get("A"), Err(ErrorKind::Protocol), "cut at {len}");
        assert!(rig.vault.names(&rig.key).is_err(), "cut at {len}");
    }
    std::fs::write(rig.vault.file(), &whole).unwrap();
    assert_eq!(rig.get("A"), Ok(b"0123456789".to_vec()));
}

#[test]
fn a_large_vault_cut_off_between_its_pieces_gives_no_value_of_the_whole_ones() {
    let rig = Rig::new();
    rig.set("A", "first").unwrap();
    rig.set("B", vec![b'x'; 200_000]).unwrap();
    let whole = std::fs::read(rig.vault.file()).unwrap();
    let payload = whole.windows(5).position(|w| w == b"\n--- ").unwrap() + 5 + 43 + 1 + 16;
    let piece = 65536 + 16;
    for pieces in 1..=3 {
        for around in [-1_isize, 0, 1] {
            let len = (payload + pieces * piece)
                .checked_add_signed(around)
                .unwrap();
            std::fs::write(rig.vault.file(), &whole[..len]).unwrap();
            assert_eq!(rig.get("A"), Err(ErrorKind::Protocol), "cut at {len}");
        }
    }
    // Something after its end.
    std::fs::write(rig.vault.file(), [&whole[..], b"x"].concat()).unwrap();
    assert_eq!(rig.get("A"), Err(ErrorKind::Protocol));
}

#[test]
fn a_vault_changed_anywhere_is_no_vault() {
    let rig = Rig::new();
    rig.set("A", "0123456789").unwrap();
    let whole = std::fs::read(rig.vault.file()).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(rig.vault.file(), &changed).unwrap();
        let answer = rig.get("A");
        assert!(
            matches!(answer, Err(ErrorKind::Protocol | ErrorKind::Refused)),
            "changed at {at}: {answer:?}"
        );
    }
}

#[test]
fn content_that_is_not_names_and_values_is_refused() {
    let rig = Rig::new();
    let deep = "[".repeat(100_000);
    let nested = format!("{{\"A\": {}1{}}}", "[".repeat(17), "]".repeat(17));
    let long_name = format!("{{\"{}\": \"v\"}}", "n".repeat(1025));
    let endless_name = format!("{{\"{}", "n".repeat(1 << 20));
    let escaped_name = format!("{{\"{}\": \"v\"}}", "\\u006e".repeat(1025));
    let blanks = format!("{{\"A\":{}\"v\"}}", " ".repeat(1 << 20));
    let number = format!("{{\"A\": \"v\", \"n\": {}}}", "1".repeat(3 << 20));
    for content in [
        "",
        " ",
        "null",
        "[]",
        "\"A\"",
        "{",
        "{}{}",
        "{} x",
        "{\"A\"}",
        "{\"A\":}",
        "{\"A\": \"v\"",
        "{\"A\": \"v\",}",
        "{A: \"v\"}",
        "{\"A\": 'v'}",
        "{\"A\": \"v\" \"B\": \"w\"}",
        "{\"A\": \"\\ud800\"}",
        "{\"A\": \"\\x\"}",
        "{\"A\": \"v\n\"}",
        "{\"A\": \"v\", \"A\": \"w\"}",
        "{\"A\": \"v\", \"\\u0041\": \"w\"}",
        "{\"A\": \"v\"} // c",
        "\u{feff}{\"A\": \"v\"}",
        &deep,
        &nested,
        &long_name,
        &endless_name,
        &escaped_name,
        &blanks,
        &number,
    ] {
        rig.put_raw(content.as_bytes());
        let shown: String = content.chars().take(40).collect();
        assert_eq!(rig.get("A"), Err(ErrorKind::Protocol), "{shown:?}");
        assert_eq!(rig.list("/"), Err(ErrorKind::Protocol), "{shown:?}");
    }
    rig.put_raw(b"{\"A\": \"\xff\"}");
    assert_eq!(rig.get("A"), Err(ErrorKind::Protocol));
}

#[test]
fn a_value_of_another_kind_fails_alone() {
    let rig = Rig::new();
    for bad in [
        "1",
        "null",
        "true",
        "[]",
        "[\"x\"]",
        "{}",
        "{\"x\": 1}",
        "{\"base64\": 1}",
        "{\"base64\": \"AA==\", \"x\": 1}",
        "{\"x\": 1, \"base64\": \"AA==\"}",
        "{\"base64\": \"A\"}",
        "{\"base64\": \"AA\"}",
        "{\"base64\": \"AA==AA==\"}",
        "{\"base64\": \"AA=\\n=\"}",
        "{\"base64\": \"AB==\"}",
        "{\"base64\": \"ä\"}",
        "{\"base64\": \"-_==\"}",
    ] {
        rig.put_raw(format!("{{\"bad\": {bad}, \"good\": \"v\"}}").as_bytes());
        assert_eq!(rig.get("bad"), Err(ErrorKind::Protocol), "{bad}");
        assert_eq!(rig.get("good"), Ok(b"v".to_vec()), "{bad}");
        assert_eq!(
            rig.list("/"),
            Ok(vec!["bad".into(), "good".into()]),
            "{bad}"
        );
    }
    rig.put_raw(br#"{"good": {"base64": "AAEC/w=="}, "none": {"base64": ""}}"#);
    assert_eq!(rig.get("good"), Ok(vec![0, 1, 2, 255]));
    assert_eq!(rig.get("none"), Ok(vec![]));
}

#[test]
fn padding_in_the_middle_of_long_base64_is_found() {
    let rig = Rig::new();
    // The decoder works on pieces of 4096.
    let text = format!("{}AA=={}", "A".repeat(4092), "A".repeat(4096));
    rig.put_raw(format!("{{\"bad\": {{\"base64\": \"{text}\"}}}}").as_bytes());
    assert_eq!(rig.get("bad"), Err(ErrorKind::Protocol));
    let text = "A".repeat(4096 * 2);
    rig.put_raw(format!("{{\"good\": {{\"base64\": \"{text}\"}}}}").as_bytes());
    assert_eq!(rig.get("good"), Ok(vec![0; 4096 * 2 / 4 * 3]));
}

#[test]
fn there_is_a_most_of_names() {
    let rig = Rig::new();
    let with = |n: usize| {
        let members: Vec<String> = (0..n).map(|i| format!("\"{i}\":\"\"")).collect();
        rig.put_raw(format!("{{{}}}", members.join(",")).as_bytes());
        rig.get("0")
    };
    assert_eq!(with(20_000), Ok(vec![]));
    assert!(rig.set("20000", "").is_err());
    assert_eq!(with(20_001), Err(ErrorKind::Protocol));
}

#[test]
fn errors_never_quote_a_value() {
    let rig = Rig::new();
    for content in [
        "{\"A\": \"hunter2",
        "{\"A\": \"hunter2\\x\"}",
        "{\"A\": {\"base64\": \"hunter2!\"}}",
        "{\"A\": hunter2}",
    ] {
        rig.put_raw(content.as_bytes());
        let error = rig.answer(&wanted("A")).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

/// Reads everything, as hard as it can; what it finds.
fn read_all(content: &[u8]) -> Result<BTreeMap<String, Option<Vec<u8>>>, FormatError> {
    let mut reader = VaultReader::new(content)?;
    let mut found = BTreeMap::new();
    let mut buffer = [0; 4096];
    while let Some(name) = reader.next_name()? {
        let mut value = Vec::new();
        let mut good = false;
        if let Some(mut open) = reader.open()? {
            good = true;
            loop {
                match open.piece(&mut buffer) {
                    Ok(0) => break,
                    Ok(n) => value.extend_from_slice(&buffer[..n]),
                    Err(ValueError::Vault(e)) => return Err(e),
                    Err(ValueError::NotBase64) => {
                        good = false;
                        while open.skim(&mut buffer)? > 0 {}
                        break;
                    }
                }
            }
        }
        match reader.close() {
            Ok(()) => {}
            Err(ValueError::Vault(e)) => return Err(e),
            Err(ValueError::NotBase64) => good = false,
        }
        found.insert(name, good.then_some(value));
    }
    reader.finish()?;
    Ok(found)
}

/// JSON, nearly JSON, and vaults that were bitten.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(":"),
        Just(","),
        Just("\""),
        Just("\\"),
        Just("\"A\""),
        Just("\"base64\""),
        Just("\"AA==\""),
        Just("\\u0041"),
        Just("\\ud83d"),
        Just("1"),
        Just("-"),
        Just("e9"),
        Just("null"),
        Just("true"),
        Just(" "),
        Just("\n"),
        Just("\"A\":\"v\""),
        Just("\"B\":{\"base64\":\"AA==\"}"),
        Just("\u{1}"),
        Just("ä"),
    ];
    proptest::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat().into_bytes())
}

proptest! {
    #[test]
    fn no_content_panics(content in prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        nearly_json(),
        nearly_json().prop_map(|inner| [b"{", &inner[..], b"}"].concat()),
    ]) {
        let ours = read_all(&content);
        // What is accepted is JSON, and holds what JSON says it holds.
        if let Ok(found) = ours {
            let theirs: serde_json::Map<String, serde_json::Value> =
                serde_json::from_slice(&content).unwrap();
            prop_assert_eq!(found.len(), theirs.len());
            for (name, value) in found {
                match &theirs[&name] {
                    serde_json::Value::String(text) => {
                        prop_assert_eq!(value, Some(text.clone().into_bytes()));
                    }
                    serde_json::Value::Object(_) => {}
                    _ => prop_assert_eq!(value, None),
                }
            }
        }
    }
}

fn any_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..60),
        any::<String>().prop_map(String::into_bytes),
        "[\\x00\r\n\"\\\\/\u{2028}ä💣]{0,20}".prop_map(String::into_bytes),
        (4080_usize..4110, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
        // A character across the end of a piece of 16 KiB.
        (16370_usize..16390)
            .prop_map(|len| ["x".repeat(len), "💣".repeat(3)].concat().into_bytes()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_name_and_value_comes_back(
        values in proptest::collection::btree_map(any::<String>(), any_value(), 0..6),
    ) {
        let rig = Rig::new();
        rig.edit(values.iter().map(|(name, value)| (name.as_str(), Some(&value[..])))).unwrap();
        for (name, value) in &values {
            prop_assert!(rig.get(name).as_ref() == Ok(value), "{name:?}");
        }
        let names: Vec<String> = values.keys().cloned().collect();
        prop_assert_eq!(rig.vault.names(&rig.key).unwrap(), names);
        let plain = plaintext(rig.vault.file(), &rig.key);
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&plain).is_ok());
        let folder = rig.runtime
            .block_on(rig.provider.fetch_folder(&folder("/"), 1 << 20, &rig.cx)).unwrap();
        for (name, fetched) in folder {
            prop_assert_eq!(&bytes(&fetched.value), &values[&name]);
        }
    }
}

#[test]
fn an_answer_comes_from_one_version_of_the_file() {
    // A writer replaces the file while it is read: the descriptor is of one or of the other.
    let rig = Rig::new();
    let pair = |text: &str| format!("{{\"A\": \"{text}\", \"B\": \"{text}\"}}");
    let (one, two) = (
        seal(&rig.key, pair("1").as_bytes()),
        seal(&rig.key, pair("2").as_bytes()),
    );
    let fresh = rig.folder.path().join("fresh");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 0..200 {
                std::fs::write(&fresh, if n % 2 == 0 { &one } else { &two }).unwrap();
                std::fs::rename(&fresh, rig.vault.file()).unwrap();
            }
        });
        while !writer.is_finished() {
            let all = [wanted("A"), wanted("B")];
            let many = rig.provider.fetch_many(&all, &rig.cx);
            let Ok(answers) = rig.runtime.block_on(many) else {
                panic!("a whole file was there at every moment");
            };
            let values: Vec<Vec<u8>> = answers
                .iter()
                .filter_map(|answer| match answer {
                    Ok(Answer::Value(fetched)) => Some(bytes(&fetched.value)),
                    _ => None,
                })
                .collect();
            // Before the first replacement the vault is empty.
            assert!(values.is_empty() || values[0] == values[1]);
        }
    });
}

#[test]
fn what_was_read_is_known_to_be_whole_only_at_the_end() {
    // A stream that fails after its last byte, as age does for a file that was cut off there.
    struct Breaks<'a>(&'a [u8]);
    impl Read for Breaks<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(into)? {
                0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
                n => Ok(n),
            }
        }
    }
    for content in ["{}", "{} "] {
        let mut reader = VaultReader::new(Breaks(content.as_bytes())).unwrap();
        assert_eq!(reader.next_name().unwrap(), None);
        assert!(matches!(reader.finish(), Err(FormatError::Damaged)));
    }
}

//! Any text in: never a panic, and never more work than its length.

use super::parsed;
use crate::map::units::is_hostile;
use proptest::prelude::*;

/// Words that maps are made of, and what breaks parsers.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(
            &[
                "secrets:",
                "config:",
                "providers:",
                "- ",
                "\n",
                "\n  ",
                "\n    ",
                "name: ",
                "file: ",
                "env: ",
                "ref: ",
                "op://a/b/c",
                "dir: ",
                "folder: ",
                "/x",
                "type: ",
                "local",
                "infisical",
                "onepassword",
                "allow: ",
                "[",
                "]",
                "{",
                "}",
                ",",
                ":",
                "?",
                "|",
                ">",
                "&a",
                "*a",
                "!!str",
                "\"",
                "'",
                "#",
                "%",
                "---",
                "...",
                "<<",
                "~",
                "null",
                "\t",
                "\r\n",
                "\\",
                "\u{85}",
                "\u{2028}",
                "\u{feff}",
                "\u{1}",
                "\\e",
                "\u{202e}",
                "ä",
                "🔑",
                "ttl: ",
                "5m",
                "a/b",
                "..",
                "vault: ",
                "item: ",
                "field: ",
                "- |\n",
            ][..]
        )
        .prop_map(str::to_owned),
        "[ -~]{0,6}",
        any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_panics(words in prop::collection::vec(word(), 0..40)) {
        if let Err(errors) = parsed(&words.concat()) {
            prop_assert!(!errors.problems.is_empty());
            // Nothing of it reaches a terminal, and each problem is one line.
            for line in errors.lines().into_iter().chain([errors.summary()]) {
                prop_assert!(!line.chars().any(is_hostile), "{line:?}");
            }
            let _ = format!("{:?}", miette::Report::new(errors));
        }
    }

    #[test]
    fn no_change_of_a_map_panics(
        cut in any::<prop::sample::Index>(),
        len in 0usize..20,
        with in word(),
    ) {
        let text = super::accepted::FULL;
        let from = cut.index(text.len());
        let to = (from + len).min(text.len());
        let mut changed = text.to_owned();
        changed.replace_range(from..to, &with);
        if let Err(errors) = parsed(&changed) {
            for line in errors.lines() {
                prop_assert!(!line.chars().any(is_hostile), "{line:?}");
            }
            let _ = format!("{:?}", miette::Report::new(errors));
        }
    }
}

/// Texts that hurt parsers which recurse, follow aliases or compare all with all.
#[test]
fn hostile_texts_are_refused_or_read() {
    let fill = |piece: &str| piece.repeat((1 << 18) / piece.len());
    let many_keys: String = (0..20_000).map(|n| format!("k{n}: x\n")).collect();
    let texts = [
        fill("["),
        fill("{"),
        fill("- "),
        fill("? "),
        fill("a: "),
        fill("&a "),
        fill("!"),
        fill("\""),
        fill("'"),
        fill("#"),
        fill("\n"),
        fill("%"),
        fill("|\n"),
        fill("secrets:\n"),
        fill("---\n"),
        fill("[]"),
        fill("{}: "),
        format!("secrets: [{}]", fill("[],")),
        format!("secrets:\n{}", fill("- {}\n")),
        format!("secrets:\n{}", fill("- a: b\n")),
        format!("secrets:\n{}", fill("- {name: A, file: a}\n")),
        format!("secrets:\n- {{name: {}, file: a}}\n", fill("x")),
        format!("secrets:\n- {{name: A, file: {}}}\n", fill("x/")),
        format!(
            "secrets:\n- {{name: A, file: a, allow: [{}]}}\n",
            fill("x,")
        ),
        many_keys.clone(),
        format!("providers:\n{}", many_keys.replace('k', "  k")),
        format!("secrets:\n- {}", many_keys.replace('k', "  k")),
        format!("a: &a [x]\nb: &b [*a,*a]\nc: [{}]\n", fill("*b,")),
    ];
    for text in texts {
        if let Err(errors) = parsed(&text) {
            let shown = format!("{:?}", miette::Report::new(errors));
            assert!(shown.len() < 4 << 20, "{} bytes are shown", shown.len());
        }
    }
}

/// Bytes an entry of a map of that many takes in the archive. How long it takes is the bench's.
fn bytes_an_entry(count: usize) -> usize {
    let entry = |n: usize| {
        format!(
            "  - name: SERVICE_{n}_CREDENTIALS\n    file: team-{}/service-{n}/credentials.json\n    \
             env: SERVICE_{n}_CREDENTIALS_FILE\n    path: /backend/services\n    ttl: 10m\n",
            n % 100
        )
    };
    let text: String = (0..count).map(entry).collect();
    let text = format!("config:\n  infisical_project_id: p\nsecrets:\n{text}");
    let bytes = parsed(&text).unwrap().compile().unwrap();
    let map = crate::map::CompiledMap::from_bytes(&bytes).unwrap();
    assert_eq!(map.entry_count() as usize, count);
    bytes.len() / count
}

#[test]
fn a_map_of_ten_thousand_entries_is_small() {
    let each = bytes_an_entry(10_000);
    assert!(each <= 300, "{each} bytes an entry");
}

//! The grammar, row by row of contract onepassword.md §2.1, and over any text.

use super::*;
use proptest::prelude::*;

fn parsed(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

fn refused(text: &str) -> (String, usize) {
    let error = Reference::parse(text).unwrap_err();
    (error.message, error.at)
}

#[test]
fn three_and_four_parts_are_read() {
    let r = parsed("op://AgentVault/openai/api-key");
    assert_eq!(
        (r.vault.as_str(), r.item.as_str()),
        ("AgentVault", "openai")
    );
    assert_eq!((r.section, r.field.as_str()), (None, "api-key"));
    assert_eq!(r.attribute, None);
    let r = parsed("op://a b/c_d/e.f/..");
    assert_eq!((r.vault.as_str(), r.item.as_str()), ("a b", "c_d"));
    assert_eq!(
        (r.section.as_deref(), r.field.as_str()),
        (Some("e.f"), "..")
    );
}

#[test]
fn the_known_queries_are_read() {
    for (query, attribute) in [
        ("attribute=otp", Attribute::Otp),
        ("attribute=totp", Attribute::Otp),
        ("attr=otp", Attribute::Otp),
        ("ssh-format=openssh", Attribute::OpenSsh),
    ] {
        let r = parsed(&format!("op://v/i/f?{query}"));
        assert_eq!(r.attribute, Some(attribute));
        assert_eq!(r.field, "f");
    }
}

#[test]
fn other_queries_are_refused_at_their_place() {
    for (query, message) in [
        ("", "the reference's query is not `?key=value`"),
        ("attribute", "the reference's query is not `?key=value`"),
        (
            "attribute=OTP",
            "the value `OTP` of the reference's query is not known",
        ),
        (
            "attribute=type",
            "the value `type` of the reference's query is not known",
        ),
        (
            "ssh-format=pem",
            "the value `pem` of the reference's query is not known",
        ),
        ("x=y", "the reference's query `x` is not known"),
        (
            "attr=totp",
            "the value `totp` of the reference's query is not known",
        ),
        (
            "Attribute=otp",
            "the reference's query `Attribute` is not known",
        ),
        (
            "attribute=otp&x=y",
            "the value `otp&x=y` of the reference's query is not known",
        ),
    ] {
        assert_eq!(
            refused(&format!("op://v/i/f?{query}")),
            (message.into(), 11)
        );
    }
}

#[test]
fn an_offending_character_is_quoted_with_its_position() {
    for (text, c, position) in [
        ("op://v/i%/f", '%', 9),
        ("op://v/i/f(main)", '(', 11),
        ("op://väult/i/f", 'ä', 7),
        ("op://v/i/${X}", '$', 10),
    ] {
        let message = format!(
            "the character `{c}` (character {position}) is not allowed in a 1Password reference"
        );
        assert_eq!(refused(text), (message, position - 1));
    }
    assert_eq!(
        refused("op://v/i\n/f").0,
        "the character `\\n` (character 9) is not allowed in a 1Password reference"
    );
}

#[test]
fn the_wrong_number_of_parts_is_refused() {
    let few = "too few `/`: a 1Password reference has at least vault, item and field";
    let many = "too many `/`: a 1Password reference has at most vault, item, section and field";
    assert_eq!(refused("op://x").0, few);
    assert_eq!(refused("op://x/y").0, few);
    assert_eq!(refused("op://a/b/c/d/e").0, many);
}

#[test]
fn empty_and_blank_parts_are_refused() {
    assert_eq!(
        refused("op:///i/f"),
        ("the vault of a 1Password reference is empty".into(), 5)
    );
    assert_eq!(
        refused("op://v/ /f"),
        ("the item of a 1Password reference is empty".into(), 7)
    );
    assert_eq!(
        refused("op://v/i//f"),
        (
            "the section or field of a 1Password reference is empty".into(),
            9
        )
    );
    assert_eq!(
        refused("op://v/i/s/"),
        ("the field of a 1Password reference is empty".into(), 11)
    );
}

#[test]
fn the_prefix_is_exact() {
    let message = "a 1Password reference begins with `op://`";
    for text in ["", "OP://v/i/f", " op://v/i/f", "v/i/f", "op:/v/i/f"] {
        assert_eq!(refused(text), (message.into(), 0));
    }
    let help = Reference::parse("OP://v/i/f").unwrap_err().help;
    assert_eq!(
        help,
        "write `op://` in small letters, with nothing before it"
    );
}

#[test]
fn every_character_that_the_sdk_refuses_is_refused() {
    // Contract onepassword.md §2.1, as measured.
    for c in "\t\n\r\0%'\"`@:&()+#${}=,~[]\\*!<>|;^\u{e9}\u{a0}\u{1f511}".chars() {
        let (message, at) = refused(&format!("op://v/a{c}/f"));
        assert_eq!(at, 8, "{c:?}");
        assert!(message.starts_with("the character `"), "{message}");
    }
    for c in "azAZ09_.- ".chars() {
        assert_eq!(parsed(&format!("op://v/a{c}b/f")).item, format!("a{c}b"));
    }
}

#[test]
fn a_reference_is_shown_as_it_is_written() {
    for text in [
        "op://v/i/f",
        "op://a b/c_d/e.f/..",
        "op://v/i/f?attribute=otp",
        "op://v/i/s/f?ssh-format=openssh",
    ] {
        assert_eq!(parsed(text).to_string(), text);
    }
    let spelled = Reference {
        vault: "50%".into(),
        item: "a\nb".into(),
        section: None,
        field: "\u{e9}".into(),
        attribute: None,
    };
    assert_eq!(spelled.to_string(), "op://50%/a\\nb/\u{e9}");
}

/// A part that the grammar allows.
fn part() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_. -]{0,9}[A-Za-z0-9_.-][A-Za-z0-9_. -]{0,9}"
}

/// Text that is nearly a reference.
fn nearly() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        any::<String>().prop_map(|rest| format!("op://{rest}")),
        "op://[a-z/ ?=&%.\u{e9}\n-]{0,20}",
        "op://v/i/f\\?(attribute|attr|ssh-format|x)[=&?]{0,2}(otp|totp|openssh|OTP)?[=&?]{0,2}",
    ]
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back(
        vault in part(), item in part(), section in proptest::option::of(part()), field in part(),
        attribute in proptest::option::of(prop_oneof![
            Just(Attribute::Otp), Just(Attribute::OpenSsh),
        ]),
    ) {
        let reference = Reference { vault, item, section, field, attribute };
        prop_assert_eq!(Reference::parse(&reference.to_string()), Ok(reference));
    }

    #[test]
    fn any_text_is_read_or_refused_at_a_place_inside_it(text in nearly()) {
        let length = text.chars().count();
        match Reference::parse(&text) {
            Ok(read) => {
                // No part leaves its segment, whoever joins them with `/` again.
                let parts = [Some(&read.vault), Some(&read.item), read.section.as_ref(), Some(&read.field)];
                for part in parts.into_iter().flatten() {
                    prop_assert!(!part.trim().is_empty());
                    prop_assert!(part.chars().all(is_allowed), "{:?}", part);
                }
                let again = Reference::parse(&read.to_string());
                prop_assert_eq!(again, Ok(read));
            }
            Err(error) => {
                prop_assert!(error.at <= length, "{:?}", error);
                prop_assert!(error.at + error.len <= length + 1, "{:?}", error);
                prop_assert!(!error.help.is_empty());
                prop_assert!(!error.message.chars().any(char::is_control), "{:?}", error);
            }
        }
    }
}

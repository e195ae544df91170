//! What is served of what `op` prints.

use super::rig::*;
use secretfs_providers::{Answer, ErrorKind, Provider, Validator, Wanted};
use std::time::{Duration, SystemTime};

#[test]
fn a_value_is_exactly_what_the_json_says() {
    let rig = Rig::new();
    for exact in [
        "\u{1}\u{8}\u{7f}",
        "a\0b\0",
        "x\n\n",
        "\r\n",
        " \u{1f511} \"\\ \t ",
    ] {
        rig.will([item(1, &[("f", exact)], &[])]);
        assert_eq!(rig.bytes("op://Prod/db/f").unwrap(), exact.as_bytes());
    }
    rig.will([item(1, &[("f", "v")], &[])]);
    let fetched = rig.value("op://Prod/db/F").unwrap();
    let may_2024 = SystemTime::UNIX_EPOCH + Duration::from_secs(1_714_550_400);
    assert_eq!(fetched.modified, Some(may_2024));
    assert_eq!(fetched.validator, Some(Validator(format!("{I}:1").into())));
}

#[test]
fn all_fields_of_an_item_are_one_run_and_the_next_is_by_ids() {
    let rig = Rig::new();
    rig.will([item(1, &[("a", "1"), ("b", "2"), ("c", "3")], &[])]);
    let got = rig.many(&["op://Prod/db/a", "op://Prod/db/b", "op://Prod/db/nope"]);
    assert!(matches!(
        got[..2],
        [Ok(Answer::Value(_)), Ok(Answer::Value(_))]
    ));
    assert_eq!(got[2].as_ref().unwrap_err().kind, ErrorKind::Missing);
    assert_eq!(rig.ran(), ["item get --format=json --vault=Prod db"]);
    rig.will([item(1, &[("a", "1")], &[])]);
    assert_eq!(rig.bytes("op://Prod/db/a").unwrap(), b"1");
    assert_eq!(
        rig.ran(),
        [format!("item get --format=json --vault={V} {I}")]
    );
}

#[test]
fn a_lock_forgets_the_ids() {
    let rig = Rig::new();
    rig.will([item(1, &[("a", "1")], &[])]);
    rig.bytes("op://Prod/db/a").unwrap();
    rig.client.forget();
    rig.will([item(1, &[("a", "1")], &[])]);
    rig.bytes("op://Prod/db/a").unwrap();
    assert_eq!(rig.ran(), ["item get --format=json --vault=Prod db"; 2]);
}

#[test]
fn an_item_that_is_not_what_it_was_known_as_is_asked_for_by_its_names_again() {
    let rig = Rig::new();
    rig.will([item(1, &[("a", "1")], &[])]);
    rig.bytes("op://Prod/db/a").unwrap();
    let renamed = match item(2, &[("a", "hunter2")], &[]) {
        Run::Prints(text) => String::from_utf8(text)
            .unwrap()
            .replace("\"db\"", "\"other\""),
        _ => unreachable!(),
    };
    let gone = "\"db\" isn't an item in the \"Prod\" vault. Specify the item with its UUID, name, or domain.";
    rig.will([Run::Prints(renamed.clone().into()), Run::complains(gone)]);
    assert_eq!(rig.fails("op://Prod/db/a").kind, ErrorKind::Missing);
    assert_eq!(rig.ran().len(), 3);
    // One that `op` finds by the address of a login is another than the one that is meant.
    rig.will([Run::Prints(renamed.into())]);
    assert_eq!(rig.fails("op://Prod/db/a").kind, ErrorKind::Missing);
}

#[test]
fn an_item_that_is_gone_by_its_id_is_looked_for_by_its_title_once() {
    let rig = Rig::new();
    rig.will([item(1, &[("a", "1")], &[])]);
    rig.bytes("op://Prod/db/a").unwrap();
    let gone = format!(
        "\"{I}\" isn't an item in the \"{V}\" vault. Specify the item with its UUID, name, or domain."
    );
    rig.will([Run::complains(&gone), item(5, &[("a", "new")], &[])]);
    assert_eq!(rig.bytes("op://Prod/db/a").unwrap(), b"new");
}

#[test]
fn an_unchanged_version_is_one_run_and_says_so() {
    let rig = Rig::new();
    rig.will([item(4, &[("a", "1")], &[])]);
    let fetched = rig.value("op://Prod/db/a").unwrap();
    let again = Wanted {
        validator: fetched.validator,
        ..wanted("op://Prod/db/a")
    };
    rig.will([item(4, &[("a", "1")], &[])]);
    assert!(matches!(rig.fetch(&again), Ok(Answer::Unchanged)));
    rig.will([item(5, &[("a", "2")], &[])]);
    assert!(matches!(rig.fetch(&again), Ok(Answer::Value(_))));
}

#[test]
fn a_file_is_read_by_itself_when_it_is_opened_and_has_its_exact_bytes() {
    let rig = Rig::new();
    let all: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    rig.will([
        item(1, &[("a", "1")], &[("key.bin", all.len())]),
        Run::Prints(all.clone()),
    ]);
    assert_eq!(rig.bytes("op://Prod/db/key.bin").unwrap(), all);
    let read = format!("read --no-newline op://{V}/{I}/key.bin");
    assert_eq!(
        rig.ran(),
        ["item get --format=json --vault=Prod db".to_owned(), read]
    );
    // Beside a field it is left for whoever opens it.
    rig.will([item(1, &[("a", "1")], &[("key.bin", 3)])]);
    let got = rig.many(&["op://Prod/db/a", "op://Prod/db/key.bin"]);
    assert!(matches!(got[..], [Ok(Answer::Value(_)), Ok(Answer::Alone)]));
}

#[test]
fn half_a_file_is_no_file_and_a_large_one_is_not_read() {
    let rig = Rig::new();
    rig.will([item(1, &[], &[("f", 10)]), Run::Prints(b"hunter2".to_vec())]);
    assert_eq!(rig.fails("op://Prod/db/f").kind, ErrorKind::Protocol);
    let said = "could not read secret: (403) Forbidden".to_owned();
    rig.will([
        item(1, &[], &[("f", 10)]),
        Run::Fails(b"hunter2".to_vec(), said),
    ]);
    assert_eq!(rig.fails("op://Prod/db/f").kind, ErrorKind::Protocol);
    rig.ran();
    rig.will([item(1, &[], &[("f", 2 << 20)])]);
    assert_eq!(rig.fails("op://Prod/db/f").kind, ErrorKind::TooLarge);
    assert_eq!(rig.ran().len(), 1);
    // One whose size nobody told ends where there is no more room for it.
    rig.will([item(1, &[], &[("f", 1 << 20)]), Run::Floods]);
    assert_eq!(rig.fails("op://Prod/db/f").kind, ErrorKind::TooLarge);
}

#[test]
fn what_is_no_item_is_never_served() {
    let rig = Rig::new();
    let Run::Prints(good) = item(1, &[("a", "hunter2")], &[]) else {
        unreachable!()
    };
    let half = good[..good.len() / 2].to_vec();
    for text in [&b""[..], b"hunter2", b"{}", b"[]", b"{\"id\":7}", &half] {
        rig.will([Run::Prints(text.to_vec())]);
        assert_eq!(rig.fails("op://Prod/db/a").kind, ErrorKind::Protocol);
    }
    rig.will([Run::Floods]);
    assert_eq!(rig.fails("op://Prod/db/a").kind, ErrorKind::Protocol);
}

#[test]
fn what_is_printed_before_a_failure_is_thrown_away() {
    let rig = Rig::new();
    let Run::Prints(good) = item(1, &[("a", "hunter2")], &[]) else {
        unreachable!()
    };
    rig.will([Run::Fails(
        good,
        "[ERROR] 2024/05/01 08:00:00 account is not signed in".into(),
    )]);
    assert_eq!(rig.fails("op://Prod/db/a").kind, ErrorKind::NoCredential);
}

#[test]
fn a_placeholder_for_a_concealed_value_is_no_value() {
    let rig = Rig::new();
    let hidden = "[use 'op item get wepiqdxdzncjtnvmv5fegud4qy --reveal' to reveal]";
    rig.will([
        item(1, &[("a", hidden)], &[]),
        Run::Prints(b"the value".to_vec()),
    ]);
    assert_eq!(rig.bytes("op://Prod/db/a").unwrap(), b"the value");
    let read = format!("read --no-newline op://{V}/{I}/a");
    assert_eq!(rig.ran().last(), Some(&read));
    rig.will([item(1, &[("a", hidden)], &[]), Run::Prints(hidden.into())]);
    assert_eq!(rig.fails("op://Prod/db/a").kind, ErrorKind::Protocol);
}

#[test]
fn a_one_time_password_is_kept_for_the_rest_of_its_period() {
    let rig = Rig::new();
    let otp = serde_json::json!({
        "id": I, "title": "db", "version": 1, "vault": {"id": V, "name": "Prod"},
        "fields": [{"id": "TOTP_1", "section": {"id": "s", "label": "s"}, "type": "OTP", "label": "one-time password",
            "value": "otpauth://totp/x?secret=ABC&period=60", "totp": "012345", "reference": "op://Prod/db/s/one-time password?attribute=otp"}],
    });
    rig.will([Run::Prints(otp.to_string().into())]);
    let fetched = rig
        .value("op://Prod/db/one-time password?attribute=otp")
        .unwrap();
    assert_eq!(bytes(&fetched), b"012345");
    assert_eq!(fetched.validator, None);
    // The rig's time is 10 s after the start of a period of 60 s.
    assert_eq!(fetched.max_age, Some(Duration::from_secs(50)));
}

#[test]
fn an_empty_field_has_no_bytes() {
    let rig = Rig::new();
    let empty = serde_json::json!({
        "id": I, "title": "db", "version": 1, "vault": {"id": V, "name": "Prod"},
        "fields": [{"id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain"}],
    });
    rig.will([Run::Prints(empty.to_string().into())]);
    assert_eq!(rig.bytes("op://Prod/db/notesPlain").unwrap(), b"");
}

#[test]
fn a_check_of_an_item_is_one_run_and_reads_no_file() {
    let rig = Rig::new();
    rig.will([item(1, &[("a", "1")], &[("f", 5 << 20)])]);
    let references: Vec<_> = ["a", "f", "nope"]
        .iter()
        .map(|field| wanted(&format!("op://Prod/db/{field}")).reference)
        .collect();
    let checked = rig.run(rig.client.check_many(&references, &rig.context()));
    let kinds: Vec<_> = checked
        .into_iter()
        .map(|one| one.map_err(|e| e.kind))
        .collect();
    assert_eq!(kinds, [Ok(()), Ok(()), Err(ErrorKind::Missing)]);
    assert_eq!(rig.ran().len(), 1);
}

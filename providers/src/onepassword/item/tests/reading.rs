//! From bytes to an item.

use super::*;
use proptest::prelude::*;
use serde_json::json;

#[test]
fn a_value_has_its_exact_bytes_whatever_they_are_and_however_they_come() {
    let exact = "\u{1}\u{8}\u{1f}\u{7f}\0a\r\nb\r\n\n \u{1f511}\u{e9}\"\\/\t\n\n";
    let text = json(json!([]), json!([{"id": "f", "value": exact}]), json!([]));
    for step in [1, 2, 3, 64, 100_000] {
        let item = read_by(step, text.as_bytes(), &["F"], &pool(), 4096).unwrap();
        assert_eq!(bytes(&item.fields[0].value).unwrap(), exact.as_bytes());
        assert_eq!((item.id.as_str(), item.vault.as_str()), (ITEM, VAULT));
        assert_eq!(item.version, Some(21));
        assert!(item.is_active && item.modified.is_some());
    }
}

#[test]
fn what_nobody_wants_is_not_kept() {
    let pool = pool();
    let field = |n: usize| json!({"id": format!("f{n}"), "label": "x", "value": "v".repeat(1000)});
    let many: Vec<_> = (0..100).map(field).collect();
    let text = json(
        json!([]),
        json!(many),
        json!([{"id": "file", "name": "n", "size": 1}]),
    );
    let item = read(&text, &["f7"], &pool).unwrap();
    assert_eq!((item.fields.len(), item.files.len()), (1, 0));
    assert!(pool.used() < 1100, "{}", pool.used());
    drop(item);
    assert_eq!(pool.used(), 0);
}

#[test]
fn members_may_come_in_any_order_and_be_left_out_or_null() {
    let text = format!(
        r#"{{"fields":[{{"value":"v","section":{{"label":"S","id":"s"}},"label":"f"}},
            {{"id":"g","label":null,"value":null,"section":null,"type":null}}, {{}}],
            "x":{{"fields":[{{"id":"f","value":"no"}}]}},"files":null,"id":"{ITEM}"}}"#
    );
    let item = read(&text, &["f", "g"], &pool()).unwrap();
    assert_eq!(item.fields.len(), 2);
    assert_eq!(bytes(&item.fields[0].value).unwrap(), b"v");
    assert_eq!(item.fields[0].section, "s");
    assert!(matches!(item.fields[1].value, Value::Absent));
    assert_eq!((item.vault.as_str(), item.version), ("", None));
}

#[test]
fn fixtures_of_the_sdks_are_read() {
    // Fields without id or type, `section: {"id": ""}`, a section that is not listed.
    let fields = json!([
        {"label": "a", "value": "1"},
        {"id": "b", "section": {"id": ""}, "value": "2", "entropy": 130.07},
        {"id": "c", "type": "CONCEALED", "section": {"id": "unlisted"}, "value": "3"},
        {"id": "d", "type": "WHAT_IS_THIS", "purpose": "", "value": "4"},
        {"id": "e", "type": "OTP", "value": "otpauth://x", "totp": "034253"},
        {"id": "t", "type": "TOTP", "totp": "1"},
    ]);
    let text = json(json!([{"id": "add more"}]), fields, json!([]));
    let item = read(&text, &["a", "b", "c", "d", "e", "t"], &pool()).unwrap();
    let values: Vec<_> = item.fields.iter().map(|f| bytes(&f.value)).collect();
    let text = |text: &str| Some(text.as_bytes().to_vec());
    assert_eq!(
        values,
        [
            text("1"),
            text("2"),
            text("3"),
            text("4"),
            text("otpauth://x"),
            None
        ]
    );
    assert_eq!(bytes(&item.fields[4].code), text("034253"));
    let is_otp: Vec<_> = item.fields.iter().map(|f| f.is_otp).collect();
    assert_eq!(is_otp, [false, false, false, false, true, true]);
}

#[test]
fn an_archived_item_is_not_active() {
    for (state, expected) in [
        ("ARCHIVED", false),
        ("DELETED", false),
        ("", true),
        ("NEW", false),
    ] {
        let text = format!(r#"{{"id":"{ITEM}","state":"{state}"}}"#);
        assert_eq!(
            read(&text, &[], &pool()).unwrap().is_active,
            expected,
            "{state}"
        );
    }
}

#[test]
fn what_is_no_item_or_can_be_read_two_ways_is_malformed() {
    let with = |fields: &str| format!(r#"{{"id":"{ITEM}","fields":{fields}}}"#);
    for text in [
        String::new(),
        "[]".into(),
        "{}".into(),
        "\"x\"".into(),
        r#"{"id":""}"#.into(),
        r#"{"id":7}"#.into(),
        r#"{"id":["x"]}"#.into(),
        format!(r#"{{"id":"{ITEM}","id":"{ITEM}"}}"#),
        format!(r#"{{"id":"{ITEM}"}}{{}}"#),
        format!(r#"{{"id":"{ITEM}","fields":[],"fields":[]}}"#),
        format!(r#"{{"id":"{ITEM}","fields":[{{"id":"f","value":"x""#),
        format!(r#"{{"id":"{ITEM}","vault":{{"id":7}}}}"#),
        format!(r#"{{"id":"{ITEM}","files":[{{"id":"f","size":-1}}]}}"#),
        format!(r#"{{"id":"{ITEM}","files":[{{"id":"f","size":1.5}}]}}"#),
        format!(r#"{{"id":"{}"}}"#, "x".repeat(2000)),
        with(r#"[{"id":"f","value":7}]"#),
        with(r#"[{"id":"f","value":true}]"#),
        with(r#"[{"id":"f","value":["x"]}]"#),
        with(r#"[{"id":"f","value":{"x":"y"}}]"#),
        with(r#"[{"id":"f","value":"x","value":"y"}]"#),
        with(r#"[{"id":"f","totp":7}]"#),
        with(r#"[{"id":"f","id":"g","value":"y"}]"#),
        with(r#"[{"id":"f","section":{"id":"a","id":"b"}}]"#),
        with(r#"[{"id":"f","section":{"id":7}}]"#),
    ] {
        assert_eq!(
            read(&text, &["f"], &pool()).unwrap_err(),
            Malformed,
            "{text}"
        );
    }
}

#[test]
fn what_is_kept_of_an_item_is_bounded() {
    let section = |n: usize| json!({"id": format!("s{n}"), "label": "x".repeat(500)});
    let few: Vec<_> = (0..100).map(section).collect();
    let text = json(json!(few), json!([]), json!([]));
    assert!(read(&text, &[], &pool()).is_ok());
    let many: Vec<_> = (0..1000).map(section).collect();
    let text = json(json!(many), json!([]), json!([]));
    assert_eq!(read(&text, &[], &pool()).unwrap_err(), Malformed);
    let same: Vec<_> = (0..5000).map(|_| json!({"id": "f"})).collect();
    let text = json(json!([]), json!(same), json!([]));
    assert_eq!(read(&text, &["f"], &pool()).unwrap_err(), Malformed);
}

#[test]
fn a_label_that_is_too_long_is_nobodys_and_a_section_of_one_still_has_a_label() {
    let long = "x".repeat(2000);
    let sections = json!([{"id": "s", "label": long}]);
    let fields = json!([
        {"id": "f", "label": long, "value": "1"},
        {"id": "g", "label": "f2", "section": {"id": "s"}, "value": "2"},
    ]);
    let item = read(&json(sections, fields, json!([])), &["f", "f2"], &pool()).unwrap();
    assert_eq!(item.fields.len(), 2);
    assert_eq!(item.fields[0].label, "");
    assert!(!item.sections[0].label.is_empty());
}

#[test]
fn a_value_beyond_its_limit_fails_alone() {
    let fields = json!([{"id": "f", "value": "0123456789"}, {"id": "g", "value": "1"}]);
    let text = json(json!([]), fields, json!([]));
    let item = read_by(3, text.as_bytes(), &["f", "g"], &pool(), 9).unwrap();
    assert!(matches!(item.fields[0].value, Value::Failed(_)));
    assert_eq!(bytes(&item.fields[1].value).unwrap(), b"1");
}

/// JSON with the names that mean something, anywhere.
fn any_json() -> impl Strategy<Value = Json> {
    let name = prop::sample::select(vec![
        "id",
        "label",
        "name",
        "type",
        "value",
        "totp",
        "size",
        "state",
        "version",
        "updatedAt",
        "section",
        "vault",
        "sections",
        "fields",
        "files",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        prop::sample::select(vec!["", "f", "OTP", "ARCHIVED", "\u{e9}\n"]).prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((name.clone(), inner), 0..6).prop_map(|pairs| {
                let owned = pairs
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value));
                Json::Object(owned.collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_answer_is_an_item_or_malformed_and_leaves_nothing(
        json in any_json(), step in 1_usize..20, cut in 0_usize..400,
    ) {
        let pool = pool();
        let text = json.to_string();
        let whole = read_by(step, text.as_bytes(), &["f"], &pool, 16);
        if let Ok(item) = &whole {
            prop_assert!(!item.id.is_empty());
        }
        drop(whole);
        let part = text.as_bytes().get(..cut.min(text.len())).unwrap_or_default();
        if part.len() < text.len() && json.is_object() {
            prop_assert!(read_by(step, part, &["f"], &pool, 16).is_err());
        }
        prop_assert_eq!(pool.used(), 0);
    }
}

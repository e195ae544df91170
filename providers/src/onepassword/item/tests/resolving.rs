//! Which field or file is meant: the rows of contract onepassword.md §2.3 and §4.5.

use super::super::resolve::{Found, Unresolved, resolve};
use super::*;
use serde_json::json;

fn resolved(
    sections: Json,
    fields: Json,
    files: Json,
    section: Option<&str>,
    name: &str,
) -> Result<String, Unresolved> {
    let pool = pool();
    let item = read(&json(sections, fields, files), &[name], &pool).unwrap();
    resolve(&item, section, name).map(|found| match found {
        Found::Field(at) => item.fields[at].id.clone(),
        Found::File(at) => item.files[at].id.clone(),
    })
}

fn several(ids: &[&str]) -> Result<String, Unresolved> {
    Err(Unresolved::Several(
        ids.iter().map(|id| (*id).into()).collect(),
    ))
}

fn found(id: &str) -> Result<String, Unresolved> {
    Ok(id.into())
}

#[test]
fn a_field_is_found_by_id_or_label() {
    let fields = json!([{"id": "1", "label": "user"}, {"id": "user2", "label": "x"}]);
    let of = |name| resolved(json!([]), fields.clone(), json!([]), None, name);
    assert_eq!(of("user"), found("1"));
    assert_eq!(of("1"), found("1"));
    assert_eq!(of("user2"), found("user2"));
    assert_eq!(of("nope"), Err(Unresolved::Nothing));
    // One by id and another by label are two.
    let fields = json!([{"id": "a", "label": "b"}, {"id": "b", "label": "c"}]);
    let of = |name| resolved(json!([]), fields.clone(), json!([]), None, name);
    assert_eq!(of("b"), several(&["a", "b"]));
    // The same one by both is one.
    let fields = json!([{"id": "a", "label": "a"}]);
    assert_eq!(
        resolved(json!([]), fields, json!([]), None, "a"),
        found("a")
    );
}

#[test]
fn a_section_is_found_by_id_or_label() {
    let sections = json!([{"id": "s1", "label": "db"}, {"id": "s2", "label": "web"}]);
    let fields = json!([
        {"id": "1", "label": "pw", "section": {"id": "s1"}},
        {"id": "2", "label": "pw", "section": {"id": "s2"}},
    ]);
    let of = |section| resolved(sections.clone(), fields.clone(), json!([]), section, "pw");
    assert_eq!(of(Some("db")), found("1"));
    assert_eq!(of(Some("s2")), found("2"));
    assert_eq!(of(Some("nope")), Err(Unresolved::NoSection));
    assert_eq!(of(None), several(&["1", "2"]));
}

#[test]
fn two_sections_of_one_label_are_ambiguous_even_if_the_field_is_unique_or_given_by_id() {
    let sections = json!([{"id": "s1", "label": "db"}, {"id": "s2", "label": "db"}]);
    let fields = json!([{"id": "1", "label": "pw", "section": {"id": "s1"}}]);
    for name in ["pw", "1"] {
        let got = resolved(
            sections.clone(),
            fields.clone(),
            json!([]),
            Some("db"),
            name,
        );
        let ids = vec!["s1".into(), "s2".into()];
        assert_eq!(got, Err(Unresolved::Sections(ids)));
    }
    let by_id = resolved(sections, fields, json!([]), Some("s1"), "pw");
    assert_eq!(by_id, found("1"));
}

#[test]
fn without_a_section_what_is_in_none_comes_first() {
    let sections =
        json!([{"id": "add more"}, {"id": "s", "label": "db"}, {"id": "u", "label": ""}]);
    let in_section = json!({"id": "1", "label": "pw", "section": {"id": "s"}});
    for (other, id) in [
        (json!({"id": "2", "label": "pw"}), "2"),
        (
            json!({"id": "3", "label": "pw", "section": {"id": ""}}),
            "3",
        ),
        (
            json!({"id": "4", "label": "pw", "section": {"id": "add more"}}),
            "4",
        ),
        (
            json!({"id": "5", "label": "pw", "section": {"id": "u"}}),
            "5",
        ),
    ] {
        let fields = json!([in_section, other]);
        let got = resolved(sections.clone(), fields, json!([]), None, "pw");
        assert_eq!(got, found(id));
    }
    // A unique one in any section, listed or not.
    let of = |fields| resolved(sections.clone(), fields, json!([]), None, "pw");
    assert_eq!(of(json!([in_section])), found("1"));
    let unlisted = json!({"id": "6", "label": "pw", "section": {"id": "nowhere"}});
    assert_eq!(of(json!([unlisted])), found("6"));
    // The default section need not be listed.
    let default = json!([{"id": "7", "label": "pw", "section": {"id": "add more"}}, in_section]);
    assert_eq!(
        resolved(json!([]), default, json!([]), None, "pw"),
        found("7")
    );
}

#[test]
fn a_top_level_and_an_add_more_field_of_one_label_are_ambiguous() {
    let fields = json!([
        {"id": "1", "label": "pw"},
        {"id": "2", "label": "pw", "section": {"id": "add more"}},
    ]);
    let got = resolved(json!([{"id": "add more"}]), fields, json!([]), None, "pw");
    assert_eq!(got, several(&["1", "2"]));
}

#[test]
fn a_section_that_the_user_labelled_add_more_is_one_of_two() {
    let sections = json!([{"id": "add more"}, {"id": "s", "label": "add more"}]);
    let got = resolved(sections, json!([]), json!([]), Some("add more"), "pw");
    assert!(matches!(got, Err(Unresolved::Sections(_))));
}

#[test]
fn a_file_is_found_by_id_or_name_and_a_field_of_that_name_makes_it_ambiguous() {
    let files = json!([{"id": "f1", "name": "foo.txt", "size": 1}, {"id": "f2", "name": "x"}]);
    let of = |fields, name| resolved(json!([]), fields, files.clone(), None, name);
    assert_eq!(of(json!([]), "foo.txt"), found("f1"));
    assert_eq!(of(json!([]), "f1"), found("f1"));
    let field = json!([{"id": "1", "label": "foo.txt"}]);
    assert_eq!(of(field, "foo.txt"), several(&["1", "f1"]));
    let other = json!([{"id": "1", "label": "FOO.txt"}]);
    assert_eq!(of(other, "foo.txt"), found("f1"));
}

#[test]
fn exact_comes_before_case_insensitive() {
    let fields = json!([
        {"id": "1", "label": "Token"},
        {"id": "2", "label": "token", "section": {"id": "s"}},
    ]);
    let of = |name| resolved(json!([]), fields.clone(), json!([]), None, name);
    assert_eq!(of("Token"), found("1"));
    assert_eq!(of("token"), found("2"));
    // Neither is exact: what is in no section comes first.
    assert_eq!(of("TOKEN"), found("1"));
    let two = json!([{"id": "1", "label": "Token"}, {"id": "2", "label": "token"}]);
    let got = resolved(json!([]), two, json!([]), None, "TOKEN");
    assert_eq!(got, several(&["1", "2"]));
}

#[test]
fn a_name_matches_beyond_ascii() {
    let fields = json!([{"id": "1", "label": "\u{c9}T\u{c9}"}]);
    assert_eq!(
        resolved(json!([]), fields, json!([]), None, "\u{e9}t\u{e9}"),
        found("1")
    );
}

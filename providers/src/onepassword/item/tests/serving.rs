//! What is served, and in what words it is not.

use super::*;
use crate::error::{ErrorKind, ProviderError};
use crate::onepassword::{Attribute, Reference};
use serde_json::json;
use std::time::{Duration, SystemTime};

fn of(field: &str, attribute: Option<Attribute>) -> Reference {
    Reference {
        vault: "v".into(),
        item: "i".into(),
        section: None,
        field: field.into(),
        attribute,
    }
}

fn served(fields: Json, files: Json, of: &Reference, max: usize) -> Result<Served, ProviderError> {
    let pool = pool();
    let text = json(json!([]), fields, files);
    let item = read_by(50, text.as_bytes(), &[&of.field], &pool, 4096).unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(65);
    let cx = Circumstances {
        provider: "w",
        pool: &pool,
        asked: now,
        now,
    };
    serve(&item, of, max, &cx)
}

fn value(served: Result<Served, ProviderError>) -> (Vec<u8>, crate::provider::Fetched) {
    match served.unwrap() {
        Served::Value(fetched) => (
            bytes(&Value::Whole(fetched.value.clone())).unwrap(),
            fetched,
        ),
        file => panic!("{file:?}"),
    }
}

#[test]
fn a_value_comes_with_its_items_version_and_time() {
    let (bytes, fetched) = value(served(
        json!([{"id": "f", "value": "x\n"}]),
        json!([]),
        &of("f", None),
        10,
    ));
    assert_eq!(bytes, b"x\n");
    assert_eq!(&*fetched.validator.unwrap().0, format!("{ITEM}:21"));
    assert!(fetched.modified.is_some());
    assert_eq!(fetched.max_age, None);
}

#[test]
fn a_field_without_a_value_is_an_empty_one() {
    for field in [json!({"id": "f"}), json!({"id": "f", "value": ""})] {
        let (bytes, _) = value(served(json!([field]), json!([]), &of("f", None), 10));
        assert_eq!(bytes, b"");
    }
}

#[test]
fn a_one_time_password_is_kept_for_the_rest_of_its_period_and_never_called_unchanged() {
    let otp = Some(Attribute::Otp);
    let field = |value: &str| json!([{"id": "f", "type": "OTP", "value": value, "totp": "034253"}]);
    for (secret, left) in [
        ("otpauth://totp/x?secret=A", 25),
        ("otpauth://totp/x?secret=A&period=60", 55),
        ("JBSWY3DP", 25),
    ] {
        let (bytes, fetched) = value(served(field(secret), json!([]), &of("f", otp), 10));
        assert_eq!(bytes, b"034253");
        assert_eq!(fetched.max_age, Some(Duration::from_secs(left)));
        assert!(fetched.validator.is_none() && fetched.modified.is_none());
    }
    // Without the attribute it is the secret itself.
    let (bytes, _) = value(served(field("otpauth://x"), json!([]), &of("f", None), 99));
    assert_eq!(bytes, b"otpauth://x");
}

#[test]
fn errors_say_what_of_which_reference_and_what_to_do() {
    let otp = Some(Attribute::Otp);
    let plain = json!([{"id": "f", "value": "hunter2"}]);
    let file = json!([{"id": "6r65pjq33banznomn7q22sj44e", "name": "f", "size": 3}]);
    let two = json!([{"id": "a", "label": "f", "value": "hunter2"}, {"id": "b;rm", "label": "f"}]);
    let old = json!([{"id": "f", "type": "OTP", "value": "otpauth://hunter2"}]);
    for (fields, files, of, kind, text) in [
        (
            plain.clone(),
            json!([]),
            of("g", None),
            ErrorKind::Missing,
            "provider w: op://v/i/g: the item has no such field or file there",
        ),
        (
            two,
            json!([]),
            of("f", None),
            ErrorKind::Ambiguous,
            "provider w: op://v/i/f: several fields or files are meant: `a` and 1 more",
        ),
        (
            plain.clone(),
            json!([]),
            of("f", otp),
            ErrorKind::Unsupported,
            "provider w: op://v/i/f?attribute=otp: the field makes no one-time passwords",
        ),
        (
            old,
            json!([]),
            of("f", otp),
            ErrorKind::Unsupported,
            "provider w: op://v/i/f?attribute=otp: the server makes no one-time passwords",
        ),
        (
            plain.clone(),
            json!([]),
            of("f", Some(Attribute::OpenSsh)),
            ErrorKind::Unsupported,
            "provider w: op://v/i/f?ssh-format=openssh: the value is no private key",
        ),
        (
            json!([]),
            file,
            of("f", otp),
            ErrorKind::Unsupported,
            "provider w: op://v/i/f?attribute=otp: it is a file, and a file has no attributes",
        ),
    ] {
        let error = served(fields, files, &of, 100).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (kind, text));
        assert!(!error.help.is_empty());
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    let error = served(plain, json!([]), &of("f", None), 6).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
    assert_eq!(
        error.message,
        "provider w: op://v/i/f is larger than 6 bytes"
    );
}

#[test]
fn a_file_is_served_by_its_id() {
    let files = json!([{"id": "6r65pjq33banznomn7q22sj44e", "name": "foo.txt", "size": 35}]);
    let got = served(json!([]), files, &of("foo.txt", None), 100).unwrap();
    assert!(
        matches!(&got, Served::File { id, size: Some(35) } if id == "6r65pjq33banznomn7q22sj44e"),
        "{got:?}"
    );
}

//! Files of any bytes.

use super::rig::{Rig, wanted};
use secretfs_providers::{ErrorKind, Wanted};
use secretfs_tests::connect::{Field, Item, LIE, Route};
use secretfs_tests::http_sim::Fault;

fn of(rig: &Rig, content: &[u8]) -> String {
    let vault = rig.sim.vault("Prod");
    let item = Item::new("i").file("file.bin", content);
    let item = rig.sim.item(&vault, item);
    format!("op://{vault}/{item}/file.bin")
}

#[test]
fn a_file_has_its_exact_bytes_whatever_they_are() {
    let rig = Rig::over_tls();
    let all: Vec<u8> = (0..=255).collect();
    for content in [
        &b"\0\xff\xfe\r\n\n"[..],
        b"",
        b"\xc3\x28 no UTF-8",
        &all,
        b"<html>a file may be one</html>",
        &vec![0xa5; 300_000],
    ] {
        let reference = of(&rig, content);
        assert_eq!(rig.bytes(&reference).unwrap(), content);
    }
}

#[test]
fn content_that_was_not_synchronised_yet_is_waited_for() {
    let rig = Rig::new();
    let reference = of(&rig, b"bytes");
    for status in [500, 503] {
        rig.sim.fault_next(Route::Content, 4, Fault::Status(status));
        assert_eq!(rig.bytes(&reference).unwrap(), b"bytes", "{status}");
        rig.sim.fault_next(Route::Content, 5, Fault::Status(status));
        let error = rig.bytes(&reference).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Server, "{status}");
    }
}

#[test]
fn a_file_beyond_max_size_is_not_asked_for() {
    let rig = Rig::new();
    let reference = of(&rig, &[1; 2000]);
    let small = Wanted {
        max_size: 1999,
        ..wanted(&reference)
    };
    let error = rig.fetch_as(&small).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
    assert!(error.help.contains("max_size"), "{error:?}");
    assert_eq!(rig.sim.count(Route::Content), 0);
}

#[test]
fn content_of_another_length_than_the_item_says_is_no_file() {
    let rig = Rig::new();
    let reference = of(&rig, b"bytes");
    rig.sim.fault_next(Route::Content, 1, Fault::WrongSecret);
    let error = rig.bytes(&reference).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(!format!("{error:?}").contains(LIE));
}

#[test]
fn a_page_of_a_portal_is_never_served_as_the_file() {
    let rig = Rig::new();
    let reference = of(&rig, &[b'x'; 65]);
    rig.sim.fault(Route::Content, Fault::Html(200));
    let error = rig.bytes(&reference).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
}

#[test]
fn a_file_that_ends_early_is_no_file() {
    let rig = Rig::new();
    let reference = of(&rig, &[b'x'; 5000]);
    for fault in [
        Fault::Truncate(100),
        Fault::ResetAfter(400),
        Fault::Truncate(0),
    ] {
        rig.sim.fault(Route::Content, fault.clone());
        let error = rig.bytes(&reference).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreachable, "{fault:?}");
        rig.sim.mend_all();
    }
    assert_eq!(rig.bytes(&reference).unwrap().len(), 5000);
}

#[test]
fn a_field_and_a_file_of_one_name_are_ambiguous() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let item = Item::new("i")
        .field(Field::new("x").value("v"))
        .file("x", b"f");
    let item = rig.sim.item(&vault, item);
    let file = rig.sim.file_id(&vault, &item, "x");
    let error = rig.bytes(&format!("op://{vault}/{item}/x")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Ambiguous);
    assert!(error.message.contains(&format!("`x`, `{file}`")), "{error}");
    let by_id = format!("op://{vault}/{item}/{file}");
    assert_eq!(rig.bytes(&by_id).unwrap(), b"f");
}

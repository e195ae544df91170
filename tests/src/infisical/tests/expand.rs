//! References inside values (contract §4).

use super::*;
use crate::infisical::{Role, Rule};

#[test]
fn references_are_replaced_where_that_is_asked_for() {
    let rig = Rig::new(|sim| {
        sim.secret("/", "A", "a=${B} c=${dev.sub.folder.C} p=${prod.D}")
            .secret("/", "B", "<${E}>")
            .secret("/", "E", "e")
            .secret("/sub/folder", "C", "c")
            .secret_in("prod", "/", "D", "d")
    });
    assert_eq!(rig.value("/", "A"), "a=<e> c=c p=d");
    let raw = rig.get(&single("A", "/", "expandSecretReferences=false"));
    assert_eq!(
        text(&raw.json(), "/secret/secretValue"),
        "a=${B} c=${dev.sub.folder.C} p=${prod.D}"
    );
}

#[test]
fn what_is_no_reference_stays() {
    for value in ["${TAG:-latest}", "$B ${} ${", "${B", "$${}", "${a b}"] {
        let rig = Rig::new(|sim| sim.secret("/", "A", value).secret("/", "B", "b"));
        assert_eq!(rig.value("/", "A"), value);
    }
    let rig = Rig::new(|sim| sim.secret("/", "A", "${${B}").secret("/", "B", "b"));
    assert_eq!(rig.value("/", "A"), "${b");
}

#[test]
fn a_dangling_key_and_a_cycle_stay_as_literals() {
    let rig = Rig::new(|sim| {
        sim.secret("/", "A", "x${TARGET}")
            .secret("/", "C1", "1${C2}")
            .secret("/", "C2", "2${C1}")
    });
    assert_eq!(rig.value("/", "A"), "x${TARGET}");
    assert_eq!(rig.value("/", "C1"), "12${C1}");
}

#[test]
fn a_reference_into_a_deleted_folder_is_500_singly_and_a_literal_in_the_list() {
    let rig = Rig::new(|sim| {
        sim.secret("/", "A", "x${dev.gone.B}")
            .secret("/gone", "B", "b")
    });
    assert_eq!(rig.value("/", "A"), "xb");
    rig.sim.delete_folder("/gone");
    let got = rig.single("/", "A");
    refused(&got, 500, "InternalServerError", "Something went wrong");
    let got = rig.list("/");
    assert_eq!(got.status, 200);
    assert_eq!(
        text(&got.json(), "/secrets/0/secretValue"),
        "x${dev.gone.B}"
    );
}

#[test]
fn a_reference_to_what_may_not_be_read_is_403_singly_and_a_literal_in_the_list() {
    let rig = Rig::new(|sim| {
        sim.secret("/", "A", "x${dev.closed.B}")
            .secret("/closed", "B", "b")
            .role(Role::Rules(vec![Rule::read("dev", "/")]))
    });
    let got = rig.single("/", "A");
    assert_eq!(
        (got.status, text(&got.json(), "/error")),
        (403, "ForbiddenError".into())
    );
    let got = rig.list("/");
    assert_eq!(
        text(&got.json(), "/secrets/0/secretValue"),
        "x${dev.closed.B}"
    );
}

#[test]
fn an_expanded_value_of_several_lines_is_quoted_under_the_inverted_flag() {
    let rig = Rig::new(|sim| {
        sim.secret("/", "A", "1\n${B}\n")
            .secret("/", "B", "b")
            .secret("/", "PLAIN", "1\n2\n")
    });
    for key in ["A", "PLAIN"] {
        rig.sim.skip_multiline_encoding("/", key);
    }
    assert_eq!(rig.value("/", "A"), r#""1\nb\n""#);
    assert_eq!(rig.value("/", "PLAIN"), "1\n2\n");
}

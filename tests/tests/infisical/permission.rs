//! What a good token may not do (contract §2 and §5).

use super::rig::*;
use secretfs_providers::ErrorKind;
use secretfs_tests::infisical::{Generation, Role, Route, Rule};

#[test]
fn row_not_a_project_member() {
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| {
            sim.secret("/", "A", "1").role(Role::Stranger)
        });
        assert_eq!(rig.read("/", "A"), Err(ErrorKind::Denied));
        assert_eq!(rig.read_many("/", &["A", "B"]), Err(ErrorKind::Denied));
        assert_eq!(rig.names("/").unwrap_err().kind, ErrorKind::Denied);
        // A 403 of this kind is no reason to sign in again.
        assert_eq!(rig.sim.count(Route::Login), 1);
    }
}

#[test]
fn row_describe_yes_read_value_no() {
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| {
            sim.secret("/", "A", "1")
                .role(Role::Rules(vec![Rule::describe("dev", "/**")]))
        });
        assert_eq!(rig.read("/", "A"), Err(ErrorKind::Denied));
        // One denied value is a 403 for the whole list; the names are listed all the same.
        assert_eq!(rig.read_many("/", &["A", "B"]), Err(ErrorKind::Denied));
        assert_eq!(rig.folder("/").unwrap_err().kind, ErrorKind::Denied);
        assert_eq!(rig.names("/").unwrap(), ["A"]);
        assert_eq!(rig.sim.count(Route::Login), 1);
    }
}

#[test]
fn a_hidden_value_is_denied_in_a_list_too_and_never_served() {
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| {
            sim.secret("/", "A", "1").secret("/", "B", "2")
        });
        rig.sim.hide("/", "A", true);
        assert_eq!(rig.read("/", "A"), Err(ErrorKind::Denied));
        let got = rig.read_many("/", &["A", "B"]).unwrap();
        assert_eq!(got, [Got::Failed(ErrorKind::Denied), Got::value("2")]);
        assert_eq!(rig.folder("/").unwrap_err().kind, ErrorKind::Denied);
    }
}

#[test]
fn a_token_that_is_deleted_in_the_middle_of_lists_costs_one_sign_in() {
    let rig = Rig::new(Generation::V3Only, |sim| {
        sim.secret("/", "A", "1").secret("/", "B", "2")
    });
    rig.read_many("/", &["A", "B"]).unwrap();
    rig.sim.revoke_tokens();
    let got = rig.read_many("/", &["A", "B"]).unwrap();
    assert_eq!(got, [Got::value("1"), Got::value("2")]);
    assert_eq!(rig.sim.count(Route::Login), 2);
}

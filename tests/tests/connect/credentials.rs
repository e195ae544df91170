//! The token: bound to its server, asked for, forgotten.

use super::rig::Rig;
use secretfs_providers::{Credential, CredentialOffer, ErrorKind, Health, Provider};
use secretfs_tests::connect::{Field, Item};

fn offer(origin: String, credential: Credential) -> CredentialOffer {
    CredentialOffer {
        provider: "w".into(),
        origin,
        credential,
    }
}

#[test]
fn a_token_of_another_server_is_not_taken() {
    let rig = Rig::new();
    for origin in [
        "https://connect.example:443".to_owned(),
        rig.client.origin().replace("http:", "https:"),
        rig.sim.url().replace("127.0.0.1", "localhost"),
        String::new(),
    ] {
        let refused = rig
            .client
            .supply(offer(origin, Credential::Token("t".into())), &rig.pool)
            .unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Refused);
        assert!(refused.help.contains("connect_host"), "{refused:?}");
    }
}

#[test]
fn another_kind_of_credential_is_not_taken() {
    let rig = Rig::new();
    for credential in [
        Credential::AgeIdentity("x".into()),
        Credential::ClientSecret {
            id: "x".into(),
            secret: "y".into(),
        },
    ] {
        let refused = rig
            .client
            .supply(offer(rig.client.origin(), credential), &rig.pool);
        assert_eq!(refused.unwrap_err().kind, ErrorKind::Refused);
    }
}

#[test]
fn a_lock_forgets_the_token_and_no_request_is_made_without_one() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    rig.sim
        .item(&vault, Item::new("i").field(Field::new("f").value("v")));
    assert_eq!(rig.read("op://Prod/i/f").unwrap(), "v");
    let before = rig.sim.total();
    rig.client.forget();
    assert_eq!(rig.client.health(), Health::Unknown);
    let error = rig.read("op://Prod/i/f").unwrap_err();
    assert_eq!(error.kind, ErrorKind::NoCredential);
    assert!(error.help.contains("OP_CONNECT_TOKEN"), "{error:?}");
    assert_eq!(rig.client.health(), Health::NeedsCredential);
    assert_eq!(rig.sim.total(), before);
}

#[test]
fn a_token_with_a_line_break_is_refused_before_it_is_sent() {
    let rig = Rig::new();
    rig.give("a\r\nx-injected: 1");
    let error = rig.read("op://Prod/i/f").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert_eq!(rig.sim.total(), 0);
}

#[test]
fn health_is_what_was_seen_last_and_asks_nothing() {
    let rig = Rig::new();
    assert_eq!(rig.client.health(), Health::Unknown);
    let vault = rig.sim.vault("Prod");
    rig.sim
        .item(&vault, Item::new("i").field(Field::new("f").value("v")));
    assert_eq!(rig.client.kind(), "onepassword");
    // What says no about a secret is well.
    rig.read("op://Prod/nope/f").unwrap_err();
    assert_eq!(rig.client.health(), Health::Good);
}

//! ETag and If-None-Match (contract §3).

use super::*;
use crate::infisical::etag::of;

#[test]
fn an_etag_is_the_bodys_sha_1_in_base64() {
    // RFC 3174's first test vector.
    assert_eq!(of(b"abc"), "\"qZk+NkcGgWq6PiVxeFDCbJzQ2J0=\"");
    let rig = Rig::new(|sim| sim.secret("/", "A", "1"));
    let got = rig.single("/", "A");
    assert_eq!(got.header("etag"), Some(of(&got.body).as_str()));
}

#[test]
fn the_exact_string_is_304_with_nothing_in_it_for_singles_and_lists() {
    let rig = Rig::new(|sim| sim.secret("/", "A", "1"));
    for target in [
        single("A", "/", ""),
        list("/", ""),
        list("/", "recursive=true"),
    ] {
        let first = rig.get(&target);
        let tag = first.header("etag").unwrap();
        let got = rig.client.get_if(&target, &rig.token, tag);
        assert_eq!((got.status, got.body.len()), (304, 0));
        assert_eq!(got.header("etag"), Some(tag));
        rig.sim.set("/", "A", "2");
        let got = rig.client.get_if(&target, &rig.token, tag);
        assert_eq!(got.status, 200);
    }
    let statuses: Vec<_> = rig.sim.requests().iter().map(|seen| seen.status).collect();
    assert_eq!(statuses[..3], [Some(200), Some(304), Some(200)]);
    assert!(rig.sim.requests()[1].conditional);
}

#[test]
fn weak_ones_lists_and_stars_are_not_understood() {
    let rig = Rig::new(|sim| sim.secret("/", "A", "1"));
    let target = single("A", "/", "");
    let tag = rig.get(&target).header("etag").unwrap().to_owned();
    for other in [format!("W/{tag}"), format!("{tag}, \"x\""), "*".to_owned()] {
        let got = rig.client.get_if(&target, &rig.token, &other);
        assert_eq!(got.status, 200);
    }
    assert_eq!(rig.sim.take_violations().len(), 3);
}

#[test]
fn the_etag_of_an_error_always_differs() {
    let rig = Rig::new(|sim| sim);
    let first = rig.single("/", "NOPE");
    let second = rig.single("/", "NOPE");
    assert_ne!(first.header("etag"), second.header("etag"));
}

#[test]
fn a_304_counts_as_a_use_of_the_token() {
    let rig = Rig::new(|sim| sim.secret("/", "A", "1"));
    let target = single("A", "/", "");
    let tag = rig.get(&target).header("etag").unwrap().to_owned();
    rig.sim.revoke_tokens();
    assert_eq!(rig.client.get_if(&target, &rig.token, &tag).status, 401);
}

#[test]
fn the_etag_of_an_expanded_value_moves_with_what_it_refers_to_and_the_version_does_not() {
    let rig = Rig::new(|sim| sim.secret("/", "A", "<${B}>").secret("/", "B", "1"));
    let before = rig.single("/", "A");
    rig.sim.set("/", "B", "2");
    let after = rig.single("/", "A");
    assert_ne!(before.header("etag"), after.header("etag"));
    for field in ["version", "updatedAt"] {
        assert_eq!(
            before.json()["secret"][field],
            after.json()["secret"][field]
        );
    }
}

//! What no client should ask is recorded; what a user may get wrong is not.

use super::*;

#[test]
fn what_no_reader_asks_is_a_violation() {
    let rig = Rig::new();
    let token = format!("Bearer {TOKEN}");
    let one = ("authorization", token.as_str());
    let item = rig.item();
    let named = format!("/v1/vaults/Prod%20DB/items/{}", rig.item);
    let both = "/v1/vaults?filter=name%20eq%20%22a%22&filter=name%20eq%20%22b%22";
    for (method, target, headers, body) in [
        ("DELETE", item.as_str(), vec![one], ""),
        ("PATCH", &item, vec![one], "[]"),
        ("POST", "/v1/vaults", vec![one], "{}"),
        ("GET", "/v1/activity", vec![one], ""),
        ("GET", "/v2/vaults", vec![one], ""),
        ("GET", &named, vec![one], ""),
        (
            "GET",
            "/v1/vaults?filter=name%20co%20%22a%22",
            vec![one],
            "",
        ),
        (
            "GET",
            "/v1/vaults?filter=name%20eq%20%22a%22%20or%20name%20pr",
            vec![one],
            "",
        ),
        ("GET", "/v1/vaults?limit=1", vec![one], ""),
        ("GET", both, vec![one], ""),
        ("GET", "/v1/vaults", vec![], ""),
        ("GET", "/v1/vaults", vec![one, one], ""),
        ("GET", "/v1/vaults", vec![one, ("accept", "text/html")], ""),
        ("GET", "/v1/vaults", vec![one, ("if-none-match", "x")], ""),
        ("GET", "/v1/vaults", vec![one], "body"),
        ("GET", "/health", vec![one], ""),
    ] {
        rig.client.ask(method, target, &headers, body).unwrap();
        let found = rig.sim.take_violations();
        assert_eq!(found.len(), 1, "{method} {target}: {found:?}");
        assert!(!format!("{found:?}").contains(TOKEN));
    }
}

#[test]
fn what_a_user_gets_wrong_is_none() {
    let rig = Rig::new();
    rig.client.get("/v1/vaults", "wrong");
    rig.get(&format!("/v1/vaults/{}", rig.item));
    rig.get("/v1/vaults?filter=name%20eq%20%22nope%22");
    assert!(rig.sim.take_violations().is_empty());
}

#[test]
#[should_panic(expected = "no reader should call it")]
fn a_violation_fails_the_test() {
    let rig = Rig::new();
    rig.get("/v1/nope");
}

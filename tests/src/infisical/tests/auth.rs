//! The auth error matrix (contract §2), row by row.

use super::*;
use crate::infisical::Identity;
use std::time::Duration;

#[test]
fn row_bad_client_secret() {
    let rig = Rig::new(|sim| sim);
    let got = rig.client.post(LOGIN, &login_body("wrong"));
    refused(&got, 401, "UnauthorizedError", "Invalid credentials");
}

#[test]
fn row_unknown_client_id() {
    let body = r#"{"clientId":"nobody","clientSecret":"x"}"#;
    let got = Rig::new(|sim| sim).client.post(LOGIN, body);
    refused(
        &got,
        404,
        "NotFound",
        "No identity with specified client ID was found",
    );
    let got = Rig::both(|sim| sim).client.post(LOGIN, body);
    refused(&got, 401, "UnauthorizedError", "Invalid credentials");
}

#[test]
fn row_missing_field() {
    let rig = Rig::new(|sim| sim);
    let got = rig.client.post(LOGIN, r#"{"clientId":"x"}"#);
    let body = got.json();
    assert_eq!(
        (got.status, text(&body, "/error")),
        (422, "ValidationFailure".into())
    );
    assert_eq!(text(&body, "/message/0/path/0"), "clientSecret");
    assert_eq!(rig.sim.take_violations().len(), 1);
}

#[test]
fn row_malformed_json_body() {
    let rig = Rig::new(|sim| sim);
    let got = rig.client.post(LOGIN, "{nonsense");
    refused(&got, 500, "InternalServerError", "Something went wrong");
    assert_eq!(rig.sim.take_violations().len(), 1);
}

#[test]
fn row_no_authorization() {
    let rig = Rig::new(|sim| sim);
    let got = rig.client.ask("GET", &list("/", ""), &[], "").unwrap();
    refused(&got, 401, "UnauthorizedError", "Token missing");
    assert_eq!(rig.sim.take_violations().len(), 1);
}

#[test]
fn row_expired_jwt() {
    let rig =
        Rig::new(|sim| sim.only_identity(Identity::new(CLIENT_ID, CLIENT_SECRET).ttl(60, 60)));
    assert_eq!(rig.list("/").status, 200);
    rig.sim.advance(Duration::from_secs(60));
    let message = "Your token has expired. Please re-authenticate.";
    refused(&rig.list("/"), 403, "TokenError", message);
}

#[test]
fn row_malformed_token_bad_signature_no_bearer() {
    let rig = Rig::new(|sim| sim);
    let (signed, _) = rig.token.rsplit_once('.').unwrap();
    for (token, message) in [
        ("nonsense", "The provided access token is malformed."),
        ("a.b.c", "invalid token"),
        (&format!("{signed}.AAAA"), "invalid signature"),
    ] {
        let got = rig.client.get(&list("/", ""), token);
        refused(&got, 403, "TokenError", message);
    }
    rig.sim.assert_clean();
    // Without `Bearer ` the first seven bytes are cut off all the same.
    let bare = [("authorization", rig.token.as_str())];
    let got = rig.client.ask("GET", &list("/", ""), &bare, "").unwrap();
    assert_eq!(
        (got.status, text(&got.json(), "/error")),
        (403, "TokenError".into())
    );
    let short = [("authorization", "Basic")];
    let got = rig.client.ask("GET", &list("/", ""), &short, "").unwrap();
    refused(&got, 403, "TokenError", "jwt must be provided");
    assert_eq!(rig.sim.take_violations().len(), 2);
}

#[test]
fn row_revoked_or_deleted_token() {
    let rig = Rig::new(|sim| sim);
    rig.sim.revoke_tokens();
    let message = "No identity access token found";
    refused(&rig.list("/"), 401, "UnauthorizedError", message);
}

#[test]
fn row_service_token_overrides_the_query() {
    let rig = Rig::new(|sim| {
        sim.secret("/", "A", "of the root")
            .secret_in("prod", "/backend", "A", "of the scope")
            .secret("/backend", "A", "of dev")
    });
    let one = rig.sim.service_token(&[("prod", "/backend")]);
    let got = rig.client.get(&single("A", "/", ""), &one);
    assert_eq!(text(&got.json(), "/secret/secretValue"), "of the scope");
    let glob = rig.sim.service_token(&[("dev", "/**")]);
    let got = rig.client.get(&single("A", "/backend", ""), &glob);
    assert_eq!(text(&got.json(), "/secret/secretValue"), "of dev");
    assert_eq!(
        rig.client.get(&single("A", "/", ""), "st.unknown.x").status,
        401
    );
}

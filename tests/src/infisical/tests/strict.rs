//! What no client should ask is recorded; what a user may get wrong is not.

use super::*;
use crate::infisical::Route;

/// What one GET is held against.
fn violations(target: &str) -> Vec<String> {
    let rig = Rig::both(|sim| sim.secret("/", "A", "1"));
    rig.get(target);
    rig.sim.take_violations()
}

#[test]
fn a_boolean_is_true_or_false_and_has_to_be_told() {
    for name in [
        "viewSecretValue",
        "expandSecretReferences",
        "include_imports",
        "recursive",
    ] {
        let rig = Rig::new(|sim| sim);
        let got = rig.get(&list("/", &format!("{name}=1")));
        assert_eq!(
            (got.status, text(&got.json(), "/error")),
            (422, "ValidationFailure".into())
        );
        assert_eq!(text(&got.json(), "/message/0/path/0"), name);
        assert_eq!(rig.sim.take_violations().len(), 1);
        let found = violations(&list("/", &format!("{name}=-")));
        assert!(found[0].contains("its default differs"), "{found:?}");
    }
    let unsaid = v4(&list("/", "")).replace("&includeImports=true", "");
    assert_eq!(violations(&unsaid).len(), 1);
    let unsaid = v4(&list("/", "")).replace("&include_imports=true", "");
    assert_eq!(violations(&unsaid).len(), 1);
    let differing = v4(&list("/", "")).replace("&includeImports=true", "&includeImports=false");
    assert_eq!(violations(&differing).len(), 1);
}

#[test]
fn a_parameter_is_known_and_comes_once() {
    for target in [
        list("/", "color=red"),
        list("/", "version=1"),
        single("A", "/", "recursive=true"),
        format!("{}&environment=dev", list("/", "")),
        v4(&list("/", "workspaceSlug=x")),
        format!("/api/v1/workspace/{PROJECT_ID}?x=1"),
        format!("/api/v1/folders?workspaceId={PROJECT_ID}&environment=dev&directory=/"),
    ] {
        assert_eq!(violations(&target).len(), 1, "{target}");
    }
}

#[test]
fn a_route_is_one_that_a_reader_calls() {
    let rig = Rig::new(|sim| sim);
    for (method, target) in [
        ("GET", "/api/v3/secrets/raw/a/b"),
        ("GET", "/api/v2/secrets"),
        ("POST", "/api/v3/secrets/raw/A"),
        ("DELETE", "/api/v3/secrets/raw/A"),
        ("GET", "http://127.0.0.1/api/v3/secrets/raw"),
    ] {
        let got = rig.client.ask(method, target, &[], "").unwrap();
        assert_eq!(got.status, 404);
        assert_eq!(rig.sim.take_violations().len(), 1, "{target}");
    }
    assert_eq!(rig.sim.count(Route::Unknown), 5);
}

#[test]
fn a_sign_in_has_no_authorization_no_query_and_no_other_fields() {
    let rig = Rig::new(|sim| sim);
    let authorization = format!("Bearer {}", rig.token);
    let kind = ("content-type", "application/json");
    let headers = [kind, ("authorization", authorization.as_str())];
    let body = login_body(CLIENT_SECRET);
    let got = rig.client.ask("POST", LOGIN, &headers, &body).unwrap();
    assert_eq!(got.status, 200);
    let got = rig.client.post(&format!("{LOGIN}?x=1"), &body);
    assert_eq!(got.status, 200);
    let more = body.replace('}', r#","organizationSlug":"x"}"#);
    assert_eq!(rig.client.post(LOGIN, &more).status, 200);
    let got = rig.client.ask("POST", LOGIN, &[], &body).unwrap();
    assert_eq!(got.status, 415);
    assert_eq!(rig.sim.take_violations().len(), 4);
}

#[test]
fn a_read_has_no_body_and_one_authorization() {
    let rig = Rig::new(|sim| sim);
    let authorization = format!("Bearer {}", rig.token);
    let one = ("authorization", authorization.as_str());
    rig.client
        .ask("GET", &list("/", ""), &[one], "body")
        .unwrap();
    rig.client
        .ask("GET", &list("/", ""), &[one, one], "")
        .unwrap();
    assert_eq!(rig.sim.take_violations().len(), 2);
}

#[test]
fn aws_auth_signs_a_post_in_base64() {
    let identity = crate::infisical::Identity::new("other", "x").jwt("j");
    let id = identity.id().to_owned();
    let rig = Rig::new(|sim| sim.identity(identity));
    let body = format!(
        r#"{{"identityId":"{id}","iamHttpRequestMethod":"GET","iamRequestBody":"%","iamRequestHeaders":""}}"#
    );
    rig.client.post("/api/v1/auth/aws-auth/login", &body);
    assert_eq!(rig.sim.take_violations().len(), 3);
}

#[test]
fn violations_and_the_log_of_requests_hold_no_credential() {
    let rig = Rig::new(|sim| sim);
    rig.client
        .post(&format!("{LOGIN}?x=1"), &login_body(CLIENT_SECRET));
    rig.list("/");
    let shown = format!("{:?} {:?}", rig.sim.take_violations(), rig.sim.requests());
    assert!(!shown.contains(CLIENT_SECRET) && !shown.contains(&rig.token));
}

#[test]
#[should_panic(expected = "an unknown query parameter `color`")]
fn a_violation_fails_the_test() {
    let rig = Rig::new(|sim| sim);
    rig.get(&list("/", "color=red"));
}

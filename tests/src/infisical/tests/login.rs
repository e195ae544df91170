//! Signing in (contract §2, "Universal Auth login", "Renew / revoke", "Other machine auth methods").

use super::*;
use crate::infisical::{Identity, Route};
use std::time::Duration;

fn token_of(got: &Got) -> String {
    assert_eq!(got.status, 200, "{}", got.text());
    text(&got.json(), "/accessToken")
}

fn with_token(path: &str, client: &Client, token: &str) -> Got {
    client.post(
        &format!("/api/v1/auth/token/{path}"),
        &format!(r#"{{"accessToken":"{token}"}}"#),
    )
}

#[test]
fn a_sign_in_is_answered_with_four_fields_in_order() {
    for tls in [Tls::No, Tls::Yes] {
        let sim = Infisical::start(tls).secret("/", "A", "1");
        let client = Client::of(&sim);
        let got = login(&client);
        let token = token_of(&got);
        assert_eq!(
            got.text(),
            format!(
                r#"{{"accessToken":"{token}","expiresIn":2592000,"accessTokenMaxTTL":2592000,"tokenType":"Bearer"}}"#
            )
        );
        assert_eq!(client.get(&single("A", "/", ""), &token).status, 200);
        assert_eq!(sim.count(Route::Login), 1);
        assert_eq!(sim.count(Route::SecretSingle), 1);
    }
}

#[test]
fn a_sign_in_may_be_a_form() {
    let rig = Rig::new(|sim| sim);
    let body = format!("clientId={CLIENT_ID}&clientSecret={CLIENT_SECRET}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let got = rig.client.ask("POST", LOGIN, &headers, &body).unwrap();
    assert_eq!(got.status, 200);
}

#[test]
fn a_token_of_ttl_0_never_expires_and_renews_as_such() {
    let sim =
        Infisical::start(Tls::No).only_identity(Identity::new(CLIENT_ID, CLIENT_SECRET).ttl(0, 0));
    let client = Client::of(&sim);
    let got = login(&client);
    assert_eq!(got.json()["expiresIn"], 0);
    sim.advance(Duration::from_secs(10 * 365 * 86_400));
    let token = token_of(&got);
    let renewed = with_token("renew", &client, &token);
    assert_eq!(renewed.json()["expiresIn"], 0);
    assert_eq!(renewed.json()["accessTokenMaxTTL"], 0);
    assert_eq!(client.get(&list("/", ""), &token).status, 200);
}

#[test]
fn with_the_default_ttl_a_renewal_fails_and_deletes_the_good_token() {
    let sim = Infisical::start(Tls::No);
    let client = Client::of(&sim);
    let token = token_of(&login(&client));
    assert_eq!(client.get(&list("/", ""), &token).status, 200);
    sim.advance(Duration::from_secs(1));
    refused(
        &with_token("renew", &client, &token),
        401,
        "UnauthorizedError",
        "Failed to renew MI access token past its Max TTL expiration",
    );
    let again = client.get(&list("/", ""), &token);
    refused(
        &again,
        401,
        "UnauthorizedError",
        "No identity access token found",
    );
}

#[test]
fn a_renewal_inside_the_maximum_brings_a_new_token_and_the_old_one_stays() {
    let sim = Infisical::start(Tls::No)
        .only_identity(Identity::new(CLIENT_ID, CLIENT_SECRET).ttl(100, 1000));
    let client = Client::of(&sim);
    let old = token_of(&login(&client));
    sim.advance(Duration::from_secs(50));
    let new = token_of(&with_token("renew", &client, &old));
    assert_ne!(old, new);
    assert_eq!(client.get(&list("/", ""), &old).status, 200);
    sim.advance(Duration::from_secs(60));
    assert_eq!(client.get(&list("/", ""), &old).status, 403);
    assert_eq!(client.get(&list("/", ""), &new).status, 200);
}

#[test]
fn a_revoked_token_is_gone() {
    let sim = Infisical::start(Tls::No);
    let client = Client::of(&sim);
    let token = token_of(&login(&client));
    let got = with_token("revoke", &client, &token);
    assert_eq!(
        got.text(),
        r#"{"message":"Successfully revoked access token"}"#
    );
    let again = client.get(&list("/", ""), &token);
    refused(
        &again,
        401,
        "UnauthorizedError",
        "No identity access token found",
    );
    refused(
        &with_token("revoke", &client, &token),
        401,
        "UnauthorizedError",
        "No identity access token found",
    );
}

#[test]
fn revoking_a_client_secret_leaves_its_tokens_alone() {
    let sim = Infisical::start(Tls::No);
    let client = Client::of(&sim);
    let token = token_of(&login(&client));
    sim.revoke_secrets();
    assert_eq!(client.get(&list("/", ""), &token).status, 200);
    refused(
        &login(&client),
        401,
        "UnauthorizedError",
        "Invalid credentials",
    );
}

#[test]
fn each_sign_in_uses_up_one_of_a_limited_secret() {
    let sim =
        Infisical::start(Tls::No).only_identity(Identity::new(CLIENT_ID, CLIENT_SECRET).uses(2));
    let client = Client::of(&sim);
    assert_eq!(login(&client).status, 200);
    assert_eq!(login(&client).status, 200);
    let message = "Access denied due to client secret usage limit reached";
    refused(&login(&client), 401, "UnauthorizedError", message);
    // Revoked for good.
    refused(
        &login(&client),
        401,
        "UnauthorizedError",
        "Invalid credentials",
    );
}

#[test]
fn a_token_of_two_uses_fails_at_the_third_and_is_gone_at_the_fourth() {
    let sim = Infisical::start(Tls::No)
        .only_identity(Identity::new(CLIENT_ID, CLIENT_SECRET).token_uses(2));
    let client = Client::of(&sim);
    let token = token_of(&login(&client));
    let ask = || client.get(&list("/", ""), &token);
    assert_eq!(ask().status, 200);
    assert_eq!(ask().status, 200);
    let third = "Unable to renew because access token number of uses limit reached";
    refused(&ask(), 401, "UnauthorizedError", third);
    refused(
        &ask(),
        401,
        "UnauthorizedError",
        "No identity access token found",
    );
}

#[test]
fn bad_secrets_in_a_row_lock_a_newer_servers_identity() {
    let sim = Infisical::start_as(Generation::Both, Tls::No)
        .only_identity(Identity::new(CLIENT_ID, CLIENT_SECRET).lockout(2));
    let client = Client::of(&sim);
    for _ in 0..2 {
        let got = client.post(LOGIN, &login_body("wrong"));
        refused(&got, 401, "UnauthorizedError", "Invalid credentials");
    }
    let message = "This identity auth method is temporarily locked, please try again later";
    refused(&login(&client), 401, "UnauthorizedError", message);
}

#[test]
fn several_client_secrets_are_good() {
    let identity = Identity::new(CLIENT_ID, "first").secret(CLIENT_SECRET, None);
    let sim = Infisical::start(Tls::No).only_identity(identity);
    let client = Client::of(&sim);
    assert_eq!(login(&client).status, 200);
    assert_eq!(client.post(LOGIN, &login_body("first")).status, 200);
}

#[test]
fn the_other_machine_auth_methods_take_their_bodies_and_answer_the_same_fields() {
    let identity = Identity::new("other", "x").jwt("jwt-of-a-pod");
    let id = identity.id().to_owned();
    let sim = Infisical::start(Tls::No).identity(identity);
    let client = Client::of(&sim);
    let jwt = format!(r#"{{"identityId":"{id}","jwt":"jwt-of-a-pod"}}"#);
    let aws = format!(
        r#"{{"identityId":"{id}","iamHttpRequestMethod":"POST","iamRequestBody":"QQ==","iamRequestHeaders":"e30="}}"#
    );
    for (method, body) in [
        ("kubernetes-auth", &jwt),
        ("oidc-auth", &jwt),
        ("jwt-auth", &jwt),
        ("azure-auth", &jwt),
        ("gcp-auth", &jwt),
        ("aws-auth", &aws),
    ] {
        let got = client.post(&format!("/api/v1/auth/{method}/login"), body);
        let token = token_of(&got);
        assert_eq!(got.json()["tokenType"], "Bearer");
        assert_eq!(client.get(&list("/", ""), &token).status, 200);
    }
    assert_eq!(sim.count(Route::MachineLogin), 6);
    let bad = jwt.replace("of-a-pod", "of-nobody");
    let got = client.post("/api/v1/auth/kubernetes-auth/login", &bad);
    assert_eq!(got.status, 401);
}

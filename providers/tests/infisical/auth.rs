//! Signing in.

use super::server::*;
use secretfs_providers::clock::Clock;
use secretfs_providers::{Context, Credential, CredentialOffer, ErrorKind, Health, Provider};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// A clock that a test moves.
struct Moved(Mutex<Duration>);

impl Clock for Moved {
    fn now(&self) -> Instant {
        Instant::now() + *self.0.lock().unwrap()
    }
    fn wall(&self) -> SystemTime {
        SystemTime::now() + *self.0.lock().unwrap()
    }
}

pub(crate) fn at(server: &Server, ahead: Duration) -> Context {
    let clock = Arc::new(Moved(Mutex::new(ahead)));
    Context {
        deadline: clock.now() + Duration::from_secs(10),
        clock,
        ..server.context()
    }
}

const LOGIN: &str = "POST /api/v1/auth/universal-auth/login";
const KEY: &str = "GET /api/v4/secrets/KEY";

pub(crate) fn signs_in(seen: &Seen) -> bool {
    seen.line == LOGIN
}

#[tokio::test]
async fn a_client_signs_in_once_and_its_token_is_used_until_shortly_before_its_end() {
    let server = Server::start(None, |seen, n| match signs_in(seen) {
        true => login(&format!("t{n}"), 100),
        false => secret("KEY", "v"),
    })
    .await;
    let provider = server.provider();
    give_client(&provider, &server.context());
    for (ahead, count) in [(0, 2), (75, 3), (95, 5)] {
        let cx = at(&server, Duration::from_secs(ahead));
        provider.fetch(&wanted("KEY"), &cx).await.unwrap();
        assert_eq!(server.requests().len(), count, "{ahead}");
    }
    assert_eq!(server.lines(), [LOGIN, KEY, KEY, LOGIN, KEY]);
    let requests = server.requests();
    assert_eq!(
        requests[0].body,
        r#"{"clientId":"the-id","clientSecret":"the \"secret\""}"#
    );
    assert_eq!(requests[2].header("authorization"), Some("Bearer t0"));
    assert_eq!(requests[4].header("authorization"), Some("Bearer t3"));
}

#[tokio::test]
async fn many_that_need_a_token_make_one_sign_in() {
    let server = Server::start(None, |seen, _| match signs_in(seen) {
        true => login("t", 0),
        false => secret("KEY", "v"),
    })
    .await;
    let provider = Arc::new(server.provider());
    give_client(&provider, &server.context());
    let cx = server.context();
    let fetches: Vec<_> = (0..20)
        .map(|_| {
            let (provider, cx) = (Arc::clone(&provider), cx.clone());
            tokio::spawn(async move { provider.fetch(&wanted("KEY"), &cx).await.is_ok() })
        })
        .collect();
    for fetch in fetches {
        assert!(fetch.await.unwrap());
    }
    let logins = server.lines().iter().filter(|line| *line == LOGIN).count();
    assert_eq!(logins, 1);
}

#[tokio::test]
async fn a_token_that_the_server_drops_is_replaced_once() {
    for (status, name) in [(401, "UnauthorizedError"), (403, "TokenError")] {
        let server = Server::start(None, move |seen, n| match (signs_in(seen), n) {
            (true, _) => login(&format!("t{n}"), 0),
            (false, 1) => error(status, name, "No identity access token found"),
            _ => secret("KEY", "v"),
        })
        .await;
        let provider = server.provider();
        give_client(&provider, &server.context());
        provider
            .fetch(&wanted("KEY"), &server.context())
            .await
            .unwrap();
        assert_eq!(server.lines(), [LOGIN, KEY, LOGIN, KEY]);
    }
}

#[tokio::test]
async fn a_token_that_is_refused_again_after_a_new_sign_in_is_not_tried_for_ever() {
    let server = Server::start(None, |seen, _| match signs_in(seen) {
        true => login("t", 0),
        false => error(401, "UnauthorizedError", "No identity access token found"),
    })
    .await;
    let provider = server.provider();
    give_client(&provider, &server.context());
    let answer = provider.fetch(&wanted("KEY"), &server.context()).await;
    assert_eq!(answer.unwrap_err().kind, ErrorKind::Refused);
    assert_eq!(server.lines(), [LOGIN, KEY, LOGIN, KEY]);
}

#[tokio::test]
async fn another_403_is_no_reason_to_sign_in_again() {
    let server = Server::start(None, |seen, _| match signs_in(seen) {
        true => login("t", 0),
        false => error(
            403,
            "PermissionDenied",
            "You are not allowed to readValue on secrets",
        ),
    })
    .await;
    let provider = server.provider();
    give_client(&provider, &server.context());
    let answer = provider.fetch(&wanted("KEY"), &server.context()).await;
    assert_eq!(answer.unwrap_err().kind, ErrorKind::Denied);
    assert_eq!(server.lines(), [LOGIN, KEY]);
}

#[tokio::test]
async fn a_refused_sign_in_is_not_tried_again_for_minutes_and_says_so() {
    for (status, name) in [
        (401, "UnauthorizedError"),
        (404, "NotFound"),
        (403, "Forbidden"),
        (422, "ValidationFailure"),
    ] {
        let server =
            Server::start(None, move |_, _| error(status, name, "Invalid credentials")).await;
        let provider = server.provider();
        give_client(&provider, &server.context());
        for (ahead, count) in [
            (0, 1),
            (1, 1),
            (299, 1),
            (301, 2),
            (302 + 299, 2),
            (301 + 601, 3),
        ] {
            let cx = at(&server, Duration::from_secs(ahead));
            let refused = provider.fetch(&wanted("KEY"), &cx).await.unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Refused);
            assert!(refused.help.contains("minutes"), "{refused:?}");
            assert_eq!(server.lines().len(), count, "{status} at {ahead}");
        }
        // Another credential is tried at once.
        give_client(&provider, &server.context());
        provider
            .fetch(&wanted("KEY"), &server.context())
            .await
            .unwrap_err();
        assert_eq!(server.lines().len(), 4);
    }
}

#[tokio::test]
async fn a_sign_in_that_fails_for_the_servers_own_reasons_is_no_refusal() {
    let server = Server::start(None, |seen, n| match (signs_in(seen), n) {
        (true, 0) => error(500, "InternalServerError", "Something went wrong"),
        (true, _) => login("t", 0),
        _ => secret("KEY", "v"),
    })
    .await;
    let provider = server.provider();
    give_client(&provider, &server.context());
    let cx = server.context();
    let failed = provider.fetch(&wanted("KEY"), &cx).await.unwrap_err();
    assert_eq!(failed.kind, ErrorKind::Server);
    provider.fetch(&wanted("KEY"), &cx).await.unwrap();
}

#[tokio::test]
async fn a_ready_made_token_that_is_refused_is_not_sent_again() {
    let server = Server::start(None, |_, _| {
        error(401, "UnauthorizedError", "No identity access token found")
    })
    .await;
    let provider = server.provider();
    give_token(&provider, &server.context());
    let cx = server.context();
    for _ in 0..3 {
        let answer = provider.fetch(&wanted("KEY"), &cx).await;
        assert_eq!(answer.unwrap_err().kind, ErrorKind::Refused);
    }
    assert_eq!(server.lines(), [KEY]);
    assert!(matches!(provider.health(), Health::Failing(_)));
}

#[tokio::test]
async fn a_ready_made_token_whose_end_the_clock_foretells_costs_no_request() {
    let server = Server::start(None, |_, _| secret("KEY", "v")).await;
    let provider = server.provider();
    // {"exp":1000}
    give(
        &provider,
        &server.context(),
        Credential::Token("e30.eyJleHAiOjEwMDB9.c2ln".into()),
    );
    let answer = provider.fetch(&wanted("KEY"), &server.context()).await;
    assert_eq!(answer.unwrap_err().kind, ErrorKind::Expired);
    assert!(server.lines().is_empty());
}

#[tokio::test]
async fn a_token_that_the_server_calls_expired_is_expired() {
    let server = Server::start(None, |_, _| {
        error(
            403,
            "TokenError",
            "Your token has expired. Please re-authenticate.",
        )
    })
    .await;
    let provider = server.provider();
    give_token(&provider, &server.context());
    let answer = provider.fetch(&wanted("KEY"), &server.context()).await;
    assert_eq!(answer.unwrap_err().kind, ErrorKind::Expired);
}

#[tokio::test]
async fn without_a_credential_nothing_is_asked() {
    let server = Server::start(None, |_, _| secret("KEY", "v")).await;
    let provider = server.provider();
    let answer = provider.fetch(&wanted("KEY"), &server.context()).await;
    assert_eq!(answer.unwrap_err().kind, ErrorKind::NoCredential);
    assert_eq!(provider.health(), Health::NeedsCredential);
    give_token(&provider, &server.context());
    provider
        .fetch(&wanted("KEY"), &server.context())
        .await
        .unwrap();
    provider.forget();
    let answer = provider.fetch(&wanted("KEY"), &server.context()).await;
    assert_eq!(answer.unwrap_err().kind, ErrorKind::NoCredential);
    assert_eq!(server.lines(), [KEY]);
}

#[tokio::test]
async fn a_credential_of_another_origin_is_not_taken() {
    let server = Server::start(None, |_, _| secret("KEY", "v")).await;
    let provider = server.provider();
    let port = server.address.port();
    for origin in [
        "https://app.infisical.com:443".to_owned(),
        format!("https://localhost:{port}"),
        format!("http://localhost:{}", port ^ 1),
        format!("http://127.0.0.1:{port}"),
        String::new(),
    ] {
        let refused = provider.supply(
            CredentialOffer {
                provider: "inf".into(),
                origin,
                credential: Credential::Token("t".into()),
            },
            &server.pool,
        );
        assert_eq!(refused.unwrap_err().kind, ErrorKind::Refused);
    }
    let answer = provider.fetch(&wanted("KEY"), &server.context()).await;
    assert_eq!(answer.unwrap_err().kind, ErrorKind::NoCredential);
    assert!(server.lines().is_empty());
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_refused_unsent() {
    let server = Server::start(None, |_, _| secret("KEY", "v")).await;
    let provider = server.provider();
    give(
        &provider,
        &server.context(),
        Credential::Token("a\r\nX-Other: b".into()),
    );
    let answer = provider.fetch(&wanted("KEY"), &server.context()).await;
    assert_eq!(answer.unwrap_err().kind, ErrorKind::Refused);
    assert!(server.lines().is_empty());
}

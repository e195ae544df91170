//! The end of a token: known ahead, it costs no open a round trip; come in the middle of many opens,
//! it costs one sign-in.

use super::auth::{at, signs_in};
use super::server::*;
use secretfs_providers::{Context, ErrorKind, Provider};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const LOGIN: &str = "POST /api/v1/auth/universal-auth/login";
const KEY: &str = "GET /api/v4/secrets/KEY";

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Waits for what goes on beside the opens, until the server has seen so many requests.
async fn seen(server: &Server, count: usize) {
    let all = async {
        while server.lines().len() < count {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), all).await;
    assert!(waited.is_ok(), "{:?}", server.lines());
}

/// One more fetch, after all that goes on beside it has come to rest.
async fn fetches_with(server: &Server, provider: &impl Provider, cx: &Context, token: &str) {
    let found = async {
        loop {
            provider.fetch(&wanted("KEY"), cx).await.unwrap();
            let last = server.requests().pop().unwrap();
            if last.header("authorization") == Some(&format!("Bearer {token}")) {
                return;
            }
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), found).await;
    assert!(waited.is_ok(), "{:?}", server.lines());
}

#[tokio::test]
async fn in_the_last_fifth_of_a_tokens_life_an_open_is_served_and_the_next_token_fetched_beside_it()
{
    let server = Server::start(None, |seen, n| match signs_in(seen) {
        true => login(&format!("t{n}"), 100),
        false => secret("KEY", "v"),
    })
    .await;
    let provider = server.provider();
    give_client(&provider, &server.context());
    for ahead in [0, 79] {
        let cx = at(&server, seconds(ahead));
        provider.fetch(&wanted("KEY"), &cx).await.unwrap();
    }
    assert_eq!(server.lines(), [LOGIN, KEY, KEY]);
    let cx = at(&server, seconds(81));
    provider.fetch(&wanted("KEY"), &cx).await.unwrap();
    // The open did not wait for the sign-in: it went out with the old token.
    let with = |of: &Seen| of.header("authorization").map(str::to_owned);
    let key = server.requests().into_iter().rfind(|of| !signs_in(of));
    assert_eq!(with(&key.unwrap()), Some("Bearer t0".to_owned()));
    seen(&server, 5).await;
    let new = server.requests().iter().rposition(signs_in).unwrap();
    fetches_with(&server, &provider, &cx, &format!("t{new}")).await;
    // Long after the end of the first one, nothing is to be waited for.
    let before = server.lines().len();
    provider
        .fetch(&wanted("KEY"), &at(&server, seconds(150)))
        .await
        .unwrap();
    assert_eq!(server.lines().split_off(before), [KEY]);
}

#[tokio::test]
async fn a_sign_in_ahead_of_need_that_fails_leaves_the_token_in_use_and_is_not_repeated_at_once() {
    for status in [500, 401] {
        let server = Server::start(None, move |seen, n| match (signs_in(seen), n) {
            (true, 0) => login("t0", 1000),
            (true, _) => error(status, "UnauthorizedError", "Invalid credentials"),
            _ => secret("KEY", "v"),
        })
        .await;
        let provider = server.provider();
        give_client(&provider, &server.context());
        provider
            .fetch(&wanted("KEY"), &server.context())
            .await
            .unwrap();
        let cx = at(&server, seconds(850));
        provider.fetch(&wanted("KEY"), &cx).await.unwrap();
        seen(&server, 4).await;
        for _ in 0..20 {
            provider.fetch(&wanted("KEY"), &cx).await.unwrap();
        }
        let logins = server.lines().iter().filter(|line| *line == LOGIN).count();
        assert_eq!(logins, 2, "{status}");
    }
}

#[tokio::test]
async fn a_token_that_lives_for_ever_is_never_replaced_ahead() {
    let server = Server::start(None, |seen, _| match signs_in(seen) {
        true => login("t", 0),
        false => secret("KEY", "v"),
    })
    .await;
    let provider = server.provider();
    give_client(&provider, &server.context());
    for ahead in [0, 1_000_000_000] {
        let cx = at(&server, seconds(ahead));
        provider.fetch(&wanted("KEY"), &cx).await.unwrap();
    }
    assert_eq!(server.lines(), [LOGIN, KEY, KEY]);
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_of_a_hundred_opens_costs_one_sign_in() {
    for (status, name, message) in [
        (
            403,
            "TokenError",
            "Your token has expired. Please re-authenticate.",
        ),
        (401, "UnauthorizedError", "No identity access token found"),
    ] {
        let reads = AtomicUsize::new(0);
        let server = Server::start(None, move |seen, n| {
            if signs_in(seen) {
                return login(&format!("t{n}"), 0);
            }
            // The first token is good for 40 reads.
            let first = seen.header("authorization") == Some("Bearer t0");
            match first && reads.fetch_add(1, Ordering::SeqCst) >= 40 {
                true => error(status, name, message),
                false => secret("KEY", "v"),
            }
        })
        .await;
        let provider = Arc::new(server.provider());
        give_client(&provider, &server.context());
        let cx = server.context();
        let fetches: Vec<_> = (0..100)
            .map(|_| {
                let (provider, cx) = (Arc::clone(&provider), cx.clone());
                tokio::spawn(async move { provider.fetch(&wanted("KEY"), &cx).await.is_ok() })
            })
            .collect();
        for fetch in fetches {
            assert!(fetch.await.unwrap());
        }
        let logins = server.lines().iter().filter(|line| *line == LOGIN).count();
        assert_eq!(logins, 2, "{status}: the first, and one more");
    }
}

#[tokio::test]
async fn a_token_whose_end_came_while_nobody_opened_costs_a_hundred_opens_one_sign_in() {
    let server = Server::start(None, |seen, n| match signs_in(seen) {
        true => login(&format!("t{n}"), 100),
        false => secret("KEY", "v"),
    })
    .await;
    let provider = Arc::new(server.provider());
    give_client(&provider, &server.context());
    provider
        .fetch(&wanted("KEY"), &server.context())
        .await
        .unwrap();
    let cx = at(&server, seconds(500));
    let fetches: Vec<_> = (0..100)
        .map(|_| {
            let (provider, cx) = (Arc::clone(&provider), cx.clone());
            tokio::spawn(async move { provider.fetch(&wanted("KEY"), &cx).await.is_ok() })
        })
        .collect();
    for fetch in fetches {
        assert!(fetch.await.unwrap());
    }
    let logins = server.lines().iter().filter(|line| *line == LOGIN).count();
    assert_eq!(logins, 2);
}

#[tokio::test]
async fn tokens_that_are_never_taken_do_not_cost_a_sign_in_for_each_open() {
    let server = Server::start(None, |seen, n| match signs_in(seen) {
        true => login(&format!("t{n}"), 0),
        false => error(401, "UnauthorizedError", "No identity access token found"),
    })
    .await;
    let provider = server.provider();
    give_client(&provider, &server.context());
    for _ in 0..5 {
        let answer = provider.fetch(&wanted("KEY"), &server.context()).await;
        assert_eq!(answer.unwrap_err().kind, ErrorKind::Refused);
    }
    let logins = server.lines().iter().filter(|line| *line == LOGIN).count();
    assert_eq!(logins, 2);
    // Minutes later it is tried again.
    let cx = at(&server, seconds(301));
    provider.fetch(&wanted("KEY"), &cx).await.unwrap_err();
    assert!(server.lines().len() > 4);
}

#[tokio::test]
async fn a_rate_limit_of_sign_ins_is_waited_for_without_asking_again() {
    let server = Server::start(None, |_, _| {
        let body = r#"{"reqId":"r","statusCode":429,"error":"RateLimitExceeded","message":"Rate limit exceeded"}"#;
        Reply::With(429, body.to_owned(), vec![("retry-after", "58".to_owned())])
    })
    .await;
    let provider = server.provider();
    give_client(&provider, &server.context());
    for (ahead, count) in [(0, 1), (1, 1), (57, 1), (59, 2)] {
        let cx = at(&server, seconds(ahead));
        let limited = provider.fetch(&wanted("KEY"), &cx).await.unwrap_err();
        assert!(
            matches!(limited.kind, ErrorKind::Limited { .. }),
            "{limited:?}"
        );
        assert_eq!(server.lines().len(), count, "{ahead}");
    }
}

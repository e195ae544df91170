//! One secret.

use super::server::*;
use secretfs_providers::{Answer, ErrorKind, Fetched, Provider, ProviderError, Validator, Wanted};

fn value(answer: Result<Answer, ProviderError>) -> Fetched {
    match answer.unwrap() {
        Answer::Value(fetched) => fetched,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_secret_comes_over_tls_with_its_exact_bytes_in_one_request() {
    let exact = "h\u{e9}llo\r\n\0 \"\\ \u{1f511}\n\n";
    let server = Server::start(Some(certificate("localhost")), move |_, _| {
        secret("KEY", exact)
    })
    .await;
    let provider = server.provider();
    give_token(&provider, &server.context());
    let fetched = value(provider.fetch(&wanted("KEY"), &server.context()).await);
    assert_eq!(text(&fetched.value), exact);
    let since = fetched
        .modified
        .unwrap()
        .duration_since(std::time::SystemTime::UNIX_EPOCH);
    assert_eq!(since.unwrap().as_millis(), 1_795_360_518_622);
    let requests = server.requests();
    let [seen] = &requests[..] else {
        panic!("{requests:?}");
    };
    assert!(
        seen.line.starts_with("GET /api/v4/secrets/KEY?"),
        "{seen:?}"
    );
    assert_eq!(seen.header("authorization"), Some("Bearer a-token"));
    for pair in [
        "projectId=project",
        "environment=dev",
        "secretPath=%2F",
        "type=shared",
        "viewSecretValue=true",
        "expandSecretReferences=true",
        "include_imports=true",
        "includeImports=true",
    ] {
        assert!(seen.asks(pair), "{pair} in {}", seen.line);
    }
}

#[tokio::test]
async fn an_old_server_is_found_out_once() {
    let server = Server::start(None, |seen, _| {
        if seen.line.contains("/api/v4/") {
            return no_route();
        }
        secret("KEY", "v")
    })
    .await;
    let provider = server.provider();
    give_token(&provider, &server.context());
    for _ in 0..2 {
        value(provider.fetch(&wanted("KEY"), &server.context()).await);
    }
    let lines = server.lines();
    let v3 = "GET /api/v3/secrets/raw/KEY";
    assert_eq!(lines, ["GET /api/v4/secrets/KEY", v3, v3]);
    assert!(server.requests()[1].asks("workspaceId=project"));
}

#[tokio::test]
async fn a_secret_that_an_old_server_does_not_have_is_missing_after_the_same_search() {
    let server = Server::start(None, |seen, _| {
        if seen.line.contains("/api/v4/") {
            return no_route();
        }
        error(404, "NotFound", "Secret with name 'KEY' not found")
    })
    .await;
    let provider = server.provider();
    give_token(&provider, &server.context());
    for _ in 0..2 {
        let answer = provider.fetch(&wanted("KEY"), &server.context()).await;
        assert_eq!(answer.unwrap_err().kind, ErrorKind::Missing);
    }
    assert_eq!(server.lines().len(), 3);
}

#[tokio::test]
async fn an_etag_is_sent_back_exactly_and_304_is_unchanged() {
    let server = Server::start(None, |seen, _| match seen.header("if-none-match") {
        Some("\"abc\"") => Reply::Json(304, String::new()),
        _ => secret("KEY", "v"),
    })
    .await;
    let provider = server.provider();
    give_token(&provider, &server.context());
    let cx = server.context();
    let fetched = value(provider.fetch(&wanted("KEY"), &cx).await);
    let again = Wanted {
        validator: fetched.validator,
        ..wanted("KEY")
    };
    let answer = provider.fetch(&again, &cx).await.unwrap();
    assert!(matches!(answer, Answer::Unchanged));
    let other = Wanted {
        validator: Some(Validator("\"xyz\"".into())),
        ..wanted("KEY")
    };
    value(provider.fetch(&other, &cx).await);
    assert_eq!(*server.connections.lock().unwrap(), 1);
}

#[tokio::test]
async fn names_are_encoded_as_one_segment_below_the_sites_prefix() {
    let server = Server::start(None, |_, _| secret("-rf $x\n\"\u{e9}%2e", "v")).await;
    let mut settings = server.settings();
    settings.site_url += "/prefix";
    let provider = secretfs_providers::infisical::Infisical::new("inf", 0, settings);
    give_token(&provider, &server.context());
    let name = "-rf $x\n\"\u{e9}%2e";
    value(provider.fetch(&wanted(name), &server.context()).await);
    assert_eq!(
        server.lines(),
        ["GET /prefix/api/v4/secrets/-rf%20%24x%0A%22%C3%A9%252e"]
    );
}

#[tokio::test]
async fn a_value_that_may_not_be_seen_is_denied_and_never_served() {
    for (hidden, text) in [
        (true, "<hidden-by-infisical>"),
        (false, "<hidden-by-infisical>"),
        (true, "x"),
    ] {
        let server = Server::start(None, move |_, _| {
            let body = serde_json::json!({"secret": {
                "secretKey": "KEY", "secretValue": text, "secretValueHidden": hidden,
            }});
            Reply::Json(200, body.to_string())
        })
        .await;
        let provider = server.provider();
        give_token(&provider, &server.context());
        let answer = provider.fetch(&wanted("KEY"), &server.context()).await;
        assert_eq!(answer.unwrap_err().kind, ErrorKind::Denied);
    }
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_no_value() {
    let answers = [
        r#"{"secret":{"secretKey":"OTHER","secretValue":"x"}}"#,
        r#"{"secret":{"secretValue":"x"}}"#,
        r#"{"secret":{"secretKey":"KEY"}}"#,
        r#"{"secret":{"secretKey":"KEY","secretValue":null}}"#,
        r#"{"secret":{"secretKey":"KEY","secretValue":7}}"#,
        r#"{"secret":{"secretKey":"KEY","secretValue":["x"]}}"#,
        r#"{"secret":{"secretKey":"KEY","secretValue":"x","secretValue":"y"}}"#,
        r#"{"secret":{"secretKey":"KEY","secretKey":"KEY","secretValue":"y"}}"#,
        r#"{"secret":{"secretKey":"KEY","secretValue":"x""#,
        r#"{"secrets":[{"secretKey":"KEY","secretValue":"x"}]}"#,
        r#"{"data":{"secretKey":"KEY","secretValue":"x"}}"#,
        r#"[]"#,
        "",
    ];
    for answer in answers {
        let server = Server::start(None, move |_, _| Reply::Json(200, answer.to_owned())).await;
        let provider = server.provider();
        give_token(&provider, &server.context());
        let got = provider.fetch(&wanted("KEY"), &server.context()).await;
        assert_eq!(got.unwrap_err().kind, ErrorKind::Protocol, "{answer}");
    }
}

#[tokio::test]
async fn members_may_come_in_any_order() {
    let body = r#"{"x":[{"secret":{}}],"secret":{"secretValue":"v","tags":[{"secretValue":"no"}],"secretKey":"KEY"}}"#;
    let server = Server::start(None, move |_, _| Reply::Json(200, body.to_owned())).await;
    let provider = server.provider();
    give_token(&provider, &server.context());
    let fetched = value(provider.fetch(&wanted("KEY"), &server.context()).await);
    assert_eq!(text(&fetched.value), "v");
}

#[tokio::test]
async fn a_value_beyond_its_limit_is_too_large() {
    let server = Server::start(None, |_, _| secret("KEY", "0123456789")).await;
    let provider = server.provider();
    give_token(&provider, &server.context());
    let small = Wanted {
        max_size: 9,
        ..wanted("KEY")
    };
    let cx = server.context();
    let used = cx.pool.used();
    let answer = provider.fetch(&small, &cx).await;
    assert_eq!(answer.unwrap_err().kind, ErrorKind::TooLarge);
    assert_eq!(cx.pool.used(), used);
}

#[tokio::test]
async fn a_check_says_what_a_fetch_would() {
    let server = Server::start(None, |_, n| match n {
        0 => secret("KEY", "v"),
        _ => error(403, "PermissionDenied", "no"),
    })
    .await;
    let provider = server.provider();
    give_token(&provider, &server.context());
    let cx = server.context();
    provider.check(&reference("KEY"), &cx).await.unwrap();
    let denied = provider.check(&reference("KEY"), &cx).await.unwrap_err();
    assert_eq!(denied.kind, ErrorKind::Denied);
}

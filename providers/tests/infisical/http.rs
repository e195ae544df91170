//! The layer below: trust, redirects, broken and hostile answers, time.

use super::server::*;
use secretfs_providers::{Answer, Context, ErrorKind, Health, Host, HostRequest, Provider};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

async fn kind(server: &Server) -> ErrorKind {
    let provider = server.provider();
    give_token(&provider, &server.context());
    let answer = provider.fetch(&wanted("KEY"), &server.context()).await;
    answer.unwrap_err().kind
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_spoken_to() {
    let server = Server::start(Some(certificate("elsewhere.example")), |_, _| {
        secret("KEY", "v")
    })
    .await;
    assert_eq!(kind(&server).await, ErrorKind::Unreachable);
    assert!(server.lines().is_empty());
}

#[tokio::test]
async fn a_certificate_of_an_authority_that_nobody_trusts_is_not_spoken_to() {
    let mut server = Server::start(Some(certificate("localhost")), |_, _| secret("KEY", "v")).await;
    server.ca = Some(rogue());
    let provider = server.provider();
    give_token(&provider, &server.context());
    let failed = provider
        .fetch(&wanted("KEY"), &server.context())
        .await
        .unwrap_err();
    assert_eq!(failed.kind, ErrorKind::Unreachable);
    assert!(failed.help.contains("ca_file"), "{failed:?}");
    assert!(server.lines().is_empty());
}

fn rogue() -> String {
    let params = rcgen::CertificateParams::new(vec!["x".into()]).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().pem()
}

#[tokio::test]
async fn a_ca_file_may_be_any_file_and_its_certificates_are_found() {
    let mut server = Server::start(Some(certificate("localhost")), |_, _| secret("KEY", "v")).await;
    let good = server.ca.clone().unwrap();
    let noise = "x".repeat(100_000);
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (bundle, works) in [
        (format!("# {noise}\r\n{key}\n{}{good}", rogue()), true),
        (good.replace('\n', "\r\n"), true),
        (
            format!("-----BEGIN CERTIFICATE-----\n{noise}\n{good}"),
            true,
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(),
            false,
        ),
        (noise, false),
        (String::new(), false),
    ] {
        server.ca = Some(bundle);
        let provider = server.provider();
        give_token(&provider, &server.context());
        let answer = provider.fetch(&wanted("KEY"), &server.context()).await;
        assert_eq!(answer.is_ok(), works, "{answer:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(None, |_, _| secret("KEY", "v")).await;
    let target = format!("{}/api/v4/secrets/KEY", elsewhere.url());
    let server = Server::start(None, move |_, _| {
        Reply::With(302, String::new(), vec![("location", target.clone())])
    })
    .await;
    assert_eq!(kind(&server).await, ErrorKind::Unreachable);
    assert!(elsewhere.lines().is_empty());
}

#[tokio::test]
async fn a_page_of_a_proxy_or_portal_is_no_word_of_the_provider() {
    for status in [200, 403, 404, 502] {
        let server = Server::start(None, move |_, _| {
            let page = "<html>sign in to this network</html>".to_owned();
            Reply::With(status, page, vec![("content-type", "text/html".to_owned())])
        })
        .await;
        assert_eq!(kind(&server).await, ErrorKind::Unreachable, "{status}");
    }
}

#[tokio::test]
async fn a_body_cut_short_is_no_value() {
    let body = r#"{"secret":{"secretKey":"KEY","secretValue":"v"}}"#;
    let head = |length: usize| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let whole = format!("{}{body}", head(body.len() + 1));
    let server = Server::start(None, move |_, _| Reply::Raw(whole.clone().into_bytes())).await;
    assert_eq!(kind(&server).await, ErrorKind::Unreachable);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n",
        body.len()
    );
    let server = Server::start(None, move |_, _| Reply::Raw(chunked.clone().into_bytes())).await;
    assert_eq!(kind(&server).await, ErrorKind::Unreachable);
}

#[tokio::test]
async fn a_body_without_a_length_is_read_to_its_end() {
    let chunked = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n\
                   1c\r\n{\"secret\":{\"secretKey\":\"KEY\"\r\n15\r\n,\"secretValue\":\"v1\"}}\r\n0\r\n\r\n";
    let server = Server::start(None, move |_, _| Reply::Raw(chunked.into())).await;
    let provider = server.provider();
    give_token(&provider, &server.context());
    let answer = provider
        .fetch(&wanted("KEY"), &server.context())
        .await
        .unwrap();
    assert!(matches!(answer, Answer::Value(f) if text(&f.value) == "v1"));
}

#[tokio::test]
async fn what_is_no_http_and_a_head_without_end_are_errors() {
    let mut endless = b"HTTP/1.1 200 OK\r\n".to_vec();
    endless.extend("x: y\r\n".repeat(200_000).bytes());
    for bytes in [
        b"SSH-2.0-OpenSSH\r\n".to_vec(),
        b"\0\0\0".to_vec(),
        Vec::new(),
        endless,
    ] {
        let server = Server::start(None, move |_, _| Reply::Raw(bytes.clone())).await;
        assert_eq!(kind(&server).await, ErrorKind::Unreachable);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again_a_few_times() {
    let server = Server::start(None, |_, n| match n {
        0 | 1 => Reply::Raw(Vec::new()),
        _ => secret("KEY", "v"),
    })
    .await;
    let provider = server.provider();
    give_token(&provider, &server.context());
    provider
        .fetch(&wanted("KEY"), &server.context())
        .await
        .unwrap();
    assert_eq!(server.lines().len(), 3);
    let dead = Server::start(None, |_, _| Reply::Raw(Vec::new())).await;
    assert_eq!(kind(&dead).await, ErrorKind::Unreachable);
    assert_eq!(dead.lines().len(), 3);
}

#[tokio::test]
async fn a_server_that_fails_is_asked_once_more() {
    let server = Server::start(None, |_, n| match n {
        0 => error(500, "Find one", "Something went wrong"),
        _ => secret("KEY", "v"),
    })
    .await;
    let provider = server.provider();
    give_token(&provider, &server.context());
    provider
        .fetch(&wanted("KEY"), &server.context())
        .await
        .unwrap();
    let dead = Server::start(None, |_, _| error(500, "Find one", "Something went wrong")).await;
    assert_eq!(kind(&dead).await, ErrorKind::Server);
    assert_eq!(dead.lines().len(), 2);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_before_the_deadline() {
    let server = Server::start(None, |_, _| Reply::Hang).await;
    let provider = server.provider();
    give_token(&provider, &server.context());
    let deadline = Instant::now() + Duration::from_millis(300);
    let cx = Context {
        deadline,
        ..server.context()
    };
    let failed = provider.fetch(&wanted("KEY"), &cx).await.unwrap_err();
    assert_eq!(failed.kind, ErrorKind::TimedOut);
    assert!(Instant::now() < deadline);
    assert!(matches!(provider.health(), Health::Failing(_)));
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unreachable() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let mut server = Server::start(None, |_, _| secret("KEY", "v")).await;
    server.address = port;
    assert_eq!(kind(&server).await, ErrorKind::Unreachable);
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_where_it_ends_in_time() {
    let server = Server::start(None, |_, n| match n {
        0 => Reply::With(429, limited(), vec![("retry-after", "0".to_owned())]),
        _ => secret("KEY", "v"),
    })
    .await;
    let provider = server.provider();
    give_token(&provider, &server.context());
    provider
        .fetch(&wanted("KEY"), &server.context())
        .await
        .unwrap();
}

/// Without an end to it the loop of requests and their log would fill the locked heap.
#[tokio::test]
async fn a_rate_limit_that_is_always_over_at_once_is_asked_a_few_times_and_no_more() {
    let server = Server::start(None, |_, _| {
        Reply::With(429, limited(), vec![("retry-after", "0".to_owned())])
    })
    .await;
    let provider = server.provider();
    give_token(&provider, &server.context());
    let failed = provider.fetch(&wanted("KEY"), &server.context()).await;
    let failed = failed.unwrap_err();
    assert!(
        matches!(failed.kind, ErrorKind::Limited { .. }),
        "{failed:?}"
    );
    assert_eq!(server.lines().len(), 6);
}

fn limited() -> String {
    r#"{"reqId":"r","statusCode":429,"message":"Rate limit exceeded.","error":"RateLimitExceeded"}"#
        .to_owned()
}

#[tokio::test]
async fn a_rate_limit_beyond_the_deadline_is_told_and_nobody_asks_before_its_end() {
    let server = Server::start(None, |_, _| {
        Reply::With(429, limited(), vec![("retry-after", "58".to_owned())])
    })
    .await;
    let provider = server.provider();
    give_token(&provider, &server.context());
    for _ in 0..3 {
        let failed = provider
            .fetch(&wanted("KEY"), &server.context())
            .await
            .unwrap_err();
        let ErrorKind::Limited {
            retry_after: Some(after),
        } = failed.kind
        else {
            panic!("{failed:?}");
        };
        assert!(after > Duration::from_secs(50) && after <= Duration::from_secs(58));
    }
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn plain_http_beyond_this_machine_is_refused_even_if_a_map_came_through() {
    let server = Server::start(None, |_, _| secret("KEY", "v")).await;
    let mut settings = server.settings();
    settings.site_url = "http://infisical.example:80".into();
    let provider = secretfs_providers::infisical::Infisical::new("inf", 0, settings);
    give_token(&provider, &server.context());
    let failed = provider
        .fetch(&wanted("KEY"), &server.context())
        .await
        .unwrap_err();
    assert_eq!(failed.kind, ErrorKind::Unsupported);
}

#[tokio::test]
async fn the_helper_is_asked_for_names_and_bundles_by_their_place_in_the_map() {
    let server = Server::start(Some(certificate("localhost")), |_, _| secret("KEY", "v")).await;
    let outside = Arc::new(Outside {
        ca: server.ca.clone(),
        address: server.address,
        asked: Mutex::default(),
    });
    let cx = Context {
        host: Arc::clone(&outside) as Arc<dyn Host>,
        ..server.context()
    };
    let provider = server.provider();
    give_token(&provider, &server.context());
    for _ in 0..3 {
        provider.fetch(&wanted("KEY"), &cx).await.unwrap();
    }
    let port = server.address.port();
    let expected = [
        HostRequest::OpenSystemCa,
        HostRequest::OpenCaFile { provider: 0 },
        HostRequest::Resolve {
            host: "localhost".into(),
            port,
        },
    ];
    assert_eq!(*outside.asked.lock().unwrap(), expected);
    assert_eq!(*server.connections.lock().unwrap(), 1);
}

//! Legacy service tokens: a value is served only where the answer says that it comes from the folder
//! that was asked for.

use super::server::*;
use proptest::prelude::*;
use secretfs_providers::infisical::{Infisical, Reference as Name, Settings};
use secretfs_providers::{Context, Credential, ErrorKind, Provider, Reference, Wanted};

const LIST: &str = "GET /api/v3/secrets/raw";
const KEY: &str = "GET /api/v4/secrets/KEY";

/// A list of names whose items say that they are there.
fn names(items: &[(&str, &str, &str)]) -> Reply {
    let item = |(project, environment, path): &(&str, &str, &str)| {
        serde_json::json!({"secretKey": "KEY", "secretValue": "<hidden-by-infisical>", "type": "shared",
            "secretValueHidden": true, "workspace": project, "environment": environment, "secretPath": path})
    };
    let items: Vec<_> = items.iter().map(item).collect();
    Reply::Json(
        200,
        serde_json::json!({"secrets": items, "imports": []}).to_string(),
    )
}

/// A server whose lists tell this, and whose secrets are all there.
async fn server(items: &'static [(&'static str, &'static str, &'static str)]) -> Server {
    Server::start(None, move |seen, _| {
        match seen.line.starts_with("GET /api/v3/secrets/raw?") {
            true => names(items),
            false => secret("KEY", "v"),
        }
    })
    .await
}

fn with_token(server: &Server, token: &str) -> (Infisical, Context) {
    let (provider, cx) = (server.provider(), server.context());
    give(&provider, &cx, Credential::Token(token.into()));
    (provider, cx)
}

fn in_folder(path: &str, environment: &str) -> Wanted {
    Wanted {
        reference: Reference::Infisical(Name {
            name: "KEY".into(),
            path: path.into(),
            environment: environment.into(),
            expand_references: true,
        }),
        max_size: 1 << 20,
        validator: None,
    }
}

#[tokio::test]
async fn a_service_token_is_asked_where_it_answers_from_once_for_each_folder() {
    let server = server(&[("project", "dev", "/")]).await;
    let (provider, cx) = with_token(&server, "st.a.b.c");
    for _ in 0..3 {
        provider.fetch(&wanted("KEY"), &cx).await.unwrap();
    }
    assert_eq!(server.lines(), [LIST, KEY, KEY, KEY]);
    let asked = server.requests().remove(0);
    for pair in [
        "viewSecretValue=false",
        "recursive=false",
        "workspaceId=project",
        "environment=dev",
        "secretPath=%2F",
    ] {
        assert!(asked.asks(pair), "{pair} in {}", asked.line);
    }
    assert_eq!(asked.header("authorization"), Some("Bearer st.a.b.c"));
}

#[tokio::test]
async fn a_service_token_that_answers_from_another_folder_environment_or_project_reads_nothing() {
    for items in [
        &[("project", "dev", "/other")][..],
        &[("project", "prod", "/")],
        &[("another", "dev", "/")],
        &[("project", "dev", "/"), ("project", "dev", "/other")],
        &[("", "", "")],
    ] {
        let server = server(items).await;
        let (provider, cx) = with_token(&server, "st.a.b.c");
        let refused = provider.fetch(&wanted("KEY"), &cx).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Denied, "{items:?}");
        assert!(
            refused.message.contains("answers from another place"),
            "{refused}"
        );
        assert_eq!(server.lines(), [LIST], "{items:?}");
    }
}

#[tokio::test]
async fn where_no_answer_tells_its_folder_a_service_token_reads_nothing() {
    for body in [
        r#"{"secrets":[]}"#,
        r#"{"secrets":[],"imports":[{"secretPath":"/","environment":"dev","secrets":[{"secretKey":"KEY","secretValue":"x","workspace":"project","environment":"dev","secretPath":"/"}]}]}"#,
    ] {
        let server = Server::start(None, move |_, _| Reply::Json(200, body.to_owned())).await;
        let (provider, cx) = with_token(&server, "st.a.b.c");
        let refused = provider.fetch(&wanted("KEY"), &cx).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Missing);
    }
    let silent = r#"{"secrets":[{"secretKey":"KEY","secretValue":"x","type":"shared"}]}"#;
    let server = Server::start(None, move |_, _| Reply::Json(200, silent.to_owned())).await;
    let (provider, cx) = with_token(&server, "st.a.b.c");
    let refused = provider.fetch(&wanted("KEY"), &cx).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Denied);
}

#[tokio::test]
async fn a_project_that_is_named_by_its_slug_cannot_be_compared_and_is_refused() {
    let server = server(&[("project", "dev", "/")]).await;
    let settings = Settings {
        project_id: None,
        project_slug: Some("slug".into()),
        ..server.settings()
    };
    let provider = Infisical::new("inf", 0, settings);
    let cx = server.context();
    give(&provider, &cx, Credential::Token("st.a.b.c".into()));
    let refused = provider.fetch(&wanted("KEY"), &cx).await.unwrap_err();
    assert!(refused.help.contains("project_id"), "{refused:?}");
    assert!(server.lines().is_empty());
}

#[tokio::test]
async fn other_tokens_and_identities_are_not_asked_where_they_answer_from() {
    let server = server(&[]).await;
    let (provider, cx) = with_token(&server, "a-token");
    provider.fetch(&wanted("KEY"), &cx).await.unwrap();
    assert_eq!(server.lines(), [KEY]);
}

#[tokio::test]
async fn another_service_token_is_asked_anew() {
    let server = server(&[("project", "dev", "/")]).await;
    let (provider, cx) = with_token(&server, "st.a.b.c");
    provider.fetch(&wanted("KEY"), &cx).await.unwrap();
    give(&provider, &cx, Credential::Token("st.d.e.f".into()));
    provider.fetch(&wanted("KEY"), &cx).await.unwrap();
    assert_eq!(server.lines(), [LIST, KEY, LIST, KEY]);
}

#[tokio::test]
async fn a_server_without_v3_is_asked_by_v4() {
    let server = Server::start(None, |seen, _| {
        if seen.line.starts_with("GET /api/v3") {
            no_route()
        } else if seen.line.starts_with("GET /api/v4/secrets?") {
            names(&[("project", "dev", "/")])
        } else {
            secret("KEY", "v")
        }
    })
    .await;
    let (provider, cx) = with_token(&server, "st.a.b.c");
    provider.fetch(&wanted("KEY"), &cx).await.unwrap();
    assert_eq!(server.lines(), [LIST, "GET /api/v4/secrets", KEY]);
}

#[tokio::test]
async fn many_opens_of_one_folder_look_once() {
    let server = std::sync::Arc::new(server(&[("project", "dev", "/")]).await);
    let (provider, cx) = with_token(&server, "st.a.b.c");
    let provider = std::sync::Arc::new(provider);
    let fetches: Vec<_> = (0..50)
        .map(|_| {
            let (provider, cx) = (std::sync::Arc::clone(&provider), cx.clone());
            tokio::spawn(async move { provider.fetch(&wanted("KEY"), &cx).await.is_ok() })
        })
        .collect();
    for fetch in fetches {
        assert!(fetch.await.unwrap());
    }
    assert_eq!(
        server.lines().iter().filter(|line| *line == LIST).count(),
        1
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever the scope of the token is, a value is served from the folder that was asked for or not
    /// at all.
    #[test]
    fn whatever_its_scope_a_service_token_never_serves_another_folder(
        asked in ("(/[ab]){0,2}", "dev|prod"),
        scope in ("(/[ab]){0,2}", "dev|prod"),
        overrides: bool,
    ) {
        let path = |of: &str| if of.is_empty() { "/".to_owned() } else { of.to_owned() };
        let (asked, scope) = ((path(&asked.0), asked.1), (path(&scope.0), scope.1));
        let from = if overrides { scope } else { asked.clone() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (answers, value) = (from.clone(), format!("{} {}", from.1, from.0));
            let server = Server::start(None, move |seen, _| {
                match seen.line.starts_with("GET /api/v3/secrets/raw?") {
                    true => names(&[("project", &answers.1, &answers.0)]),
                    false => secret("KEY", &value),
                }
            })
            .await;
            let (provider, cx) = with_token(&server, "st.a.b.c");
            let answer = provider.fetch(&in_folder(&asked.0, &asked.1), &cx).await;
            match answer {
                Ok(secretfs_providers::Answer::Value(of)) => {
                    assert_eq!(text(&of.value), format!("{} {}", asked.1, asked.0));
                }
                Ok(other) => panic!("{other:?}"),
                Err(refused) => {
                    assert_eq!(refused.kind, ErrorKind::Denied);
                    assert_ne!(from, asked);
                }
            }
        });
    }
}

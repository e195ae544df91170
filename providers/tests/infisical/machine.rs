//! Signing in as what a machine is known as: kubernetes, OIDC, JWT and AWS auth.

use super::server::*;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secretfs_providers::credential::{IdentityMethod, aws_keys};
use secretfs_providers::infisical::{Infisical, Settings};
use secretfs_providers::{
    BoxFuture, Context, Credential, CredentialOffer, ErrorKind, Host, HostAnswer, HostError,
    HostRequest, Provider, ProviderError,
};
use std::io::{Seek, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

const KEY: &str = "GET /api/v4/secrets/KEY";

/// The mount-helper, with a file.
struct Helper {
    server: Arc<dyn Host>,
    file: Arc<Mutex<Option<String>>>,
    opened: Arc<Mutex<usize>>,
}

impl Host for Helper {
    fn ask(&self, request: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        let HostRequest::OpenJwtFile { provider: 0 } = request else {
            return self.server.ask(request);
        };
        *self.opened.lock().unwrap() += 1;
        let text = self.file.lock().unwrap().clone();
        Box::pin(async move {
            let Some(text) = text else {
                return Err(HostError::Os(2));
            };
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.rewind().unwrap();
            Ok(HostAnswer::Fd(file.into()))
        })
    }
}

/// A provider of an identity, and the file with its JWT.
struct Rig {
    server: Server,
    provider: Infisical,
    cx: Context,
    file: Arc<Mutex<Option<String>>>,
    opened: Arc<Mutex<usize>>,
}

impl Rig {
    async fn new(auth: Option<&str>) -> Self {
        let server = Server::start(None, |seen, n| match seen.line.starts_with("POST") {
            true => login(&format!("t{n}"), 100),
            false => secret("KEY", "v"),
        })
        .await;
        let settings = Settings {
            auth: auth.map(str::to_owned),
            identity_id: Some("the-identity".to_owned()),
            jwt_file: true,
            ..server.settings()
        };
        let (file, opened) = (Arc::default(), Arc::default());
        let cx = server.context();
        let host = Helper {
            server: Arc::clone(&cx.host),
            file: Arc::clone(&file),
            opened: Arc::clone(&opened),
        };
        Self {
            provider: Infisical::new("inf", 0, settings),
            cx: Context {
                host: Arc::new(host),
                ..cx
            },
            server,
            file,
            opened,
        }
    }

    fn write(&self, text: &str) {
        *self.file.lock().unwrap() = Some(text.to_owned());
    }

    fn offer(
        &self,
        method: IdentityMethod,
        id: &str,
        proof: Option<&str>,
    ) -> Result<(), ProviderError> {
        let offer = CredentialOffer {
            provider: "inf".into(),
            origin: self.provider.origin(),
            credential: Credential::Identity {
                method,
                id: id.into(),
                proof: proof.map(Into::into),
            },
        };
        self.provider.supply(offer, &self.cx.pool)
    }

    fn give(&self, method: IdentityMethod, proof: Option<&str>) {
        self.offer(method, "the-identity", proof).unwrap();
    }

    async fn fetch(&self) -> Result<(), ErrorKind> {
        self.fetch_at(0).await
    }

    async fn fetch_at(&self, seconds: u64) -> Result<(), ErrorKind> {
        let cx = super::auth::at(&self.server, Duration::from_secs(seconds));
        let cx = Context {
            host: Arc::clone(&self.cx.host),
            ..cx
        };
        let answer = self.provider.fetch(&wanted("KEY"), &cx).await;
        answer.map(drop).map_err(|error| error.kind)
    }

    /// The bodies of the sign-ins.
    fn bodies(&self) -> Vec<serde_json::Value> {
        let requests = self.server.requests().into_iter();
        let logins = requests.filter(|seen| seen.line.starts_with("POST"));
        logins
            .map(|seen| serde_json::from_str(&seen.body).unwrap())
            .collect()
    }
}

/// A JWT that ends in so many seconds, told apart by its last part.
fn jwt(seconds: u64, tag: &str) -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let claims = format!(r#"{{"exp":{}}}"#, now + seconds);
    format!("e30.{}.{tag}", URL_SAFE_NO_PAD.encode(claims))
}

#[tokio::test]
async fn each_method_has_its_route_and_sends_identity_and_jwt() {
    for (method, route) in [
        (IdentityMethod::Kubernetes, "kubernetes-auth"),
        (IdentityMethod::Oidc, "oidc-auth"),
        (IdentityMethod::Jwt, "jwt-auth"),
    ] {
        for proof in [None, Some(jwt(600, "given"))] {
            let rig = Rig::new(None).await;
            let file = jwt(600, "file");
            rig.write(&format!("{file}\n"));
            rig.give(method, proof.as_deref());
            rig.fetch().await.unwrap();
            let route = format!("POST /api/v1/auth/{route}/login");
            assert_eq!(rig.server.lines(), [route.as_str(), KEY]);
            let expected = proof.unwrap_or(file);
            let body = serde_json::json!({"identityId": "the-identity", "jwt": expected});
            assert_eq!(rig.bodies(), [body]);
        }
    }
}

#[tokio::test]
async fn a_jwt_file_is_opened_anew_for_each_sign_in_because_it_is_replaced() {
    let rig = Rig::new(Some("kubernetes")).await;
    rig.write(&jwt(600, "first"));
    rig.give(IdentityMethod::Kubernetes, None);
    rig.fetch().await.unwrap();
    rig.fetch().await.unwrap();
    assert_eq!(*rig.opened.lock().unwrap(), 1);
    rig.write(&jwt(600, "second"));
    rig.fetch_at(200).await.unwrap();
    let sent: Vec<_> = rig
        .bodies()
        .iter()
        .map(|body| body["jwt"].clone())
        .collect();
    assert_eq!(sent.len(), 2);
    assert!(sent[0].as_str().unwrap().ends_with(".first"));
    assert!(sent[1].as_str().unwrap().ends_with(".second"));
}

#[tokio::test]
async fn what_is_no_jwt_is_never_sent_whatever_file_the_map_names() {
    for text in [
        "",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n",
        "password",
        "a.b",
        "a.b.c.d",
        "a.b.c\nsecond: line",
        "a..c",
        &"a.b.c".repeat(1 << 14),
        "a.b.\u{e9}",
    ] {
        let rig = Rig::new(None).await;
        rig.write(text);
        rig.give(IdentityMethod::Jwt, None);
        assert_eq!(rig.fetch().await, Err(ErrorKind::Refused), "{text:.20}");
        assert!(rig.server.lines().is_empty());
    }
}

#[tokio::test]
async fn a_jwt_that_has_expired_costs_no_refusal_and_the_next_one_is_tried_at_once() {
    let rig = Rig::new(None).await;
    rig.write("e30.eyJleHAiOjEwMDB9.c2ln");
    rig.give(IdentityMethod::Kubernetes, None);
    for _ in 0..3 {
        assert_eq!(rig.fetch().await, Err(ErrorKind::Expired));
    }
    assert!(rig.server.lines().is_empty());
    rig.write(&jwt(600, "new"));
    rig.fetch().await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_not_there_is_a_missing_credential() {
    let rig = Rig::new(None).await;
    rig.give(IdentityMethod::Kubernetes, None);
    assert_eq!(rig.fetch().await, Err(ErrorKind::NoCredential));
    assert!(rig.server.lines().is_empty());
}

#[tokio::test]
async fn a_refused_identity_is_not_tried_again_for_minutes() {
    let server = Server::start(None, |_, _| {
        error(401, "UnauthorizedError", "Access denied")
    })
    .await;
    let settings = Settings {
        identity_id: Some("me".to_owned()),
        ..server.settings()
    };
    let provider = Infisical::new("inf", 0, settings);
    let cx = server.context();
    let credential = Credential::Identity {
        method: IdentityMethod::Oidc,
        id: "me".into(),
        proof: Some(jwt(600, "x").into()),
    };
    give(&provider, &cx, credential);
    for _ in 0..5 {
        let refused = provider.fetch(&wanted("KEY"), &cx).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Refused);
        assert!(refused.help.contains("minutes"), "{refused:?}");
    }
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn aws_is_a_signed_question_to_the_regions_own_server_and_no_key_is_in_it() {
    let rig = Rig::new(Some("aws")).await;
    let keys = aws_keys(
        &"AKIDEXAMPLE".into(),
        &"the/secret+key".into(),
        Some(&"session".into()),
        "eu-central-1",
    );
    let credential = Credential::Identity {
        method: IdentityMethod::Aws,
        id: "the-identity".into(),
        proof: Some(keys),
    };
    give(&rig.provider, &rig.cx, credential);
    rig.fetch().await.unwrap();
    assert_eq!(
        rig.server.lines(),
        ["POST /api/v1/auth/aws-auth/login", KEY]
    );
    let body = rig.bodies().remove(0);
    let decoded = |name: &str| {
        let text = body[name].as_str().unwrap();
        String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
    };
    assert_eq!(body["identityId"], "the-identity");
    assert_eq!(body["iamHttpRequestMethod"], "POST");
    assert_eq!(
        decoded("iamRequestBody"),
        "Action=GetCallerIdentity&Version=2011-06-15"
    );
    let headers: serde_json::Value = serde_json::from_str(&decoded("iamRequestHeaders")).unwrap();
    assert_eq!(headers["Host"], "sts.eu-central-1.amazonaws.com");
    assert_eq!(headers["X-Amz-Security-Token"], "session");
    let authorization = headers["Authorization"].as_str().unwrap();
    assert!(
        authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
        "{authorization}"
    );
    let request = rig.server.requests().remove(0);
    assert!(
        !request.body.contains("the/secret+key")
            && !decoded("iamRequestHeaders").contains("the/secret")
    );
}

#[tokio::test]
async fn keys_that_would_lead_to_another_host_are_refused_unsent() {
    let rig = Rig::new(None).await;
    rig.give(IdentityMethod::Aws, Some("id\nsecret\n\nevil.example/x"));
    assert_eq!(rig.fetch().await, Err(ErrorKind::Refused));
    assert!(rig.server.lines().is_empty());
}

#[tokio::test]
async fn leave_for_another_identity_or_way_than_the_maps_is_not_taken() {
    let rig = Rig::new(Some("kubernetes")).await;
    for (method, id, proof) in [
        (IdentityMethod::Kubernetes, "another", None),
        (IdentityMethod::Oidc, "the-identity", None),
        (
            IdentityMethod::Aws,
            "the-identity",
            Some("id\nsecret\n\nus-east-1"),
        ),
    ] {
        let refused = rig.offer(method, id, proof).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Refused);
    }
    let elsewhere = CredentialOffer {
        provider: "inf".into(),
        origin: "https://app.infisical.com:443".into(),
        credential: Credential::Identity {
            method: IdentityMethod::Kubernetes,
            id: "the-identity".into(),
            proof: None,
        },
    };
    assert!(rig.provider.supply(elsewhere, &rig.cx.pool).is_err());
    rig.write(&jwt(600, "x"));
    assert_eq!(rig.fetch().await, Err(ErrorKind::NoCredential));
    assert_eq!(
        *rig.opened.lock().unwrap(),
        0,
        "the file was not even opened"
    );
}

#[tokio::test]
async fn after_a_lock_a_machine_does_not_sign_in_by_itself() {
    let rig = Rig::new(None).await;
    rig.write(&jwt(600, "x"));
    rig.give(IdentityMethod::Kubernetes, None);
    rig.fetch().await.unwrap();
    rig.provider.forget();
    assert_eq!(rig.fetch().await, Err(ErrorKind::NoCredential));
    assert_eq!(*rig.opened.lock().unwrap(), 1);
}

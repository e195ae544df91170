//! That the simulator answers as captured: one subject of the contract a file.

mod auth;
mod etag;
mod events;
mod expand;
mod folders;
mod freshness;
mod imports;
mod login;
mod missing;
mod outage;
mod permission;
mod projects;
mod reads;
mod strict;

use super::{CLIENT_ID, CLIENT_SECRET, Generation, Infisical, PROJECT_ID};
use crate::http_sim::Tls;
use crate::http_sim::client::{Client, Got};
use serde_json::Value;

/// A simulator, and a client that has signed in.
struct Rig {
    sim: Infisical,
    client: Client,
    token: String,
}

impl Rig {
    fn new(build: impl FnOnce(Infisical) -> Infisical) -> Self {
        Self::of(build(Infisical::start(Tls::No)))
    }

    fn both(build: impl FnOnce(Infisical) -> Infisical) -> Self {
        Self::of(build(Infisical::start_as(Generation::Both, Tls::No)))
    }

    fn of(sim: Infisical) -> Self {
        let client = Client::of(&sim);
        let token = sim.token();
        Self { sim, client, token }
    }

    fn get(&self, target: &str) -> Got {
        self.client.get(target, &self.token)
    }

    /// A single secret of dev.
    fn single(&self, path: &str, name: &str) -> Got {
        self.get(&single(name, path, ""))
    }

    /// The list of a folder of dev.
    fn list(&self, path: &str) -> Got {
        self.get(&list(path, ""))
    }

    fn value(&self, path: &str, name: &str) -> String {
        let got = self.single(path, name);
        assert_eq!(got.status, 200, "{}", got.text());
        text(&got.json(), "/secret/secretValue")
    }
}

/// What every read has to tell.
const VIEW: &str = "&viewSecretValue=true&expandSecretReferences=true&include_imports=true";

/// Query parameters of a read of dev; `more` replaces those of the same name.
fn query(path: &str, all: &str, more: &str) -> String {
    let base = format!("workspaceId={PROJECT_ID}&environment=dev&secretPath={path}{VIEW}{all}");
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let more: Vec<&str> = more.split('&').filter(|pair| !pair.is_empty()).collect();
    let replaced: Vec<String> = more.iter().map(|pair| name(pair)).collect();
    let kept = base
        .split('&')
        .filter(|pair| !replaced.contains(&name(pair)));
    // `NAME=-` leaves it out.
    let more = more.iter().copied().filter(|pair| !pair.ends_with("=-"));
    kept.chain(more).collect::<Vec<_>>().join("&")
}

fn single(name: &str, path: &str, more: &str) -> String {
    format!("/api/v3/secrets/raw/{name}?{}", query(path, "", more))
}

fn list(path: &str, more: &str) -> String {
    let query = query(path, "&recursive=false", more);
    format!("/api/v3/secrets/raw?{query}")
}

/// The same for v4, which knows a project by its id alone.
fn v4(target: &str) -> String {
    let target = target.replace("/api/v3/secrets/raw", "/api/v4/secrets");
    let target = target.replace("workspaceId", "projectId");
    let target = target.replace(
        "&include_imports=true",
        "&include_imports=true&includeImports=true",
    );
    match target.contains("recursive=") {
        true => format!("{target}&includePersonalOverrides=false"),
        false => target,
    }
}

fn text(body: &Value, at: &str) -> String {
    let found = body.pointer(at).and_then(Value::as_str);
    found
        .unwrap_or_else(|| panic!("no text {at} in {body}"))
        .to_owned()
}

/// The keys of a list.
fn keys(got: &Got) -> Vec<String> {
    let body = got.json();
    let secrets = body["secrets"].as_array().expect("a list").iter();
    let mut keys: Vec<_> = secrets.map(|secret| text(secret, "/secretKey")).collect();
    keys.sort();
    keys
}

/// Asserts status and `error` of an answer, and that `message` starts so.
#[track_caller]
fn refused(got: &Got, status: u16, error: &str, message: &str) {
    let body = got.json();
    let said = (got.status, text(&body, "/error"));
    assert_eq!(said, (status, error.to_owned()), "{body}");
    let told = text(&body, "/message");
    assert!(told.starts_with(message), "{told:?}");
    assert_eq!(body["statusCode"], status);
    assert!(text(&body, "/reqId").starts_with("req-"));
}

fn login_body(secret: &str) -> String {
    format!(r#"{{"clientId":"{CLIENT_ID}","clientSecret":"{secret}"}}"#)
}

const LOGIN: &str = "/api/v1/auth/universal-auth/login";

fn login(client: &Client) -> Got {
    client.post(LOGIN, &login_body(CLIENT_SECRET))
}

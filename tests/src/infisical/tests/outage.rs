//! Outages (contract §6), row by row.

use super::*;
use crate::http_sim::Fault;
use crate::infisical::{LIE, Limits, Route};
use std::time::Duration;

#[test]
fn row_rate_limit() {
    let limits = Limits {
        secrets: 2,
        ..Limits::default()
    };
    let rig = Rig::new(|sim| sim.secret("/", "A", "1").limits(limits));
    let got = rig.single("/", "A");
    assert_eq!(got.header("x-ratelimit-limit"), Some("2"));
    assert_eq!(got.header("x-ratelimit-remaining"), Some("1"));
    assert_eq!(got.header("retry-after"), None);
    assert_eq!(rig.list("/").status, 200);
    let got = rig.single("/", "A");
    let wait = got.header("retry-after").unwrap().to_owned();
    let message = format!("Rate limit exceeded. Please try again in {wait} seconds");
    refused(&got, 429, "RateLimitExceeded", &message);
    assert_eq!(got.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(got.header("x-ratelimit-reset"), Some(wait.as_str()));
    // Each group of routes has its own counter.
    assert_eq!(login(&rig.client).status, 200);
    rig.sim.advance(Duration::from_secs(wait.parse().unwrap()));
    assert_eq!(rig.single("/", "A").status, 200);
}

#[test]
fn row_database_down() {
    let rig = Rig::new(|sim| sim.secret("/", "A", "1"));
    rig.sim.database_down(true);
    let message = "Something went wrong";
    refused(&rig.single("/", "A"), 500, "IdAccessTokenFindOne", message);
    refused(&login(&rig.client), 500, "Find one", message);
    let status = rig.client.ask("GET", "/api/status", &[], "").unwrap();
    assert_eq!(status.status, 200);
    rig.sim.database_down(false);
    assert_eq!(rig.value("/", "A"), "1");
}

#[test]
fn row_redis_hung() {
    let rig = Rig::new(|sim| sim.secret("/", "A", "1"));
    rig.sim.fault_all(Fault::Hang);
    let (client, token) = (rig.client.clone(), rig.token.clone());
    let waiting = std::thread::spawn(move || client.get(&single("A", "/", ""), &token).status);
    rig.sim.wait_held(Route::SecretSingle, 1);
    rig.sim.set("/", "A", "2");
    rig.sim.mend_all();
    assert_eq!(waiting.join().unwrap(), 200);
}

#[test]
fn row_maintenance() {
    let rig = Rig::both(|sim| sim.secret("/", "A", "1"));
    rig.sim.maintenance(true);
    assert_eq!(rig.value("/", "A"), "1");
    assert_eq!(login(&rig.client).status, 200);
    let body = format!(r#"{{"accessToken":"{}"}}"#, rig.token);
    let got = rig.client.post("/api/v1/auth/token/revoke", &body);
    assert_eq!(got.status, 500);
}

#[test]
fn a_broken_server_says_something_went_wrong() {
    let rig = Rig::new(|sim| sim.secret("/", "A", "1"));
    rig.sim
        .fault_next(Route::SecretSingle, 1, Fault::Status(500));
    refused(
        &rig.single("/", "A"),
        500,
        "InternalServerError",
        "Something went wrong",
    );
    assert_eq!(rig.value("/", "A"), "1");
}

#[test]
fn a_lie_names_another_secret() {
    let rig = Rig::new(|sim| sim.secret("/", "A", "1"));
    rig.sim.fault_all(Fault::WrongSecret);
    let body = rig.single("/", "A").json();
    assert_eq!(text(&body, "/secret/secretKey"), "ANOTHER_SECRET");
    assert_eq!(text(&body, "/secret/secretValue"), LIE);
    let body = rig.list("/").json();
    assert_eq!(text(&body, "/secrets/0/secretPath"), "/another-folder");
    assert_eq!(text(&body, "/secrets/0/secretValue"), LIE);
}

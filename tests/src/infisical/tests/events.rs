//! Server-sent events (contract §3, "Change notification").

use super::*;
use crate::infisical::Subscriptions;
use serde_json::json;

const ROUTE: &str = "/api/v1/events/subscribe/project-events";

fn register(path: &str) -> Value {
    let conditions = json!({"environmentSlug": "dev", "secretPath": path});
    json!([{"event": "secret:update", "conditions": conditions}])
}

fn ask(rig: &Rig, body: &Value) -> Got {
    ask_as(&rig.client, &rig.token, body)
}

fn ask_as(client: &Client, token: &str, body: &Value) -> Got {
    let authorization = format!("Bearer {token}");
    let headers = [
        ("authorization", authorization.as_str()),
        ("accept", "text/event-stream"),
        ("content-type", "application/json"),
    ];
    let asked = client.ask("POST", ROUTE, &headers, &body.to_string());
    asked.unwrap()
}

fn body(path: &str) -> Value {
    json!({"projectId": PROJECT_ID, "register": register(path)})
}

#[test]
fn row_no_plan_no_permission_and_an_old_server_are_told_apart() {
    let rig = Rig::both(|sim| sim);
    let plan = "Event subscriptions are not available on your current plan. Upgrade to the Enterprise plan.";
    refused(&ask(&rig, &body("/")), 400, "BadRequest", plan);
    rig.sim.events(Subscriptions::Forbidden);
    assert_eq!(ask(&rig, &body("/")).status, 403);
    let old = Rig::new(|sim| sim);
    let got = ask(&old, &body("/"));
    assert_eq!(got.status, 404);
    assert!(got.text().contains("Route POST:"), "{}", got.text());
}

#[test]
fn row_an_event_is_told_to_those_who_asked_for_it_and_has_no_value() {
    let rig = Rig::both(|sim| sim.secret("/a", "KEY", "one").secret("/ab", "KEY", "one"));
    rig.sim.events(Subscriptions::Open);
    let (client, token) = (rig.client.clone(), rig.token.clone());
    let waiting = std::thread::spawn(move || ask_as(&client, &token, &body("/a")));
    crate::wait::until("a subscription", || {
        (rig.sim.subscriptions() == 1).then_some(())
    });
    rig.sim.set("/a", "KEY", "a value");
    rig.sim.set("/a", "ANOTHER", "a value");
    rig.sim.set("/", "KEY", "a value");
    // A path is a prefix, not a folder.
    rig.sim.set("/ab", "KEY", "a value");
    rig.sim.end_subscriptions();
    let got = waiting.join().unwrap();
    let text = String::from_utf8_lossy(&got.body).into_owned();
    assert_eq!(got.status, 200);
    assert_eq!(got.header("content-type"), Some("text/event-stream"));
    assert_eq!(text.matches("event: secret:update").count(), 2, "{text}");
    assert_eq!(text.matches("event: ping").count(), 1, "{text}");
    assert!(
        !text.contains("a value") && !text.contains("ANOTHER"),
        "{text}"
    );
}

#[test]
fn a_subscription_that_no_server_takes_is_noticed() {
    let rig = Rig::both(|sim| sim);
    rig.sim.events(Subscriptions::Open);
    let one = register("/")[0].clone();
    for register in [
        json!([]),
        json!(vec![one.clone(); 11]),
        json!([{"event": "secret:update"}]),
        json!([{"event": "secret:read", "conditions": one["conditions"]}]),
        json!([{"event": "secret:update", "conditions": {"environmentSlug": "dev", "secretPath": "a"}}]),
    ] {
        let got = ask(
            &rig,
            &json!({"projectId": PROJECT_ID, "register": register}),
        );
        assert_eq!(got.status, 422, "{register}");
        assert_eq!(rig.sim.take_violations().len(), 1, "{register}");
    }
    let other = json!({"projectId": "another", "register": register("/")});
    assert_eq!(ask(&rig, &other).status, 404);
}

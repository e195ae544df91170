//! Server-sent events: behind a plan that self-hosted servers do not have (contract §3). What the sources
//! agree about: no replay, no values, a ping every 15 s, a filter that compares paths as prefixes.

use super::Infisical;
use super::accounts::Actor;
use super::asked::Asked;
use super::refusal::{self, Refusal};
use super::site::Site;
use crate::http_sim::Answer;
use crate::http_sim::feed::{self, Tap};
use serde_json::{Value, json};

/// What a subscription may ask for.
const KNOWN: [&str; 4] = [
    "secret:create",
    "secret:update",
    "secret:delete",
    "secret:import-mutation",
];
/// The most entries of one.
const MOST: usize = 10;

/// Whether there are events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subscriptions {
    /// Not in the plan: 400.
    #[default]
    NotInPlan,
    /// In the plan, but not for this identity: 403.
    Forbidden,
    /// There are.
    Open,
}

/// Events of a server.
#[derive(Debug, Default)]
pub(super) struct Events {
    plan: Subscriptions,
    open: Vec<Subscription>,
}

#[derive(Debug)]
struct Subscription {
    project: String,
    register: Vec<Entry>,
    tap: Tap,
}

#[derive(Debug)]
struct Entry {
    event: String,
    environment: String,
    path: String,
}

impl Subscription {
    fn wants(&self, project: &str, event: &str, environment: &str, path: &str) -> bool {
        let speaks = |entry: &Entry| {
            entry.event == event
                && entry.environment == environment
                // Not by component: `/a` is a prefix of `/ab`.
                && path.starts_with(&entry.path)
        };
        self.project == project && self.register.iter().any(speaks)
    }
}

impl Events {
    /// Tells those who subscribed to it.
    pub(super) fn tell(&mut self, project: &str, event: &str, at: (&str, &str), key: &str) {
        let (environment, path) = at;
        let payload = json!([{"environment": environment, "secretPath": path, "secretKey": key}]);
        let data = json!({"projectType": "secret-manager", "data": {"eventType": event, "payload": payload}});
        let text = format!("event: {event}\ndata: {data}\n\n");
        self.open.retain(|one| !one.tap.is_closed());
        for one in &self.open {
            if one.wants(project, event, environment, path) {
                one.tap.send(&text);
            }
        }
    }
}

impl Site {
    pub(super) fn subscribe(
        &mut self,
        asked: &mut Asked<'_>,
        _actor: &Actor,
    ) -> Result<Answer, Refusal> {
        asked.knows_only(&[]);
        if asked.request.header("accept") != Some("text/event-stream") {
            asked.wrong("a subscription that does not accept text/event-stream");
        }
        let body = asked.body()?;
        for name in body.keys() {
            if !["projectId", "register"].contains(&name.as_str()) {
                asked.wrong(format!("an unknown field `{name}`"));
            }
        }
        let project = body.get("projectId").and_then(Value::as_str);
        let project = project.unwrap_or_default().to_owned();
        let register = body.get("register").and_then(Value::as_array);
        let entries: Option<Vec<Entry>> = register.and_then(|all| all.iter().map(entry).collect());
        let Some(register) = entries.filter(|all| (1..=MOST).contains(&all.len())) else {
            asked.wrong("a register that no server takes");
            return Err(Refusal::invalid(vec![refusal::required("register")]));
        };
        if self.world.project(&project).is_none() {
            let message = format!("Project with ID '{project}' not found");
            return Err(Refusal::not_found(message));
        }
        match self.events.plan {
            Subscriptions::NotInPlan => Err(Refusal::bad_request(
                "Event subscriptions are not available on your current plan. Upgrade to the Enterprise plan.",
            )),
            Subscriptions::Forbidden => Err(Refusal::new(
                403,
                "PermissionDenied",
                "You are not allowed to subscribe on secret-events",
            )),
            Subscriptions::Open => {
                let (tap, feed) = feed::pair();
                self.events.open.push(Subscription {
                    project,
                    register,
                    tap,
                });
                Ok(Answer::endless(200, "text/event-stream", feed))
            }
        }
    }
}

fn entry(of: &Value) -> Option<Entry> {
    let of = of.as_object()?;
    let conditions = of.get("conditions")?.as_object()?;
    let text = |from: &serde_json::Map<String, Value>, name: &str| {
        from.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    let entry = Entry {
        event: text(of, "event")?,
        environment: text(conditions, "environmentSlug")?,
        path: text(conditions, "secretPath")?,
    };
    let is_known = KNOWN.contains(&entry.event.as_str()) && entry.path.starts_with('/');
    (is_known && of.len() == 2 && conditions.len() == 2).then_some(entry)
}

impl Infisical {
    /// Whether there are events.
    pub fn events(&self, plan: Subscriptions) {
        self.site(|site| site.events.plan = plan);
    }

    /// How many subscriptions are open.
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        self.site(|site| {
            site.events.open.retain(|one| !one.tap.is_closed());
            site.events.open.len()
        })
    }

    /// Ends all of them, as the server does after an hour.
    pub fn end_subscriptions(&self) {
        self.site(|site| site.events.open.clear());
    }

    /// Sends this to all of them, as it is.
    pub fn tell(&self, text: &str) {
        self.site(|site| {
            for one in &site.events.open {
                one.tap.send(text);
            }
        });
    }
}

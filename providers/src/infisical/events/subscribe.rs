//! The subscription: one request whose answer does not end.

use super::listen::listen;
use super::{End, Listener};
use crate::http::{Budget, HttpClient, Request};
use crate::infisical::refusal::{self, Refusal};
use crate::provider::Context;
use secrecy::SecretString;
use serde_json::json;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long the server may take to say that it will tell.
const WITHIN: Duration = Duration::from_secs(20);
/// What is to be told. Everything below the environment's root: a path is compared as a prefix.
const EVENTS: [&str; 4] = [
    "secret:create",
    "secret:update",
    "secret:delete",
    "secret:import-mutation",
];

const NO_PROJECT: &str = "they need `project_id`; a `project_slug` is not enough";
const NO_PLAN: &str = "the plan of the server does not have them";
const NO_PERMISSION: &str = "the identity may not subscribe (permission `Secret Events`)";
const NO_ROUTE: &str = "the server is too old for them";
const UNKNOWN_PROJECT: &str = "the server does not know the project";

impl Listener {
    /// Subscribes, and listens to the end.
    pub(super) async fn subscribe(
        &self,
        client: &HttpClient,
        token: &SecretString,
        cx: &Context,
    ) -> End {
        let Some(project) = &self.project else {
            return End::Off(NO_PROJECT);
        };
        let cx = Context {
            deadline: cx.clock.now() + WITHIN,
            ..cx.clone()
        };
        let Ok(turn) = client.turn(Budget::of(&cx)).await else {
            return End::Lost;
        };
        let request = Request {
            path: &["api", "v1", "events", "subscribe", "project-events"],
            bearer: Some(token),
            post: Some(body(project, &self.environment)),
            ..Request::default()
        };
        // Sent to the provider's own server, or nowhere: a redirect is a failure.
        let sent = client
            .send_for(request, "text/event-stream", &turn, &cx)
            .await;
        let Ok(mut response) = sent else {
            return End::Lost;
        };
        if response.status() != 200 {
            let told = refusal::of(&mut response, &self.provider, "a subscription");
            return Box::pin(told)
                .await
                .map_or(End::Lost, |refusal| refused(&refusal));
        }
        if !response.is_kind("text/event-stream") {
            return End::Lost;
        }
        tracing::debug!(provider = %self.provider, "listens for events");
        listen(&mut response, &self.hints).await;
        End::Lost
    }
}

fn body(project: &str, environment: &str) -> Zeroizing<Vec<u8>> {
    let conditions = json!({"environmentSlug": environment, "secretPath": "/"});
    let register = EVENTS.map(|event| json!({"event": event, "conditions": conditions}));
    let body = json!({"projectId": project, "register": register});
    Zeroizing::new(body.to_string().into_bytes())
}

/// What an answer without a stream means. Its text is not told.
fn refused(refusal: &Refusal) -> End {
    match refusal {
        Refusal::Token { .. } => End::NoToken,
        Refusal::Denied => End::Off(NO_PERMISSION),
        Refusal::Invalid => End::Off(NO_PLAN),
        Refusal::NoRoute => End::Off(NO_ROUTE),
        Refusal::Missing | Refusal::MissingSecret | Refusal::MissingFolder => {
            End::Off(UNKNOWN_PROJECT)
        }
        Refusal::Limited(_) | Refusal::Server | Refusal::Stranger => End::Lost,
    }
}

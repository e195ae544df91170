//! Server-sent events: behind a plan that self-hosted servers do not have (contract §3).

use super::accounts::Actor;
use super::asked::Asked;
use super::refusal::Refusal;
use super::site::Site;
use crate::http_sim::Answer;

impl Site {
    pub(super) fn subscribe(
        &mut self,
        asked: &mut Asked<'_>,
        _actor: &Actor,
    ) -> Result<Answer, Refusal> {
        asked.knows_only(&[]);
        asked.body()?;
        Err(Refusal::bad_request(
            "Event subscriptions are not available on your current plan. Upgrade to the Enterprise plan.",
        ))
    }
}

//! Whether secrets are there and may be read: one request for all that is asked of an item, and what
//! there is instead of what is missing. Values pass through sealed memory and are gone; no file is read.

use super::provider::Connect;
use crate::error::ProviderError;
use crate::onepassword::wish::Files;
use crate::provider::{Context, Wanted};
use crate::reference::Reference;

impl Connect {
    /// In the order of `references`.
    pub(super) async fn check_all(
        &self,
        references: &[Reference],
        cx: &Context,
    ) -> Vec<Result<(), ProviderError>> {
        let mut answers: Vec<_> = references.iter().map(|_| Ok(())).collect();
        let mut order: Vec<_> = references.iter().enumerate().collect();
        order.sort_by_key(|(at, reference)| (reference.place(), *at));
        for group in order.chunk_by(|(_, a), (_, b)| a.place() == b.place()) {
            let wanted: Vec<_> = group
                .iter()
                .map(|(_, reference)| Wanted {
                    reference: (*reference).clone(),
                    max_size: usize::MAX,
                    validator: None,
                })
                .collect();
            let told = match self.call(&wanted, Files::Exist, cx).await {
                Ok(outcomes) => outcomes
                    .into_iter()
                    .map(|outcome| outcome.map(drop))
                    .collect(),
                Err(error) => vec![Err(error); wanted.len()],
            };
            for ((at, _), answer) in group.iter().zip(told) {
                if let Some(slot) = answers.get_mut(*at) {
                    *slot = answer;
                }
            }
        }
        answers
    }
}

//! The trait.

use super::gate::Gate;
use super::run::Call;
use super::token::{TOKEN, Token};
use crate::credential::{Credential, CredentialOffer, Kept};
use crate::error::{ErrorKind, ProviderError};
use crate::health::Seen;
use crate::http::Budget;
use crate::onepassword::wish::{Files, Outcome, member};
use crate::onepassword::{Reference as Own, is_id};
use crate::provider::{Answer, BoxFuture, Context, Health, Provider, Survey, Wanted};
use crate::reference::{FolderReference, Reference};
use secretfs_memory::sealed::SealedPool;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The provider's name for itself.
const KIND: &str = "onepassword";
/// How many items' ids are remembered. It costs requests to forget, and nothing else.
const MAX_KNOWN: usize = 1024;

/// An item's place: the ids of vault and item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) vault: String,
    pub(super) item: String,
}

/// 1Password, through the `op` program.
#[derive(Debug)]
pub struct Op {
    pub(super) name: String,
    pub(super) index: u16,
    origin: String,
    pub(super) token: Token,
    pub(super) gate: Gate,
    pub(super) health: Seen,
    /// Ids by the names of vault and item.
    known: Mutex<HashMap<(String, String), Ids>>,
}

impl Op {
    /// The provider `name` at `index` of the map, for this account where the map names one. No I/O.
    #[must_use]
    pub fn new(name: &str, index: u16, account: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            index,
            origin: Self::origin_of(account),
            token: Token::none(name),
            gate: Gate::new(),
            health: Seen::nothing(),
            known: Mutex::default(),
        }
    }

    /// What a credential is bound to. The token of a service account names its account and its server
    /// itself, so no map can have it sent elsewhere.
    #[must_use]
    pub fn origin_of(account: Option<&str>) -> String {
        format!("op://{}", account.unwrap_or_default())
    }

    fn ids(&self) -> MutexGuard<'_, HashMap<(String, String), Ids>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ids that an item was found to have, where it was asked for by other names.
    pub(super) fn known(&self, of: &Own) -> Option<Ids> {
        self.ids().get(&names(of)).cloned()
    }

    pub(super) fn keep_ids(&self, of: &Own, ids: Ids) {
        if is_id(&of.vault) && is_id(&of.item) {
            // What the map says is as short already.
            return;
        }
        let mut known = self.ids();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(names(of), ids);
    }

    pub(super) fn forget_ids(&self, of: &Own) {
        self.ids().remove(&names(of));
    }

    /// Makes one call, and remembers how it went.
    async fn call(
        &self,
        wanted: &[Wanted],
        files: Files,
        cx: &Context,
    ) -> Result<Vec<Outcome>, ProviderError> {
        let call = Call {
            of: self,
            cx,
            budget: Budget::of(cx),
        };
        let outcome = Box::pin(call.fetch(wanted, files)).await;
        self.health.note(&outcome);
        outcome
    }

    async fn one(&self, wanted: &Wanted, files: Files, cx: &Context) -> Outcome {
        let outcomes = self.call(std::slice::from_ref(wanted), files, cx).await?;
        // One wish, one outcome.
        outcomes
            .into_iter()
            .next()
            .unwrap_or_else(|| Err(self.error(ErrorKind::Protocol, "nothing was answered", "")))
    }
}

fn names(of: &Own) -> (String, String) {
    (of.vault.clone(), of.item.clone())
}

fn wish(reference: &Reference) -> Wanted {
    Wanted {
        reference: reference.clone(),
        max_size: usize::MAX,
        validator: None,
    }
}

impl Provider for Op {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn origin(&self) -> String {
        self.origin.clone()
    }

    fn fetch<'a>(
        &'a self,
        wanted: &'a Wanted,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Answer, ProviderError>> {
        Box::pin(self.one(wanted, Files::First, cx))
    }

    fn fetch_many<'a>(
        &'a self,
        wanted: &'a [Wanted],
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<Outcome>, ProviderError>> {
        Box::pin(async move {
            if wanted.is_empty() {
                return Ok(Vec::new());
            }
            self.call(wanted, Files::First, cx).await
        })
    }

    fn brings_whole_places(&self) -> bool {
        true
    }

    fn member(&self, folder: &FolderReference, name: &str) -> Reference {
        member(folder, name)
    }

    fn check<'a>(
        &'a self,
        reference: &'a Reference,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(async move {
            let wanted = wish(reference);
            self.one(&wanted, Files::Exist, cx).await.map(drop)
        })
    }

    /// One `op` for the item that all of them are of.
    fn check_many<'a>(
        &'a self,
        references: &'a [Reference],
        cx: &'a Context,
    ) -> BoxFuture<'a, Vec<Result<(), ProviderError>>> {
        Box::pin(async move {
            let wanted: Vec<_> = references.iter().map(wish).collect();
            if wanted.is_empty() {
                return Vec::new();
            }
            match self.call(&wanted, Files::Exist, cx).await {
                Ok(outcomes) => outcomes.into_iter().map(|one| one.map(drop)).collect(),
                Err(error) => references.iter().map(|_| Err(error.clone())).collect(),
            }
        })
    }

    fn survey<'a>(
        &'a self,
        of: &'a str,
        seen: &'a (dyn Fn(usize, usize) + Send + Sync),
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Survey, ProviderError>> {
        Box::pin(async move {
            let budget = Budget::of(cx);
            let call = Call {
                of: self,
                cx,
                budget,
            };
            let surveyed = call.survey(of, seen).await;
            self.health.note(&surveyed);
            surveyed
        })
    }

    fn supply(&self, offer: CredentialOffer, pool: &Arc<SealedPool>) -> Result<(), ProviderError> {
        let help = format!("give the token of a service account: set {TOKEN}");
        let refused = |what: &str| Err(self.error(ErrorKind::Refused, what, &help));
        if offer.origin != self.origin {
            return refused("the credential is for another account");
        }
        let Credential::Token(token) = offer.credential else {
            return refused("this kind of credential is not what `op` takes");
        };
        self.token.supply(Kept::keep(&token, pool, "the token")?);
        self.gate.open();
        Ok(())
    }

    fn health(&self) -> Health {
        self.health.get()
    }

    fn forget(&self) {
        self.token.forget();
        self.gate.open();
        self.health.forget();
        self.ids().clear();
    }
}

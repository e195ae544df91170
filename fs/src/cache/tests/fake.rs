//! A provider that does as it is told, and counts.

use secretfs_memory::sealed::{Sealed, SealedPool};
use secretfs_providers::{
    Answer, BoxFuture, Context, CredentialOffer, ErrorKind, Fetched, FolderReference, Health,
    Hints, Provider, ProviderError, Reference, Validator, Wanted, infisical,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, SystemTime};

/// What is answered for one secret.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    Value(Vec<u8>),
    Fail(ErrorKind),
    Hang,
    Panic,
    /// `Unchanged`, whether or not a validator was sent.
    Unchanged,
    /// `Alone`, to whatever is asked.
    Alone,
    /// A value when it is asked for by itself; `Apart` in a list, but as its first.
    Apart(Vec<u8>),
}

/// What it was told, and what it was asked.
#[derive(Default)]
pub(super) struct Script {
    /// By `place/name`; unknown ones are missing.
    pub(super) replies: BTreeMap<String, Reply>,
    /// Before every answer.
    pub(super) delay: Duration,
    /// Instead of every answer.
    pub(super) down: Option<Reply>,
    /// Instead of every list.
    pub(super) no_list: Option<Reply>,
    /// What a list answers `Alone` to.
    pub(super) alone: BTreeSet<String>,
    /// Whether one secret's answer has its whole place in it.
    pub(super) whole: bool,
    /// How many answers of a list are swallowed.
    pub(super) short_by: usize,
    pub(super) max_age: Option<Duration>,
    pub(super) modified: Option<SystemTime>,
    /// Whether values come with a validator, and `Unchanged` is answered to one that still holds.
    pub(super) validators: bool,
    pub(super) health: Option<ProviderError>,
    /// One line a request: `one a/b`, `many a/b a/c`, `folder /a`, `list /a`.
    pub(super) requests: Vec<String>,
    pub(super) forgotten: u32,
    pub(super) in_flight: usize,
    pub(super) most_in_flight: usize,
    /// What requests carried.
    pub(super) deadlines: Vec<std::time::Instant>,
}

pub(super) struct Fake(Mutex<Script>, OnceLock<Hints>);

impl Fake {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Script::default()), OnceLock::new()))
    }

    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }

    pub(super) fn set(&self, name: &str, value: impl AsRef<[u8]>) {
        self.reply(name, Reply::Value(value.as_ref().to_vec()));
    }

    pub(super) fn reply(&self, name: &str, reply: Reply) {
        self.script().replies.insert(name.to_owned(), reply);
    }

    /// From now on it has hints to give.
    pub(super) fn listen(&self) {
        let _ = self.1.set(Hints::default());
    }

    pub(super) fn hint(&self) {
        if let Some(hints) = self.1.get() {
            hints.give();
        }
    }

    pub(super) fn fail(&self, kind: ErrorKind) {
        self.script().down = Some(Reply::Fail(kind));
    }

    pub(super) fn hang(&self) {
        self.script().down = Some(Reply::Hang);
    }

    pub(super) fn work(&self) {
        self.script().down = None;
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.script().requests.clone()
    }

    pub(super) fn count(&self) -> usize {
        self.script().requests.len()
    }

    async fn begin(&self, request: String, cx: &Context) -> Result<Busy<'_>, ProviderError> {
        let (delay, down) = {
            let mut script = self.script();
            script.requests.push(request);
            script.deadlines.push(cx.deadline);
            script.in_flight += 1;
            script.most_in_flight = script.most_in_flight.max(script.in_flight);
            (script.delay, script.down.clone())
        };
        let busy = Busy(self);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        match down {
            Some(reply) => match act(&reply).await {
                Err(error) => Err(error),
                Ok(_) => Ok(busy),
            },
            None => Ok(busy),
        }
    }

    async fn answer(&self, wanted: &Wanted, cx: &Context) -> Result<Answer, ProviderError> {
        let name = name(&wanted.reference);
        let reply = self.script().replies.get(&name).cloned();
        let reply = reply.unwrap_or(Reply::Fail(ErrorKind::Missing));
        if matches!(reply, Reply::Alone) {
            return Ok(Answer::Alone);
        }
        let Some(bytes) = act(&reply).await? else {
            return Ok(Answer::Unchanged);
        };
        let validator = self
            .script()
            .validators
            .then(|| Validator(format!("{bytes:?}").into()));
        if validator.is_some() && validator == wanted.validator {
            return Ok(Answer::Unchanged);
        }
        let value = seal(&cx.pool, &bytes, wanted.max_size)?;
        Ok(Answer::Value(self.fetched(value, validator)))
    }

    fn fetched(&self, value: Sealed, validator: Option<Validator>) -> Fetched {
        let script = self.script();
        Fetched {
            value,
            modified: script.modified,
            validator,
            max_age: script.max_age,
        }
    }
}

struct Busy<'a>(&'a Fake);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.script().in_flight -= 1;
    }
}

async fn act(reply: &Reply) -> Result<Option<Vec<u8>>, ProviderError> {
    match reply {
        Reply::Value(bytes) | Reply::Apart(bytes) => Ok(Some(bytes.clone())),
        Reply::Unchanged | Reply::Alone => Ok(None),
        Reply::Fail(kind) => Err(ProviderError::new(
            *kind,
            "as it was told",
            "tell it otherwise",
        )),
        Reply::Hang => std::future::pending().await,
        Reply::Panic => panic!("as it was told"),
    }
}

fn seal(pool: &Arc<SealedPool>, bytes: &[u8], max: usize) -> Result<Sealed, ProviderError> {
    let mut writer = pool.writer(None, max);
    // In pieces, as a provider's answer comes.
    let mut written = Ok(());
    for piece in bytes.chunks(1000) {
        written = written.and_then(|()| writer.append(piece));
    }
    written
        .and_then(|()| writer.finish())
        .map_err(|error| ProviderError::sealed(error, "the value"))
}

/// `place/name` of a reference.
fn name(reference: &Reference) -> String {
    match reference {
        Reference::Infisical(reference) => {
            format!(
                "{}/{}",
                reference.path.trim_start_matches('/'),
                reference.name
            )
        }
        other => panic!("{other:?}"),
    }
}

/// The reference of `place/name`.
pub(super) fn reference(name: &str) -> Reference {
    let (place, name) = name.split_once('/').unwrap();
    Reference::Infisical(infisical::Reference {
        name: name.into(),
        path: format!("/{place}"),
        environment: "dev".into(),
        expand_references: false,
    })
}

impl Provider for Fake {
    fn kind(&self) -> &'static str {
        "fake"
    }

    fn origin(&self) -> String {
        "fake://".into()
    }

    fn fetch<'a>(
        &'a self,
        wanted: &'a Wanted,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Answer, ProviderError>> {
        Box::pin(async move {
            let request = format!("one {}", name(&wanted.reference));
            let _busy = self.begin(request, cx).await?;
            self.answer(wanted, cx).await
        })
    }

    fn brings_whole_places(&self) -> bool {
        self.script().whole
    }

    fn fetch_many<'a>(
        &'a self,
        wanted: &'a [Wanted],
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<Result<Answer, ProviderError>>, ProviderError>> {
        Box::pin(async move {
            let names: Vec<_> = wanted.iter().map(|one| name(&one.reference)).collect();
            let places: BTreeSet<_> = wanted.iter().map(|one| one.reference.place()).collect();
            assert_eq!(places.len(), 1, "a list is of one place");
            let _busy = self.begin(format!("many {}", names.join(" ")), cx).await?;
            let refused = self.script().no_list.clone();
            if let Some(reply) = refused {
                act(&reply).await?;
            }
            let mut answers = Vec::new();
            for (at, one) in wanted.iter().enumerate() {
                let of = name(&one.reference);
                let reply = self.script().replies.get(&of).cloned();
                let is_alone = self.script().alone.contains(&of);
                answers.push(match reply {
                    Some(Reply::Apart(_)) if at > 0 => Ok(Answer::Alone),
                    _ if is_alone => Ok(Answer::Alone),
                    _ => self.answer(one, cx).await,
                });
            }
            let short_by = self.script().short_by;
            answers.truncate(answers.len() - short_by);
            Ok(answers)
        })
    }

    fn fetch_folder<'a>(
        &'a self,
        folder: &'a FolderReference,
        max_size: usize,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<(String, Fetched)>, ProviderError>> {
        Box::pin(async move {
            let _busy = self.begin(format!("folder {}", folder.path), cx).await?;
            let replies = self.script().replies.clone();
            let prefix = format!("{}/", folder.path.trim_start_matches('/'));
            let mut secrets = Vec::new();
            for (name, reply) in &replies {
                if let (Some(name), Reply::Value(bytes)) = (name.strip_prefix(&prefix), reply) {
                    let value = seal(&cx.pool, bytes, max_size)?;
                    secrets.push((name.to_owned(), self.fetched(value, None)));
                }
            }
            Ok(secrets)
        })
    }

    fn list<'a>(
        &'a self,
        folder: &'a FolderReference,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<String>, ProviderError>> {
        Box::pin(async move {
            let _busy = self.begin(format!("list {}", folder.path), cx).await?;
            let prefix = format!("{}/", folder.path.trim_start_matches('/'));
            let script = self.script();
            let names = script.replies.keys();
            Ok(names
                .filter_map(|name| Some(name.strip_prefix(&prefix)?.to_owned()))
                .collect())
        })
    }

    fn member(&self, folder: &FolderReference, name: &str) -> Reference {
        reference(&format!("{}/{name}", folder.path.trim_start_matches('/')))
    }

    fn check<'a>(
        &'a self,
        _: &'a Reference,
        _: &'a Context,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(async { Ok(()) })
    }

    fn supply(&self, _: CredentialOffer, _: &Arc<SealedPool>) -> Result<(), ProviderError> {
        Ok(())
    }

    fn health(&self) -> Health {
        let health = self.script().health.clone();
        health.map_or(Health::Good, Health::Failing)
    }

    fn hints(&self) -> Option<&Hints> {
        self.1.get()
    }

    fn forget(&self) {
        self.script().forgotten += 1;
    }
}

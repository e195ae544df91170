//! The provider: opens the vault through the mount-helper for each call, and decrypts it once.

use super::crypt::{self, Opened};
use super::folders::prefix;
use super::scan::{Scan, ScanError, Take, Taken, has_room};
use super::store::from_format;
use super::{VaultError, origin};
use crate::credential::{Credential, CredentialOffer, Kept};
use crate::error::{ErrorKind, ProviderError};
use crate::host::{HostAnswer, HostError, HostRequest};
use crate::nearest::nearest;
use crate::provider::{
    Answer, BoxFuture, Context, Fetched, Health, Provider, Validator, Wanted, unsupported,
};
use crate::reference::{FolderReference, Reference};
use age::x25519::Identity;
use secrecy::{ExposeSecret, SecretString};
use secretfs_memory::sealed::SealedPool;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What decrypting takes of the heap: age's two pieces of 64 KiB and a copy, and the tokenizer.
const WORKING_SET: usize = 384 * 1024;

/// How many names that nobody asked for are kept, to find the one that was meant.
const MOST_OTHERS: usize = 2_000;

/// For how many missing ones that is done. Where ten thousand are, it is the wrong vault, and twenty million
/// comparisons would keep the daemon busy for most of a minute.
const MOST_MEANT: usize = 100;

/// A local vault, as the daemon sees it.
pub struct LocalVault {
    pub(super) name: String,
    index: u16,
    file: PathBuf,
    state: Mutex<State>,
    /// One pass at a time: each takes a good part of the locked heap.
    turn: tokio::sync::Mutex<()>,
}

struct State {
    identity: Option<Kept>,
    /// Counts the locks, so that a pass notices one.
    generation: u64,
    health: Health,
}

impl LocalVault {
    /// The provider `name`, at `index` in the map's list, whose vault is `file` (absolute).
    #[must_use]
    pub fn new(name: &str, index: u16, file: &str) -> Self {
        Self {
            name: name.to_owned(),
            index,
            file: PathBuf::from(file),
            state: Mutex::new(State {
                identity: None,
                generation: 0,
                health: Health::Unknown,
            }),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locked(&self) -> ProviderError {
        ProviderError::new(
            ErrorKind::NoCredential,
            format!("the vault {:?} is locked", self.name),
            "run `secretfs unlock`",
        )
    }

    /// Runs a call within its deadline and remembers how it went.
    async fn call<T>(
        &self,
        cx: &Context,
        call: impl Future<Output = Result<T, ProviderError>> + Send,
    ) -> Result<T, ProviderError> {
        let left = cx.deadline.saturating_duration_since(cx.clock.now());
        let result = tokio::time::timeout(left, call).await.unwrap_or_else(|_| {
            Err(ProviderError::new(
                ErrorKind::TimedOut,
                format!("the vault {} was not read in time", self.file.display()),
                "raise `open_timeout` in the map",
            ))
        });
        self.state().health = match &result {
            Ok(_) => Health::Good,
            Err(e) if e.kind == ErrorKind::NoCredential => Health::NeedsCredential,
            // About one secret, not about the vault.
            Err(e) if e.kind == ErrorKind::Missing => Health::Good,
            Err(e) => Health::Failing(e.clone()),
        };
        result
    }

    /// Opens the vault file; not yet decrypted.
    pub(super) async fn open(&self, cx: &Context) -> Result<Opened, ProviderError> {
        if self.state().identity.is_none() {
            return Err(self.locked());
        }
        let io = |source: io::Error| VaultError::Io {
            what: "open",
            path: self.file.clone(),
            source,
        };
        let answer = cx
            .host
            .ask(HostRequest::OpenVault {
                provider: self.index,
            })
            .await;
        match answer {
            Ok(HostAnswer::Fd(fd)) => Ok(crypt::look(fd.into(), &self.file)?),
            Ok(_) => Err(io(io::ErrorKind::InvalidData.into()).into()),
            Err(HostError::Os(errno)) => {
                let source = io::Error::from_raw_os_error(errno);
                if source.kind() == io::ErrorKind::NotFound {
                    return Err(VaultError::Missing(self.file.clone()).into());
                }
                Err(io(source).into())
            }
            Err(HostError::NoAnswer) => Err(io(io::ErrorKind::TimedOut.into()).into()),
        }
    }

    /// Decrypts the vault from its start to its end.
    pub(super) async fn scan(
        &self,
        opened: Opened,
        budget: Option<usize>,
        cx: &Context,
        take: impl FnMut(&str) -> Take + Send,
    ) -> Result<Vec<Taken>, ProviderError> {
        let _turn = self.turn.lock().await;
        if !secretfs_memory::heap::has_room(WORKING_SET) {
            return Err(VaultError::NoMemory.into());
        }
        let (plain, generation) = {
            let state = self.state();
            let Some(kept) = &state.identity else {
                return Err(self.locked());
            };
            // What is made of it here goes back, zeroed, before anything is read.
            secretfs_memory::residue::mark();
            let identity = kept.show().ok().as_ref().and_then(one_identity);
            let identity = identity.ok_or_else(|| self.locked())?;
            (opened.decrypt(&identity, &self.file)?, state.generation)
        };
        let scan = Scan {
            pool: &cx.pool,
            budget,
            alive: &|| self.state().generation == generation,
        };
        scan.run(plain, take).await.map_err(|e| match e {
            ScanError::Format(e) => from_format(&e, &self.file).into(),
            ScanError::Forgotten => self.locked(),
            ScanError::NoMemory => VaultError::NoMemory.into(),
        })
    }

    /// The answers for several secrets of the vault, after one pass at most.
    async fn answers(
        &self,
        wanted: &[Wanted],
        cx: &Context,
    ) -> Result<Vec<Result<Answer, ProviderError>>, ProviderError> {
        let names = wanted
            .iter()
            .map(|one| name_of(&one.reference))
            .collect::<Result<Vec<_>, _>>()?;
        let opened = self.open(cx).await?;
        let validator = Validator(opened.validator.as_str().into());
        let modified = opened.modified;
        let unchanged = |one: &Wanted| one.validator.as_ref() == Some(&validator);
        if wanted.iter().all(unchanged) {
            return Ok(wanted.iter().map(|_| Ok(Answer::Unchanged)).collect());
        }
        // Ten thousand may be wanted: found by a search, not by a walk.
        let mut order: Vec<(&str, usize)> = names
            .iter()
            .zip(wanted)
            .map(|(name, one)| (*name, one.max_size))
            .collect();
        order.sort_unstable();
        let limit = |name: &str| {
            // The last one of a name has the largest limit.
            let end = order.partition_point(|(other, _)| *other <= name);
            let (other, max) = order.get(end.checked_sub(1)?)?;
            (*other == name).then_some(*max)
        };
        let take = |name: &str| limit(name).map_or(Take::Nothing, Take::Value);
        let mut taken = self.scan(opened, None, cx, take).await?;
        taken.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let answer = |(name, one): (&&str, &Wanted)| {
            if unchanged(one) {
                return Ok(Answer::Unchanged);
            }
            let at = taken.binary_search_by(|taken| taken.name.as_str().cmp(name));
            let value = at
                .ok()
                .and_then(|at| taken.get(at)?.value.as_deref().cloned())
                .ok_or_else(|| VaultError::NoSuchSecret((*name).to_owned()))??;
            if value.len() > one.max_size {
                let max = one.max_size;
                let what = format!("the value of {name:?} in the vault");
                let error = secretfs_memory::sealed::SealedError::TooLarge { max };
                return Err(ProviderError::sealed(error, what));
            }
            Ok(Answer::Value(Fetched {
                value,
                modified,
                validator: Some(validator.clone()),
                max_age: None,
            }))
        };
        let mut answers = Vec::new();
        answers
            .try_reserve_exact(wanted.len())
            .map_err(|_| VaultError::NoMemory)?;
        for one in names.iter().zip(wanted) {
            if !has_room(answers.len()) {
                return Err(VaultError::NoMemory.into());
            }
            answers.push(answer(one));
        }
        Ok(answers)
    }

    async fn probe(&self, reference: &Reference, cx: &Context) -> Result<(), ProviderError> {
        let wanted = name_of(reference)?;
        let opened = self.open(cx).await?;
        let take = |name: &str| {
            if name == wanted {
                Take::Probe
            } else {
                Take::Nothing
            }
        };
        let taken = self.scan(opened, None, cx, take).await?;
        match taken.into_iter().next() {
            None => Err(VaultError::NoSuchSecret(wanted.to_owned()).into()),
            Some(Taken { value, .. }) => value.map_or(Ok(()), |value| value.map(drop)),
        }
    }
}

impl LocalVault {
    /// Several secrets in one pass: a vault is decrypted from its start to its end each time.
    async fn probe_many(
        &self,
        references: &[Reference],
        cx: &Context,
    ) -> Result<Vec<Result<(), ProviderError>>, ProviderError> {
        let names = references
            .iter()
            .map(name_of)
            .collect::<Result<Vec<_>, _>>()?;
        let mut wanted = names.clone();
        wanted.sort_unstable();
        let opened = self.open(cx).await?;
        let mut others = Vec::new();
        let take = |name: &str| match wanted.binary_search(&name) {
            Ok(_) => Take::Probe,
            Err(_) => {
                if others.len() < MOST_OTHERS {
                    others.push(name.to_owned());
                }
                Take::Nothing
            }
        };
        let mut taken = self.scan(opened, None, cx, take).await?;
        taken.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut left = MOST_MEANT;
        let answer = |name: &&str| {
            let at = taken.binary_search_by(|taken| taken.name.as_str().cmp(name));
            match at.ok().and_then(|at| taken.get(at)) {
                None if left == 0 => Err(VaultError::NoSuchSecret((*name).to_owned()).into()),
                None => {
                    left -= 1;
                    Err(missing(name, &others))
                }
                Some(Taken { value, .. }) => match value.as_deref() {
                    Some(Err(error)) => Err(error.clone()),
                    Some(Ok(_)) | None => Ok(()),
                },
            }
        };
        Ok(names.iter().map(answer).collect())
    }
}

/// The identity of a text that holds one.
fn one_identity(text: &SecretString) -> Option<Identity> {
    let mut identities = crypt::parse_identities(text.expose_secret()).into_iter();
    match (identities.next(), identities.next()) {
        (Some(identity), None) => Some(identity),
        _ => None,
    }
}

/// With the name that was meant, perhaps.
fn missing(name: &str, others: &[String]) -> ProviderError {
    let error: ProviderError = VaultError::NoSuchSecret(name.to_owned()).into();
    match nearest(name, others.iter().map(String::as_str)) {
        Some(near) => {
            let help = format!("did you mean `{near}`?");
            ProviderError { help, ..error }
        }
        None => error,
    }
}

fn name_of(reference: &Reference) -> Result<&str, ProviderError> {
    match reference {
        Reference::Local(reference) => Ok(&reference.name),
        _ => Err(unsupported("local", "read another provider's reference")),
    }
}

impl Provider for LocalVault {
    fn kind(&self) -> &'static str {
        "local"
    }

    fn origin(&self) -> String {
        origin(&self.file.to_string_lossy())
    }

    fn fetch<'a>(
        &'a self,
        wanted: &'a Wanted,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Answer, ProviderError>> {
        Box::pin(self.call(cx, async move {
            let answers = self.answers(std::slice::from_ref(wanted), cx).await?;
            answers
                .into_iter()
                .next()
                .unwrap_or_else(|| Err(self.locked()))
        }))
    }

    fn fetch_many<'a>(
        &'a self,
        wanted: &'a [Wanted],
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<Result<Answer, ProviderError>>, ProviderError>> {
        Box::pin(self.call(cx, self.answers(wanted, cx)))
    }

    fn fetch_folder<'a>(
        &'a self,
        folder: &'a FolderReference,
        max_size: usize,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<(String, Fetched)>, ProviderError>> {
        Box::pin(self.call(cx, self.folder(folder, max_size, cx)))
    }

    fn list<'a>(
        &'a self,
        folder: &'a FolderReference,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<String>, ProviderError>> {
        Box::pin(self.call(cx, self.names(folder, cx)))
    }

    fn member(&self, folder: &FolderReference, name: &str) -> Reference {
        Reference::Local(super::Reference {
            name: format!("{}{name}", prefix(folder)),
        })
    }

    fn check<'a>(
        &'a self,
        reference: &'a Reference,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(self.call(cx, self.probe(reference, cx)))
    }

    fn check_many<'a>(
        &'a self,
        references: &'a [Reference],
        cx: &'a Context,
    ) -> BoxFuture<'a, Vec<Result<(), ProviderError>>> {
        Box::pin(async move {
            match self.call(cx, self.probe_many(references, cx)).await {
                Ok(answers) => answers,
                Err(error) => references.iter().map(|_| Err(error.clone())).collect(),
            }
        })
    }

    fn supply(&self, offer: CredentialOffer, pool: &Arc<SealedPool>) -> Result<(), ProviderError> {
        let refuse = |why: &str| {
            let name = &self.name;
            ProviderError::new(ErrorKind::Refused, format!("the vault {name:?} {why}"), "")
        };
        if offer.origin != self.origin() {
            return Err(refuse("takes no credential of another file"));
        }
        let Credential::AgeIdentity(text) = offer.credential else {
            return Err(refuse("is opened by an age identity, not by a token"));
        };
        secretfs_memory::residue::mark();
        if one_identity(&text).is_none() {
            return Err(refuse("was given something that is not one age identity"));
        }
        let kept = Kept::keep(&text, pool, "the vault's identity")?;
        let mut state = self.state();
        state.identity = Some(kept);
        state.health = Health::Unknown;
        Ok(())
    }

    fn health(&self) -> Health {
        let state = self.state();
        if state.identity.is_none() {
            return Health::NeedsCredential;
        }
        state.health.clone()
    }

    fn forget(&self) {
        let mut state = self.state();
        state.identity = None;
        state.generation += 1;
    }
}

impl std::fmt::Debug for LocalVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path: &Path = &self.file;
        f.debug_struct("LocalVault")
            .field("name", &self.name)
            .field("file", &path)
            .finish_non_exhaustive()
    }
}

//! One secret by its name.

use super::api::{self, Folder, Whose};
use super::call::Call;
use super::refusal::Refusal;
use super::secrets::{Collector, Opened, Origin, Secret};
use super::validator::Kind;
use crate::error::ProviderError;
use crate::provider::{Answer, Fetched, Wanted};
use secretfs_memory::sealed::{SealedPool, SealedWriter};
use std::sync::Arc;

impl Call<'_> {
    /// The secret, by its route; where it has none, out of its folder's list.
    pub(super) async fn single(&self, wanted: &Wanted) -> Result<Answer, ProviderError> {
        let of = self.reference(wanted)?;
        if !api::has_route(&of.name) {
            return Box::pin(self.only_listed(wanted)).await;
        }
        if self.of.settings.personal
            && let Some(answer) = self.personal(wanted, of).await?
        {
            return Ok(answer);
        }
        match Box::pin(self.by_name(wanted, of, Whose::Shared)).await? {
            Ok(answer) => Ok(answer),
            Err(refusal) => Err(self.about(&refusal, &of.name, Folder::of(of))),
        }
    }

    /// The user's own value, if there is one. A machine identity has none: it is told 400.
    async fn personal(
        &self,
        wanted: &Wanted,
        of: &super::Reference,
    ) -> Result<Option<Answer>, ProviderError> {
        match Box::pin(self.by_name(wanted, of, Whose::Personal)).await? {
            Ok(answer) => Ok(Some(answer)),
            Err(Refusal::Missing | Refusal::MissingSecret | Refusal::Invalid) => Ok(None),
            Err(refusal) => Err(self.about(&refusal, &of.name, Folder::of(of))),
        }
    }

    async fn by_name(
        &self,
        wanted: &Wanted,
        of: &super::Reference,
        whose: Whose,
    ) -> Result<Result<Answer, Refusal>, ProviderError> {
        let folder = Folder::of(of);
        self.confirm(folder).await?;
        let kind = match whose {
            Whose::Shared => Kind::Shared,
            Whose::Personal => Kind::Personal,
        };
        let etag = kind.tag(wanted.validator.as_ref());
        let settings = &self.of.settings;
        let route = |version| settings.single(version, folder, &of.name, whose);
        let mut response = match Box::pin(self.ask(route, etag)).await? {
            Ok(response) => response,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if response.status() == 304 {
            return Ok(Ok(Answer::Unchanged));
        }
        let validator = response.etag().map(|tag| kind.validator(&tag));
        let one = One {
            pool: &self.cx.pool,
            name: &of.name,
            max: wanted.max_size,
            found: None,
        };
        let limit = answer_limit(wanted.max_size);
        let one = self.read(&mut response, limit, one).await?;
        let secret = one.found.ok_or_else(|| self.nonsense("to a request"))?;
        if secret.name.as_deref() != Some(&of.name)
            || secret.personal != (whose == Whose::Personal)
            // An import's is told with the import's own place.
            || !(settings.include_imports || secret.is_of(folder))
        {
            return Err(self.nonsense("with another secret than the one asked for"));
        }
        let value = self.value(secret.value, &of.name)?;
        Ok(Ok(Answer::Value(Fetched {
            value,
            modified: secret.modified,
            validator,
            max_age: None,
        })))
    }
}

impl Secret {
    /// Whether it is in that folder, as far as it says.
    pub(super) fn is_of(&self, folder: Folder<'_>) -> bool {
        let plain = |path: &str| path.trim_end_matches('/').to_owned();
        let environment = self.environment.as_deref();
        let path = self.path.as_deref();
        environment.is_none_or(|it| it == folder.environment)
            && path.is_none_or(|it| plain(it) == plain(folder.path))
    }
}

/// The most bytes of an answer with one secret of so many: each byte may be an escape of six, and
/// comment and metadata come beside it.
fn answer_limit(max_size: usize) -> u64 {
    let value = u64::try_from(max_size).unwrap_or(u64::MAX);
    value.saturating_mul(6).saturating_add(8 << 20)
}

/// Takes the one secret of an answer.
struct One<'a> {
    pool: &'a Arc<SealedPool>,
    name: &'a str,
    max: usize,
    found: Option<Secret>,
}

impl Collector for One<'_> {
    fn writer(&mut self, of: &Opened<'_>) -> Option<SealedWriter> {
        let is_it = of.name.is_none_or(|name| name == self.name);
        (is_it && of.origin == Origin::Single).then(|| self.pool.writer(None, self.max))
    }

    fn take(&mut self, secret: Secret) {
        if secret.origin == Origin::Single {
            self.found = Some(secret);
        }
    }
}

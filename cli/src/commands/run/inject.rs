//! `--inject`: the values themselves as variables, for programs that read nothing else. No mount and no
//! FUSE; the values come as an open would get them, from this process's own cache, with its order of
//! provider and fallback. All of them, or the command is not started.

use crate::commands::check;
use crate::error::{CliError, Status};
use crate::map::Map;
use crate::online::{self, Online};
use crate::output::{printable, warn};
use secretfs_fs::cache::{Cache, Snapshot};
use secretfs_fs::error::OpenError;
use secretfs_fs::map::{self, CompiledMap, EntryId, EntryPlan, Source};
use secretfs_memory::sealed::Sealed;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The longest text that the kernel takes as one variable (MAX_ARG_STRLEN, execve(2)), with its name,
/// the `=` and the final NUL.
const LONGEST: usize = 128 << 10;

/// What one entry gives.
type Values = Vec<(String, Sealed)>;

/// The variables of the map: of each entry with `env:` its value, and of each rendered folder its
/// secrets.
///
/// # Errors
/// Any value that cannot be had, or cannot be a variable; each is told.
pub(super) fn values(
    map: Map,
    passphrase_file: Option<&Path>,
) -> Result<Vec<(String, OsString)>, CliError> {
    // Before the heap is locked, as for a mount.
    let compiled = map.compiled()?;
    crate::credentials::protected(false, move || {
        let online = Online::of(&map, passphrase_file)?;
        let runtime = online::runtime()?;
        let found = runtime.block_on(fetch(&online, compiled));
        take(found?)
    })
}

/// Everything, at the same time: what is of one place comes together.
async fn fetch(online: &Online, map: CompiledMap) -> Result<Values, CliError> {
    let cache = online.cache(map.clone());
    let mut asked = Vec::new();
    for plan in (0..map.entry_count()).filter_map(|id| map.entry(EntryId(id))) {
        if let Some(source) = wanted(&plan) {
            let plan = Arc::new(plan);
            let work = one(Arc::clone(&cache), Arc::clone(&plan), source, online);
            asked.push((plan, tokio::spawn(work)));
        }
    }
    if asked.is_empty() {
        return Err(CliError::new(
            Status::Map,
            "there is nothing to inject: no entry has a variable",
            "give the entries `env:`",
        ));
    }
    let (mut values, mut failures) = (Values::new(), Vec::new());
    for (plan, task) in asked {
        match task.await {
            Ok(Ok(found)) => values.extend(found),
            Ok(Err(error)) => failures.push((plan, error)),
            Err(_) => failures.push((plan, OpenError::Internal("a request panicked"))),
        }
    }
    if failures.is_empty() {
        return Ok(values);
    }
    let mut status = None;
    for (plan, error) in failures {
        let kind = check::status_of(&error);
        status = check::worse(status, kind);
        let message = format!("cannot inject {}: {error}", printable(&plan.path));
        CliError::new(kind, message, error.help()).report();
    }
    Err(CliError::told(status.unwrap_or(Status::Other)))
}

/// How an entry is fetched.
enum How {
    /// Its bytes, as this variable.
    Value(String),
    /// The secrets of its folder, each as a variable of its name.
    Folder,
}

fn wanted(plan: &EntryPlan) -> Option<How> {
    let how = match (&plan.source, &plan.env) {
        (Source::Rendered { .. }, _) => How::Folder,
        (Source::Secret(_), Some(env)) => How::Value(env.clone()),
        (Source::Secret(_) | Source::Listed { .. }, _) => return None,
    };
    if !plan.allow.is_empty() {
        // In an environment it would be read by every child of the command.
        warn(
            &format!(
                "{} is not injected: it has an `allow` list",
                printable(&plan.path)
            ),
            "leave --inject out, and have the program read the file",
        );
        return None;
    }
    Some(how)
}

fn one(
    cache: Arc<Cache>,
    plan: Arc<EntryPlan>,
    how: How,
    online: &Online,
) -> impl Future<Output = Result<Values, OpenError>> + Send + use<> {
    let provider = online.providers.get(usize::from(plan.provider)).cloned();
    let limit = Duration::from_millis(plan.open_timeout_ms);
    let context = online.contexts()(limit);
    async move {
        let folder = match (how, &plan.source, provider) {
            (How::Value(name), ..) => {
                let Snapshot { value, .. } = cache.open(Arc::clone(&plan)).await?;
                return Ok(vec![(name, value)]);
            }
            (How::Folder, Source::Rendered { folder, .. }, Some(provider)) => (folder, provider),
            _ => return Err(OpenError::Internal("a folder without a provider")),
        };
        let most = usize::try_from(plan.max_size).unwrap_or(usize::MAX);
        let work = folder.1.fetch_folder(folder.0, most, &context);
        let found = tokio::time::timeout(limit, work).await;
        let found = found.map_err(|_| OpenError::TimedOut {
            provider: folder.1.kind().to_owned(),
            seconds: limit.as_secs(),
        })??;
        Ok(found
            .into_iter()
            .filter(|(name, _)| is_variable(name, &plan.path))
            .map(|(name, fetched)| (name, fetched.value))
            .collect())
    }
}

/// Whether a secret's name may be a variable: who may write a secret must not be able to choose which
/// code the command loads.
fn is_variable(name: &str, folder: &str) -> bool {
    let refused = map::refused_as_env(name);
    if let Some(why) = &refused {
        warn(
            &format!("a secret of {} is not injected: {why}", printable(folder)),
            "leave --inject out, and have the program read the file",
        );
    }
    refused.is_none()
}

/// Takes the values out of the sealed memory: from here on they are this process's, and the command's.
/// An entry of the map comes before a folder's secret of the same name.
fn take(found: Values) -> Result<Vec<(String, OsString)>, CliError> {
    let mut taken = BTreeMap::new();
    for (name, value) in found {
        let refuse = |why: &str| {
            CliError::new(
                Status::Other,
                format!("the value of {name} cannot be a variable: {why}"),
                "leave --inject out, and have the program read the file",
            )
        };
        if name.len() + value.len() + 2 > LONGEST {
            return Err(refuse("it is too long"));
        }
        let mut bytes = vec![0; value.len()];
        let read = value.read_at(0, &mut bytes);
        if read.ok() != Some(bytes.len()) {
            return Err(refuse("it cannot be read"));
        }
        if bytes.contains(&0) {
            return Err(refuse("it has a NUL in it"));
        }
        taken.entry(name).or_insert(OsString::from_vec(bytes));
    }
    Ok(taken.into_iter().collect())
}

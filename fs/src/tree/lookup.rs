//! Names: lookup, and the lists of `dir:` folders, which are fetched when a folder is first listed
//! or looked into. Nothing else here asks a provider.

use super::attr::Attr;
use super::deps::Caller;
use super::filesystem::{Inner, SecretFs};
use super::listing::Listing;
use super::nodes::Folder;
use crate::error::OpenError;
use crate::map::EntryPlan;
use rustix::io::Errno;
use std::sync::Arc;
use std::time::Duration;

/// See `open`: for when the cache does not keep its deadline.
const GRACE: Duration = Duration::from_secs(5);

/// What is known of a folder's names.
enum Names {
    /// All of them.
    Known,
    /// The provider has to be asked.
    Ask(Arc<EntryPlan>),
    Locked,
}

impl SecretFs {
    /// Looks a name up.
    pub fn lookup(
        self: &Arc<Self>,
        caller: Caller,
        parent: u64,
        name: &str,
        reply: impl FnOnce(Result<Attr, Errno>) + Send + 'static,
    ) {
        if !self.admits(caller) {
            return reply(Err(Errno::ACCESS));
        }
        let mut inner = self.inner();
        let Some(folder) = inner.folder(parent) else {
            drop(inner);
            return reply(Err(Errno::STALE));
        };
        // Explicit names win, and need no list.
        let explicit = inner.map.child(folder.node, name).is_some();
        let names = if explicit {
            Names::Known
        } else {
            self.names(&mut inner, folder)
        };
        match names {
            Names::Known => {
                let found = inner.child(folder, name);
                let attr = found.map(|node| inner.looked_up(self, &node));
                drop(inner);
                reply(attr.ok_or(Errno::NOENT));
            }
            Names::Locked => {
                drop(inner);
                reply(Err(Errno::NOKEY));
            }
            Names::Ask(plan) => {
                drop(inner);
                let name: Box<str> = name.into();
                let fs = Arc::clone(self);
                self.list(caller, folder.ino, plan, move |listed| {
                    reply(listed.and_then(|folder| {
                        let mut inner = fs.inner();
                        let found = inner.child(folder, &name);
                        found
                            .map(|node| inner.looked_up(&fs, &node))
                            .ok_or(Errno::NOENT)
                    }));
                });
            }
        }
    }

    /// The kernel forgot so many lookups of a number.
    pub fn forget(&self, ino: u64, lookups: u64) {
        self.inner().versions.forget(ino, lookups);
    }

    fn names(&self, inner: &mut Inner, folder: Folder) -> Names {
        let Some(entry) = folder.listed else {
            return Names::Known;
        };
        if inner.locked {
            return Names::Locked;
        }
        let fresh = inner
            .map
            .entry_key(entry)
            .and_then(|key| self.deps.cache.peek_list(key));
        if let Some(names) = fresh {
            self.set_names(inner, folder, names);
            return Names::Known;
        }
        match inner.map.entry(entry) {
            Some(plan) => Names::Ask(Arc::new(plan)),
            None => Names::Known,
        }
    }

    /// Makes sure that a folder's names are known, then goes on with `then`: at once where nothing
    /// has to be asked. It is given the folder as it is then, in the map of then.
    pub(super) fn with_names(
        self: &Arc<Self>,
        caller: Caller,
        folder: Folder,
        then: impl FnOnce(Result<Folder, Errno>) + Send + 'static,
    ) {
        let names = self.names(&mut self.inner(), folder);
        match names {
            Names::Known => then(Ok(folder)),
            Names::Locked => then(Err(Errno::NOKEY)),
            Names::Ask(plan) => self.list(caller, folder.ino, plan, then),
        }
    }

    fn list(
        self: &Arc<Self>,
        caller: Caller,
        ino: u64,
        plan: Arc<EntryPlan>,
        then: impl FnOnce(Result<Folder, Errno>) + Send + 'static,
    ) {
        let waiting = match self.start_waiting() {
            Ok(waiting) => waiting,
            Err(error) => return then(Err(error.errno())),
        };
        let fs = Arc::clone(self);
        self.deps.runtime.spawn(async move {
            let mut waiting = waiting;
            drop(waiting.begin());
            let limit = Duration::from_millis(plan.open_timeout_ms).saturating_add(GRACE);
            let list = fs.deps.cache.list(Arc::clone(&plan));
            let listed = tokio::select! {
                listed = tokio::time::timeout(limit, list) => listed,
                () = fs.waiters.watch(caller.pid) => Ok(Err(OpenError::Interrupted)),
            };
            let listed = match listed {
                Ok(listed) => listed,
                Err(_elapsed) => Err(OpenError::TimedOut {
                    provider: fs.inner().map.provider_name(plan.provider).to_owned(),
                    seconds: plan.open_timeout_ms / 1_000,
                }),
            };
            match fs.listed(ino, &plan, listed) {
                Ok(folder) => then(Ok(folder)),
                Err((errno, error)) => {
                    then(Err(errno));
                    if let Some(error) = error {
                        fs.log_failure(&plan.path, &error);
                    }
                }
            }
        });
    }

    /// Names came, or a failure; meanwhile the mount may have been locked, or the map replaced.
    fn listed(
        &self,
        ino: u64,
        plan: &EntryPlan,
        listed: Result<Arc<Vec<String>>, OpenError>,
    ) -> Result<Folder, (Errno, Option<OpenError>)> {
        let mut inner = self.inner();
        if inner.locked {
            return Err((Errno::NOKEY, None));
        }
        let folder = inner.folder(ino).filter(|folder| {
            let entry = folder.listed;
            entry.and_then(|entry| inner.map.entry_key(entry)) == Some(plan.key)
        });
        let Some(folder) = folder else {
            return Err((Errno::STALE, None));
        };
        match listed {
            Ok(names) => {
                self.set_names(&mut inner, folder, names);
                Ok(folder)
            }
            Err(OpenError::Interrupted) => Err((Errno::INTR, None)),
            Err(error) => {
                let state = inner.folders.entry(ino).or_default();
                state.error = Some(error.clone());
                if state.listing.is_some() {
                    // What was listed once goes on being shown.
                    return Ok(folder);
                }
                Err((error.errno(), Some(error)))
            }
        }
    }

    /// Shows these names, and has the kernel forget those that are gone.
    fn set_names(&self, inner: &mut Inner, folder: Folder, names: Arc<Vec<String>>) {
        let state = inner.folders.entry(folder.ino).or_default();
        state.error = None;
        if state.listing.as_ref().is_some_and(|l| l.is_of(&names)) {
            return;
        }
        let now = Arc::new(Listing::new(folder.ino, names));
        let before = state.listing.replace(Arc::clone(&now));
        let gone = before.iter().flat_map(|before| before.iter_from(0));
        for name in gone.filter(|name| !now.contains(name)) {
            self.invalidations().name(folder.ino, name);
        }
    }
}

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
                let attr = found.map(|node| inner.attr(self, &node));
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
                self.list(caller, folder, plan, move |listed| {
                    reply(listed.and_then(|()| {
                        let inner = fs.inner();
                        let found = inner.child(folder, &name);
                        found.map(|node| inner.attr(&fs, &node)).ok_or(Errno::NOENT)
                    }));
                });
            }
        }
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
            inner.set_names(folder, names);
            return Names::Known;
        }
        match inner.map.entry(entry) {
            Some(plan) => Names::Ask(Arc::new(plan)),
            None => Names::Known,
        }
    }

    /// Makes sure that a folder's names are known, then goes on with `then`: at once where nothing
    /// has to be asked.
    pub(super) fn with_names(
        self: &Arc<Self>,
        caller: Caller,
        folder: Folder,
        then: impl FnOnce(Result<(), Errno>) + Send + 'static,
    ) {
        let names = self.names(&mut self.inner(), folder);
        match names {
            Names::Known => then(Ok(())),
            Names::Locked => then(Err(Errno::NOKEY)),
            Names::Ask(plan) => self.list(caller, folder, plan, then),
        }
    }

    fn list(
        self: &Arc<Self>,
        caller: Caller,
        folder: Folder,
        plan: Arc<EntryPlan>,
        then: impl FnOnce(Result<(), Errno>) + Send + 'static,
    ) {
        let Some(waiting) = self.start_waiting() else {
            return then(Err(Errno::BUSY));
        };
        let fs = Arc::clone(self);
        self.deps.runtime.spawn(async move {
            let _waiting = waiting;
            let path = plan.path.clone();
            let seconds = plan.open_timeout_ms / 1_000;
            let provider = plan.provider;
            let limit = Duration::from_millis(plan.open_timeout_ms).saturating_add(GRACE);
            let listed = tokio::select! {
                listed = tokio::time::timeout(limit, fs.deps.cache.list(plan)) => listed,
                () = fs.waiters.watch(caller.pid) => Ok(Err(OpenError::Interrupted)),
            };
            let mut inner = fs.inner();
            let error = match listed {
                Ok(Ok(names)) if !inner.locked => {
                    inner.set_names(folder, names);
                    drop(inner);
                    return then(Ok(()));
                }
                Ok(Ok(_)) => OpenError::Locked,
                Ok(Err(error)) => error,
                Err(_elapsed) => OpenError::TimedOut {
                    provider: inner.map.provider_name(provider).to_owned(),
                    seconds,
                },
            };
            let errno = error.errno();
            let mut known = false;
            if error != OpenError::Interrupted && !inner.locked {
                let state = inner.folders.entry(folder.ino).or_default();
                state.error = Some(error.clone());
                // What was listed once goes on being shown.
                known = state.listing.is_some();
            }
            drop(inner);
            then(if known { Ok(()) } else { Err(errno) });
            fs.log_failure(&path, &error);
        });
    }
}

impl Inner {
    fn set_names(&mut self, folder: Folder, names: Arc<Vec<String>>) {
        let state = self.folders.entry(folder.ino).or_default();
        state.error = None;
        if !state.listing.as_ref().is_some_and(|l| l.is_of(&names)) {
            state.listing = Some(Arc::new(Listing::new(folder.ino, names)));
        }
    }
}

//! What the tree is given: the cache, the world outside the sandbox, time.

use crate::cache::{Cache, Peek, Snapshot};
use crate::error::OpenError;
use crate::link::message::AuditEvent;
use crate::map::{CompiledMap, EntryId, EntryPlan, ValueKey};
use secretfs_providers::{BoxFuture, Clock};
use std::sync::Arc;

/// What the daemon knows that the tree has to ask for.
pub trait Outside: Send + Sync + 'static {
    /// Whether this process is in the entry's `allow`. Ends within the deadline of the link.
    fn allowed(&self, pid: u32, entry: EntryId) -> BoxFuture<'_, bool>;
    /// Records one open. Never waits: there is a bounded queue behind it.
    fn audit(&self, event: AuditEvent);
}

/// The cache, as the tree sees it. See [`crate::cache::Cache`] for the meanings.
pub trait Values: Send + Sync + 'static {
    /// Looks, without waiting for anything.
    fn peek(&self, key: ValueKey) -> Peek;
    /// Finds or fetches.
    fn open(&self, plan: Arc<EntryPlan>) -> BoxFuture<'static, Result<Snapshot, OpenError>>;
    /// How often values were dropped: who opens after a `refresh` must not be given what was asked for
    /// before it.
    fn drops(&self) -> u64 {
        0
    }
    /// Starts a flight that nobody waits for. From any thread.
    fn refresh_ahead(&self, plan: Arc<EntryPlan>);
    /// The names of a `dir:` entry if they are fresh, without waiting.
    fn peek_list(&self, key: ValueKey) -> Option<Arc<Vec<String>>> {
        let _ = key;
        None
    }
    /// The names of a `dir:` entry.
    fn list(&self, plan: Arc<EntryPlan>)
    -> BoxFuture<'static, Result<Arc<Vec<String>>, OpenError>>;
    /// The plan of one file of a `dir:` folder.
    fn member(&self, folder: &EntryPlan, name: &str) -> Option<Arc<EntryPlan>>;
    /// What one file of a `dir:` folder is cached under.
    fn member_key(&self, folder: ValueKey, name: &str) -> ValueKey {
        Cache::member_key(folder, name)
    }
    /// Refuses, and wipes every value.
    fn lock(&self);
    /// Serves again.
    fn unlock(&self);
}

/// What a [`super::SecretFs`] is made of.
pub struct TreeDeps {
    /// What is shown.
    pub map: CompiledMap,
    /// The values.
    pub cache: Arc<dyn Values>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The mount-helper.
    pub outside: Arc<dyn Outside>,
    /// Where opens wait.
    pub runtime: tokio::runtime::Handle,
    /// The owner of every file.
    pub uid: u32,
    /// The group of every file.
    pub gid: u32,
    /// Whether root may open files too.
    pub allow_root: bool,
}

/// Who makes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The thread's id; 0: outside our pid namespace.
    pub pid: u32,
    /// The user.
    pub uid: u32,
}

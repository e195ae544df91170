//! One open, from the request to a handle or an errno. What is cached is answered at once on the
//! FUSE thread; everything else waits on the runtime.

use super::deps::Caller;
use super::filesystem::{Handle, Inner, ONE_MORE, SecretFs};
use super::nodes::{File, Node};
use super::tickets::{Ticket, retried};
use crate::cache::{Peek, Snapshot};
use crate::error::OpenError;
use crate::map::{EntryPlan, ValueKey};
use rustix::io::Errno;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

/// Where the answer to an open goes: the handle, or the errno.
pub trait OpenReply: FnOnce(Result<u64, Errno>) + Send + 'static {}
impl<F: FnOnce(Result<u64, Errno>) + Send + 'static> OpenReply for F {}

/// The cache ends an open at its `open_timeout`, and the link a question; this is for when they
/// do not.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// What one waiting open may need of the heap: its task, the entry, the cache's part.
const ONE_WAITING: usize = 16 << 10;

/// What one takes that was let in and has not begun yet: the cache's part comes with its first step.
const ONE_BOARDING: usize = 1 << 10;

/// What one takes once it is answered, and what it waited with is free again only after that: a ticket
/// for its second try, a handle, a line of the audit.
const ONE_ANSWERED: usize = 512;

/// How an open goes on.
pub(super) enum Step {
    /// A handle on this version.
    Serve(u64, Snapshot),
    /// ESTALE: the kernel looks the name up and tries again.
    Again,
    /// Asks the cache for the value.
    Fetch(Arc<EntryPlan>),
    Fail(OpenError),
}

/// One open under way.
pub(super) struct Request {
    pub(super) caller: Caller,
    pub(super) ino: u64,
    pub(super) file: File,
    /// What its first try left, until it is given back.
    pub(super) ticket: Option<Ticket>,
    /// It is a second try: the kernel has looked the name up since.
    pub(super) again: bool,
    /// What the cache knows the file by.
    pub(super) key: Option<ValueKey>,
    /// Of an open that had to wait: `file` may be of a former map by the time it is told.
    pub(super) path: Option<String>,
    /// How often the mount was locked, and the map replaced, before it came.
    pub(super) locks: u64,
    pub(super) maps: u64,
}

/// Counts those who wait, whatever way they end.
pub(super) struct Waiting {
    fs: Arc<SecretFs>,
    boarding: Option<Boarding>,
}

/// Counts those of them that have not begun.
pub(super) struct Boarding(Arc<SecretFs>);

impl Waiting {
    /// It begins when the result is dropped: what it needs is taken from the heap then.
    pub(super) fn begin(&mut self) -> Option<Boarding> {
        self.boarding.take()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.fs.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Boarding {
    fn drop(&mut self) {
        self.0.boarding.fetch_sub(1, Ordering::Relaxed);
    }
}

impl SecretFs {
    /// Whether the user may use the mount at all. The kernel sees to that; this is for when a mount
    /// option was wrong.
    pub(super) fn admits(&self, caller: Caller) -> bool {
        caller.uid == self.deps.uid || (self.deps.allow_root && caller.uid == 0)
    }

    /// Room for one more that waits.
    pub(super) fn start_waiting(self: &Arc<Self>) -> Result<Waiting, OpenError> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        // On a busy machine hundreds are let in before the first of them begins. What each of those will
        // take has to be there as well: a heap that is full would be the end of the daemon.
        let boarding = self.boarding.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting {
            fs: Arc::clone(self),
            boarding: Some(Boarding(Arc::clone(self))),
        };
        if before >= Self::MAX_WAITING {
            return Err(OpenError::Busy);
        }
        let needed = boarding
            .saturating_mul(ONE_BOARDING)
            .saturating_add(before.saturating_mul(ONE_ANSWERED))
            .saturating_add(ONE_WAITING);
        if !secretfs_memory::heap::has_room(needed) {
            return Err(OpenError::NoMemory);
        }
        Ok(waiting)
    }

    /// Opens a file for reading.
    pub fn open(self: &Arc<Self>, caller: Caller, ino: u64, reply: impl OpenReply) {
        let mut inner = self.inner();
        if !self.admits(caller) {
            return reply(Err(Errno::ACCESS));
        }
        let file = match inner.node(ino) {
            Ok(Node::File(file)) => file,
            Ok(Node::Folder(_)) => return reply(Err(Errno::ISDIR)),
            Err(errno) => return reply(Err(errno)),
        };
        inner.last_open = self.deps.clock.now();
        let ticket = self.take_ticket(&mut inner, caller.pid, file.id);
        let mut request = Request {
            caller,
            ino,
            file,
            again: ticket.is_some(),
            ticket,
            key: None,
            path: None,
            locks: inner.locks,
            maps: inner.maps,
        };
        if inner.locked {
            drop(inner);
            return self.fail(request, &OpenError::Locked, reply);
        }
        if inner.map.entry_has_allow(request.file.entry) {
            request.path = Some(inner.path(&request.file));
            drop(inner);
            return self.ask(request, reply);
        }
        let step = self.decide(&mut inner, &mut request);
        self.take_step(inner, request, step, reply);
    }

    /// Asks the mount-helper whether the caller is in the entry's `allow`, also for what is cached.
    fn ask(self: &Arc<Self>, mut request: Request, reply: impl OpenReply) {
        let waiting = match self.start_waiting() {
            Ok(waiting) => waiting,
            Err(error) => return self.fail(request, &error, reply),
        };
        let fs = Arc::clone(self);
        self.deps.runtime.spawn(async move {
            let mut waiting = waiting;
            drop(waiting.begin());
            let question = fs
                .deps
                .outside
                .allowed(request.caller.pid, request.file.entry);
            let allowed = tokio::select! {
                answer = tokio::time::timeout(GRACE, question) => answer.unwrap_or(false),
                () = fs.waiters.watch(request.caller.pid) => {
                    return fs.fail(request, &OpenError::Interrupted, reply);
                }
            };
            if !allowed {
                return fs.fail(request, &OpenError::NotAllowed, reply);
            }
            let mut inner = fs.inner();
            let step = if inner.maps == request.maps {
                fs.decide(&mut inner, &mut request)
            } else {
                // It was asked about an entry of another map.
                Step::Again
            };
            fs.take_step(inner, request, step, reply);
        });
    }

    /// What to do with an open, by what is known without waiting.
    fn decide(&self, inner: &mut Inner, request: &mut Request) -> Step {
        if inner.locked {
            return Step::Fail(OpenError::Locked);
        }
        if let Some(ticket) = &request.ticket
            && let Some(snapshot) = retried(inner, request.ino, ticket)
        {
            inner.versions.settle(request.ino);
            return Step::Serve(request.ino, snapshot);
        }
        // An inode that is out of date is treated like any other: its open finds the version of now,
        // for the retry that it is sent to, so that there are no two refusals in a row.
        let Some(key) = self.key_of(&inner.map, &request.file) else {
            return Step::Again;
        };
        request.key = Some(key);
        match self.deps.cache.peek(key) {
            Peek::Locked => Step::Fail(OpenError::Locked),
            Peek::Miss => match self.plan_of(inner, &request.file) {
                Some(plan) => Step::Fetch(plan),
                None => Step::Fail(OpenError::Internal("the entry has no plan")),
            },
            Peek::Fresh { snapshot, refresh } => {
                if refresh && let Some(plan) = self.plan_of(inner, &request.file) {
                    self.deps.cache.refresh_ahead(plan);
                }
                self.match_version(inner, request, key, snapshot)
            }
        }
    }

    /// Serves a version if the inode that was opened is its own, and has the open repeated if not.
    fn match_version(
        &self,
        inner: &mut Inner,
        request: &Request,
        key: ValueKey,
        snapshot: Snapshot,
    ) -> Step {
        let Some(ino) = self.publish(inner, request.file.id, &snapshot) else {
            return Step::Fail(OpenError::NoMemory);
        };
        inner.versions.set_key(request.file.id, key);
        let settled = inner.versions.is_settled(ino) || request.again;
        if ino == request.ino && settled {
            inner.versions.settle(ino);
            return Step::Serve(ino, snapshot);
        }
        self.leave_ticket(inner, request, (ino, snapshot));
        Step::Again
    }

    pub(super) fn take_step(
        self: &Arc<Self>,
        mut inner: MutexGuard<'_, Inner>,
        mut request: Request,
        step: Step,
        reply: impl OpenReply,
    ) {
        let handle = match &step {
            Step::Serve(ino, snapshot) => inner.make_handle(*ino, snapshot),
            _ => None,
        };
        self.give_back(&mut inner, request.ticket.take());
        match (step, handle) {
            (Step::Serve(_, snapshot), Some(handle)) => {
                inner.versions.set_error(request.file.id, None);
                let path = request.path.take();
                let path = inner
                    .audit
                    .then(|| path.unwrap_or_else(|| inner.path(&request.file)));
                drop(inner);
                // Before the answer: the helper looks at a caller that has not gone on yet.
                if let Some(path) = path {
                    self.audit(&request, path, snapshot.version.0, 0);
                }
                reply(Ok(handle));
            }
            (Step::Serve(..), None) => {
                drop(inner);
                self.fail(request, &OpenError::TooManyHandles, reply);
            }
            (Step::Again, _) => {
                self.purge_tickets(&mut inner);
                drop(inner);
                reply(Err(Errno::STALE));
            }
            (Step::Fetch(plan), _) => {
                drop(inner);
                self.fetch(request, &plan, reply);
            }
            (Step::Fail(error), _) => {
                drop(inner);
                self.fail(request, &error, reply);
            }
        }
    }

    fn fetch(self: &Arc<Self>, request: Request, plan: &Arc<EntryPlan>, reply: impl OpenReply) {
        let waiting = match self.start_waiting() {
            Ok(waiting) => waiting,
            Err(error) => return self.fail(request, &error, reply),
        };
        self.wait_for(request, plan, waiting, reply);
    }

    /// A value came; meanwhile the mount may have been locked, or the map replaced.
    pub(super) fn fetched(&self, inner: &mut Inner, request: &Request, snapshot: Snapshot) -> Step {
        if inner.locked || inner.locks != request.locks {
            return Step::Fail(OpenError::Locked);
        }
        let now = inner
            .file(request.file.id)
            .and_then(|file| self.key_of(&inner.map, &file));
        match now {
            Some(key) if request.key == Some(key) => {
                self.match_version(inner, request, key, snapshot)
            }
            _ => Step::Again,
        }
    }
}

impl Inner {
    /// A handle; `None`: there are too many.
    fn make_handle(&mut self, ino: u64, snapshot: &Snapshot) -> Option<u64> {
        let room = secretfs_memory::heap::has_room(ONE_MORE);
        if self.handles.len() >= SecretFs::MAX_HANDLES || !room {
            return None;
        }
        let number = self.next_handle;
        self.next_handle += 1;
        self.versions.opened(ino, snapshot);
        self.handles.insert(
            number,
            Handle {
                ino,
                snapshot: Some(snapshot.clone()),
            },
        );
        Some(number)
    }
}

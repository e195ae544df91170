//! One open, from the request to a handle or an errno. What is cached is answered at once on the
//! FUSE thread; everything else waits on the runtime.

use super::deps::Caller;
use super::filesystem::{Handle, Inner, SecretFs};
use super::nodes::{File, Node};
use super::tickets::{Ticket, VALID};
use super::versions::{FileId, Position};
use crate::cache::{Peek, Snapshot};
use crate::error::OpenError;
use crate::link::message::AuditEvent;
use crate::map::EntryPlan;
use rustix::io::Errno;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, SystemTime};

/// Where the answer to an open goes: the handle, or the errno.
pub trait OpenReply: FnOnce(Result<u64, Errno>) + Send + 'static {}
impl<F: FnOnce(Result<u64, Errno>) + Send + 'static> OpenReply for F {}

/// The cache ends an open at its `open_timeout`, and the link a question; this is for when they
/// do not.
const GRACE: Duration = Duration::from_secs(5);

/// How an open goes on.
enum Step {
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
    caller: Caller,
    ino: u64,
    file: File,
    /// What its first try left, until it is given back.
    ticket: Option<Ticket>,
    /// It is a second try: the kernel has looked the name up since.
    again: bool,
    /// How often the mount was locked before it came.
    locks: u64,
}

/// Counts those who wait, whatever way they end.
pub(super) struct Waiting(Arc<SecretFs>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl SecretFs {
    /// Whether the user may use the mount at all. The kernel sees to that; this is for when a mount
    /// option was wrong.
    pub(super) fn admits(&self, caller: Caller) -> bool {
        caller.uid == self.deps.uid || (self.deps.allow_root && caller.uid == 0)
    }

    /// Room for one more that waits.
    pub(super) fn start_waiting(self: &Arc<Self>) -> Option<Waiting> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(Arc::clone(self));
        (before < Self::MAX_WAITING).then_some(waiting)
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
        let ticket = self.take_ticket(&mut inner, caller.pid, file.id);
        let request = Request {
            caller,
            ino,
            file,
            again: ticket.is_some(),
            ticket,
            locks: inner.locks,
        };
        if inner.locked {
            drop(inner);
            return self.fail(request, &OpenError::Locked, reply);
        }
        if inner.map.entry_has_allow(request.file.entry) {
            drop(inner);
            return self.ask(request, reply);
        }
        let step = self.decide(&mut inner, &request);
        self.take_step(inner, request, step, reply);
    }

    /// Asks the mount-helper whether the caller is in the entry's `allow`, also for what is cached.
    fn ask(self: &Arc<Self>, request: Request, reply: impl OpenReply) {
        let Some(waiting) = self.start_waiting() else {
            return self.fail(request, &OpenError::Busy, reply);
        };
        let fs = Arc::clone(self);
        self.deps.runtime.spawn(async move {
            let _waiting = waiting;
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
            let step = fs.decide(&mut inner, &request);
            fs.take_step(inner, request, step, reply);
        });
    }

    /// What to do with an open, by what is known without waiting.
    fn decide(&self, inner: &mut Inner, request: &Request) -> Step {
        if inner.locked {
            return Step::Fail(OpenError::Locked);
        }
        let position = inner.versions.position(request.ino);
        if let Some(ticket) = &request.ticket
            && let Some(snapshot) = retried(inner, request.ino, ticket)
        {
            inner.versions.settle(request.ino);
            return Step::Serve(request.ino, snapshot);
        }
        if !matches!(position, Position::Base(_) | Position::Current(_)) {
            self.leave_ticket(inner, request, None);
            return Step::Again;
        }
        let Some(key) = self.key_of(inner, &request.file) else {
            return Step::Again;
        };
        inner.versions.set_key(request.file.id, key);
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
                self.match_version(inner, request, snapshot)
            }
        }
    }

    /// Serves a version if the inode that was opened is its own, and has the open repeated if not.
    fn match_version(&self, inner: &mut Inner, request: &Request, snapshot: Snapshot) -> Step {
        let ino = self.publish(inner, request.file.id, &snapshot);
        let settled = inner.versions.is_settled(ino) || request.again;
        if ino == request.ino && settled {
            inner.versions.settle(ino);
            return Step::Serve(ino, snapshot);
        }
        self.leave_ticket(inner, request, Some((ino, snapshot)));
        Step::Again
    }

    fn leave_ticket(&self, inner: &mut Inner, request: &Request, found: Option<(u64, Snapshot)>) {
        if !inner.tickets.has_room() {
            // The retry will have to do with what is cached.
            return;
        }
        if let Some((ino, snapshot)) = &found {
            inner.versions.opened(*ino, snapshot);
        }
        let ticket = Ticket::new(request.ino, found, self.deps.clock.now());
        let before = inner
            .tickets
            .leave(request.caller.pid, request.file.id, ticket);
        self.give_back(inner, before);
    }

    /// Takes the ticket of a thread, without letting go of the inode that it holds. Threads outside
    /// our pid namespace are all 0 and share theirs until it expires; that is safe, as it only ever
    /// shows an inode's own version.
    fn take_ticket(&self, inner: &mut Inner, pid: u32, file: FileId) -> Option<Ticket> {
        let ticket = inner.tickets.take(pid, file)?;
        if !ticket.is_valid(self.deps.clock.now()) {
            self.give_back(inner, Some(ticket));
            return None;
        }
        if pid == 0 {
            if let Some((ino, snapshot)) = &ticket.found {
                inner.versions.opened(*ino, snapshot);
            }
            inner.tickets.leave(pid, file, ticket.clone());
        }
        Some(ticket)
    }

    /// Lets go of the inodes that tickets hold.
    pub(super) fn give_back(&self, inner: &mut Inner, tickets: impl IntoIterator<Item = Ticket>) {
        for (ino, _) in tickets.into_iter().filter_map(|ticket| ticket.found) {
            if inner.versions.closed(ino) {
                self.invalidations().idle(ino);
            }
        }
    }

    /// Drops the tickets whose retry never came, so that they do not hold values for ever.
    fn purge_tickets(self: &Arc<Self>, inner: &mut Inner) {
        if std::mem::replace(&mut inner.purging, true) {
            return;
        }
        let fs = Arc::clone(self);
        self.deps.runtime.spawn(async move {
            loop {
                tokio::time::sleep(VALID).await;
                let mut inner = fs.inner();
                let expired = inner.tickets.take_expired(fs.deps.clock.now());
                fs.give_back(&mut inner, expired);
                if inner.tickets.is_empty() {
                    inner.purging = false;
                    return;
                }
            }
        });
    }

    fn take_step(
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
                let path = inner.audit.then(|| inner.path(&request.file));
                drop(inner);
                reply(Ok(handle));
                if let Some(path) = path {
                    self.audit(&request, path, snapshot.version.0, 0);
                }
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
                self.fetch(request, plan, reply);
            }
            (Step::Fail(error), _) => {
                drop(inner);
                self.fail(request, &error, reply);
            }
        }
    }

    fn fetch(self: &Arc<Self>, request: Request, plan: Arc<EntryPlan>, reply: impl OpenReply) {
        let Some(waiting) = self.start_waiting() else {
            return self.fail(request, &OpenError::Busy, reply);
        };
        let fs = Arc::clone(self);
        self.deps.runtime.spawn(async move {
            let _waiting = waiting;
            let limit = Duration::from_millis(plan.open_timeout_ms).saturating_add(GRACE);
            let seconds = plan.open_timeout_ms / 1_000;
            let provider = plan.provider;
            let fetched = tokio::select! {
                fetched = tokio::time::timeout(limit, fs.deps.cache.open(plan)) => fetched,
                // The flight goes on and fills the cache.
                () = fs.waiters.watch(request.caller.pid) => Ok(Err(OpenError::Interrupted)),
            };
            let mut inner = fs.inner();
            let step = match fetched {
                Ok(Ok(snapshot)) => fs.fetched(&mut inner, &request, snapshot),
                Ok(Err(error)) => Step::Fail(error),
                Err(_elapsed) => Step::Fail(OpenError::TimedOut {
                    provider: inner.map.provider_name(provider).to_owned(),
                    seconds,
                }),
            };
            fs.take_step(inner, request, step, reply);
        });
    }

    /// A value came; meanwhile the mount may have been locked, or the map replaced.
    fn fetched(&self, inner: &mut Inner, request: &Request, snapshot: Snapshot) -> Step {
        if inner.locked || inner.locks != request.locks {
            return Step::Fail(OpenError::Locked);
        }
        let now = inner
            .file(request.file.id)
            .and_then(|file| self.fresh_key_of(&inner.map, &file));
        if now.is_none() || now != inner.versions.key(request.file.id) {
            return Step::Again;
        }
        self.match_version(inner, request, snapshot)
    }

    /// Remembers, records and answers a failure: the one place for all of them.
    fn fail(&self, mut request: Request, error: &OpenError, reply: impl OpenReply) {
        let errno = error.errno();
        let mut inner = self.inner();
        self.give_back(&mut inner, request.ticket.take());
        let path = inner.path(&request.file);
        let audit = inner.audit;
        // An interrupted open says nothing of the file.
        if *error != OpenError::Interrupted {
            inner
                .versions
                .set_error(request.file.id, Some(error.clone()));
        }
        drop(inner);
        reply(Err(errno));
        self.log_failure(&path, error);
        if audit {
            self.audit(&request, path, 0, errno.raw_os_error());
        }
    }

    /// One line for the log, of our own words only.
    pub(super) fn log_failure(&self, path: &str, error: &OpenError) {
        if matches!(error, OpenError::Locked | OpenError::Interrupted)
            || error.errno() == Errno::NOENT
        {
            tracing::debug!(path, %error, "open failed");
        } else if let Some(suppressed) = self.limiter.pass() {
            let help = error.help();
            tracing::warn!(path, %error, help, suppressed, "open failed");
        }
    }

    fn audit(&self, request: &Request, file: String, version: u64, errno: i32) {
        let time = self.deps.clock.wall();
        let time = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        self.deps.outside.audit(AuditEvent {
            pid: request.caller.pid,
            uid: request.caller.uid,
            file,
            version,
            errno,
            time_ms: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        });
    }
}

/// The version for an open that was refused once. The same inode again, though it is out of date,
/// means that it was not opened by its name (`/proc/self/fd`): it shows what it always showed.
fn retried(inner: &Inner, ino: u64, ticket: &Ticket) -> Option<Snapshot> {
    if let Some((found, snapshot)) = &ticket.found
        && *found == ino
    {
        return Some(snapshot.clone());
    }
    if matches!(inner.versions.position(ino), Position::Old(_)) && ticket.refused == ino {
        return inner.versions.snapshot(ino).cloned();
    }
    None
}

impl Inner {
    /// A handle; `None`: there are too many.
    fn make_handle(&mut self, ino: u64, snapshot: &Snapshot) -> Option<u64> {
        if self.handles.len() >= SecretFs::MAX_HANDLES {
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

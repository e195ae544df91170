//! Opens that wait for the same value, together. One task asks the cache on behalf of all of them, so
//! that one more that waits costs the locked heap a few hundred bytes and not a task with its timers: a
//! thousand opens of one cold secret must fit beside everything else (product.md, "How fast").

use super::filesystem::SecretFs;
use super::open::{Boarding, OpenReply, Request, Step, Waiting};
use super::versions::FileId;
use super::waiters::Call;
use crate::cache::Snapshot;
use crate::error::OpenError;
use crate::map::EntryPlan;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Who comes later than this after the first waits with others: everybody's time is over when the
/// first one's is, so nobody's may be much shorter than the map says …
const TOGETHER: Duration = Duration::from_millis(500);
/// … not by more than this part of it either.
const PART: u32 = 20;

/// How many are answered before other work gets its turn.
const BATCH: usize = 32;

/// What all who wait together have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cause {
    file: FileId,
    /// As in [`Request`].
    locks: u64,
    maps: u64,
    /// How often the cache dropped values: what is under way at a `refresh` is not for those who come
    /// after it.
    drops: u64,
}

type Reply = Box<dyn FnOnce(Result<u64, Errno>) + Send>;

/// One open that waits.
struct Member {
    request: Request,
    reply: Reply,
    waiting: Waiting,
    /// Lets it go when its thread is signalled.
    _call: Call,
}

struct Crowd {
    cause: Cause,
    until: Instant,
    members: BTreeMap<u64, Member>,
    /// Asks the cache; ended when nobody is left.
    asking: tokio::task::AbortHandle,
    path: String,
}

/// All crowds of a mount.
#[derive(Default)]
pub(super) struct Crowds {
    next: u64,
    /// The youngest of each file.
    latest: BTreeMap<FileId, u64>,
    waiting: BTreeMap<u64, Crowd>,
}

impl Crowds {
    /// The one that this open may join.
    fn open_to(&self, cause: Cause, now: Instant) -> Option<u64> {
        let id = self.latest.get(&cause.file)?;
        let crowd = self.waiting.get(id)?;
        (crowd.cause == cause && now < crowd.until).then_some(*id)
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn take(&mut self, id: u64) -> Option<Crowd> {
        let crowd = self.waiting.remove(&id)?;
        if self.latest.get(&crowd.cause.file) == Some(&id) {
            self.latest.remove(&crowd.cause.file);
        }
        Some(crowd)
    }
}

/// The task that asks for a crowd. Where that panics nobody is left waiting: replies that are dropped
/// are EIO.
struct Asking {
    fs: Arc<SecretFs>,
    crowd: u64,
}

impl Drop for Asking {
    fn drop(&mut self) {
        let left = self.fs.crowds().take(self.crowd);
        drop(left);
    }
}

impl SecretFs {
    fn crowds(&self) -> MutexGuard<'_, Crowds> {
        self.crowds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has an open wait for the value of `plan`, with others where there are some.
    pub(super) fn wait_for(
        self: &Arc<Self>,
        request: Request,
        plan: &Arc<EntryPlan>,
        mut waiting: Waiting,
        reply: impl OpenReply,
    ) {
        let _runtime = self.deps.runtime.enter();
        let cause = Cause {
            file: request.file.id,
            locks: request.locks,
            maps: request.maps,
            drops: self.deps.cache.drops(),
        };
        let boarding = waiting.begin();
        let mut crowds = self.crowds();
        let crowd = crowds
            .open_to(cause, Instant::now())
            .unwrap_or_else(|| self.gather(&mut crowds, cause, plan, boarding));
        let number = crowds.number();
        let fs = Arc::downgrade(self);
        let call = self.waiters.call(request.caller.pid, move || {
            if let Some(fs) = fs.upgrade() {
                fs.let_go(crowd, number);
            }
        });
        let member = Member {
            request,
            reply: Box::new(reply),
            waiting,
            _call: call,
        };
        if let Some(crowd) = crowds.waiting.get_mut(&crowd) {
            crowd.members.insert(number, member);
        }
    }

    /// A new crowd, and the task that asks for it.
    fn gather(
        self: &Arc<Self>,
        crowds: &mut Crowds,
        cause: Cause,
        plan: &Arc<EntryPlan>,
        boarding: Option<Boarding>,
    ) -> u64 {
        let id = crowds.number();
        let timeout = Duration::from_millis(plan.open_timeout_ms);
        let asking = tokio::spawn(Arc::clone(self).ask_cache(id, Arc::clone(plan), boarding));
        crowds.latest.insert(cause.file, id);
        crowds.waiting.insert(
            id,
            Crowd {
                cause,
                until: Instant::now() + TOGETHER.min(timeout / PART),
                members: BTreeMap::new(),
                asking: asking.abort_handle(),
                path: plan.path.clone(),
            },
        );
        id
    }

    async fn ask_cache(self: Arc<Self>, id: u64, plan: Arc<EntryPlan>, boarding: Option<Boarding>) {
        drop(boarding);
        let asking = Asking {
            fs: Arc::clone(&self),
            crowd: id,
        };
        let limit = Duration::from_millis(plan.open_timeout_ms).saturating_add(super::open::GRACE);
        let fetched = self.deps.cache.open(Arc::clone(&plan));
        let fetched = tokio::time::timeout(limit, fetched).await;
        // From here on nobody joins.
        let crowd = self.crowds().take(id);
        drop(asking);
        let Some(crowd) = crowd else { return };
        let fetched = fetched.unwrap_or_else(|_elapsed| {
            let inner = self.inner();
            Err(OpenError::TimedOut {
                provider: inner.map.provider_name(plan.provider).to_owned(),
                seconds: plan.open_timeout_ms / 1_000,
            })
        });
        let mut members = crowd.members;
        let mut answered = 0;
        while let Some((_, member)) = members.pop_first() {
            self.answer(member, &plan, &fetched);
            answered += 1;
            if answered % BATCH == 0 {
                tokio::task::yield_now().await;
            }
        }
    }

    fn answer(
        self: &Arc<Self>,
        member: Member,
        plan: &EntryPlan,
        fetched: &Result<Snapshot, OpenError>,
    ) {
        let Member {
            mut request,
            reply,
            waiting,
            _call: call,
        } = member;
        drop(call);
        request.path = Some(plan.path.clone());
        let mut inner = self.inner();
        let step = match fetched {
            Ok(snapshot) => self.fetched(&mut inner, &request, snapshot.clone()),
            Err(error) => Step::Fail(error.clone()),
        };
        self.take_step(inner, request, step, reply);
        drop(waiting);
    }

    /// The thread of one of them is signalled. The flight goes on and fills the cache.
    fn let_go(self: &Arc<Self>, crowd: u64, number: u64) {
        let mut crowds = self.crowds();
        let Some(found) = crowds.waiting.get_mut(&crowd) else {
            return;
        };
        let Some(mut member) = found.members.remove(&number) else {
            return;
        };
        member.request.path = Some(found.path.clone());
        if found.members.is_empty()
            && let Some(crowd) = crowds.take(crowd)
        {
            crowd.asking.abort();
        }
        drop(crowds);
        self.fail(member.request, &OpenError::Interrupted, member.reply);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSE: Cause = Cause {
        file: FileId(1),
        locks: 1,
        maps: 1,
        drops: 1,
    };

    #[tokio::test]
    async fn one_joins_those_who_wait_for_the_same_and_have_not_waited_long() {
        let now = Instant::now();
        let mut crowds = Crowds::default();
        assert_eq!(crowds.open_to(CAUSE, now), None);
        crowds.latest.insert(CAUSE.file, 7);
        crowds.waiting.insert(
            7,
            Crowd {
                cause: CAUSE,
                until: now + TOGETHER,
                members: BTreeMap::new(),
                asking: tokio::spawn(async {}).abort_handle(),
                path: String::new(),
            },
        );
        assert_eq!(crowds.open_to(CAUSE, now), Some(7));
        assert_eq!(crowds.open_to(CAUSE, now + TOGETHER), None);
        for other in [
            Cause { locks: 2, ..CAUSE },
            Cause { maps: 2, ..CAUSE },
            Cause { drops: 2, ..CAUSE },
        ] {
            assert_eq!(crowds.open_to(other, now), None, "{other:?}");
        }
        assert!(crowds.take(7).is_some());
        assert_eq!(crowds.open_to(CAUSE, now), None);
    }
}

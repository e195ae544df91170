//! Who waits, and the one task that looks whether a signal waits for them. It runs only while
//! somebody waits, so that a daemon at rest never wakes.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;

/// How often every waiter is looked at. A reader is promised to be let go within 250 ms.
const PERIOD: Duration = Duration::from_millis(80);
/// How many are looked at before other work gets its turn: some 15 µs each.
const BATCH: usize = 32;

/// Looks whether a signal waits for a thread.
pub(super) type Signalled = fn(u32) -> bool;

/// What is done when a thread is signalled.
type Then = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Inner {
    next: u64,
    waiting: BTreeMap<u64, (u32, Then)>,
    running: bool,
}

/// All waiters of a mount.
pub(super) struct Waiters {
    inner: Mutex<Inner>,
    signalled: Signalled,
}

/// One waiter: resolves when its thread is signalled, never for an unknown thread.
pub(super) struct Watch {
    /// `None`: it never will be.
    signalled: Option<oneshot::Receiver<()>>,
    _call: Call,
}

/// What is done when a thread is signalled, once. Dropped, it is not done any more.
pub(super) struct Call {
    waiters: Arc<Waiters>,
    /// `None`: the thread cannot be watched.
    id: Option<u64>,
}

impl Waiters {
    pub(super) fn new(signalled: Signalled) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::default(),
            signalled,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches the thread `pid` until the result is dropped. Call it on the runtime. 0 is a thread
    /// outside our pid namespace, which cannot be watched.
    pub(super) fn watch(self: &Arc<Self>, pid: u32) -> Watch {
        let (sender, signalled) = oneshot::channel();
        let call = self.call(pid, move || {
            let _ = sender.send(());
        });
        Watch {
            signalled: call.id.is_some().then_some(signalled),
            _call: call,
        }
    }

    /// The same with something to do, on the runtime. It may drop the result.
    pub(super) fn call(self: &Arc<Self>, pid: u32, then: impl FnOnce() + Send + 'static) -> Call {
        let waiters = Arc::clone(self);
        if pid == 0 {
            return Call { waiters, id: None };
        }
        let mut inner = self.lock();
        let id = inner.next;
        inner.next += 1;
        inner.waiting.insert(id, (pid, Box::new(then)));
        if !inner.running {
            inner.running = true;
            tokio::spawn(Arc::clone(self).run());
        }
        Call {
            waiters,
            id: Some(id),
        }
    }

    async fn run(self: Arc<Self>) {
        loop {
            tokio::time::sleep(PERIOD).await;
            let mut from = 0;
            loop {
                let batch: Vec<(u64, u32)> = {
                    let mut inner = self.lock();
                    if inner.waiting.is_empty() {
                        inner.running = false;
                        return;
                    }
                    inner
                        .waiting
                        .range(from..)
                        .take(BATCH)
                        .map(|(id, (pid, _))| (*id, *pid))
                        .collect()
                };
                let Some((last, _)) = batch.last() else { break };
                from = last + 1;
                for (id, pid) in batch {
                    if !(self.signalled)(pid) {
                        continue;
                    }
                    // Called without the lock: what it drops takes it.
                    let then = self.lock().waiting.remove(&id);
                    if let Some((_, then)) = then {
                        then();
                    }
                }
                tokio::task::yield_now().await;
            }
        }
    }
}

impl Future for Watch {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.signalled {
            None => Poll::Pending,
            Some(receiver) => match Pin::new(receiver).poll(cx) {
                Poll::Ready(Ok(())) => Poll::Ready(()),
                _ => Poll::Pending,
            },
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            // Dropped without the lock: it may own what takes it.
            let then = self.waiters.lock().waiting.remove(&id);
            drop(then);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_signalled_waiter_is_let_go_within_a_quarter_of_a_second() {
        let waiters = Waiters::new(|pid| pid % 2 == 1);
        let watches: Vec<Watch> = (1..=1_000).map(|pid| waiters.watch(pid)).collect();
        let start = tokio::time::Instant::now();
        for (watch, pid) in watches.into_iter().zip(1_u32..) {
            if pid % 2 == 1 {
                watch.await;
            }
        }
        assert!(start.elapsed() <= Duration::from_millis(250));
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_nobody_signals_goes_on_waiting() {
        let waiters = Waiters::new(|_| false);
        let wait = tokio::time::timeout(Duration::from_secs(60), waiters.watch(7)).await;
        assert!(wait.is_err());
        let unknown = tokio::time::timeout(Duration::from_secs(60), waiters.watch(0)).await;
        assert!(unknown.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_task_ends_with_the_last_waiter() {
        let waiters = Waiters::new(|_| false);
        let watch = waiters.watch(7);
        assert!(waiters.lock().running);
        drop(watch);
        tokio::time::sleep(PERIOD * 2).await;
        assert!(!waiters.lock().running);
    }
}

//! The record of opens on its way to the helper. The first open after a quiet moment is told at once,
//! because its caller may end soon and the helper still has to look at its executable. Those that
//! follow within a millisecond travel together: a message for each would cost more than the opens.

use crate::link::message::AuditEvent;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The least time between two messages, and so the longest that an open is told late.
const TOGETHER: Duration = Duration::from_millis(1);
/// Events that may wait. A burst fits; beyond, they are counted as lost and said so.
const MOST: usize = 2048;
/// Bytes of events in one message: however its paths are escaped, it fits a frame of the link.
const BATCH: usize = 16 << 10;
/// What an event takes of a message beside its path.
const FRAME: usize = 160;

/// Events that wait. Usable from any thread; whoever tells one never waits.
#[derive(Debug, Default)]
pub(crate) struct AuditQueue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    events: Vec<AuditEvent>,
    /// When the last message was made.
    last: Option<Instant>,
}

impl AuditQueue {
    /// Queues an event; says whether there was room.
    pub(crate) fn push(&self, event: AuditEvent) -> bool {
        let mut waiting = self.lock();
        // What cannot be kept is counted as lost: a heap that is full would be the end of the daemon.
        if waiting.events.len() >= MOST || waiting.events.try_reserve(1).is_err() {
            return false;
        }
        let first = waiting.events.is_empty();
        waiting.events.push(event);
        drop(waiting);
        // The writer knows of the others already.
        if first {
            self.arrived.notify_one();
        }
        true
    }

    /// The next message's events: at once after a quiet moment, else after [`TOGETHER`]. Dropped
    /// half-way, it has taken none.
    pub(crate) async fn batch(&self) -> Vec<AuditEvent> {
        let last = loop {
            {
                let waiting = self.lock();
                if !waiting.events.is_empty() {
                    break waiting.last;
                }
            }
            self.arrived.notified().await;
        };
        if let Some(last) = last {
            tokio::time::sleep_until(last + TOGETHER).await;
        }
        self.take()
    }

    /// What one message takes of the events that wait, none if there are none.
    pub(crate) fn take(&self) -> Vec<AuditEvent> {
        let mut waiting = self.lock();
        let mut bytes = 0;
        let fits = |event: &&AuditEvent| {
            bytes += event.file.len() + FRAME;
            bytes <= BATCH
        };
        let count = waiting.events.iter().take_while(fits).count();
        // One alone always goes: a path is shorter than a frame.
        let count = count.max(1).min(waiting.events.len());
        waiting.last = Some(Instant::now());
        waiting.events.drain(..count).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(pid: u32) -> AuditEvent {
        AuditEvent {
            pid,
            uid: 1000,
            file: "a".repeat(100),
            version: 1,
            errno: 0,
            time_ms: 0,
        }
    }

    fn pids(events: &[AuditEvent]) -> Vec<u32> {
        events.iter().map(|event| event.pid).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_after_a_quiet_moment_is_told_at_once_and_a_burst_together() {
        let queue = AuditQueue::default();
        queue.push(event(1));
        let start = Instant::now();
        assert_eq!(pids(&queue.batch().await), [1]);
        assert_eq!(Instant::now(), start);
        queue.push(event(2));
        queue.push(event(3));
        assert_eq!(pids(&queue.batch().await), [2, 3]);
        assert!(Instant::now() >= start + TOGETHER);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_hears_of_the_first_event() {
        let queue = AuditQueue::default();
        let (batch, ()) = tokio::join!(queue.batch(), async {
            tokio::task::yield_now().await;
            queue.push(event(1));
        });
        assert_eq!(pids(&batch), [1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_given_up_loses_nothing() {
        let queue = AuditQueue::default();
        queue.push(event(1));
        assert_eq!(pids(&queue.take()), [1]);
        queue.push(event(2));
        tokio::select! {
            biased;
            _ = queue.batch() => panic!("it does not wait"),
            () = tokio::task::yield_now() => {}
        }
        assert_eq!(pids(&queue.batch().await), [2]);
    }

    #[test]
    fn what_does_not_fit_one_message_goes_with_the_next_and_what_does_not_fit_the_queue_is_refused()
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let _inside = runtime.enter();
        let queue = AuditQueue::default();
        let room = (0..).take_while(|pid| queue.push(event(*pid))).count();
        assert_eq!(room, MOST);
        let mut seen = Vec::new();
        loop {
            let batch = queue.take();
            let bytes: usize = batch.iter().map(|event| event.file.len() + FRAME).sum();
            assert!(bytes <= BATCH);
            if batch.is_empty() {
                break;
            }
            seen.extend(pids(&batch));
        }
        assert_eq!(seen, (0..u32::try_from(MOST).unwrap()).collect::<Vec<_>>());
    }
}

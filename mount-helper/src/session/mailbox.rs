//! What waits for the helper's loop: the last word on locking, however many signals came. Of bounded
//! size, and a lock is never dropped for want of room.

use super::{Cause, Event, lock};
use std::sync::Mutex;
use tokio::sync::Notify;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    waiting: Mutex<Waiting>,
    news: Notify,
}

/// A lock, an unlock, or a lock and an unlock after it.
#[derive(Debug, Default)]
struct Waiting {
    lock: Option<Cause>,
    unlock: bool,
}

impl Mailbox {
    /// Leaves an event. A lock takes the place of what is there; but the end of the session stays the
    /// cause, because more follows from it.
    pub(super) fn put(&self, event: Event) {
        let mut waiting = lock(&self.waiting);
        match event {
            Event::Lock(cause) => {
                waiting.unlock = false;
                if !waiting.lock.is_some_and(Cause::is_logout) {
                    waiting.lock = Some(cause);
                }
            }
            Event::Unlock => waiting.unlock = true,
        }
        drop(waiting);
        self.news.notify_one();
    }

    fn take(&self) -> Option<Event> {
        let mut waiting = lock(&self.waiting);
        if let Some(cause) = waiting.lock.take() {
            return Some(Event::Lock(cause));
        }
        std::mem::take(&mut waiting.unlock).then_some(Event::Unlock)
    }

    /// The next event. May be dropped and called again.
    pub(super) async fn next(&self) -> Event {
        loop {
            // Before looking: what comes in between wakes this all the same.
            let news = self.news.notified();
            if let Some(event) = self.take() {
                return event;
            }
            news.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(events: &[Event]) -> Vec<Event> {
        let mailbox = Mailbox::default();
        for event in events {
            mailbox.put(*event);
        }
        std::iter::from_fn(|| mailbox.take()).collect()
    }

    #[test]
    fn a_lock_outlives_whatever_comes_before_it_is_read() {
        let lock = Event::Lock(Cause::Hint);
        assert_eq!(taken(&[lock, Event::Unlock]), [lock, Event::Unlock]);
        assert_eq!(taken(&[Event::Unlock, lock]), [lock]);
        assert_eq!(taken(&[lock, Event::Unlock, lock]), [lock]);
        assert_eq!(taken(&[lock; 1000]), [lock]);
        assert_eq!(taken(&[]), []);
    }

    #[test]
    fn the_end_of_the_session_is_not_taken_for_a_mere_lock() {
        let out = Event::Lock(Cause::LoggedOut);
        assert_eq!(taken(&[out, Event::Lock(Cause::Hint)]), [out]);
        assert_eq!(taken(&[Event::Lock(Cause::Hint), out]), [out]);
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let mailbox = Mailbox::default();
        let (event, ()) = tokio::join!(mailbox.next(), async {
            mailbox.put(Event::Lock(Cause::Sleep));
        });
        assert_eq!(event, Event::Lock(Cause::Sleep));
    }
}

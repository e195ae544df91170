//! Time that passes when a test says so.

use std::cell::RefCell;
use std::future::Future;
use std::ops::Add;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

thread_local! {
    // All of a run happens on one thread of the system.
    static NOW: RefCell<Clock> = RefCell::default();
}

#[derive(Default)]
struct Clock {
    now: Duration,
    waiting: Vec<(Duration, Waker)>,
}

/// A moment of this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    /// The present one.
    #[must_use]
    pub fn now() -> Self {
        Self(now())
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0 + by)
    }
}

/// Since a run began.
#[must_use]
pub fn now() -> Duration {
    NOW.with_borrow(|clock| clock.now)
}

/// A run begins.
pub fn start() {
    NOW.with_borrow_mut(|clock| *clock = Clock::default());
}

/// Time passes; what was due by then wakes.
pub fn pass(by: Duration) {
    let due: Vec<Waker> = NOW.with_borrow_mut(|clock| {
        clock.now += by;
        let now = clock.now;
        let due = clock.waiting.extract_if(.., |(at, _)| *at <= now);
        due.map(|(_, waker)| waker).collect()
    });
    due.into_iter().for_each(Waker::wake);
}

/// Waits for a moment.
#[derive(Debug)]
pub struct Sleep(Duration);

impl Sleep {
    /// Whether it has come.
    #[must_use]
    pub fn is_elapsed(&self) -> bool {
        self.0 <= now()
    }
}

impl Future for Sleep {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_elapsed() {
            return Poll::Ready(());
        }
        NOW.with_borrow_mut(|clock| clock.waiting.push((self.0, cx.waker().clone())));
        Poll::Pending
    }
}

/// Waits for so long.
#[must_use]
pub fn sleep(by: Duration) -> Sleep {
    sleep_until(Instant::now() + by)
}

/// Waits for a moment.
#[must_use]
pub fn sleep_until(at: Instant) -> Sleep {
    Sleep(at.0)
}

/// It did not come in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

/// The outcome, if it comes in time.
///
/// # Errors
/// It did not.
pub async fn timeout<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, Elapsed> {
    let late = sleep(limit);
    tokio_itself::select! {
        biased;
        outcome = work => Ok(outcome),
        () = late => Err(Elapsed),
    }
}

//! A clock that tests move.
use secretfs_providers::Clock;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

pub(super) struct TestClock(Mutex<Duration>, Instant);
impl Default for TestClock {
    fn default() -> Self {
        Self(Mutex::default(), Instant::now())
    }
}
impl TestClock {
    pub(super) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}
impl Clock for TestClock {
    fn now(&self) -> Instant {
        self.1 + *self.0.lock().unwrap()
    }
    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000) + *self.0.lock().unwrap()
    }
}

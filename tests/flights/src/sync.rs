//! The scheduler's locks and counters; and tokio's epoch, semaphore and bell, whose uses are steps as well.

pub use shuttle::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
pub use shuttle::sync::{Mutex, MutexGuard};
pub use tokio_itself::sync::{Notify, Semaphore, SemaphorePermit};

/// Lets any other thread go first.
fn step() {
    AtomicBool::new(false).load(std::sync::atomic::Ordering::SeqCst);
}

/// A value that can be waited for.
pub mod watch {
    use super::step;
    use tokio_itself::sync::watch;
    pub use watch::{Receiver, Ref};

    /// As tokio's.
    #[derive(Debug)]
    pub struct Sender<T>(watch::Sender<T>);

    impl<T> Sender<T> {
        /// With a first value.
        pub fn new(value: T) -> Self {
            Self(watch::Sender::new(value))
        }

        /// The value of now.
        pub fn borrow(&self) -> Ref<'_, T> {
            step();
            self.0.borrow()
        }

        /// Changes it, and tells everybody who waits.
        pub fn send_modify(&self, change: impl FnOnce(&mut T)) {
            step();
            self.0.send_modify(change);
            step();
        }

        /// Somebody who waits.
        pub fn subscribe(&self) -> Receiver<T> {
            self.0.subscribe()
        }
    }
}

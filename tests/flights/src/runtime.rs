//! Tasks of the scheduler.

use std::future::Future;

/// Spawns tasks.
#[derive(Debug, Clone, Default)]
pub struct Handle {}

impl Handle {
    /// Starts a task that nobody waits for.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(shuttle::future::spawn(task));
    }
}

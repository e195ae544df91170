//! The daemon's runtime: many tasks, one thread. A task is interrupted by other threads anywhere, by other
//! tasks only where it waits.

use shuttle::sync::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

/// Spawns tasks.
#[derive(Debug, Clone, Default)]
pub struct Handle {
    turn: Arc<Mutex<()>>,
}

impl Handle {
    /// Starts a task; dropping what is returned changes nothing for it.
    pub fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> shuttle::future::JoinHandle<T> {
        shuttle::future::spawn(Task {
            turn: Arc::clone(&self.turn),
            work: Some(Box::pin(task)),
        })
    }
}

struct Task<T> {
    turn: Arc<Mutex<()>>,
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
}

impl<T> Future for Task<T> {
    type Output = T;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let turn = Arc::clone(&self.turn);
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(work) = &mut self.work else {
            return Poll::Pending;
        };
        let outcome = work.as_mut().poll(cx);
        if outcome.is_ready() {
            // What it held is dropped on the runtime's thread, too.
            self.work = None;
        }
        outcome
    }
}

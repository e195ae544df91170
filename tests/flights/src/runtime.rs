//! The daemon's runtime: many tasks, one thread. A task is interrupted by other threads anywhere, by other
//! tasks only where it waits.

use shuttle::sync::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

/// Spawns tasks.
#[derive(Debug, Clone, Default)]
pub struct Handle {
    turn: Arc<Mutex<()>>,
    /// Tasks that have not ended. No step: it is for the tests alone.
    live: Arc<AtomicUsize>,
}

impl Handle {
    /// Starts a task; dropping what is returned changes nothing for it.
    pub fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> shuttle::future::JoinHandle<T> {
        self.live.fetch_add(1, Ordering::SeqCst);
        shuttle::future::spawn(Task {
            turn: Arc::clone(&self.turn),
            live: Arc::clone(&self.live),
            work: Some(Box::pin(task)),
        })
    }

    /// Waits until every task has ended, also those that have not begun.
    pub fn settle(&self) {
        while self.live.load(Ordering::SeqCst) > 0 {
            shuttle::thread::yield_now();
        }
    }
}

struct Task<T> {
    turn: Arc<Mutex<()>>,
    live: Arc<AtomicUsize>,
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
            self.live.fetch_sub(1, Ordering::SeqCst);
        }
        outcome
    }
}

//! How far long work has come, on a terminal; nothing where standard error is none, or where the work is
//! done before anybody wonders.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// What takes no longer than this is not worth a line.
const UNNOTICED: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(100);

/// A line on standard error.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Of so many things, not shown yet.
    pub(crate) fn of(what: &'static str, total: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(number(total)), ProgressDrawTarget::hidden());
        // A template that could not be read would show as the library's own.
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:24}] {pos} of {len}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        Self(bar)
    }

    /// So many more are done.
    pub(crate) fn add(&self, done: usize) {
        self.0.inc(number(done));
    }

    /// So many of so many are done.
    pub(crate) fn set(&self, done: usize, total: usize) {
        self.0.set_length(number(total));
        self.0.set_position(number(done));
    }

    /// Shows it while `work` goes on, and leaves nothing on the screen.
    pub(crate) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        let mut ticks = tokio::time::interval(TICK);
        let shown_from = tokio::time::Instant::now() + UNNOTICED;
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                now = ticks.tick() => {
                    if self.0.is_hidden() && now >= shown_from {
                        // Where standard error is no terminal it draws nothing.
                        self.0.set_draw_target(ProgressDrawTarget::stderr());
                    }
                    self.0.tick();
                }
            }
        };
        self.0.finish_and_clear();
        done
    }
}

fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

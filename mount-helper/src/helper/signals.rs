//! The signals that a helper obeys, and what each asks for.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that mean something.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    foreground: bool,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Wipe, unmount, end.
    End,
    /// Read the map again.
    Reload,
}

impl Signals {
    pub(super) fn install(foreground: bool) -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            foreground,
        })
    }

    /// Completes when the mount shall end.
    pub(super) async fn end(&mut self) {
        while self.next().await != Wish::End {}
    }

    pub(super) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.terminate.recv() => Wish::End,
            _ = self.interrupt.recv() => Wish::End,
            // In the foreground it is the terminal that closes (contract fuse.md §3).
            _ = self.hangup.recv() => if self.foreground { Wish::End } else { Wish::Reload },
        }
    }
}

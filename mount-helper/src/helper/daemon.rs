//! The daemon as its helper sees it: a child, and a link with bounded queues. Nothing here waits
//! for it without a limit.

use crate::error::HelperError;
use crate::place::ProcessId;
use crate::role;
use secretfs_fs::link::wire::{self, LINK_LIMIT, Reader, WireError, Writer};
use secretfs_fs::link::{FromDaemon, ToDaemon};
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Messages that may wait to be sent.
const OUTBOX: usize = 256;
/// Messages that may wait to be handled; then the daemon's writes wait.
const INBOX: usize = 256;
/// Questions of ours that may wait for an answer.
const WAITING: usize = 64;
/// Thread stacks are locked: 256 KiB instead of 2 MiB each (contract
/// locked-memory-and-session.md §1). The standard library reads it once, at the first thread.
const STACK: (&str, &str) = ("RUST_MIN_STACK", "262144");

/// How long the link may take to hand over what a daemon said before it ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What comes from the daemon.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one is held at a time, and it is a message as a rule"
)]
pub(super) enum Event {
    /// A message, and the descriptor that came beside a question.
    Message(FromDaemon, Option<OwnedFd>),
    /// It ended, or its link is closed.
    Gone,
}

/// A message, and the descriptor that came beside a question.
type Said = (FromDaemon, Option<OwnedFd>);

/// The child.
#[derive(Debug)]
pub(super) struct Daemon {
    /// Who it is, for the record.
    pub(super) id: ProcessId,
    /// Messages from it that are not answers to [`Link::call`]. It ends when the link is closed.
    pub(super) inbox: mpsc::Receiver<Said>,
    /// To it.
    pub(super) link: Link,
    child: Child,
}

impl Daemon {
    /// Starts the daemon. `stderr`: where a panic is told.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn spawn(stderr: Stdio) -> Result<Self, HelperError> {
        let failed = |error: std::io::Error| {
            HelperError::other(
                format!("cannot start the daemon: {error}"),
                "see that the limit of processes is not reached",
            )
        };
        let (ours, theirs) = wire::pair().map_err(failed)?;
        let mut command = Command::new("/proc/self/exe");
        command
            .arg(role::DAEMON)
            .env_clear()
            .env(STACK.0, STACK.1)
            .current_dir("/")
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(stderr)
            // Ctrl-C is for the helper, which ends the daemon in order.
            .process_group(0)
            .kill_on_drop(true);
        let child = command.spawn().map_err(failed)?;
        // It holds our copy of the daemon's end.
        drop(command);
        let pid = child.id().unwrap_or(0);
        let id = ProcessId::of(pid).unwrap_or(ProcessId { pid, started: 0 });
        let (reader, writer) = wire::split(ours, LINK_LIMIT, LINK_LIMIT).map_err(failed)?;
        let (link, outbox) = Link::new();
        let (deliver, inbox) = mpsc::channel(INBOX);
        tokio::spawn(write(writer, outbox));
        tokio::spawn(read(reader, deliver, link.clone()));
        Ok(Self {
            id,
            inbox,
            link,
            child,
        })
    }

    /// What it says next, or that it is gone. May be dropped and called again.
    pub(super) async fn event(&mut self) -> Event {
        tokio::select! {
            // What it said before it ended is heard first.
            biased;
            message = self.inbox.recv() => message.map_or(Event::Gone, said),
            // Its last words may still be on their way through the link: why it ended, say.
            _ = self.child.wait() => match timeout(LAST_WORDS, self.inbox.recv()).await {
                Ok(Some(message)) => said(message),
                Ok(None) | Err(_) => Event::Gone,
            },
        }
    }

    /// Waits at most `limit` for its end, then kills it. It is reaped in any case, but where the
    /// kernel does not let it go.
    pub(super) async fn end(&mut self, limit: Duration) -> Option<ExitStatus> {
        if let Ok(status) = timeout(limit, self.child.wait()).await {
            return status.ok();
        }
        let _ = self.child.start_kill();
        timeout(Duration::from_secs(2), self.child.wait())
            .await
            .ok()?
            .ok()
    }

    /// Kills it at once.
    pub(super) fn kill(&mut self) {
        let _ = self.child.start_kill();
    }
}

fn said((message, beside): Said) -> Event {
    Event::Message(message, beside)
}

/// The sending side of the link, and the questions that wait for an answer. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Link {
    outbox: mpsc::Sender<(ToDaemon, Vec<OwnedFd>)>,
    waiting: Arc<Mutex<HashMap<u64, oneshot::Sender<FromDaemon>>>>,
    next: Arc<AtomicU64>,
}

impl Link {
    fn new() -> (Self, mpsc::Receiver<(ToDaemon, Vec<OwnedFd>)>) {
        let (outbox, queue) = mpsc::channel(OUTBOX);
        let link = Self {
            outbox,
            waiting: Arc::default(),
            next: Arc::new(AtomicU64::new(1)),
        };
        (link, queue)
    }

    /// Queues a message. False: the daemon has not read for long, or is gone.
    pub(super) fn send(&self, message: ToDaemon, fds: Vec<OwnedFd>) -> bool {
        self.outbox.try_send((message, fds)).is_ok()
    }

    /// Asks, and waits for the answer at most `limit`.
    pub(super) async fn call(
        &self,
        question: impl FnOnce(u64) -> ToDaemon,
        limit: Duration,
    ) -> Option<FromDaemon> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.len() >= WAITING {
                return None;
            }
            waiting.insert(id, answer);
        }
        let answer = if self.send(question(id), Vec::new()) {
            timeout(limit, answered).await.ok().and_then(Result::ok)
        } else {
            None
        };
        self.take(id);
        answer
    }

    fn take(&self, id: u64) -> Option<oneshot::Sender<FromDaemon>> {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id)
    }
}

async fn write(mut writer: Writer, mut outbox: mpsc::Receiver<(ToDaemon, Vec<OwnedFd>)>) {
    while let Some((message, fds)) = outbox.recv().await {
        match writer.send(&message, fds).await {
            Ok(()) | Err(WireError::TooLarge { .. } | WireError::Unsendable) => {}
            Err(_) => return,
        }
    }
}

/// Hands messages on until the link is closed or broken, which is the same: whatever a taken-over
/// daemon sends, it is a message or its end.
async fn read(mut reader: Reader, deliver: mpsc::Sender<Said>, link: Link) {
    while let Ok((message, fds)) = reader.receive::<FromDaemon>().await {
        let id = match &message {
            FromDaemon::Done { id, .. } | FromDaemon::Status { id, .. } => Some(*id),
            #[cfg(feature = "test-hooks")]
            FromDaemon::Attempted { id, .. } => Some(*id),
            _ => None,
        };
        if let Some(id) = id {
            if let Some(waiting) = link.take(id) {
                let _ = waiting.send(message);
            }
        } else {
            let is_question = matches!(message, FromDaemon::Ask { .. });
            let beside = fds.into_iter().next().filter(|_| is_question);
            if deliver.send((message, beside)).await.is_err() {
                return;
            }
        }
    }
}

//! What the daemon has to say to the helper, queued: whoever speaks never waits for the socket.

use crate::daemon::audit::AuditQueue;
use crate::link::FromDaemon;
use crate::link::message::AuditEvent;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Messages that may wait to be written: a question for each open under way, and the log.
const DEPTH: usize = 4096;

/// A message, and the descriptor that goes beside it.
type Said = (FromDaemon, Option<OwnedFd>);

/// The sending side. Usable from any thread, never waits.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    sender: mpsc::Sender<Said>,
    audit: Arc<AuditQueue>,
}

/// The side that the link's writer reads.
#[derive(Debug)]
pub(crate) struct Inbox {
    receiver: mpsc::Receiver<Said>,
    audit: Arc<AuditQueue>,
}

/// A new queue: the side that speaks, and the side that the link's writer reads.
pub(crate) fn outbox() -> (Outbox, Inbox) {
    let (sender, receiver) = mpsc::channel(DEPTH);
    let audit = Arc::new(AuditQueue::default());
    let outbox = Outbox {
        sender,
        audit: Arc::clone(&audit),
    };
    (outbox, Inbox { receiver, audit })
}

impl Outbox {
    /// Queues a message; says whether there was room.
    pub(crate) fn try_send(&self, message: FromDaemon) -> bool {
        self.try_send_with(message, None)
    }

    /// The same with a descriptor.
    pub(crate) fn try_send_with(&self, message: FromDaemon, beside: Option<OwnedFd>) -> bool {
        self.sender.try_send((message, beside)).is_ok()
    }

    /// Queues an event of the audit; says whether there was room.
    pub(crate) fn audit(&self, event: AuditEvent) -> bool {
        self.audit.push(event)
    }
}

impl Inbox {
    /// The next message; `None`: nobody is left to speak.
    pub(crate) async fn next(&mut self) -> Option<Said> {
        tokio::select! {
            biased;
            message = self.receiver.recv() => message,
            events = self.audit.batch() => Some((FromDaemon::Audit(events), None)),
        }
    }

    /// What the audit still has to tell, without waiting for more.
    pub(crate) fn rest_of_audit(&self) -> Option<FromDaemon> {
        let events = self.audit.take();
        (!events.is_empty()).then_some(FromDaemon::Audit(events))
    }
}

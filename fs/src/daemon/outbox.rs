//! What the daemon has to say to the helper, queued: whoever speaks never waits for the socket.

use crate::link::FromDaemon;
use tokio::sync::mpsc;

/// Messages that may wait to be written. An audit line of every open of a burst fits; beyond, lines
/// are counted as lost and said so.
const DEPTH: usize = 4096;

/// The sending side. Usable from any thread, never waits.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    sender: mpsc::Sender<FromDaemon>,
}

/// A new queue: the side that speaks, and the side that the link's writer reads.
pub(crate) fn outbox() -> (Outbox, mpsc::Receiver<FromDaemon>) {
    let (sender, receiver) = mpsc::channel(DEPTH);
    (Outbox { sender }, receiver)
}

impl Outbox {
    /// Queues a message; says whether there was room.
    pub(crate) fn try_send(&self, message: FromDaemon) -> bool {
        self.sender.try_send(message).is_ok()
    }
}

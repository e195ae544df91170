//! An answer without an end: what a test sends, when it sends it.

use std::fmt;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

/// The sending end. Dropped, the answer ends well.
#[derive(Debug)]
pub struct Tap(mpsc::UnboundedSender<Vec<u8>>);

/// The answer's end.
#[derive(Clone)]
pub struct Feed(pub(super) Arc<Mutex<mpsc::UnboundedReceiver<Vec<u8>>>>);

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Feed")
    }
}

/// Both.
#[must_use]
pub fn pair() -> (Tap, Feed) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Tap(sender), Feed(Arc::new(Mutex::new(receiver))))
}

impl Tap {
    /// Sends a piece of the body; lost, if the client is gone.
    pub fn send(&self, text: &str) {
        drop(self.0.send(text.as_bytes().to_vec()));
    }

    /// Whether the client is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

//! Connecting to a bus, and calls with a deadline. Whatever a bus or a service does, it costs a task
//! of its own a few seconds, and the helper's loop nothing.

use futures_core::Stream;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::time::Duration;
use zbus::connection::Builder;
use zbus::{Connection, DynamicType, Message, MessageStream};

/// The bus itself, as a service.
pub(super) const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";

/// How long connecting may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long an answer may take.
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// Messages that may wait for their task: more than come while it waits for an answer.
const QUEUE: usize = 1024;
/// How soon a bus that is not there is looked for again, and how late at most.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Which bus.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    System,
    Session,
}

/// A connection, and everything that comes over it, in order.
pub(super) struct Bus {
    pub(super) connection: Connection,
    messages: MessageStream,
}

impl Bus {
    /// `None`: there is no such bus, or it does not answer.
    pub(super) async fn connect(kind: Kind) -> Option<Self> {
        let builder = match kind {
            Kind::System => Builder::system(),
            Kind::Session => Builder::session(),
        };
        let queue = NonZeroUsize::new(QUEUE).unwrap_or(NonZeroUsize::MIN);
        let building = builder.max_queued(queue).method_timeout(CALL_LIMIT).build();
        let connection = tokio::time::timeout(CONNECT_LIMIT, building).await;
        let connection = connection.ok()?.ok()?;
        let messages = MessageStream::from(&connection);
        Some(Self {
            connection,
            messages,
        })
    }

    /// The next message; `None`: the bus is gone, or talks nonsense. May be dropped and called again.
    pub(super) async fn next(&mut self) -> Option<Message> {
        let messages = &mut self.messages;
        std::future::poll_fn(|context| Pin::new(&mut *messages).poll_next(context))
            .await?
            .ok()
    }

    /// Asks for the messages that a rule names.
    pub(super) async fn subscribe(&self, rule: &str) -> Option<()> {
        let asked = call(&self.connection, BUS, BUS_PATH, BUS, "AddMatch", &rule);
        asked.await.map(drop)
    }

    /// Who has a name now, by the name that is its alone.
    pub(super) async fn owner(&self, name: &str) -> Option<String> {
        let asked = call(&self.connection, BUS, BUS_PATH, BUS, "GetNameOwner", &name);
        asked.await?.body().deserialize().ok()
    }
}

/// Calls a method; `None`: refused, or no answer in time. What is refused is not armed, and that is
/// what `status` says.
pub(super) async fn call<B: serde::Serialize + DynamicType>(
    connection: &Connection,
    service: &str,
    path: &str,
    interface: &str,
    method: &str,
    body: &B,
) -> Option<Message> {
    connection
        .call_method(Some(service), path, Some(interface), method, body)
        .await
        .ok()
}

/// How long to wait before a bus is looked for again.
#[derive(Debug)]
pub(super) struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(FIRST_PAUSE)
    }
}

impl Pause {
    /// Waits, and longer the next time.
    pub(super) async fn wait(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(LONGEST_PAUSE);
    }
}

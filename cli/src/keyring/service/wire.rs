//! Calls to the Secret Service, each with a deadline, and its prompts.

use crate::keyring::trouble::Trouble;
use futures_core::Stream;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::time::Duration;
use zbus::connection::Builder;
use zbus::{Connection, DynamicType, Message, MessageStream, OwnedVariant};

const NAME: &str = "org.freedesktop.secrets";
const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";

/// How long connecting may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// How long one answer may take; a service may have to be started for the first.
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// Messages that may wait: nobody has anything to tell us but answers.
const QUEUE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);

/// A connection to the session bus.
pub(super) struct Wire(Connection);

impl Wire {
    pub(super) async fn connect() -> Result<Self, Trouble> {
        let building = Builder::session()
            .max_queued(QUEUE)
            .method_timeout(CALL_LIMIT)
            .build();
        match tokio::time::timeout(CONNECT_LIMIT, building).await {
            Ok(Ok(connection)) => Ok(Self(connection)),
            Ok(Err(_)) => Err(Trouble::Absent),
            Err(_) => Err(Trouble::Silent),
        }
    }

    /// Whether the service is there, without starting it.
    pub(super) async fn is_running(&self) -> Result<bool, Trouble> {
        let asked = self
            .0
            .call_method(Some(BUS), BUS_PATH, Some(BUS), "NameHasOwner", &(NAME,));
        body(&asked.await.map_err(|error| trouble(&error))?)
    }

    /// Calls a method of the service.
    pub(super) async fn call<B: serde::Serialize + DynamicType>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Result<Message, Trouble> {
        self.0
            .call_method(Some(NAME), path, Some(interface), method, body)
            .await
            .map_err(|error| trouble(&error))
    }

    /// Puts a prompt on the screen, and waits for its end. The caller bounds the time.
    pub(super) async fn prompt(&self, path: &str) -> Result<(), Trouble> {
        let mut messages = MessageStream::from(&self.0);
        let rule = format!("type='signal',interface='{PROMPT}',path='{path}'");
        self.0
            .call_method(
                Some(BUS),
                BUS_PATH,
                Some(BUS),
                "AddMatch",
                &(rule.as_str(),),
            )
            .await
            .map_err(|error| trouble(&error))?;
        // The empty word: this command has no window.
        self.call(path, PROMPT, "Prompt", &("",)).await?;
        loop {
            let next = std::future::poll_fn(|cx| Pin::new(&mut messages).poll_next(cx)).await;
            let Some(Ok(message)) = next else {
                return Err(Trouble::Silent);
            };
            let header = message.header();
            let is_it = header.path().is_some_and(|at| at.as_str() == path)
                && header
                    .member()
                    .is_some_and(|member| member.as_str() == "Completed");
            if !is_it {
                continue;
            }
            let (dismissed, _): (bool, OwnedVariant) = body(&message)?;
            return match dismissed {
                true => Err(Trouble::Dismissed),
                false => Ok(()),
            };
        }
    }
}

/// What an answer holds; anything but what was asked for is a refusal.
pub(super) fn body<T: for<'a> zbus::wire::DynamicDeserialize<'a>>(
    message: &Message,
) -> Result<T, Trouble> {
    message.body().deserialize().map_err(|_| Trouble::Refused)
}

/// The text of an error is not looked at: its name tells.
fn trouble(error: &zbus::Error) -> Trouble {
    match error {
        zbus::Error::MethodError(name, ..) => match name.as_str() {
            "org.freedesktop.DBus.Error.ServiceUnknown"
            | "org.freedesktop.DBus.Error.NameHasNoOwner" => Trouble::Absent,
            name if name.starts_with("org.freedesktop.DBus.Error.Spawn.") => Trouble::Absent,
            "org.freedesktop.Secret.Error.IsLocked" => Trouble::Locked,
            "org.freedesktop.DBus.Error.NoReply"
            | "org.freedesktop.DBus.Error.TimedOut"
            | "org.freedesktop.DBus.Error.Timeout" => Trouble::Silent,
            _ => Trouble::Refused,
        },
        zbus::Error::InputOutput(_) => Trouble::Silent,
        _ => Trouble::Refused,
    }
}

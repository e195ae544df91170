//! Which messages of the system bus count, and from whom. The match rules make the bus send little
//! else, but anybody on it may send a signal to one connection alone, past every rule: so the sender
//! is compared with the owner of logind's name, as the bus itself told it.

use super::bus::BUS;
use std::collections::HashMap;
use zbus::message::Type;
use zbus::{Message, OwnedObjectPath, OwnedVariant};

/// logind's name.
pub(super) const LOGIND: &str = "org.freedesktop.login1";
/// Its one object that is always there.
pub(super) const MANAGER_PATH: &str = "/org/freedesktop/login1";
/// Its interface.
pub(super) const MANAGER: &str = "org.freedesktop.login1.Manager";
/// The interface of a session.
pub(super) const SESSION: &str = "org.freedesktop.login1.Session";
/// The interface that properties are read and told by.
pub(super) const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// What logind, or the bus about it, said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signal {
    /// logind's name has this owner now.
    Owner(Option<String>),
    /// A session began, of whichever user.
    SessionNew(String),
    /// A session ended.
    SessionRemoved(String),
    /// A user is gone.
    UserRemoved(u32),
    /// The machine is about to sleep, or is awake again.
    Sleep(bool),
    /// The machine is about to go down, or is not any more.
    Shutdown(bool),
    /// A session is to be locked.
    Lock(String),
    /// A session is unlocked.
    Unlock(String),
    /// The hint of a session changed; `None`: to what was not said.
    Hint(String, Option<bool>),
}

/// What a message says; `None`: nothing that counts, or nobody whose word does. `logind`: who has
/// its name.
pub(super) fn read(message: &Message, logind: Option<&str>) -> Option<Signal> {
    if message.message_type() != Type::Signal {
        return None;
    }
    let header = message.header();
    let sender = header.sender()?.as_str();
    let (interface, member) = (header.interface()?.as_str(), header.member()?.as_str());
    let path = header.path()?.as_str();
    let body = message.body();
    if sender == BUS {
        if (interface, member) != (BUS, "NameOwnerChanged") {
            return None;
        }
        let (name, _, owner): (String, String, String) = body.deserialize().ok()?;
        let owner = (!owner.is_empty()).then_some(owner);
        return (name == LOGIND).then_some(Signal::Owner(owner));
    }
    if Some(sender) != logind {
        return None;
    }
    let session = || path.to_owned();
    Some(match (interface, member) {
        (SESSION, "Lock") => Signal::Lock(session()),
        (SESSION, "Unlock") => Signal::Unlock(session()),
        (PROPERTIES, "PropertiesChanged") => {
            let (of, changed, gone): (String, HashMap<String, OwnedVariant>, Vec<String>) =
                body.deserialize().ok()?;
            if of != SESSION {
                return None;
            }
            match changed.get("LockedHint") {
                Some(value) => Signal::Hint(session(), bool::try_from(value).ok()),
                None if gone.iter().any(|name| name == "LockedHint") => {
                    Signal::Hint(session(), None)
                }
                None => return None,
            }
        }
        (MANAGER, _) if path != MANAGER_PATH => return None,
        (MANAGER, "SessionNew") => Signal::SessionNew(object(&body)?),
        (MANAGER, "SessionRemoved") => Signal::SessionRemoved(object(&body)?),
        (MANAGER, "UserRemoved") => {
            let (uid, _): (u32, OwnedObjectPath) = body.deserialize().ok()?;
            Signal::UserRemoved(uid)
        }
        (MANAGER, "PrepareForSleep") => Signal::Sleep(body.deserialize().ok()?),
        (MANAGER, "PrepareForShutdown") => Signal::Shutdown(body.deserialize().ok()?),
        _ => return None,
    })
}

/// The path of `(so)`.
fn object(body: &zbus::message::Body) -> Option<String> {
    let (_, path): (String, OwnedObjectPath) = body.deserialize().ok()?;
    Some(path.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: &str = ":1.7";
    const C1: &str = "/org/freedesktop/login1/session/c1";

    fn message<B: serde::Serialize + zbus::DynamicType>(
        sender: &str,
        path: &str,
        interface: &str,
        member: &str,
        body: &B,
    ) -> Message {
        let builder = Message::signal(path, interface, member).unwrap_builder();
        builder.sender(sender).build(body).unwrap()
    }

    /// The builder reports errors when it builds.
    trait UnwrapBuilder: Sized {
        fn unwrap_builder(self) -> Self {
            self
        }
    }
    impl UnwrapBuilder for zbus::message::Builder<'_> {}

    fn hint(value: bool) -> HashMap<&'static str, zbus::Variant<'static>> {
        HashMap::from([
            ("IdleHint", zbus::Variant::from(true)),
            ("LockedHint", zbus::Variant::from(value)),
        ])
    }

    #[test]
    fn what_logind_says_is_read() {
        let read = |path: &str, member: &str, interface: &str| {
            read(&message(OWNER, path, interface, member, &()), Some(OWNER))
        };
        assert_eq!(read(C1, "Lock", SESSION), Some(Signal::Lock(C1.into())));
        assert_eq!(read(C1, "Unlock", SESSION), Some(Signal::Unlock(C1.into())));
        assert_eq!(read(C1, "PauseDevice", SESSION), None);
        assert_eq!(read(MANAGER_PATH, "SeatNew", MANAGER), None);
    }

    #[test]
    fn what_anybody_else_says_is_not() {
        for sender in [":1.8", "org.freedesktop.login1"] {
            // The bus gives every message its sender's unique name; a made-up one is no owner's.
            let Ok(lock) = Message::signal(C1, SESSION, "Unlock")
                .sender(sender)
                .build(&())
            else {
                continue;
            };
            assert_eq!(read(&lock, Some(OWNER)), None, "{sender}");
        }
        let lock = message(OWNER, C1, SESSION, "Lock", &());
        assert_eq!(read(&lock, None), None, "nobody has the name");
        let owner = (LOGIND, "", ":1.66");
        let forged = message(
            OWNER,
            "/org/freedesktop/DBus",
            BUS,
            "NameOwnerChanged",
            &owner,
        );
        assert_eq!(read(&forged, Some(OWNER)), None);
    }

    #[test]
    fn a_hint_is_read_among_other_properties_and_where_its_value_is_left_out() {
        let read = |body: &(&str, HashMap<&str, zbus::Variant<'_>>, Vec<&str>)| {
            let message = message(OWNER, C1, PROPERTIES, "PropertiesChanged", body);
            read(&message, Some(OWNER))
        };
        let told = |value| Some(Signal::Hint(C1.into(), value));
        assert_eq!(read(&(SESSION, hint(true), vec![])), told(Some(true)));
        assert_eq!(read(&(SESSION, hint(false), vec![])), told(Some(false)));
        let none = HashMap::new;
        assert_eq!(read(&(SESSION, none(), vec!["LockedHint"])), told(None));
        assert_eq!(read(&(SESSION, none(), vec!["Active"])), None);
        assert_eq!(read(&("org.example.Session", hint(true), vec![])), None);
    }

    #[test]
    fn a_manager_elsewhere_and_a_body_of_another_shape_say_nothing() {
        let read = |path: &str, member: &str| {
            let message = message(OWNER, path, MANAGER, member, &true);
            read(&message, Some(OWNER))
        };
        assert_eq!(
            read(MANAGER_PATH, "PrepareForSleep"),
            Some(Signal::Sleep(true))
        );
        assert_eq!(read(C1, "PrepareForSleep"), None);
        assert_eq!(read(MANAGER_PATH, "SessionRemoved"), None);
        assert_eq!(read(MANAGER_PATH, "UserRemoved"), None);
    }
}

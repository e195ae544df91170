//! The task of the session bus: screen savers and lockers that say when they are on. Whoever is on
//! this bus is the same user, who could run `secretfs lock` and `unlock` as well, so it is the signal
//! that counts and not its sender.

use super::bus::{BUS, Bus, Kind, Pause};
use super::{Cause, Event, Shared, trigger};
use std::collections::BTreeSet;
use std::sync::Arc;
use zbus::Message;
use zbus::message::Type;

/// The interfaces that have `ActiveChanged`; each is also the name of the service that has it.
const INTERFACES: [&str; 6] = [
    "org.freedesktop.ScreenSaver",
    "org.gnome.ScreenSaver",
    "org.kde.screensaver",
    "org.xfce.ScreenSaver",
    "org.mate.ScreenSaver",
    "org.cinnamon.ScreenSaver",
];

/// Watches for ever.
pub(super) async fn watch(shared: Arc<Shared>) {
    let mut pause = Pause::default();
    loop {
        if let Some(bus) = Bus::connect(Kind::Session).await {
            let heard = follow(bus, &shared).await;
            shared.arm(trigger::SCREENSAVER, false);
            shared.arm(trigger::SESSION_BUS, false);
            if heard {
                shared.mailbox.put(Event::Lock(Cause::BusLost));
                pause = Pause::default();
            }
        }
        pause.wait().await;
    }
}

/// Listens until the bus is gone; whether anything could be heard.
async fn follow(mut bus: Bus, shared: &Shared) -> bool {
    for interface in INTERFACES {
        let signals = format!("type='signal',interface='{interface}',member='ActiveChanged'");
        let owners = format!(
            "type='signal',sender='{BUS}',interface='{BUS}',member='NameOwnerChanged',arg0='{interface}'"
        );
        for rule in [signals, owners] {
            if bus.subscribe(&rule).await.is_none() {
                return false;
            }
        }
    }
    shared.arm(trigger::SESSION_BUS, true);
    // Armed where somebody is there to send it.
    let mut present = BTreeSet::new();
    for interface in INTERFACES {
        if bus.owner(interface).await.is_some() {
            present.insert(interface);
        }
    }
    shared.arm(trigger::SCREENSAVER, !present.is_empty());
    while let Some(message) = bus.next().await {
        match read(&message) {
            Some(Said::Active(active)) => {
                shared.change(|locks| locks.screensaver(active), Cause::Screensaver);
            }
            Some(Said::Owner(interface, is_there)) => {
                if is_there {
                    present.insert(interface);
                } else {
                    present.remove(interface);
                }
                shared.arm(trigger::SCREENSAVER, !present.is_empty());
            }
            None => {}
        }
    }
    true
}

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// A screen saver is on, or off.
    Active(bool),
    /// A screen saver came, or went.
    Owner(&'static str, bool),
}

fn read(message: &Message) -> Option<Said> {
    if message.message_type() != Type::Signal {
        return None;
    }
    let header = message.header();
    let (interface, member) = (header.interface()?.as_str(), header.member()?.as_str());
    let known = |name: &str| INTERFACES.into_iter().find(|known| *known == name);
    match (interface, member) {
        (BUS, "NameOwnerChanged") if header.sender()?.as_str() == BUS => {
            let (name, _, owner): (String, String, String) = message.body().deserialize().ok()?;
            Some(Said::Owner(known(&name)?, !owner.is_empty()))
        }
        (interface, "ActiveChanged") => {
            known(interface)?;
            Some(Said::Active(message.body().deserialize().ok()?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_desktop_s_name_counts_and_no_other() {
        let read = |interface: &str, member: &str| {
            let message = Message::signal("/ScreenSaver", interface, member)
                .sender(":1.1")
                .build(&true)
                .unwrap();
            read(&message)
        };
        for interface in INTERFACES {
            assert_eq!(
                read(interface, "ActiveChanged"),
                Some(Said::Active(true)),
                "{interface}"
            );
            assert_eq!(read(interface, "AuthenticationRequestBegin"), None);
        }
        assert_eq!(read("org.example.ScreenSaver", "ActiveChanged"), None);
    }
}

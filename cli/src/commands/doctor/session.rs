//! What locks a mount with the session, and how to arm what does not.

use super::facts::Facts;
use super::rows::{Row, State, install};
use crate::output::show;
use secretfs_mount_helper::control::client;

/// The lockers that tell nobody when they lock, each with the line that does (contract
/// locked-memory-and-session.md §3). `;` and not `&&`: the screen is to be locked whatever becomes of
/// the secrets.
pub(super) const LOCKERS: [(&str, &str); 4] = [
    (
        "swaylock",
        "~/.config/sway/config: `bindsym $mod+l exec 'secretfs lock --all; swaylock'`",
    ),
    (
        "i3lock",
        "~/.config/i3/config: `bindsym $mod+l exec --no-startup-id 'secretfs lock --all; i3lock'`",
    ),
    (
        "hyprlock",
        "~/.config/hypr/hyprland.conf: `bind = SUPER, L, exec, secretfs lock --all; hyprlock`",
    ),
    (
        "slock",
        "bind `sh -c 'secretfs lock --all; slock'` where you bind slock",
    ),
];

/// What a mount ought to be locked by, and what it takes.
const WANTED: [(&str, &str); 5] = [
    (
        "lock",
        "a session of logind: `secretfs lock --all; LOCKER` in place of LOCKER does without",
    ),
    (
        "logout",
        "only what was mounted in a login ends with it; stop anything else by its unit",
    ),
    ("sleep", "logind, and polkit, which lets users delay it"),
    ("shutdown", "logind, and polkit, which lets users delay it"),
    (
        "screensaver",
        "a screen saver on the session bus; where your locker is none, bind it as above",
    ),
];

/// A running mount, and what would lock it.
#[derive(Debug)]
pub(super) struct Armed {
    /// Where, as it is shown.
    pub(super) place: String,
    /// By name, as `status` tells them.
    pub(super) triggers: Vec<String>,
}

impl Armed {
    /// The running mounts of this user.
    pub(super) fn of_all() -> Vec<Self> {
        let running = crate::control::statuses(&client::all()).into_iter();
        running
            // One that a lock has unmounted is as locked as can be.
            .filter(|status| status.pid != 0)
            .map(|status| Self {
                place: show(&status.mountpoint),
                triggers: status.triggers,
            })
            .collect()
    }
}

/// All of them.
pub(super) fn rows(facts: &Facts) -> [Row; 4] {
    [
        session_bus(facts),
        logind(facts),
        locker(facts),
        triggers(facts),
    ]
}

fn session_bus(facts: &Facts) -> Row {
    const NAME: &str = "session bus";
    if facts.session_bus {
        return Row::ok(NAME, "found: a screen saver on it locks");
    }
    Row::not(
        NAME,
        State::Missing,
        "not found: no screen saver is heard of",
        "on a desktop: log in there, or start the session with `dbus-run-session`",
    )
}

fn logind(facts: &Facts) -> Row {
    const NAME: &str = "logind";
    if facts.logind {
        return Row::ok(NAME, "found: the session's lock, logout and sleep lock");
    }
    Row::not(
        NAME,
        State::Missing,
        "not found: no lock, logout or sleep is heard of",
        format!(
            "without systemd: {}; else lock with `secretfs lock`",
            install(facts, "elogind")
        ),
    )
}

fn locker(facts: &Facts) -> Row {
    const NAME: &str = "locker";
    let mute: Vec<_> = LOCKERS
        .iter()
        .filter(|(program, _)| facts.lockers.contains(program))
        .collect();
    if mute.is_empty() {
        return Row::ok(NAME, "none is installed that locks in silence");
    }
    let names: Vec<_> = mute.iter().map(|(program, _)| *program).collect();
    let help: Vec<_> = mute.iter().map(|(_, line)| *line).collect();
    Row::not(
        NAME,
        State::Note,
        format!("nobody is told when {} locks", names.join(" or ")),
        help.join("\n"),
    )
}

fn triggers(facts: &Facts) -> Row {
    const NAME: &str = "triggers";
    if facts.mounts.is_empty() {
        return Row::ok(NAME, "nothing is mounted; `secretfs status` names them");
    }
    let is_missing = |mount: &Armed, wanted: &str| !mount.triggers.iter().any(|t| t == wanted);
    let mut missing = Vec::new();
    for mount in &facts.mounts {
        let names: Vec<_> = WANTED
            .iter()
            .filter(|(wanted, _)| is_missing(mount, wanted))
            .map(|(wanted, _)| *wanted)
            .collect();
        if !names.is_empty() {
            missing.push(format!("{}: {}", mount.place, names.join(", ")));
        }
    }
    if missing.is_empty() {
        return Row::ok(NAME, "all are armed");
    }
    let help: Vec<_> = WANTED
        .iter()
        .filter(|(wanted, _)| facts.mounts.iter().any(|mount| is_missing(mount, wanted)))
        .map(|(wanted, needs)| format!("{wanted} needs {needs}"))
        .collect();
    Row::not(
        NAME,
        State::Note,
        format!("not armed at {}", missing.join("; at ")),
        help.join("\n"),
    )
}

//! What no test can produce for real: sleep, shutdown, screen savers, and somebody who pretends to be
//! logind. A simulated logind and the test itself speak on private buses.

use crate::held::{ENTRIES, Held};
use crate::scripted::Scripted;
use secretfs_tests::fixture::{Fixture, value};
use secretfs_tests::session::bus::Bus;
use secretfs_tests::session::peer::Peer;
use secretfs_tests::session::simulated::{Logind, session};
use secretfs_tests::session::wait_armed;
use secretfs_tests::vault::PASSPHRASE;
use secretfs_tests::{user, wait};

const SESSION: &str = "org.freedesktop.login1.Session";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const PATH: &str = "/org/freedesktop/login1";

/// A home with buses of its own.
struct Desktop {
    // First: it is unmounted while its buses are there.
    mount: Scripted,
    logind: Logind,
    system: Bus,
}

impl Desktop {
    /// With one session, `c1`, of the user; nothing mounted.
    fn new(config: &str, entries: &[&str]) -> Self {
        let mut mount = Scripted::new();
        let system = Bus::open(&mount.path(""), "system");
        mount.environment("DBUS_SYSTEM_BUS_ADDRESS", system.address());
        mount.set_map(config, entries);
        mount.sim.set("A", value("a", 64));
        let logind = Logind::start(&system);
        logind.add("c1", user::mounting().uid, "user");
        Self {
            mount,
            logind,
            system,
        }
    }

    /// One file, sealed at a lock, in a session.
    fn sealed(config: &str) -> Self {
        let config = format!("on_lock: seal, {config}");
        let mut desktop = Self::new(&config, &["{name: A, file: a}"]);
        desktop.mount.environment("XDG_SESSION_ID", "c1");
        desktop.mount.mount();
        wait_armed(&desktop.mount, &["lock", "logout", "sleep", "shutdown"]);
        desktop.serves();
        desktop
    }

    fn serves(&self) {
        assert_eq!(self.mount.read("a"), Ok(value("a", 64)));
        assert_eq!(self.mount.status()["state"], "serving");
    }

    fn wait_locked(&self) {
        wait_locked(&self.mount);
    }

    fn unlock(&self) {
        self.mount.run(["unlock", "--all"]);
        self.serves();
    }

    /// Everything that was said until now has been heard: what is said last shows.
    fn wait_heard(&self) {
        let id = "heard";
        // Nobody sits in it, so that its coming and going changes nothing.
        self.logind.add(id, user::mounting().uid, "background");
        wait::until("the session is heard of", || {
            self.logind.is_known(id).then_some(())
        });
        self.logind.remove(id);
    }

    fn armed(&self, name: &str) -> bool {
        armed(&self.mount, name)
    }
}

fn armed(mount: &Scripted, name: &str) -> bool {
    let status = mount.status();
    let triggers = status["triggers"].as_array().expect("a list");
    triggers.iter().any(|trigger| trigger == name)
}

fn wait_locked(mount: &Scripted) {
    wait::until("it is locked", || {
        (mount.status()["state"] == "locked").then_some(())
    });
    assert_eq!(mount.read("a"), Err(libc::ENOKEY));
}

#[test]
fn sleep_and_shutdown_wait_until_everything_is_wiped() {
    let desktop = Desktop::sealed("");
    for (what, going) in [
        ("sleep", Logind::sleep as fn(&Logind, bool)),
        ("shutdown", Logind::shutdown),
    ] {
        assert!(desktop.logind.is_held("sleep") && desktop.logind.is_held("shutdown"));
        going(&desktop.logind, true);
        wait::until("the machine is let go", || {
            (!desktop.logind.is_held(what)).then_some(())
        });
        // Not a moment before: nothing can be read by now.
        assert_eq!(desktop.mount.read("a"), Err(libc::ENOKEY), "{what}");
        desktop.wait_locked();
        going(&desktop.logind, false);
        wait::until("it is held back again", || {
            (desktop.logind.is_held("sleep") && desktop.logind.is_held("shutdown")).then_some(())
        });
        assert_eq!(desktop.mount.status()["state"], "locked", "{what}");
        desktop.unlock();
    }
    // Locked already: there is nothing to wait for.
    desktop.logind.lock("c1");
    desktop.wait_locked();
    assert!(desktop.logind.is_held("sleep"));
    desktop.logind.sleep(true);
    wait::until("the machine is let go", || {
        (!desktop.logind.is_held("sleep")).then_some(())
    });
}

#[test]
fn sleep_unmounts_whatever_is_held() {
    let desktop = Desktop::new("open_timeout: 10m", &ENTRIES);
    desktop.mount.mount();
    wait_armed(&desktop.mount, &["sleep"]);
    let held = Held::on(&desktop.mount);
    desktop.logind.sleep(true);
    desktop.mount.wait_for_no_mount();
    desktop.mount.wait_for_no_process();
    assert!(!desktop.logind.is_held("sleep") && !desktop.logind.is_held("shutdown"));
    held.assert_all_gone(&desktop.mount);
}

#[test]
fn where_no_inhibitor_is_given_sleep_locks_all_the_same_and_status_says_so() {
    let desktop = Desktop::new("on_lock: seal", &["{name: A, file: a}"]);
    desktop.logind.refuse_inhibitors();
    desktop.mount.mount();
    wait_armed(&desktop.mount, &["sleep-unheld", "shutdown-unheld", "lock"]);
    assert!(!desktop.armed("sleep") && !desktop.armed("shutdown"));
    desktop.serves();
    desktop.logind.sleep(true);
    desktop.wait_locked();
}

#[test]
fn a_session_that_is_locked_already_is_noticed_at_mount() {
    let mut desktop = Desktop::new("on_lock: seal", &["{name: A, file: a}"]);
    desktop.logind.is_locked_from_the_start("c1");
    desktop.mount.environment("XDG_SESSION_ID", "c1");
    desktop.mount.mount();
    desktop.wait_locked();
}

#[test]
fn nobody_but_logind_is_believed() {
    let desktop = Desktop::sealed("remount_on_unlock: true");
    let stranger = Peer::connect(desktop.system.address());
    let path = session("c1");
    let names: Vec<String> = stranger
        .call(
            "org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
            "ListNames",
            &(),
        )
        .and_then(|answer| answer.body().deserialize())
        .expect("names");
    // Past every match rule, to each connection by its own name: one of them is the helper's.
    let say = |member: &str| {
        for to in names.iter().map(|name| Some(name.as_str())).chain([None]) {
            if to.is_none_or(|name| name.starts_with(':')) {
                stranger.signal(to, &path, SESSION, member, &());
            }
        }
    };
    say("Lock");
    for to in names.iter().filter(|name| name.starts_with(':')) {
        let owner = ("org.freedesktop.login1", "", to.as_str());
        let bus = "org.freedesktop.DBus";
        let bus_path = "/org/freedesktop/DBus";
        stranger.signal(Some(to), bus_path, bus, "NameOwnerChanged", &owner);
        stranger.signal(Some(to), PATH, MANAGER, "PrepareForSleep", &true);
    }
    desktop.wait_heard();
    desktop.serves();
    desktop.logind.lock("c1");
    desktop.wait_locked();
    say("Unlock");
    desktop.wait_heard();
    assert_eq!(desktop.mount.status()["state"], "locked");
    desktop.logind.unlock("c1");
    wait::until("it serves again", || desktop.mount.read("a").ok());
}

#[test]
fn the_sessions_of_others_are_nothing_to_us() {
    let desktop = Desktop::sealed("");
    let other = user::mounting().uid + 1;
    desktop.logind.add("c7", other, "user");
    desktop.logind.lock("c7");
    desktop.logind.hint("c7", true);
    desktop.logind.remove("c7");
    desktop.logind.remove_user(other);
    let another = user::mounting().uid;
    desktop.logind.add("c8", another, "user");
    desktop.wait_heard();
    desktop.serves();
    // One that began after the mount counts as well.
    desktop.logind.lock("c8");
    desktop.wait_locked();
}

#[test]
fn a_logout_ends_everything_where_a_lock_would_have_sealed() {
    for gone in [
        |logind: &Logind| logind.remove("c1"),
        |logind: &Logind| logind.remove_user(user::mounting().uid),
    ] {
        let desktop = Desktop::sealed("remount_on_unlock: true");
        gone(&desktop.logind);
        desktop.mount.wait_for_no_mount();
        desktop.mount.wait_for_no_process();
    }
}

#[test]
fn what_was_meant_to_outlast_logins_does() {
    for lingers in [true, false] {
        let desktop = Desktop::new("on_lock: seal", &["{name: A, file: a}"]);
        let uid = user::mounting().uid;
        if lingers {
            // A user's service at boot; the others are a service of the system.
            desktop.logind.caller_is_of(uid, true);
        }
        desktop.mount.mount();
        wait_armed(&desktop.mount, &["lock", "sleep"]);
        assert!(!desktop.armed("logout"));
        desktop.logind.remove("c1");
        if !lingers {
            desktop.logind.remove_user(uid);
        }
        desktop.logind.add("c1", uid, "user");
        wait::until("both are heard", || desktop.armed("lock").then_some(()));
        desktop.serves();
    }
}

#[test]
fn a_service_of_a_user_who_does_not_linger_ends_with_the_last_session() {
    let desktop = Desktop::new("on_lock: seal", &["{name: A, file: a}"]);
    desktop.logind.caller_is_of(user::mounting().uid, false);
    desktop.mount.mount();
    wait_armed(&desktop.mount, &["lock", "logout"]);
    desktop.logind.remove("c1");
    desktop.mount.wait_for_no_mount();
    desktop.mount.wait_for_no_process();
}

#[test]
fn a_logind_that_restarts_is_no_lock_and_is_listened_to_again() {
    let desktop = Desktop::sealed("");
    desktop.logind.restart();
    wait::until("it is held back again", || {
        (desktop.logind.is_held("sleep") && desktop.logind.is_held("shutdown")).then_some(())
    });
    desktop.wait_heard();
    desktop.serves();
    desktop.logind.lock("c1");
    desktop.wait_locked();
}

#[test]
fn every_screen_saver_locks() {
    let mut mount = Scripted::new();
    let bus = Bus::open(&mount.path(""), "session");
    mount.environment("DBUS_SESSION_BUS_ADDRESS", bus.address());
    mount.set_map("on_lock: seal", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    mount.mount();
    wait_armed(&mount, &["session-bus"]);
    assert!(!armed(&mount, "screensaver"), "nobody is there to send it");
    for (name, path) in [
        (
            "org.freedesktop.ScreenSaver",
            "/org/freedesktop/ScreenSaver",
        ),
        ("org.freedesktop.ScreenSaver", "/ScreenSaver"),
        ("org.gnome.ScreenSaver", "/org/gnome/ScreenSaver"),
        ("org.kde.screensaver", "/ScreenSaver"),
        ("org.xfce.ScreenSaver", "/"),
        ("org.mate.ScreenSaver", "/"),
        ("org.cinnamon.ScreenSaver", "/org/cinnamon/ScreenSaver"),
    ] {
        let saver = Peer::connect(bus.address());
        saver.own(name);
        wait_armed(&mount, &["screensaver"]);
        assert_eq!(mount.read("a"), Ok(value("a", 64)));
        saver.signal(None, path, name, "ActiveChanged", &true);
        wait_locked(&mount);
        saver.signal(None, path, name, "ActiveChanged", &false);
        drop(saver);
        wait::until("it is not armed any more", || {
            (!armed(&mount, "screensaver")).then_some(())
        });
        assert_eq!(mount.status()["state"], "locked", "no unlock by itself");
        mount.run(["unlock", "--all"]);
    }
}

#[test]
fn a_screen_saver_unmounts_whatever_is_held() {
    let mut mount = Scripted::new();
    let bus = Bus::open(&mount.path(""), "session");
    mount.environment("DBUS_SESSION_BUS_ADDRESS", bus.address());
    mount.set_map("open_timeout: 10m", &ENTRIES);
    mount.mount();
    let saver = Peer::connect(bus.address());
    saver.own("org.gnome.ScreenSaver");
    wait_armed(&mount, &["screensaver"]);
    let held = Held::on(&mount);
    let name = "org.gnome.ScreenSaver";
    saver.signal(None, "/org/gnome/ScreenSaver", name, "ActiveChanged", &true);
    mount.wait_for_no_mount();
    mount.wait_for_no_process();
    held.assert_all_gone(&mount);
}

#[test]
fn the_loss_of_the_session_bus_locks_and_a_new_one_is_listened_to() {
    let mut mount = Scripted::new();
    let folder = mount.path("");
    let mut bus = Bus::open(&folder, "session");
    mount.environment("DBUS_SESSION_BUS_ADDRESS", bus.address());
    mount.set_map("on_lock: seal", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    mount.mount();
    wait_armed(&mount, &["session-bus"]);
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
    bus.kill();
    wait_locked(&mount);
    assert!(!armed(&mount, "session-bus"));
    let bus = Bus::open(&folder, "session");
    wait_armed(&mount, &["session-bus"]);
    mount.run(["unlock", "--all"]);
    let saver = Peer::connect(bus.address());
    let name = "org.freedesktop.ScreenSaver";
    saver.signal(None, "/ScreenSaver", name, "ActiveChanged", &true);
    wait_locked(&mount);
}

#[test]
fn without_any_bus_it_mounts_and_names_what_locks_it() {
    let mount = Scripted::with_value(value("a", 64));
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
    let triggers = mount.status()["triggers"].clone();
    assert_eq!(triggers, serde_json::json!(["command", "sigterm"]));
}

#[test]
fn a_bus_that_never_answers_keeps_nobody_waiting() {
    let mut mount = Scripted::new();
    let socket = mount.path("silent.bus");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(&socket, open).expect("chmod");
    let address = format!("unix:path={}", socket.display());
    mount.environment("DBUS_SYSTEM_BUS_ADDRESS", &address);
    mount.environment("DBUS_SESSION_BUS_ADDRESS", &address);
    mount.set_map("", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    mount.mount();
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
    mount.run(["lock", "--all"]);
    mount.wait_for_no_mount();
    mount.wait_for_no_process();
}

#[test]
fn with_remount_on_unlock_it_serves_again_when_nobody_says_any_more_that_it_is_locked() {
    let mut mount = Scripted::new();
    let folder = mount.path("");
    let (system, session) = (Bus::open(&folder, "system"), Bus::open(&folder, "session"));
    mount.environment("DBUS_SYSTEM_BUS_ADDRESS", system.address());
    mount.environment("DBUS_SESSION_BUS_ADDRESS", session.address());
    mount.set_map(
        "on_lock: seal, remount_on_unlock: true",
        &["{name: A, file: a}"],
    );
    mount.sim.set("A", value("a", 64));
    let logind = Logind::start(&system);
    logind.add("c1", user::mounting().uid, "user");
    mount.mount();
    let saver = Peer::connect(session.address());
    let name = "org.gnome.ScreenSaver";
    saver.own(name);
    wait_armed(&mount, &["lock", "screensaver"]);
    let path = "/org/gnome/ScreenSaver";
    // As GNOME does it: both say so, and both take it back.
    saver.signal(None, path, name, "ActiveChanged", &true);
    logind.hint("c1", true);
    wait_locked(&mount);
    saver.signal(None, path, name, "ActiveChanged", &false);
    // Heard, and not enough: the hint is still set.
    drop(saver);
    wait::until("it is heard", || {
        (!armed(&mount, "screensaver")).then_some(())
    });
    assert_eq!(mount.status()["state"], "locked");
    logind.hint("c1", false);
    wait::until("it serves again", || mount.read("a").ok());
}

/// A local vault behind a mount that is made with its passphrase, in a session `c1`.
fn vault(config: &str) -> (Fixture, Bus, Logind) {
    let mut fixture = Fixture::new();
    let system = Bus::open(&fixture.path(""), "system");
    let address = system.address().to_owned();
    let variable = "DBUS_SYSTEM_BUS_ADDRESS".to_owned();
    fixture.environment.push((variable, address));
    let mut vault = fixture.vault();
    vault.set("A", &value("a", 64));
    fixture.write_map(&format!(
        "config: {{remount_on_unlock: true, {config}}}\nproviders:\n  v: {{type: local, file: {:?}}}\n\
         secrets:\n  - {{name: A, file: a}}\n",
        vault.file().display().to_string()
    ));
    let logind = Logind::start(&system);
    logind.add("c1", user::mounting().uid, "user");
    (fixture, system, logind)
}

#[test]
fn with_remount_on_unlock_nothing_is_served_where_a_credential_would_have_to_be_asked_for() {
    for config in ["on_lock: seal", "on_lock: unmount"] {
        let (fixture, _system, logind) = vault(config);
        fixture.mount();
        wait_armed(&fixture, &["lock"]);
        assert_eq!(fixture.read("a"), Ok(value("a", 64)));
        logind.lock("c1");
        wait::until("it is locked", || {
            (fixture.status()["state"] == "locked").then_some(())
        });
        logind.unlock("c1");
        wait::until("it says that it stays locked", || {
            let log = std::fs::read_to_string(fixture.path("state/secretfs/secretfs.log"));
            log.is_ok_and(|log| log.contains("it stays locked"))
                .then_some(())
        });
        assert_eq!(fixture.status()["state"], "locked", "{config}");
        let mut args = fixture.mount_args();
        args[0] = "unlock".into();
        fixture.run(args);
        assert_eq!(fixture.read("a"), Ok(value("a", 64)));
    }
}

#[test]
fn with_remount_on_unlock_a_service_s_own_credential_is_found_again() {
    for config in ["on_lock: seal", "on_lock: unmount"] {
        let (mut fixture, _system, logind) = vault(config);
        let credentials = fixture.make_folder("credentials", 0o700);
        let file = credentials.join("secretfs.v.passphrase");
        fixture.write(&file, format!("{PASSPHRASE}\n").as_bytes());
        let folder = credentials.to_str().expect("UTF-8").to_owned();
        let variable = "CREDENTIALS_DIRECTORY".to_owned();
        fixture.environment.push((variable, folder));
        let place = fixture.mountpoint();
        fixture.run(["mount".as_ref(), place.as_os_str()]);
        for _ in 0..2 {
            wait_armed(&fixture, &["lock"]);
            assert_eq!(fixture.read("a"), Ok(value("a", 64)));
            logind.lock("c1");
            wait::until("it is locked", || {
                (fixture.status()["state"] == "locked").then_some(())
            });
            logind.unlock("c1");
            let seen = wait::until("it serves again", || fixture.read("a").ok());
            assert_eq!(seen, value("a", 64));
        }
    }
}

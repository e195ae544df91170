//! What locks a mount that root has made: the user's sessions, as for any other, on the machine's own
//! buses.

use super::{fixture, options, run, silent, state, status, wiped};
use secretfs_tests::fixture::{Fixture, told, value};
use secretfs_tests::machine::Machine;
use secretfs_tests::session::bus::Bus;
use secretfs_tests::session::simulated::Logind;
use secretfs_tests::user::{self, mounting};
use secretfs_tests::wait;

fn seal(fixture: &Fixture) {
    let map = std::fs::read_to_string(fixture.map()).expect("the map");
    fixture.write_map(&format!("config: {{on_lock: seal}}\n{map}"));
}

fn mount(fixture: &Fixture, machine: &Machine<'_>) {
    let mut mount = machine.root("mount");
    mount.args(["-t", "secretfs", "-o", &options(fixture)]);
    silent(mount.arg(fixture.map()).arg(fixture.mountpoint()));
}

fn wait_armed(fixture: &Fixture, machine: &Machine<'_>, trigger: &str) {
    wait::until("it is armed", || {
        is_armed(fixture, machine, trigger).then_some(())
    });
}

fn is_armed(fixture: &Fixture, machine: &Machine<'_>, trigger: &str) -> bool {
    let status = status(fixture, machine);
    let armed = status["triggers"].as_array().expect("a list");
    armed.iter().any(|armed| armed == trigger)
}

fn wait_locked(fixture: &Fixture, machine: &Machine<'_>) {
    wait::until("it is locked", || {
        (state(fixture, machine) == "locked").then_some(())
    });
    assert!(machine.read("a").is_err());
}

#[test]
fn a_mount_of_the_boot_locks_with_the_users_screen_and_outlasts_logouts() {
    let fixture = fixture();
    seal(&fixture);
    let bus = Bus::open(&fixture.path(""), "system");
    let logind = Logind::start(&bus);
    let machine = Machine::new(&fixture);
    silent(machine.root("mkdir").arg("/run/dbus"));
    let mut link = machine.root("ln");
    link.arg("-s").arg(fixture.path("system.bus"));
    silent(link.arg("/run/dbus/system_bus_socket"));
    // Nobody is logged in.
    let runtime = format!("/run/user/{}", mounting().uid);
    silent(machine.root("umount").arg(&runtime));
    silent(machine.root("rmdir").arg(&runtime));
    mount(&fixture, &machine);
    wait_armed(&fixture, &machine, "sleep");
    assert!(!is_armed(&fixture, &machine, "logout"));
    let uid = mounting().uid;
    logind.add("c1", uid, "user");
    let heard = || wait::until("it is heard of", || logind.is_known("c1").then_some(()));
    heard();
    wait_armed(&fixture, &machine, "lock");
    logind.remove("c1");
    logind.remove_user(uid);
    logind.add("c1", uid, "user");
    heard();
    assert_eq!(machine.read("a"), Ok(value("a", 64)));
    logind.lock("c1");
    wait_locked(&fixture, &machine);
    silent(machine.root("umount").arg(fixture.mountpoint()));
    wiped(&fixture, &machine);
}

#[test]
fn what_root_mounts_while_the_user_is_logged_in_locks_when_that_logins_bus_goes() {
    let fixture = fixture();
    seal(&fixture);
    let mut bus = Bus::open(&fixture.path("run"), "session");
    // As logind has it: /run/user/UID/bus, the user's.
    let place = fixture.path("run/bus");
    std::fs::rename(fixture.path("run/session.bus"), &place).expect("rename");
    user::give(&place, mounting());
    let machine = Machine::new(&fixture);
    mount(&fixture, &machine);
    wait_armed(&fixture, &machine, "session-bus");
    assert_eq!(machine.read("a"), Ok(value("a", 64)));
    bus.kill();
    wait_locked(&fixture, &machine);
    let mut unmount = machine.user(mounting(), fixture.path("secretfs"));
    let output = run(unmount.args(["unmount", "--all"]));
    assert!(output.status.success(), "{}", told(&output));
    wiped(&fixture, &machine);
}

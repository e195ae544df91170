//! What `secretfs login` has stored, and who has a copy of it while mounts use it.

use crate::world::World;
use secretfs_tests::wait;

const WORLDS: [fn(&str) -> World; 3] = [
    World::behind_a_vault,
    World::behind_a_server,
    World::behind_connect,
];

/// Mounts with what is stored, by a command that stays, and looks into every process that may have had
/// a copy; and once more when it is locked, into the daemon too. `also`: whom the copy passed.
fn nobody_keeps_a_copy(world: &World, also: &[u32]) {
    world.log_in();
    let place = world.mountpoint();
    let mut command = world.secretfs(["mount".as_ref(), place.as_os_str()]);
    let mut child = command.arg("--foreground").spawn().expect("secretfs");
    wait::until("it serves", || {
        let status = world.run(["status", "--json"]);
        status.contains("\"serving\"").then_some(())
    });
    world.read_all();
    let secrets = world.secrets();
    let mut pids = vec![
        child.id(),
        world.process("internal-mount-helper").pid,
        world.process("internal-sentinel").pid,
    ];
    pids.extend(also);
    let mut scanner = world.scanner();
    let report = scanner.look(&pids, &secrets);
    assert!(report.findings.is_empty(), "{report:#?}");
    pids.push(world.process("internal-daemon").pid);
    world.run(["lock"]);
    let report = scanner.look(&pids, &secrets);
    assert!(report.findings.is_empty(), "{report:#?}");
    // It was that which opened it.
    world.run(["unlock"]);
    world.read_all();
    world.unmount();
    let status = wait::until("the command ends", || child.try_wait().expect("wait"));
    assert!(status.success(), "{status}");
    world.run(["logout", "p"]);
}

#[test]
fn what_the_desktop_keyring_gives_passes_the_bus_unread_and_stays_with_nobody() {
    for prepare in WORLDS {
        let mut world = prepare("on_lock: seal");
        let keyring = world.keyring();
        nobody_keeps_a_copy(&world, &[keyring.bus().pid()]);
    }
}

#[test]
fn what_the_kernel_keyring_gives_stays_with_nobody() {
    for prepare in WORLDS {
        nobody_keeps_a_copy(&prepare("on_lock: seal"), &[]);
    }
}

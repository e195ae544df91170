//! Commands that open a provider, and stay.

use crate::world::World;
use secretfs_tests::wait;

#[test]
fn a_mount_in_the_foreground_keeps_nothing_of_what_opened_the_provider() {
    for prepare in [
        World::behind_a_vault,
        World::behind_a_server,
        World::behind_connect,
    ] {
        let world = prepare("on_lock: seal");
        let mut command = world.opening(world.mount_args());
        let mut child = command.arg("--foreground").spawn().expect("secretfs");
        wait::until("it serves", || {
            let status = world.run(["status", "--json"]);
            status.contains("\"serving\"").then_some(())
        });
        world.read_all();
        // A lock would not reach what it keeps. Its environment block, where a client secret came
        // from, is memory like any other.
        let report = world.scanner().look(&[child.id()], &world.secrets());
        assert!(report.findings.is_empty(), "{report:#?}");
        world.unmount();
        let status = wait::until("the command ends", || child.try_wait().expect("wait"));
        assert!(status.success(), "{status}");
    }
}

//! With a real swap area, and everything pushed out that the kernel lets go.

use crate::world::World;
use secretfs_tests::memory::swap::SwapArea;

#[test]
fn nothing_of_a_value_or_a_credential_reaches_the_swap() {
    for world in World::each("") {
        world.read_all();
        let mut secrets = world.values();
        let area = SwapArea::new(&world);
        let mut scanner = world.scanner();
        for _ in 0..3 {
            world.forget();
            world.end_sessions();
            world.read_all();
            secrets.extend(world.credentials());
            scanner.push_out_and_look(&world.pids(), &secrets);
        }
        assert_eq!(area.copies(&secrets), 0);
        // The control, in the same area.
        let naive = world.naive();
        scanner.push_out_and_look(&[naive.pid()], &secrets);
        let copies = area.copies(&secrets);
        assert!(copies > 1000, "{copies}");
    }
}

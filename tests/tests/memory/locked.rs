//! After a lock, and after an unmount.

use crate::world::World;
use secretfs_tests::probe::Probe;
use secretfs_tests::script::{Outcome, Step};

/// The file that is held open and mapped meanwhile.
const HELD: &str = "v65536";
const LEN: usize = 64 << 10;

/// A reader that holds the file open, and has read a mapping of it, which fills the page cache.
fn holder(world: &World) -> (Probe, i32) {
    let mut probe = world.probe();
    let fd = probe.open(world.file(HELD));
    let map = probe.run(&Step::Map {
        fd,
        len: LEN,
        shared: true,
    });
    let Outcome::Handle(map) = map else {
        panic!("{map:?}")
    };
    let map = usize::try_from(map).expect("a mapping");
    let bytes = probe.run(&Step::Peek { map, len: LEN });
    assert!(matches!(bytes, Outcome::Bytes(_)), "{bytes:?}");
    assert_eq!(cached(&mut probe, fd), 16);
    (probe, fd)
}

/// Pages of an open file in the page cache.
fn cached(probe: &mut Probe, fd: i32) -> u64 {
    match probe.run(&Step::CachedPages { fd }) {
        Outcome::Number(pages) => pages,
        other => panic!("{other:?}"),
    }
}

#[test]
fn after_a_lock_that_seals_no_process_and_no_page_holds_a_value_or_a_credential() {
    let world = World::mounted("on_lock: seal");
    let (mut probe, fd) = holder(&world);
    world.read_all();
    world.run(["lock"]);
    let report = world.scanner().look(&world.pids(), &world.secrets());
    assert!(report.findings.is_empty(), "{report:#?}");
    assert_eq!(cached(&mut probe, fd), 0);
    let read = probe.run(&Step::Pread {
        fd,
        offset: 0,
        len: 32,
    });
    assert_eq!(read, Outcome::Failed(libc::EIO));
}

#[test]
fn after_a_lock_that_unmounts_no_process_is_left_and_no_page_holds_a_value() {
    let world = World::mounted("");
    let (mut probe, fd) = holder(&world);
    world.read_all();
    world.run(["lock"]);
    world.wait_for_no_process();
    assert_eq!(cached(&mut probe, fd), 0);
}

#[test]
fn after_an_unmount_no_process_is_left_and_no_page_holds_a_value() {
    let world = World::mounted("");
    let (mut probe, fd) = holder(&world);
    world.read_all();
    world.unmount();
    assert_eq!(cached(&mut probe, fd), 0);
    assert!(world.processes().is_empty());
}

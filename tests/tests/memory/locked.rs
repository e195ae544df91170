//! After a lock, and after an unmount.

use crate::world::World;
use secretfs_tests::http_sim::Fault;
use secretfs_tests::infisical::Route;
use secretfs_tests::probe::Probe;
use secretfs_tests::script::{Outcome, Step};
use secretfs_tests::wait;

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

/// Everything fetched, and the last connection still warm: it goes a second after its last use.
fn warm(world: &World) {
    world.read_all();
    let Some(server) = world.server() else {
        return;
    };
    wait::until("a connection is kept", || {
        world.forget();
        world.read_all();
        (server.connections() > 0).then_some(())
    });
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
    for world in World::each("on_lock: seal") {
        let (mut probe, fd) = holder(&world);
        warm(&world);
        let secrets = world.secrets();
        world.run(["lock"]);
        let report = world.scanner().look(&world.pids(), &secrets);
        assert!(report.findings.is_empty(), "{report:#?}");
        assert_eq!(cached(&mut probe, fd), 0);
        let read = probe.run(&Step::Pread {
            fd,
            offset: 0,
            len: 32,
        });
        assert_eq!(read, Outcome::Failed(libc::EIO));
        if let Some(server) = world.server() {
            assert_eq!(server.connections(), 0);
        }
    }
}

#[test]
fn a_lock_in_the_middle_of_an_answer_leaves_nothing_of_what_had_come() {
    let world = World::behind_a_server("on_lock: seal");
    world.mount();
    world.read("v32").expect("a value");
    let server = world.server().expect("the server");
    let secrets = world.secrets();
    let mut scanner = world.scanner();
    // From where the value has begun to where the next buffer would.
    for bytes in [300, 5_000, 40_000, 500_000] {
        world.forget();
        for route in [Route::SecretSingle, Route::SecretList] {
            server.fault(route, Fault::HangAfter(bytes));
        }
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| world.read("v921600"));
            wait::until("an answer hangs", || {
                let held = [Route::SecretSingle, Route::SecretList].map(|of| server.held(of));
                (held.iter().sum::<usize>() > 0).then_some(())
            });
            world.run(["lock"]);
            let report = scanner.look(&world.pids(), &secrets);
            assert!(report.findings.is_empty(), "after {bytes}: {report:#?}");
            assert_eq!(server.connections(), 0);
            assert_eq!(reader.join().expect("the reader"), Err(libc::ENOKEY));
        });
        server.mend_all();
        world.unlock();
    }
    world.read_all();
}

#[test]
fn after_a_lock_that_unmounts_no_process_is_left_and_no_page_holds_a_value() {
    for world in World::each("") {
        let (mut probe, fd) = holder(&world);
        warm(&world);
        world.run(["lock"]);
        world.wait_for_no_process();
        assert_eq!(cached(&mut probe, fd), 0);
    }
}

#[test]
fn after_an_unmount_no_process_is_left_and_no_page_holds_a_value() {
    for world in World::each("") {
        let (mut probe, fd) = holder(&world);
        warm(&world);
        world.unmount();
        assert_eq!(cached(&mut probe, fd), 0);
        assert!(world.processes().is_empty());
    }
}

//! Many readers at one time.

use crate::scripted::Scripted;
use secretfs_tests::fixture::value;
use secretfs_tests::script::{Crowd, Outcome, Step, to_hex};
use secretfs_tests::{system, wait};

const READERS: usize = 1000;
const EACH: u32 = 20;

/// The kernel sends what it need not wait for, releases above all, a few at a time: while a thousand
/// opened and read, handles that were long closed filled the locked heap.
#[test]
fn a_thousand_readers_of_a_cached_secret_get_it_every_time() {
    let mount = Scripted::with_value(value("crowd", 3072));
    let mut probe = mount.probe();
    probe.slurp(mount.file("a")).expect("the value");
    let path = mount.file("a").display().to_string();
    let outcome = probe.run(&Step::TimeCrowd {
        path,
        readers: READERS,
        times: EACH,
    });
    let Outcome::Crowd(Crowd { reads, failed, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((reads, failed), (20_000, 0), "{outcome:?}");
    assert!(mount.is_mounted());
}

/// They wait while their provider takes its time, and not one after the other as where it answers at once:
/// what each of them takes of the locked heap is there a thousand times.
#[test]
fn a_thousand_opens_that_wait_for_one_cold_secret_at_one_time_all_get_it() {
    let mount = Scripted::mounted("open_timeout: 60s", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 3_000));
    mount.sim.hang("A");
    let mut probe = mount.probe();
    let path = mount.file("a").to_str().expect("UTF-8").to_owned();
    probe.begin(&Step::SlurpConcurrently {
        path,
        threads: READERS,
    });
    wait::until("all wait", || {
        (system::threads_that_wait_for_fuse(probe.pid()) == READERS).then_some(())
    });
    mount.sim.release("A");
    let expected = Outcome::Bytes(to_hex(&value("a", 3_000)));
    assert_eq!(probe.finish(), Outcome::Tally(vec![(expected, READERS)]));
    assert_eq!(mount.sim.count(), 1);
    assert!(mount.is_mounted());
}

//! Many readers at one time.

use crate::scripted::Scripted;
use secretfs_tests::fixture::value;
use secretfs_tests::script::{Crowd, Outcome, Step};

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

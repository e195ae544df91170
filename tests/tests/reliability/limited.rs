//! A server whose rate limit is over at once, and there again at once: each read asks a few times, and the
//! daemon takes no more than before. A script of faults found that it asked without end, and that the
//! lines of its log filled the locked heap.

use crate::lane::{Kind, with_lane};
use secretfs_tests::fixture::Fixture;
use secretfs_tests::http_sim::Fault;
use std::time::Duration;

#[test]
fn a_limit_that_is_over_at_once_for_ever_is_asked_a_few_times_for_each_file() {
    let fixture = Fixture::new();
    let kind = Kind {
        tls: true,
        ttl: Duration::from_secs(60),
        stale: Duration::ZERO,
        open_timeout: Duration::from_secs(2),
        config: "",
    };
    with_lane(&fixture, kind, |lane| {
        let all: Vec<usize> = (0..lane.servers.files.len()).collect();
        assert!(lane.read(&all).iter().all(|(read, _)| read.is_ok()));
        let daemon = lane.fixture.process("internal-daemon").pid;
        lane.servers.infisical.fault_all(Fault::Limited(0));
        lane.servers.connect.fault_all(Fault::Limited(0));
        for _ in 0..3 {
            lane.servers.forget_requests();
            lane.advance(lane.kind.ttl);
            for (read, _) in lane.read(&all) {
                assert!(matches!(read, Err(libc::EBUSY)), "{read:?}");
            }
            // Six for each, and those of the lists that some of them were to come with.
            let asked = lane.servers.infisical.total() + lane.servers.connect.total();
            assert!(asked <= 6 * 2 * all.len(), "{asked} requests");
        }
        lane.servers.infisical.mend_all();
        lane.servers.connect.mend_all();
        lane.advance(lane.kind.ttl);
        secretfs_tests::wait::until("the limits are over", || {
            let reads = lane.read(&all);
            reads.iter().all(|(read, _)| read.is_ok()).then_some(())
        });
        assert_eq!(lane.fixture.process("internal-daemon").pid, daemon);
    });
}

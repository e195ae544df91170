//! A reset at the bytes of one exchange, one after the other, in both directions: from the first byte of
//! the handshake to the last of the answer. Every 61st byte, and each of them where `$SECRETFS_LONG` is
//! set.

use crate::lane::{Kind, Lane, with_lane};
use secretfs_tests::fault_proxy::{Act, Cut, Door, Plan};
use secretfs_tests::fixture::Fixture;
use std::time::Duration;

/// The file that is read; the first of Infisical.
const FILE: usize = 0;
/// Mounts at once.
const LANES: usize = 4;

/// One read over a connection of its own.
fn read(lane: &mut Lane<'_>) -> Result<Vec<u8>, i32> {
    // Connections that are kept end, and what is cached is over.
    lane.proxies[0].door(Door::Open);
    lane.advance(lane.kind.ttl);
    let mut outcome = lane.read(&[FILE]);
    outcome.remove(0).0
}

fn wrong(lane: &Lane<'_>, read: Result<Vec<u8>, i32>) -> Option<String> {
    match read.map(|bytes| lane.version(FILE, &bytes)) {
        Ok(Ok(1)) => None,
        other => Some(format!("{other:?}")),
    }
}

fn sweep(lane: &mut Lane<'_>, of: usize, stride: usize) -> (usize, usize) {
    assert_eq!(read(lane).map(drop), Ok(()));
    let before = lane.proxies[0].carried();
    assert_eq!(read(lane).map(drop), Ok(()));
    let after = lane.proxies[0].carried();
    assert_eq!(after.2 - before.2, 1, "one exchange is one connection");
    let (up, down) = (after.0 - before.0, after.1 - before.1);
    let mut failed = 0;
    let ways = (0..up)
        .map(|at| (true, at))
        .chain((0..down).map(|at| (false, at)));
    let bytes: Vec<_> = ways.skip(of * stride).step_by(LANES * stride).collect();
    for (is_up, at) in &bytes {
        let cut = Some(Cut {
            after: *at,
            act: Act::Reset,
        });
        let plan = match is_up {
            true => Plan {
                up: cut,
                ..Plan::default()
            },
            false => Plan {
                down: cut,
                ..Plan::default()
            },
        };
        lane.proxies[0].next(plan);
        let place = format!("reset after {at} bytes, up: {is_up}");
        match read(lane) {
            Err(libc::EHOSTUNREACH) => failed += 1,
            other => assert_eq!(wrong(lane, other), None, "{place}"),
        }
        lane.proxies[0].mend(true);
        let again = read(lane);
        assert_eq!(wrong(lane, again), None, "after a {place}");
        lane.servers.forget_requests();
    }
    (bytes.len(), failed)
}

#[test]
fn a_reset_at_any_byte_of_an_exchange_is_not_seen_or_is_an_errno_once() {
    let stride = match std::env::var_os("SECRETFS_LONG") {
        Some(_) => 1,
        None => 61,
    };
    let kind = Kind {
        tls: true,
        ttl: Duration::from_secs(60),
        stale: Duration::ZERO,
        open_timeout: Duration::from_secs(2),
        config: "",
    };
    let (bytes, failed) = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|of| {
                let kind = kind.clone();
                scope.spawn(move || {
                    let fixture = Fixture::new();
                    let mut seen = (0, 0);
                    with_lane(&fixture, kind, |lane| seen = sweep(lane, of, stride));
                    seen
                })
            })
            .collect();
        let seen = lanes.into_iter().map(|lane| lane.join().expect("a lane"));
        seen.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    });
    eprintln!("reset at {bytes} places: {failed} reads failed, the others were not disturbed");
    assert!(
        bytes > 20,
        "an exchange has more bytes than {bytes} times {stride}"
    );
}

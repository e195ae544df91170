//! `probe advance MOUNTPOINT MILLISECONDS`: moves the clock of the daemon that serves a mountpoint. A
//! process of the user must ask: the helper looks at who does.

use secretfs_mount_helper::control::{Request, Response, client};
use std::path::Path;

/// Does what the arguments say.
pub(crate) fn advance_by_arguments() {
    let mut args = std::env::args().skip(2);
    let mountpoint = args.next().expect("a mountpoint");
    let by_ms = args.next().expect("milliseconds");
    advance(&mountpoint, by_ms.parse().expect("a number"));
}

/// Moves the clock of the daemon of a mount.
pub(crate) fn advance(mountpoint: &str, by_ms: u64) {
    let found = client::expect(Path::new(mountpoint)).expect("a mount");
    let request = Request::AdvanceClock { by_ms };
    match client::request(&found, &request, Vec::new()) {
        Ok(Response::Done { .. }) => {}
        other => panic!("the clock did not move: {other:?}"),
    }
    // The daemon does not answer to it; but it answers to this, and it takes messages in order.
    let status = client::status(&found);
    assert!(
        status.daemon.is_some(),
        "the daemon does not answer: {status:?}"
    );
}

/// The bytes that the daemon of a mount has in sealed areas.
pub(crate) fn sealed(mountpoint: &str) -> u64 {
    let found = client::expect(Path::new(mountpoint)).expect("a mount");
    let status = client::status(&found);
    status.daemon.expect("the daemon answers").sealed_bytes
}

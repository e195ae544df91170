//! `probe advance MOUNTPOINT MILLISECONDS`: moves the clock of the daemon that serves a mountpoint. A
//! process of the user must ask: the helper looks at who does.

use secretfs_mount_helper::control::{Request, Response, client};
use std::path::Path;

/// Does what the arguments say.
pub(crate) fn advance() {
    let mut args = std::env::args().skip(2);
    let mountpoint = args.next().expect("a mountpoint");
    let by_ms = args
        .next()
        .expect("milliseconds")
        .parse()
        .expect("a number");
    let found = client::expect(Path::new(&mountpoint)).expect("a mount");
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

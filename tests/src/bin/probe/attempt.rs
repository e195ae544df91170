//! `probe attempt MOUNTPOINT PORT…`: has the daemon that serves a mountpoint try to get out of its
//! sandbox, and prints the errno of each attempt as a JSON object.

use secretfs_mount_helper::control::{Request, Response, client};
use std::collections::BTreeMap;
use std::path::Path;

/// Does what the arguments say.
pub(crate) fn attempt() {
    let mut args = std::env::args().skip(2);
    let mountpoint = args.next().expect("a mountpoint");
    let ports = args.map(|port| port.parse().expect("a port")).collect();
    let found = client::expect(Path::new(&mountpoint)).expect("a mount");
    let results = match client::request(&found, &Request::Attempt { ports }, Vec::new()) {
        Ok(Response::Attempted(results)) => results,
        other => panic!("nothing was attempted: {other:?}"),
    };
    let results: BTreeMap<String, i32> = results.into_iter().collect();
    #[expect(clippy::print_stdout, reason = "the answer")]
    {
        println!("{}", serde_json::to_string(&results).expect("JSON"));
    }
}

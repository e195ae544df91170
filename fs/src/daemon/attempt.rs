//! Lets a test try from inside the sandbox what it is to prevent.

use super::assemble::Daemon;
use crate::link::FromDaemon;
use secretfs_memory::harden::attempts;
use secretfs_memory::stack;

/// The stack of the thread beside the one that everything runs on.
const STACK: usize = 128 << 10;

/// Tries everything on this thread and on a new one, and tells the errno of each attempt.
pub(super) fn all(daemon: &Daemon, id: u64, ports: Vec<u16>) {
    let name = |thread: &str, results: Vec<(String, i32)>| {
        let named = |(what, errno)| (format!("{thread}: {what}"), errno);
        results.into_iter().map(named).collect::<Vec<_>>()
    };
    let mut results = name("runtime", attempts::all(&ports));
    let other = stack::spawn_as(daemon.insecure, "attempt", STACK, move || {
        attempts::all(&ports)
    });
    if let Ok(Ok(of_thread)) = other.map(std::thread::JoinHandle::join) {
        results.extend(name("thread", of_thread));
    }
    daemon
        .outbox
        .try_send(FromDaemon::Attempted { id, results });
}

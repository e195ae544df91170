//! The daemon: the sandboxed process that speaks FUSE and fetches secrets.
//!
//! | room | what it does |
//! |---|---|
//! | `abort` | cuts the connection when nobody is left to unmount |
//! | `prepare` | hardens the process and locks its memory, before anything secret exists |
//! | `assemble` | puts cache, tree, providers and helper together |
//! | `serve` | obeys the helper until the mount or the helper is gone |
//! | `credentials` | takes credentials from a command |
//! | `status` | tells of itself |
//! | `registry` | makes providers from their definitions |
//! | `helper` | asks what the sandbox forbids |
//! | `outbox`, `log`, `audit` | speak without waiting |
//! | `values` | the cache as the tree sees it |

mod abort;
mod assemble;
#[cfg(feature = "test-hooks")]
mod attempt;
mod audit;
mod clock;
mod credentials;
mod helper;
mod idle;
mod log;
mod outbox;
mod prepare;
pub mod registry;
mod serve;
mod status;
pub mod values;

use secretfs_memory::stack;
use std::process::ExitCode;
use std::thread::JoinHandle;

/// The stack of the thread that everything runs on. The main thread's may grow to 8 MiB, all of
/// which would count against the locked budget (contract locked-memory-and-session.md §1).
const STACK: usize = 512 << 10;

/// Runs the daemon until its mount or its helper is gone. Standard input is its end of the link.
#[must_use]
pub fn run() -> ExitCode {
    let prepared = match prepare::prepare() {
        Ok(prepared) => prepared,
        Err(error) => return error.report(),
    };
    let insecure = prepared.insecure;
    let main = stack::spawn_as(insecure, "secretfs", STACK, move || serve::serve(prepared));
    match main.map(JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The thread panicked, or could not be started. Ending is safe: the kernel frees what it
        // held, and the helper detaches the mount.
        Ok(Err(_)) | Err(_) => ExitCode::FAILURE,
    }
}

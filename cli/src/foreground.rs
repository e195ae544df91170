//! `mount --foreground`: this process stays, and passes on the signals that ask for the end.

use rustix::process::{Pid, Signal, kill_process};
use secretfs_mount_helper::launch::{self, Running};
use std::process::ExitStatus;
use tokio::signal::unix::{SignalKind, signal};

/// Waits for the end of the mount. A service manager, or a user with `kill`, signals this process and
/// not the helper; what a terminal sends reaches both, and the helper takes the second one for the
/// same wish.
pub(crate) fn wait(running: Running, helper: u32) -> std::io::Result<ExitStatus> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let handlers = {
        let _context = runtime.enter();
        [
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
        ]
    };
    // Ends with the process.
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let [mut terminate, mut interrupt, mut hangup] = handlers;
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    _ = hangup.recv() => {}
                }
                if let Some(pid) = i32::try_from(helper).ok().and_then(Pid::from_raw) {
                    // Gone already: then the wait below ends by itself.
                    let _ = kill_process(pid, Signal::TERM);
                }
            }
        });
    });
    launch::wait(running)
}

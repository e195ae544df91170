//! Without a terminal: one more status where something has changed, until nobody reads them.

use super::super::{json, table};
use super::observe::{Mounts, Observer, Seen};
use crate::error::CliError;
use crate::screen::Look;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use secretfs_mount_helper::control::MountStatus;
use secretfs_mount_helper::journal::time::rfc3339;
use std::time::{Instant, SystemTime};

/// How often it is looked whether something has changed, in nanoseconds.
const TICK: i64 = 250_000_000;
/// The same while the first answers are on their way.
const SOON: i64 = 10_000_000;

/// Prints until standard output is closed.
pub(super) fn run(mounts: impl Mounts, json: bool) -> Result<(), CliError> {
    let mut observer = Observer::new(mounts, || {});
    let mut changes = Changes::default();
    loop {
        let seen = observer.look(Instant::now());
        let new = changes.next(seen);
        let asked = matches!(new, Change::Asked);
        if let Change::Changed(mounts) = new {
            crate::output::print(if json {
                json::text(&mounts)?
            } else {
                let look = Look::of_stdout();
                let time = rfc3339(SystemTime::now());
                format!("-- {time}\n{}\n", table::render(&mounts, look))
            })?;
        }
        if is_closed(if asked { SOON } else { TICK }) {
            return Ok(());
        }
    }
}

/// Whether nobody reads standard output any more; waits so long for it.
fn is_closed(limit: i64) -> bool {
    let stdout = std::io::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
    let limit = Timespec {
        tv_sec: 0,
        tv_nsec: limit,
    };
    poll(&mut fds, Some(&limit)).is_ok_and(|ready| ready > 0)
}

/// What was told last, without what changes by itself.
#[derive(Default)]
pub(super) struct Changes(Option<Vec<MountStatus>>);

/// Whether there is something to tell.
#[derive(Debug, PartialEq)]
pub(super) enum Change {
    /// Not before all have answered once.
    Asked,
    /// As it was.
    Same,
    /// This.
    Changed(Vec<MountStatus>),
}

impl Changes {
    pub(super) fn next(&mut self, seen: Vec<Seen>) -> Change {
        let mut mounts = Vec::with_capacity(seen.len());
        for seen in seen {
            match seen {
                Seen::Answered(status) => mounts.push(*status),
                Seen::Asked(_) => return Change::Asked,
            }
        }
        let lasting = mounts.iter().map(lasting).collect();
        if self.0.as_ref() == Some(&lasting) {
            return Change::Same;
        }
        self.0 = Some(lasting);
        Change::Changed(mounts)
    }
}

/// Without ages, and without how the memory is used, which a question alone may change.
fn lasting(status: &MountStatus) -> MountStatus {
    let mut status = status.clone();
    if let Some(page) = &mut status.daemon {
        (page.locked_bytes, page.heap_bytes, page.sealed_bytes) = (0, 0, 0);
        for file in &mut page.files {
            file.age_ms = None;
        }
    }
    status
}

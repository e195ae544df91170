//! Looking for the next request for a moment before the event thread goes to sleep.
//!
//! Waking a thread that sleeps on another processor takes several times as long as an answer does
//! (docs/benchmarks.md), and of the four requests of an open, fstat, read and close each follows the answer
//! to the one before. So the thread looks on, for [`LOOKS_FOR`] at most. Where that is of no use, because
//! nothing more is asked or the asking program waits for this very processor, it soon looks after one
//! request in 128 only.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// How long one look takes at most. Sleeping and being woken costs about as much.
const LOOKS_FOR: Duration = Duration::from_micros(50);

/// At most 2^7 − 1 requests pass without a look.
const MOST_DOUBLINGS: u32 = 7;

/// What a request leaves to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Its program waited for the answer, and is likely to ask for more.
    Answer,
    /// Nobody waited for it: what comes next is somebody's next open.
    Release,
    /// The kernel tells it in masses, and about nothing that goes on.
    Forget,
}

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// A request came during it: no sleep, no waking.
    Useful,
    /// A request was there before, or none came.
    Useless,
}

/// When to look.
#[derive(Debug, Default)]
struct Backoff {
    doublings: u32,
    left_out: u32,
}

impl Backoff {
    fn is_due(&mut self) -> bool {
        match self.left_out.checked_sub(1) {
            Some(left) => {
                self.left_out = left;
                false
            }
            None => true,
        }
    }

    fn learn(&mut self, look: Look) {
        match look {
            Look::Useful => self.doublings = 0,
            Look::Useless => {
                self.doublings = (self.doublings + 1).min(MOST_DOUBLINGS);
                self.left_out = (1 << self.doublings) - 1;
            }
        }
    }
}

/// The event thread's looks at the device.
#[derive(Debug)]
pub(super) struct Linger {
    /// `None`: it never looks.
    device: Option<OwnedFd>,
    answers: Backoff,
    releases: Backoff,
}

impl Linger {
    /// `device`: the one that requests are read from.
    pub(super) fn new(device: OwnedFd) -> Self {
        // On one processor, who looks keeps away whom it looks for.
        let alone = std::thread::available_parallelism().is_ok_and(|n| n.get() == 1);
        Self {
            device: (!alone).then_some(device),
            answers: Backoff::default(),
            releases: Backoff::default(),
        }
    }

    /// Looks for the next request, if that has been of use.
    pub(super) fn after(&mut self, done: After) {
        let Some(device) = &self.device else {
            return;
        };
        let backoff = match done {
            After::Answer => &mut self.answers,
            After::Release => &mut self.releases,
            After::Forget => return,
        };
        if backoff.is_due() {
            backoff.learn(look(device));
        }
    }
}

fn look(device: &OwnedFd) -> Look {
    let mut fds = [PollFd::new(device, PollFlags::IN)];
    look_for(LOOKS_FOR, || poll(&mut fds, Some(&Timespec::default())))
}

/// `glance`: how many requests, or ends of the connection, are there to be read.
fn look_for(time: Duration, mut glance: impl FnMut() -> rustix::io::Result<usize>) -> Look {
    let start = Instant::now();
    for glances in 0_u32.. {
        match glance() {
            Ok(0) if start.elapsed() < time => {}
            // Also where the connection has ended: reading tells how.
            Ok(1..) if glances > 0 => return Look::Useful,
            _ => break,
        }
    }
    Look::Useless
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::pipe;
    use std::fs::File;
    use std::io::Write;

    fn looks(backoff: &mut Backoff, requests: usize, look: Look) -> Vec<usize> {
        (0..requests)
            .filter(|_| {
                let due = backoff.is_due();
                if due {
                    backoff.learn(look);
                }
                due
            })
            .collect()
    }

    #[test]
    fn looks_that_are_of_no_use_become_rare_and_never_end() {
        let mut backoff = Backoff::default();
        let at = looks(&mut backoff, 600, Look::Useless);
        assert_eq!(at, [0, 2, 6, 14, 30, 62, 126, 254, 382, 510]);
    }

    #[test]
    fn after_a_look_that_was_of_use_every_request_is_followed_by_one() {
        let mut backoff = Backoff::default();
        looks(&mut backoff, 200, Look::Useless);
        while !backoff.is_due() {}
        backoff.learn(Look::Useful);
        assert_eq!(looks(&mut backoff, 3, Look::Useful), [0, 1, 2]);
    }

    #[test]
    fn a_request_that_was_there_at_first_is_of_no_use_and_is_not_taken() {
        let (reader, writer) = pipe().unwrap();
        assert_eq!(look(&reader), Look::Useless);
        File::from(writer).write_all(b"request").unwrap();
        assert_eq!(look(&reader), Look::Useless);
        let mut bytes = [0; 8];
        assert_eq!(rustix::io::read(&reader, &mut bytes).unwrap(), 7);
    }

    #[test]
    fn a_request_that_comes_during_a_look_makes_it_useful_and_ends_it() {
        let mut glances = 0;
        let look = look_for(Duration::MAX, || {
            glances += 1;
            Ok(usize::from(glances == 3))
        });
        assert_eq!((look, glances), (Look::Useful, 3));
    }

    #[test]
    fn a_device_that_is_gone_ends_a_look_at_once() {
        let (reader, writer) = pipe().unwrap();
        drop(writer);
        assert_eq!(look(&reader), Look::Useless);
    }

    #[test]
    fn nothing_is_looked_for_after_forgets() {
        let (reader, _writer) = pipe().unwrap();
        let mut linger = Linger::new(reader);
        linger.after(After::Forget);
        assert!(linger.answers.is_due() && linger.releases.is_due());
    }
}

//! What a mount's processes take: descriptors, threads, locked bytes. Looked at from outside.

use secretfs_tests::wait;
use std::time::Duration;

/// How long after a storm everything may take to be given back: an unused connection stays for a second,
/// a thread that resolved a name for ten.
const GIVEN_BACK: Duration = Duration::from_secs(30);

/// What the locked heap keeps of its largest extent: as much as all connections at once take in the worst
/// of moments. It is no more after ten thousand scripts than after one.
const HEAP: u64 = 1 << 20;

/// Of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Footprint {
    pub(crate) descriptors: usize,
    pub(crate) threads: u64,
    /// Bytes.
    pub(crate) resident: u64,
    /// Bytes.
    pub(crate) locked: u64,
}

impl Footprint {
    /// Of a process; `None`: it is gone.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let number = |name: &str| -> Option<u64> {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        Some(Self {
            descriptors: std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count(),
            threads: number("Threads:")?,
            resident: number("VmRSS:")? << 10,
            locked: number("VmLck:")? << 10,
        })
    }

    fn is_within(self, most: Self) -> bool {
        self.descriptors <= most.descriptors
            && self.threads <= most.threads
            && self.locked <= most.locked + HEAP
    }
}

/// The processes of a mount, and what they took when all was well.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Baseline {
    daemon: (u32, Footprint),
    helper: (u32, Footprint),
}

impl Baseline {
    /// What they take when nothing has changed for a moment.
    pub(crate) fn settled(daemon: u32, helper: u32) -> Self {
        let mut last = None;
        let settled = wait::within(GIVEN_BACK, "the processes have come to rest", || {
            let now = Footprint::of(daemon).zip(Footprint::of(helper));
            // Longer than a connection is kept.
            std::thread::sleep(Duration::from_millis(1100));
            let again = Footprint::of(daemon).zip(Footprint::of(helper));
            last = again;
            let same = now.zip(again).filter(|(now, again)| {
                let of = |(daemon, helper): &(Footprint, Footprint)| {
                    (
                        daemon.descriptors,
                        daemon.threads,
                        daemon.locked,
                        helper.descriptors,
                    )
                };
                of(now) == of(again)
            });
            same.map(|(_, again)| again)
        });
        Self {
            daemon: (daemon, settled.0),
            helper: (helper, settled.1),
        }
    }

    /// Waits until they take no more than this.
    pub(crate) fn wait_back(&self, what: &str) {
        for (name, (pid, most)) in [("daemon", self.daemon), ("helper", self.helper)] {
            let deadline = std::time::Instant::now() + GIVEN_BACK;
            loop {
                let now =
                    Footprint::of(pid).unwrap_or_else(|| panic!("{what}: the {name} is gone"));
                if now.is_within(most) {
                    break;
                }
                assert!(
                    std::time::Instant::now() < deadline,
                    "{what}: the {name} takes {now:?}, and took {most:?}"
                );
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// Whether both still run.
    pub(crate) fn lives(&self) -> bool {
        [self.daemon.0, self.helper.0]
            .iter()
            .all(|pid| !secretfs_tests::system::is_gone(*pid))
    }
}

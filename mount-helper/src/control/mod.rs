//! The control socket: what commands say to the helper of a running mount. 0600, below the runtime
//! folder, and the peer's user is checked. JSON, one request and one answer for each connection;
//! a descriptor may come beside the request.

pub mod client;

use secretfs_fs::link::message::StatusPage;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A command's request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Request {
    /// Answer, if the helper's loop is alive.
    Ping,
    /// Report everything.
    Status,
    /// Lock, as the screen lock does.
    Lock,
    /// Serve again. A descriptor with a credential channel may come beside it.
    Unlock {
        /// Whether a descriptor comes beside it.
        with_credentials: bool,
    },
    /// Pass a credential channel to the daemon. The descriptor comes beside it.
    Credentials,
    /// Forget cached values; all, if empty.
    Refresh {
        /// Paths below the mountpoint.
        paths: Vec<String>,
    },
    /// Wipe, unmount, end.
    Unmount,
    /// Read the map again.
    Reload,
    /// Moves the clock of a test build.
    #[cfg(feature = "test-hooks")]
    AdvanceClock {
        /// By how much, in milliseconds.
        by_ms: u64,
    },
    /// Waits until the daemon of a test build has no request under way, and the kernel knows what changed.
    #[cfg(feature = "test-hooks")]
    Settle,
    /// Has the daemon of a test build try to get out of its sandbox.
    #[cfg(feature = "test-hooks")]
    Attempt {
        /// Ports of this machine to connect to.
        ports: Vec<u16>,
    },
}

/// The helper's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Response {
    /// Done.
    Done {
        /// How many values it concerned, where that means something.
        count: u32,
    },
    /// The state.
    Status(Box<MountStatus>),
    /// The attempts of a test build's daemon, each with its errno.
    #[cfg(feature = "test-hooks")]
    Attempted(Vec<(String, i32)>),
    /// It failed.
    Failed {
        /// The exit status of the command.
        status: u8,
        /// What failed.
        message: String,
        /// What to do.
        help: String,
    },
}

/// The state of a mount (product.md, "Places and formats").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MountState {
    /// Not mounted yet.
    Starting,
    /// Files can be opened.
    Serving,
    /// Being wiped.
    Locking,
    /// Wiped: every open answers ENOKEY, or the mount is gone until `unlock`.
    Locked,
    /// Ending.
    Stopping,
}

/// Everything about one mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountStatus {
    /// Where.
    pub mountpoint: PathBuf,
    /// The map.
    pub map: PathBuf,
    /// The state.
    pub state: MountState,
    /// The helper's process id.
    pub pid: u32,
    /// What locks it, as armed now.
    pub triggers: Vec<String>,
    /// Why the map on disk is not the one in use, where it is not.
    pub map_error: Option<String>,
    /// The providers' names and types, in the map's order.
    pub providers: Vec<(String, String)>,
    /// The path of every entry, in the map's order: `FileStatus::entry` points into it.
    pub entries: Vec<String>,
    /// The ttl of every entry in milliseconds, in the same order.
    #[serde(default)]
    pub ttls_ms: Vec<u64>,
    /// What the daemon says; `None`: it does not answer.
    pub daemon: Option<StatusPage>,
}

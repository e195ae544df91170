//! What daemon and mount-helper say to each other. No message holds a value or a credential.

use secretfs_providers::http::ProxySettings;
use secretfs_providers::{HostRequest, ProgramEnd};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// From the mount-helper to the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ToDaemon {
    /// First message. Descriptor: the compiled map.
    Start {
        /// The mountpoint, absolute: for messages only, the daemon never opens it.
        mountpoint: String,
        /// Go on with memory that is not locked.
        insecure_memory: bool,
        /// Local vaults and fallbacks only.
        offline: bool,
        /// The kernel lets root and the owner in.
        allow_root: bool,
        /// Start locked: every open answers ENOKEY until [`ToDaemon::Unlock`].
        locked: bool,
        /// Which servers are reached through which proxy, until the mount ends.
        proxies: ProxySettings,
    },
    /// The file system is mounted. Descriptors: `/dev/fuse`, and `/sys/fs/fuse/connections/N/abort`
    /// open for writing, where there is one.
    Mounted {
        /// Whether the second descriptor is there.
        has_abort: bool,
    },
    /// The map was saved. Descriptor: the new compiled map.
    Reload {
        /// Counts the maps of this mount; the one of [`ToDaemon::Start`] is 1. Questions and status
        /// pages say which one they mean: positions in one are not those in another.
        generation: u64,
    },
    /// A command has credentials. Descriptor: its end of a socketpair, which the helper does not read.
    Credentials,
    /// Refuse, wipe, invalidate, drop connections. Answered by [`FromDaemon::Locked`].
    Lock,
    /// Serve again.
    Unlock,
    /// Forget the cached values of these paths (all, if empty). Answered by [`FromDaemon::Done`].
    Refresh {
        /// Correlates the answer.
        id: u64,
        /// Paths below the mountpoint.
        paths: Vec<String>,
    },
    /// Report state. Answered by [`FromDaemon::Status`].
    Status {
        /// Correlates the answer.
        id: u64,
        /// Report files with something to tell from this entry on, as many as fit.
        from_entry: u32,
    },
    /// Wipe and end.
    Stop,
    /// Answers [`FromDaemon::Ask`]. With a descriptor where one was asked for.
    Answer {
        /// Of the question.
        id: u64,
        /// The answer.
        result: Result<AskAnswer, i32>,
    },
    /// Moves the clock of a test build.
    #[cfg(feature = "test-hooks")]
    AdvanceClock {
        /// By how much, in milliseconds.
        by_ms: u64,
    },
    /// Say when no request is under way and the kernel has been told of all that changed. Answered by [`FromDaemon::Done`].
    #[cfg(feature = "test-hooks")]
    Settle {
        /// Correlates the answer.
        id: u64,
    },
    /// Try to get out of the sandbox. Answered by [`FromDaemon::Attempted`].
    #[cfg(feature = "test-hooks")]
    Attempt {
        /// Correlates the answer.
        id: u64,
        /// Ports of this machine to connect to.
        ports: Vec<u16>,
    },
}

/// From the daemon to the mount-helper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FromDaemon {
    /// Memory is locked, the process is hardened, the map is mapped: mount now.
    Prepared,
    /// The first message could not be obeyed; the daemon ends.
    Failed {
        /// What failed.
        message: String,
        /// What to do.
        help: String,
    },
    /// The kernel's INIT was answered: files can be opened.
    Serving,
    /// Everything is wiped.
    Locked,
    /// The request of this id was carried out.
    Done {
        /// Of the request.
        id: u64,
        /// How many values it concerned.
        count: u32,
    },
    /// The daemon wants something from outside the sandbox.
    Ask {
        /// Correlates the answer.
        id: u64,
        /// Of the map that its positions are meant in.
        generation: u64,
        /// What.
        ask: Ask,
    },
    /// Lines for the audit, in their order.
    Audit(Vec<AuditEvent>),
    /// One line for the log.
    Log {
        /// `error`, `warn`, `info`, `debug`.
        level: String,
        /// Our own words; never a value, never a provider's text.
        text: String,
    },
    /// A part of the state.
    Status {
        /// Of the request.
        id: u64,
        /// The state.
        page: Box<StatusPage>,
    },
    /// What came of attempts to get out of the sandbox.
    #[cfg(feature = "test-hooks")]
    Attempted {
        /// Of the request.
        id: u64,
        /// The name of each, and its errno; 0: it went through.
        results: Vec<(String, i32)>,
    },
    /// Last message: why the daemon ends.
    Ending {
        /// In one line.
        reason: String,
    },
}

/// What the daemon may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Ask {
    /// For a provider.
    Host(HostRequest),
    /// May this process open this entry (`allow`)?
    Allowed {
        /// The caller, a thread id.
        pid: u32,
        /// The entry, in the map of the question's generation.
        entry: u32,
    },
}

/// What the helper answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AskAnswer {
    /// The descriptor beside the message.
    Fd,
    /// Addresses.
    Addresses(Vec<SocketAddr>),
    /// Whether it may.
    Allowed(bool),
    /// A program was started; its standard output is beside the message.
    Started {
        /// To ask for its end with.
        run: u64,
    },
    /// It has ended.
    Ended(ProgramEnd),
}

/// One open, for the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// The caller, a thread id; 0: outside our pid namespace.
    pub pid: u32,
    /// The caller's user.
    pub uid: u32,
    /// The path below the mountpoint.
    pub file: String,
    /// The version served; 0: none.
    pub version: u64,
    /// 0, or the errno answered.
    pub errno: i32,
    /// Milliseconds since 1970.
    pub time_ms: u64,
}

/// What the daemon tells of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusPage {
    /// Of the map that providers and entries are meant in.
    pub generation: u64,
    /// Whether it is locked.
    pub locked: bool,
    /// Bytes locked now, as the kernel counts them.
    pub locked_bytes: u64,
    /// The heap's share of them.
    pub heap_bytes: u64,
    /// The sealed areas' share; the rest are stacks.
    pub sealed_bytes: u64,
    /// What may be locked.
    pub limit_bytes: u64,
    /// `--insecure-memory`.
    pub insecure: bool,
    /// `memfd_secret` in use.
    pub secretmem: bool,
    /// What else keeps others out, as the kernel says.
    pub protections: Protections,
    /// Each provider of the map, in its order.
    pub providers: Vec<ProviderStatus>,
    /// Files with something to tell: cached, or failed. All others were never opened.
    pub files: Vec<FileStatus>,
    /// Ask again from this entry on; `None`: that was all.
    pub next_entry: Option<u32>,
}

/// The protections of the daemon's process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protections {
    /// No core dumps.
    pub no_core: bool,
    /// Neither traceable nor readable by the same user.
    pub not_dumpable: bool,
    /// No new privileges.
    pub no_new_privs: bool,
    /// A seccomp filter in every thread.
    pub seccomp: bool,
    /// `full`, `no-scopes`, `no-tcp` or `absent`.
    pub landlock: String,
}

/// How a provider is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderStatus {
    /// `unknown`, `good`, `needs-credential`, `failing`.
    pub health: String,
    /// The last error's message and help.
    pub last_error: Option<(String, String)>,
    /// What there is to know beside it.
    #[serde(default)]
    pub note: Option<String>,
}

/// How a file is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStatus {
    /// The entry in the map of the page's generation.
    pub entry: u32,
    /// The name below a `dir:` folder, where it is one.
    pub member: Option<String>,
    /// A value is held.
    pub cached: bool,
    /// It is past its ttl.
    pub stale: bool,
    /// Since it was fetched, in milliseconds.
    pub age_ms: Option<u64>,
    /// Its ttl in milliseconds.
    pub ttl_ms: u64,
    /// Its last published size.
    pub size: Option<u64>,
    /// The last failure: errno, message, help.
    pub last_error: Option<(i32, String, String)>,
    /// Names that were left out of a rendered or listed folder.
    pub left_out: Vec<String>,
}

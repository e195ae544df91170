//! The daemon's life: it obeys the helper, and ends when its mount or its helper is gone. However it
//! ends, values are wiped first.

use super::assemble::Daemon;
use super::log::LinkLog;
use super::outbox::{Inbox, outbox};
use super::prepare::Prepared;
use super::{abort::Abort, credentials, idle};
use crate::fuse::{Config, EndReason, Session};
use crate::link::wire::{LINK_LIMIT, Reader, WireError, Writer, split};
use crate::link::{FromDaemon, ToDaemon};
use crate::map::{CompiledMap, EntryId};
use secretfs_memory::{residue, stack};
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

/// How long the kernel may take to drop pages at a lock before the answer is given without it: the
/// values are wiped by then.
const INVALIDATE_WITHIN: Duration = Duration::from_millis(500);

/// How long the last messages may take to reach the helper.
const DRAIN_WITHIN: Duration = Duration::from_millis(500);

/// Why the daemon ends.
#[derive(Debug)]
enum End {
    /// The helper said so, or SIGTERM.
    Asked,
    /// The session ended.
    Session(EndReason),
    /// The helper is gone, or talks nonsense.
    Helper(WireError),
    /// The process cannot go on.
    Failed(String),
}

/// Runs until the end, on the thread that everything runs on.
pub(super) fn serve(prepared: Prepared) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // At rest a value is in sealed memory only, and not on this thread's stack.
        .on_thread_park(residue::clear_if_marked)
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(run(prepared)),
        Err(_) => ExitCode::FAILURE,
    }
}

async fn run(mut prepared: Prepared) -> ExitCode {
    let (outbox, messages) = outbox();
    LinkLog::install(outbox.clone());
    let locked = prepared.locked;
    let Some(link) = prepared.link.take() else {
        return ExitCode::FAILURE;
    };
    let Ok((mut reader, writer)) = split(link, LINK_LIMIT, LINK_LIMIT) else {
        return ExitCode::FAILURE;
    };
    let writing = tokio::spawn(write(writer, messages));
    let mut daemon = Daemon::new(prepared, outbox.clone());
    if locked {
        drop(daemon.tree.lock());
    }
    let mut abort = Abort::default();
    daemon.outbox.try_send(FromDaemon::Prepared);
    let end = obey(&mut daemon, &mut reader, &mut abort).await;
    // Refuse, wipe, invalidate; then cut the connection if nobody is left to unmount.
    let invalidated = daemon.tree.lock();
    let _ = tokio::time::timeout(INVALIDATE_WITHIN, invalidated).await;
    let (reason, code) = match &end {
        End::Asked => ("asked to".to_owned(), ExitCode::SUCCESS),
        End::Session(EndReason::Unmounted) => ("unmounted".to_owned(), ExitCode::SUCCESS),
        End::Session(reason) => (format!("the session ended: {reason:?}"), ExitCode::FAILURE),
        End::Helper(error) => (
            format!("the mount-helper is gone: {error}"),
            ExitCode::FAILURE,
        ),
        End::Failed(reason) => (reason.clone(), ExitCode::FAILURE),
    };
    if matches!(end, End::Helper(_) | End::Failed(_)) {
        abort.pull();
    }
    outbox.try_send(FromDaemon::Ending { reason });
    drop(daemon);
    drop(outbox);
    // The log's outbox lives as long as the process, so the writer never sees the queue's end: it is
    // given a moment for what is queued, no more.
    let _ = tokio::time::timeout(DRAIN_WITHIN, writing).await;
    code
}

/// Writes queued messages, until the last one or until the helper is gone.
async fn write(mut writer: Writer, mut messages: Inbox) {
    while let Some((message, beside)) = messages.next().await {
        let last = matches!(message, FromDaemon::Ending { .. });
        if last {
            while let Some(rest) = messages.rest_of_audit() {
                if !send(&mut writer, &rest, None).await {
                    return;
                }
            }
        }
        if !send(&mut writer, &message, beside).await || last {
            return;
        }
    }
}

/// Writes one message; false: the helper is gone.
async fn send(writer: &mut Writer, message: &FromDaemon, beside: Option<OwnedFd>) -> bool {
    match writer.send(message, beside.into_iter().collect()).await {
        // One message that does not fit is not worth the connection.
        Ok(()) | Err(WireError::Unsendable | WireError::TooLarge { .. }) => true,
        // The reader sees it, too.
        Err(_) => false,
    }
}

async fn obey(daemon: &mut Daemon, reader: &mut Reader, abort: &mut Abort) -> End {
    let Ok(mut signals) = Signals::new() else {
        return End::Failed("cannot catch signals".to_owned());
    };
    let (ended, mut session_ended) = mpsc::channel(1);
    let mut session: Option<Session> = None;
    loop {
        tokio::select! {
            biased;
            received = reader.receive::<ToDaemon>() => {
                let (message, fds) = match received {
                    Ok(received) => received,
                    Err(error) => return End::Helper(error),
                };
                match message {
                    ToDaemon::Stop => return End::Asked,
                    ToDaemon::Mounted { .. } if session.is_none() => {
                        let mut fds = fds.into_iter();
                        let (Some(fuse), abort_fd) = (fds.next(), fds.next()) else {
                            return End::Failed("no descriptor of the mount came".to_owned());
                        };
                        abort.arm(abort_fd);
                        match start(daemon, fuse, ended.clone()).await {
                            Ok(started) => session = Some(started),
                            Err(reason) => return End::Failed(reason),
                        }
                        daemon.outbox.try_send(FromDaemon::Serving);
                    }
                    other => handle(daemon, other, fds).await,
                }
            }
            () = signals.term() => return End::Asked,
            () = idle::due(idle::left(daemon)) => {
                // An open may have come since: then there is time left.
                if idle::left(daemon).is_some_and(|left| left.is_zero()) {
                    tracing::info!("locking: nothing was opened for as long as `idle` says");
                    lock(daemon).await;
                }
            }
            Some(reason) = session_ended.recv() => return End::Session(reason),
        }
    }
}

/// Starts the session on a thread of its own: the kernel's INIT is waited for there, not here.
async fn start(
    daemon: &Daemon,
    fuse: OwnedFd,
    ended: mpsc::Sender<EndReason>,
) -> Result<Session, String> {
    let tree = Arc::clone(&daemon.tree);
    let config = Config {
        allow_root: daemon.allow_root,
        insecure: daemon.insecure,
        on_end: Box::new(move |reason| {
            let _ = ended.try_send(reason);
        }),
    };
    let (done, started) = oneshot::channel();
    stack::spawn_as(daemon.insecure, "start", stack::DEFAULT_SIZE, move || {
        let _ = done.send(Session::start(fuse, tree, config));
    })
    .map_err(|error| format!("cannot start a thread: {error}"))?;
    match started.await {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(error)) => Err(format!(
            "the kernel's first request could not be answered: {error}"
        )),
        Err(_) => Err("the thread that starts the session ended".to_owned()),
    }
}

/// Refuses, wipes, invalidates, and says so.
async fn lock(daemon: &Daemon) {
    let invalidated = daemon.tree.lock();
    let _ = tokio::time::timeout(INVALIDATE_WITHIN, invalidated).await;
    residue::clear();
    daemon.outbox.try_send(FromDaemon::Locked);
}

async fn handle(daemon: &mut Daemon, message: ToDaemon, fds: Vec<OwnedFd>) {
    let fd = fds.into_iter().next();
    match message {
        ToDaemon::Answer { id, result } => daemon.helper.answer(id, result, fd),
        ToDaemon::Lock => lock(daemon).await,
        ToDaemon::Unlock => daemon.tree.unlock(),
        ToDaemon::Credentials => {
            if let Some(socket) = fd {
                let takers = credentials::Takers {
                    providers: daemon.registry.named(),
                    proxies: Arc::clone(&daemon.proxies),
                    cache: Arc::clone(&daemon.cache),
                };
                tokio::spawn(credentials::take(socket, takers));
            }
        }
        ToDaemon::Reload { generation } => match fd.map(CompiledMap::open) {
            Some(Ok(map)) => daemon.reload(map, generation),
            Some(Err(error)) => tracing::error!(%error, "the new map cannot be mapped"),
            None => tracing::error!("a reload came without its map"),
        },
        ToDaemon::Refresh { id, paths } => {
            let keys: Vec<_> = paths
                .iter()
                .flat_map(|path| daemon.tree.keys_of(path))
                .collect();
            let count = daemon
                .cache
                .forget((!paths.is_empty()).then_some(keys.as_slice()));
            daemon.outbox.try_send(FromDaemon::Done { id, count });
        }
        ToDaemon::Status { id, from_entry } => {
            let page = Box::new(daemon.status(EntryId(from_entry)));
            daemon.outbox.try_send(FromDaemon::Status { id, page });
        }
        #[cfg(feature = "test-hooks")]
        ToDaemon::AdvanceClock { by_ms } => daemon.clock.advance(by_ms),
        #[cfg(feature = "test-hooks")]
        ToDaemon::Settle { id } => {
            let cache = Arc::clone(&daemon.cache);
            let invalidations = Arc::clone(daemon.tree.invalidations());
            let outbox = daemon.outbox.clone();
            tokio::spawn(async move {
                while !cache.is_idle() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                // After it: what came may have changed names.
                invalidations.settled().await;
                outbox.try_send(FromDaemon::Done { id, count: 0 });
            });
        }
        #[cfg(feature = "test-hooks")]
        ToDaemon::Attempt { id, ports } => super::attempt::all(daemon, id, ports),
        // A second start, mount or stop changes nothing.
        ToDaemon::Start { .. } | ToDaemon::Mounted { .. } | ToDaemon::Stop => {}
    }
}

/// SIGTERM ends the daemon. SIGINT and SIGHUP reach it with the whole terminal group; the helper
/// acts on them, in order, so the daemon lets them pass.
struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    async fn term(&mut self) {
        loop {
            tokio::select! {
                _ = self.term.recv() => return,
                _ = self.int.recv() => {}
                _ = self.hup.recv() => {}
            }
        }
    }
}

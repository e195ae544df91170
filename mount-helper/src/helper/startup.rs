//! The steps of a mount, in their order. Each has its limit; what was made before one that fails is
//! undone by [`Parts::tear_down`].

use super::asks::Asks;
use super::daemon::{Daemon, Event};
use super::listener::Listener;
use super::maps::{self, Maps};
use super::parts::Parts;
use super::sentry::Sentry;
use super::serve;
use super::watch::MapWatch;
use crate::control::MountState;
use crate::error::HelperError;
use crate::mount::{self, MountOptions, Mounted, abort, recover};
use crate::place::record::{InstanceLock, Record, already_mounted};
use crate::place::{RuntimeFolder, mountpoint};
use rustix::pipe::{PipeFlags, pipe_with};
use secretfs_fs::link::{FromDaemon, ToDaemon};
use secretfs_fs::map::Ready;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How long a sentinel may be at work after a helper that was killed, before the lock is free.
const LOCK_LIMIT: Duration = Duration::from_secs(5);
/// A helper that was just killed counts as alive until the kernel has closed its files. The mount
/// that follows at once is not to be refused for it. A helper that lives was asked by the command
/// before, so only mounts that were started in the same moment wait this long.
const DYING: Duration = Duration::from_secs(2);
/// How long looking at the mountpoint, or mounting, may take.
const MOUNT_LIMIT: Duration = Duration::from_secs(8);
/// How long the daemon may take to lock its memory and map the map.
const PREPARE_LIMIT: Duration = Duration::from_secs(10);
/// How long it may take to answer the kernel.
const SERVE_LIMIT: Duration = Duration::from_secs(5);

/// What serving needs beside the parts.
pub(super) struct Started {
    pub(super) listener: Listener,
    pub(super) watch: MapWatch,
    pub(super) asks: Asks,
    pub(super) warnings: Vec<String>,
}

/// Mounts, up to the moment where files can be opened. `ready`: the map, as the command compiled it;
/// `credentials`: a channel's end for the daemon.
///
/// # Errors
/// The first step that failed, with its exit status.
pub(super) async fn run(
    parts: &mut Parts,
    ready: Option<Ready>,
    credentials: Option<OwnedFd>,
) -> Result<Started, HelperError> {
    let place = parts.request.mountpoint.clone();
    take_lock(parts).await?;
    let listener = Listener::bind(&parts.folder.socket(&place))?;
    parts.set_state(MountState::Starting);
    let prepared = place.clone();
    parts.made_mountpoint = blocking(move || {
        recover::clear(&prepared)?;
        mountpoint::prepare(&prepared)
    })
    .await?;

    // Watched first: what is saved after it is read is seen.
    let watch = MapWatch::start(&parts.request.map);
    let published = maps::publish(
        parts.request.map.clone(),
        parts.request.defaults.clone(),
        parts.request.part.clone(),
        ready,
    )
    .await?;
    let (maps, map_fd) = Maps::first(published);
    parts.maps = Some(maps);
    let asks = Asks::new(
        &place,
        &parts.request.proxies,
        parts.request.insecure_memory,
    );

    start_processes(parts).await?;
    let start = ToDaemon::Start {
        mountpoint: place.to_string_lossy().into_owned(),
        insecure_memory: parts.request.insecure_memory,
        offline: parts.request.offline,
        allow_root: parts.request.allow_root,
        locked: false,
        proxies: parts.request.proxies.clone(),
    };
    send(parts, start, vec![map_fd])?;
    // Before anything is mounted: a memory limit that is too low is refused here.
    wait_for(parts, &asks, &FromDaemon::Prepared, PREPARE_LIMIT).await?;

    let options = MountOptions {
        mountpoint: place,
        allow_root: parts.request.allow_root,
        source: parts.request.source.clone(),
    };
    let (fuse, mounted) = mount(parts, options).await?;
    let control = abort::open_control(mounted.device);
    let copy = |fd: &Option<OwnedFd>| fd.as_ref().and_then(|fd| fd.try_clone().ok());
    let (for_daemon, for_sentry) = (copy(&control), copy(&control));
    parts.mounted = Some((mounted.clone(), control));
    if let Some(sentry) = &mut parts.sentry {
        sentry.mounted(mounted, for_sentry).await;
    }
    let message = ToDaemon::Mounted {
        has_abort: for_daemon.is_some(),
    };
    let fds = std::iter::once(fuse).chain(for_daemon).collect();
    send(parts, message, fds)?;
    if let Some(credentials) = credentials {
        send(parts, ToDaemon::Credentials, vec![credentials])?;
    }
    wait_for(parts, &asks, &FromDaemon::Serving, SERVE_LIMIT).await?;
    parts.set_state(MountState::Serving);
    parts.journal.log("info", "mounted");

    let mut warnings = Vec::new();
    if parts.request.insecure_memory {
        warnings.push("values are kept in memory that may be written to the swap".to_owned());
    }
    Ok(Started {
        listener,
        watch,
        asks,
        warnings,
    })
}

/// Mounts off the loop. The task is one of the parts: whoever gives up waiting for it must undo what
/// it may yet do.
async fn mount(
    parts: &mut Parts,
    options: MountOptions,
) -> Result<(OwnedFd, Mounted), HelperError> {
    // Killed in this moment, the helper leaves a fusermount3 behind: the sentinel must know its end.
    let (told, running) = pipe_with(PipeFlags::CLOEXEC)
        .map_err(|errno| HelperError::other(format!("cannot make a pipe: {errno}"), ""))?;
    if let Some(sentry) = &mut parts.sentry {
        sentry.mounting(told).await;
    }
    let task = parts.mounting.insert(tokio::task::spawn_blocking(move || {
        mount::mount(&options, running)
    }));
    let Ok(ended) = timeout(MOUNT_LIMIT, task).await else {
        return Err(takes_too_long());
    };
    parts.mounting = None;
    ended.map_err(|_| HelperError::mount("mounting failed: an internal error", ""))?
}

/// Takes the lock of the mountpoint, in every runtime folder that a helper may have used.
async fn take_lock(parts: &mut Parts) -> Result<(), HelperError> {
    let place = parts.request.mountpoint.clone();
    let path = parts.folder.lock(&place);
    let record_path = parts.folder.record(&place);
    let started = Instant::now();
    let deadline = started + LOCK_LIMIT;
    loop {
        let taken = InstanceLock::take(&path).map_err(|error| {
            HelperError::other(
                format!("cannot make the lock {}: {error}", path.display()),
                "see that the runtime folder can be written",
            )
        })?;
        let record = Record::read(&record_path);
        if let Some(lock) = taken {
            parts.previous = record.filter(|record| record.helper.is_none());
            parts.lock = Some(lock);
            // Looked at before, too; but who holds the lock in between may be `unmount`.
            if parts.resumes && parts.previous.is_none() {
                return Err(HelperError::mount("it was unmounted in the meantime", ""));
            }
            break;
        }
        // Without a living helper it is a sentinel that cleans up: soon done.
        let alive = record.as_ref().is_some_and(Record::is_alive);
        let limit = if alive { started + DYING } else { deadline };
        if Instant::now() >= limit {
            return Err(already_mounted(&place, record.as_ref()));
        }
        sleep(Duration::from_millis(50)).await;
    }
    for other in RuntimeFolder::existing() {
        if other.path() != parts.folder.path()
            && let Some(record) = Record::read(&other.record(&place))
            && record.is_alive()
        {
            return Err(already_mounted(&place, Some(&record)));
        }
    }
    Ok(())
}

async fn start_processes(parts: &mut Parts) -> Result<(), HelperError> {
    let place = &parts.request.mountpoint;
    let mut leftovers = vec![parts.folder.record(place), parts.folder.socket(place)];
    if parts.request.part.is_some() && parts.made_mountpoint {
        leftovers.push(place.clone());
    }
    let sentry = Sentry::start(place.clone(), parts.folder.lock(place), leftovers).await;
    let mut sentry = sentry.map_err(|error| {
        HelperError::other(
            format!("cannot start the sentinel: {error}"),
            "see that the limit of processes is not reached",
        )
    })?;
    // The sentinel first: from its first moment the daemon is somebody's to end.
    let daemon = Daemon::spawn(Parts::stderr());
    if let Ok(daemon) = &daemon {
        sentry.daemon(daemon.id).await;
    }
    parts.sentry = Some(sentry);
    parts.daemon = Some(daemon?);
    parts.set_state(MountState::Starting);
    Ok(())
}

fn send(parts: &Parts, message: ToDaemon, fds: Vec<OwnedFd>) -> Result<(), HelperError> {
    let sent = parts
        .daemon
        .as_ref()
        .is_some_and(|daemon| daemon.link.send(message, fds));
    if sent { Ok(()) } else { Err(daemon_ended()) }
}

/// Waits for one message, and handles all others meanwhile.
async fn wait_for(
    parts: &mut Parts,
    asks: &Asks,
    wanted: &FromDaemon,
    limit: Duration,
) -> Result<(), HelperError> {
    let deadline = Instant::now() + limit;
    loop {
        let Some(daemon) = &mut parts.daemon else {
            return Err(daemon_ended());
        };
        let event = timeout_at(deadline, daemon.event()).await.map_err(|_| {
            HelperError::other(
                format!("the daemon was not ready within {} s", limit.as_secs()),
                "see the log, and whether the machine is overloaded",
            )
        })?;
        match event {
            Event::Message(message, _) if message == *wanted => return Ok(()),
            Event::Message(FromDaemon::Failed { message, help }, _) => {
                return Err(HelperError::mount(message, help));
            }
            Event::Message(
                FromDaemon::Ask {
                    id,
                    generation,
                    ask,
                },
                beside,
            ) => serve::answer(parts, asks, (id, generation), ask, beside),
            Event::Message(message, _) => serve::note(&parts.journal, &message, true),
            Event::Gone => return Err(daemon_ended()),
        }
    }
}

fn daemon_ended() -> HelperError {
    HelperError::other(
        "the daemon ended unexpectedly",
        "see ~/.local/state/secretfs/secretfs.log",
    )
}

/// Runs what blocks off the loop, within a limit.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HelperError> + Send + 'static,
) -> Result<T, HelperError> {
    match timeout(MOUNT_LIMIT, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(result)) => result,
        _ => Err(takes_too_long()),
    }
}

fn takes_too_long() -> HelperError {
    HelperError::mount(
        format!("mounting takes longer than {} s", MOUNT_LIMIT.as_secs()),
        "see whether the file system that the mountpoint lies on answers",
    )
}

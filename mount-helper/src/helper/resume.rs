//! `remount_on_unlock`: serving again when the session is unlocked, where nobody has to be asked for a
//! credential. A short-lived child looks for them, and puts them into a channel that this process only
//! passes on; where one is missing, what was locked stays locked.
//!
//! After a lock that unmounted, the helper waits here: without a daemon, a lock or a socket, so that
//! commands find what they find after every lock, and this process gives way to them.

use super::serve::Locked;
use super::signals::{Signals, Wish};
use super::watch::MapWatch;
use crate::control::MountState;
use crate::launch::LaunchRequest;
use crate::place::record::{InstanceLock, Record};
use crate::role;
use crate::session::{Cause, Event, Session};
use secretfs_fs::link::wire;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long the child may look: scrypt takes a second, a keyring that asks takes for ever.
const LIMIT: Duration = Duration::from_secs(20);
/// How long it may wait for the daemon's word on what it found.
const CONFIRM_LIMIT: Duration = Duration::from_secs(30);
/// More than it prints.
const WORD: u64 = 16;

/// For the log.
pub(super) const STAYS_LOCKED: &str = "the session is unlocked, but a credential would have to be \
     asked for: it stays locked until `secretfs unlock`";

/// What the child found.
#[derive(Debug)]
pub(super) enum Offer {
    /// Everything; the channel's end for the daemon, where there is anything.
    Ready(Option<OwnedFd>),
    /// Something is missing.
    Missing,
}

/// Looks for the credentials that the map's providers need.
pub(super) async fn offer(request: LaunchRequest) -> Offer {
    let Some((ours, mut child)) = spawn(&request) else {
        return Offer::Missing;
    };
    let word = match child.stdout.take() {
        Some(stdout) => timeout(LIMIT, word(stdout)).await.unwrap_or_default(),
        None => String::new(),
    };
    let offer = match word.as_str() {
        role::OFFER_READY => Offer::Ready(Some(ours)),
        role::OFFER_NOTHING => Offer::Ready(None),
        _ => return Offer::Missing,
    };
    // It waits for the daemon's answers, which needs no one here; killed if it does so for ever.
    tokio::spawn(async move {
        let _ = timeout(CONFIRM_LIMIT, child.wait()).await;
    });
    offer
}

fn spawn(request: &LaunchRequest) -> Option<(OwnedFd, Child)> {
    let (ours, theirs) = wire::pair().ok()?;
    let defaults = serde_json::to_string(&request.defaults).ok()?;
    let service_accounts = serde_json::to_string(&request.service_accounts).ok()?;
    let mut command = Command::new("/proc/self/exe");
    command
        .arg(role::OFFER)
        .arg(&request.map)
        .arg(defaults)
        .arg(service_accounts)
        .current_dir("/")
        .stdin(theirs)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    if request.insecure_memory {
        command.arg(role::INSECURE);
    }
    Some((ours, command.spawn().ok()?))
}

async fn word(stdout: ChildStdout) -> String {
    let mut text = String::new();
    // It closes standard output when it has said it.
    let _ = stdout.take(WORD).read_to_string(&mut text).await;
    text.trim_end().to_owned()
}

/// Waits for the unlock, and for what it takes to mount again. `None`: there is nothing to wait for
/// any more.
pub(super) async fn wait(
    locked: &Locked,
    signals: &mut Signals,
    session: &Session,
) -> Option<Option<OwnedFd>> {
    let record = locked.folder.record(&locked.request.mountpoint);
    let mut watch = MapWatch::start(&record);
    loop {
        // Somebody unlocked or unmounted it: it is theirs.
        if !is_ours(locked) {
            return None;
        }
        tokio::select! {
            biased;
            wish = signals.next() => if wish == Wish::End {
                forget(locked);
                return None;
            },
            event = session.event() => match event {
                Event::Lock(cause) if cause.is_logout() => return None,
                Event::Lock(_) => session.wiped().tell(),
                Event::Unlock => {
                    let offered = tokio::select! {
                        biased;
                        () = signals.end() => { forget(locked); return None; }
                        // Locked again in the meantime: what was found is dropped.
                        cause = next_lock(session) => {
                            if cause.is_logout() {
                                return None;
                            }
                            continue;
                        }
                        offered = offer(locked.request.clone()) => offered,
                    };
                    match offered {
                        Offer::Ready(credentials) if is_ours(locked) => {
                            return Some(credentials);
                        }
                        Offer::Ready(_) => {}
                        Offer::Missing => locked.journal.log("info", STAYS_LOCKED),
                    }
                }
            },
            () = watch.changed() => {}
        }
    }
}

/// Completes at the next lock.
async fn next_lock(session: &Session) -> Cause {
    loop {
        if let Event::Lock(cause) = session.event().await {
            session.wiped().tell();
            return cause;
        }
    }
}

/// Whether the record is still that of a lock, and nobody has taken it over.
fn is_ours(locked: &Locked) -> bool {
    Record::read(&locked.folder.record(&locked.request.mountpoint))
        .is_some_and(|record| record.helper.is_none() && record.state == MountState::Locked)
}

/// Ended while it was locked, as a mount is ended: no record stays.
pub(super) fn forget(locked: &Locked) {
    let (folder, place) = (&locked.folder, &locked.request.mountpoint);
    if let Ok(Some(_lock)) = InstanceLock::take(&folder.lock(place))
        && is_ours(locked)
    {
        let _ = std::fs::remove_file(folder.record(place));
    }
}

//! One loop that owns the state of the mount, from the first open to the end. It never waits for
//! the daemon longer than the second that a wipe may take, and for nothing else.
//!
//! What locks: a command, the session ([`crate::session`]), a signal, and the daemon itself when nothing
//! was opened for long.

use super::asks::Asks;
use super::daemon::{Daemon, Event};
use super::maps::{self, Published};
use super::owner::Owner;
use super::parts::{End, Parts};
use super::requests::{Change, Handler, Inquiry, Reply, View, failed};
use super::resume::{self, Offer};
use super::sentry::Sentry;
use super::signals::{Signals, Wish};
use super::startup::Started;
use crate::control::{MountState, MountStatus, Response};
use crate::error::{HelperError, MOUNT};
use crate::journal::Journal;
use crate::launch::LaunchRequest;
use crate::place::RuntimeFolder;
use crate::session::{Event as SessionEvent, Session};
use secretfs_fs::link::message::Ask;
use secretfs_fs::link::{FromDaemon, ToDaemon};
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Inquiries that may wait.
const INQUIRIES: usize = 16;
/// How long the command that ended the mount may take to read its answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// Why the loop ends, and who waits for that.
type Ending = (End, Option<oneshot::Sender<Reply>>);

/// What a lock has unmounted.
#[derive(Debug)]
pub(super) struct Locked {
    pub(super) request: LaunchRequest,
    pub(super) folder: RuntimeFolder,
    pub(super) journal: Arc<Journal>,
}

/// How serving ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// With this exit status of the helper.
    For(ExitCode),
    /// Locked, and to be mounted again at unlock.
    UntilUnlock(Box<Locked>),
}

/// Serves until the mount ends.
pub(super) async fn run(
    mut parts: Parts,
    started: Started,
    signals: &mut Signals,
    session: &Session,
    owner: &Owner,
) -> Ended {
    let Some(link) = parts.daemon.as_ref().map(|daemon| daemon.link.clone()) else {
        return Ended::For(ExitCode::FAILURE);
    };
    let (ask, mut inquiries) = mpsc::channel(INQUIRIES);
    let handler = Handler {
        link,
        inquiries: ask,
    };
    let accepting = tokio::spawn(started.listener.serve(handler));
    let mut watch = started.watch;
    let mut serving = Serving {
        asks: started.asks,
        reload: None,
        again: false,
        waiting: Vec::new(),
        offer: None,
    };
    let (end, reply) = loop {
        let ending = tokio::select! {
            biased;
            wish = signals.next() => match wish {
                Wish::End => Some((End::Stopped, None)),
                Wish::Reload => { serving.start_reload(&parts); None }
            },
            () = owner.ended() => Some((End::Stopped, None)),
            event = session.event() => serving.session(&mut parts, event).await,
            event = daemon_event(&mut parts.daemon) => serving.daemon(&mut parts, event),
            Some(inquiry) = inquiries.recv() => serving.inquiry(&mut parts, session, inquiry).await,
            offer = offered(&mut serving.offer) => { serving.resume(&mut parts, offer); None }
            published = reloaded(&mut serving.reload) => {
                serving.end_reload(&mut parts, published);
                None
            }
            () = sentinel_ended(&mut parts.sentry) => { replace_sentinel(&mut parts).await; None }
            () = watch.changed() => { serving.start_reload(&parts); None }
        };
        if let Some(ending) = ending {
            break ending;
        }
    };
    // Nobody is left to mount it again for, or will be: a record would offer that.
    let end = match end {
        end if end.is_lock() && parts.request.part.is_some() => End::Stopped,
        end => end,
    };
    accepting.abort();
    serving.asks.kill_programs();
    parts.journal.log("info", told(end));
    let remounts = end == End::Locked && remounts(&parts);
    let locked = Locked {
        request: parts.request.clone(),
        folder: parts.folder.clone(),
        journal: Arc::clone(&parts.journal),
    };
    let ended = parts.tear_down(end).await;
    drop(inquiries);
    let code = match (&ended, end) {
        (Err(_), _) => ExitCode::from(MOUNT),
        (Ok(()), End::Stopped | End::Locked | End::LoggedOut) => ExitCode::SUCCESS,
        (Ok(()), End::Failed | End::DaemonGone) => ExitCode::FAILURE,
    };
    let ended_well = ended.is_ok();
    if let Some(reply) = reply {
        let response = match ended {
            Ok(()) => Response::Done { count: 0 },
            Err(error) => failed(error),
        };
        let (sent, mut is_sent) = mpsc::channel(1);
        let sent = Some(sent);
        if reply.send(Reply { response, sent }).is_ok() {
            let _ = timeout(ANSWER_LIMIT, is_sent.recv()).await;
        }
    }
    if remounts && ended_well {
        Ended::UntilUnlock(Box::new(locked))
    } else {
        Ended::For(code)
    }
}

fn told(end: End) -> &'static str {
    match end {
        End::Failed => "mounting failed",
        End::Stopped => "unmounting",
        End::Locked | End::LoggedOut => "locking, and unmounting",
        End::DaemonGone => "the daemon is gone: unmounting",
    }
}

async fn daemon_event(daemon: &mut Option<Daemon>) -> Event {
    match daemon {
        Some(daemon) => daemon.event().await,
        None => Event::Gone,
    }
}

async fn sentinel_ended(sentry: &mut Option<Sentry>) {
    match sentry {
        Some(sentry) => sentry.ended().await,
        None => std::future::pending().await,
    }
}

async fn replace_sentinel(parts: &mut Parts) {
    let Some(sentry) = &mut parts.sentry else {
        return;
    };
    if sentry.restart().await {
        parts
            .journal
            .log("warn", "the sentinel ended and was started again");
    } else {
        parts.sentry = None;
        let text =
            "the sentinel ended: if this process is killed, the mount stays until it is unmounted";
        parts.journal.log("error", text);
    }
}

async fn reloaded(
    reload: &mut Option<JoinHandle<Result<Published, HelperError>>>,
) -> Result<Published, HelperError> {
    let Some(task) = reload else {
        return std::future::pending().await;
    };
    let published = task.await;
    *reload = None;
    published.unwrap_or_else(|_| Err(HelperError::other("reading the map failed", "")))
}

async fn offered(offer: &mut Option<JoinHandle<Offer>>) -> Offer {
    let Some(task) = offer else {
        return std::future::pending().await;
    };
    let offered = task.await;
    *offer = None;
    offered.unwrap_or(Offer::Missing)
}

/// What the loop keeps beside the parts.
struct Serving {
    asks: Asks,
    reload: Option<JoinHandle<Result<Published, HelperError>>>,
    /// The map was saved again while it was read.
    again: bool,
    /// Who waits for the reload.
    waiting: Vec<oneshot::Sender<Reply>>,
    /// Who looks for credentials, to serve again.
    offer: Option<JoinHandle<Offer>>,
}

impl Serving {
    async fn session(&mut self, parts: &mut Parts, event: SessionEvent) -> Option<Ending> {
        match event {
            SessionEvent::Lock(cause) => {
                let text = format!("locking: {}", cause.told());
                parts.journal.log("info", &text);
                if cause.is_logout() {
                    return Some((End::LoggedOut, None));
                }
                self.lock(parts).await
            }
            SessionEvent::Unlock => {
                if parts.state() == MountState::Locked && remounts(parts) && self.offer.is_none() {
                    let request = parts.request.clone();
                    self.offer = Some(tokio::spawn(resume::offer(request)));
                }
                None
            }
        }
    }

    /// Locks as the map says; an ending where that is one.
    async fn lock(&mut self, parts: &mut Parts) -> Option<Ending> {
        self.stop_resuming();
        if !seals(parts) {
            return Some((End::Locked, None));
        }
        if parts.state() == MountState::Locked {
            parts.tell_wiped();
            return None;
        }
        parts.set_state(MountState::Locking);
        self.asks.kill_programs();
        if !parts.wipe().await {
            return Some((End::Locked, None));
        }
        parts.set_state(MountState::Locked);
        None
    }

    fn stop_resuming(&mut self) {
        if let Some(offer) = self.offer.take() {
            offer.abort();
        }
    }

    /// Serves again what was sealed, with what a child has found; not where something is missing.
    fn resume(&mut self, parts: &mut Parts, offer: Offer) {
        if parts.state() != MountState::Locked {
            return;
        }
        let Offer::Ready(credentials) = offer else {
            parts.journal.log("info", resume::STAYS_LOCKED);
            return;
        };
        if unlock(parts, credentials) {
            parts.journal.log("info", "unlocked with the session");
        }
    }

    fn daemon(&mut self, parts: &mut Parts, event: Event) -> Option<Ending> {
        match event {
            Event::Gone => return Some((End::DaemonGone, None)),
            Event::Message(
                FromDaemon::Ask {
                    id,
                    generation,
                    ask,
                },
                beside,
            ) => answer(parts, &self.asks, (id, generation), ask, beside),
            // It locked by itself: nothing was opened for long.
            Event::Message(FromDaemon::Locked, _) if parts.state() == MountState::Serving => {
                self.asks.kill_programs();
                if !seals(parts) {
                    return Some((End::Locked, None));
                }
                parts.set_state(MountState::Locked);
            }
            Event::Message(message, _) => {
                let audited = parts
                    .maps
                    .as_ref()
                    .is_none_or(|maps| maps.current().settings().audit);
                note(&parts.journal, &message, audited);
            }
        }
        None
    }

    async fn inquiry(
        &mut self,
        parts: &mut Parts,
        session: &Session,
        inquiry: Inquiry,
    ) -> Option<Ending> {
        match inquiry {
            Inquiry::Look(tell) => {
                if let Some(view) = view(parts, session) {
                    let _ = tell.send(view);
                }
                None
            }
            Inquiry::Map(generation, tell) => {
                let map = parts.maps.as_ref().and_then(|maps| maps.of(generation));
                let _ = tell.send(map.cloned());
                None
            }
            Inquiry::Change { change, fd, reply } => self.change(parts, change, fd, reply).await,
        }
    }

    async fn change(
        &mut self,
        parts: &mut Parts,
        change: Change,
        fd: Option<OwnedFd>,
        reply: oneshot::Sender<Reply>,
    ) -> Option<Ending> {
        let done = match change {
            Change::Unmount => return Some((End::Stopped, Some(reply))),
            Change::Lock => {
                if let Some((end, _)) = self.lock(parts).await {
                    return Some((end, Some(reply)));
                }
                true
            }
            Change::Unlock => {
                self.stop_resuming();
                unlock(parts, fd)
            }
            Change::Credentials => send(parts, ToDaemon::Credentials, fd),
            Change::Reload => {
                self.waiting.push(reply);
                self.start_reload(parts);
                return None;
            }
            #[cfg(feature = "test-hooks")]
            Change::AdvanceClock { by_ms } => send(parts, ToDaemon::AdvanceClock { by_ms }, None),
        };
        let response = if done {
            Response::Done { count: 0 }
        } else {
            failed(HelperError::new(
                MOUNT,
                "the daemon does not answer",
                "run `secretfs unmount`, which ends a daemon that hangs, and mount again",
            ))
        };
        let sent = None;
        let _ = reply.send(Reply { response, sent });
        None
    }

    fn start_reload(&mut self, parts: &Parts) {
        if self.reload.is_some() {
            self.again = true;
            return;
        }
        self.reload = Some(tokio::spawn(maps::publish(
            parts.request.map.clone(),
            parts.request.defaults.clone(),
            parts.request.part.clone(),
            None,
        )));
    }

    fn end_reload(&mut self, parts: &mut Parts, published: Result<Published, HelperError>) {
        if std::mem::take(&mut self.again) {
            self.start_reload(parts);
            return;
        }
        let response = match published {
            Ok(published) => {
                let next = parts.maps.as_mut().and_then(|maps| maps.next(published));
                if let Some((generation, fd)) = next {
                    send(parts, ToDaemon::Reload { generation }, Some(fd));
                    parts.journal.log("info", "the map was read again");
                }
                Response::Done { count: 0 }
            }
            Err(error) => {
                let text = format!("the map stays as it was: {}", error.message);
                parts.journal.log("error", &text);
                if let Some(maps) = &mut parts.maps {
                    maps.error = Some(error.message.clone());
                }
                failed(error)
            }
        };
        for waiting in self.waiting.drain(..) {
            let response = response.clone();
            let _ = waiting.send(Reply {
                response,
                sent: None,
            });
        }
    }
}

fn seals(parts: &Parts) -> bool {
    let maps = parts.maps.as_ref();
    maps.is_some_and(|maps| maps.current().settings().seal_on_lock)
}

fn remounts(parts: &Parts) -> bool {
    let maps = parts.maps.as_ref();
    maps.is_some_and(|maps| maps.current().settings().remount_on_unlock)
}

/// Has a sealed daemon serve again; false: it does not read what is sent.
fn unlock(parts: &mut Parts, credentials: Option<OwnedFd>) -> bool {
    let unlocked = send(parts, ToDaemon::Unlock, None);
    if unlocked && parts.state() == MountState::Locked {
        parts.set_state(MountState::Serving);
    }
    // After it: a daemon that is locked takes no credential.
    unlocked && credentials.is_none_or(|fd| send(parts, ToDaemon::Credentials, Some(fd)))
}

fn send(parts: &Parts, message: ToDaemon, fd: Option<OwnedFd>) -> bool {
    let daemon = parts.daemon.as_ref();
    daemon.is_some_and(|daemon| daemon.link.send(message, fd.into_iter().collect()))
}

fn view(parts: &Parts, session: &Session) -> Option<View> {
    let maps = parts.maps.as_ref()?;
    // Only what is armed: a trigger that is named here and does not fire is worse than none.
    let mut triggers = vec!["command".to_owned(), "sigterm".to_owned()];
    if maps.current().settings().idle_ms > 0 {
        triggers.push("idle".to_owned());
    }
    triggers.extend(session.armed());
    let status = MountStatus {
        mountpoint: parts.request.mountpoint.clone(),
        map: parts.request.map.clone(),
        state: parts.state(),
        pid: std::process::id(),
        triggers,
        map_error: maps.error.clone(),
        providers: Vec::new(),
        entries: Vec::new(),
        ttls_ms: Vec::new(),
        daemon: None,
    };
    Some(View {
        status,
        map: maps.current().clone(),
        generation: maps.generation(),
    })
}

/// Has a question of the daemon worked out, off the loop.
/// `beside`: the descriptor that came with it.
pub(super) fn answer(
    parts: &Parts,
    asks: &Asks,
    (id, generation): (u64, u64),
    ask: Ask,
    beside: Option<OwnedFd>,
) {
    let Some(daemon) = &parts.daemon else {
        return;
    };
    let map = parts.maps.as_ref().and_then(|maps| maps.of(generation));
    let (asks, map, link) = (asks.clone(), map.cloned(), daemon.link.clone());
    tokio::spawn(async move {
        let (result, fd) = asks.answer(ask, map, beside).await;
        link.send(ToDaemon::Answer { id, result }, fd.into_iter().collect());
    });
}

/// Writes down what the daemon tells.
pub(super) fn note(journal: &Journal, message: &FromDaemon, audited: bool) {
    match message {
        FromDaemon::Log { level, text } => journal.log(level, text),
        FromDaemon::Audit(events) if audited => journal.audit(events),
        FromDaemon::Ending { reason } => {
            journal.log("info", &format!("the daemon ends: {reason}"));
        }
        _ => {}
    }
}

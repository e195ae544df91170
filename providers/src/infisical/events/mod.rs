//! Server-sent events, where the map says `events: true` and the server has them (contract
//! infisical.md §3, "Change notification"). A hint only: any event, and every connection that is made
//! anew, has what was fetched before checked again by the next open. Nothing is fetched for it, and
//! nothing of an event's text is used.
//!
//! | file | idea |
//! |---|---|
//! | `subscribe` | the request, and what its answer means |
//! | `listen` | a stream that is alive, or is given up |
//! | `lines` | where an event ends, and whether it is a ping |
//! | `pauses` | when it is tried again |
//!
//! The connection is made by the first call that worked (the token is good, then) and goes with the
//! credential: at a lock, and when the server does not take the token any more; it never signs in by
//! itself. What does not work here is no failure of the provider: files are checked when their ttl is
//! over, as without events.

pub(super) mod lines;
mod listen;
mod pauses;
mod subscribe;

use super::auth::Auth;
use super::provider::Settings;
use crate::hints::Hints;
use crate::http::HttpClient;
use crate::provider::Context;
use pauses::Pauses;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// How one subscription ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// There are none here, and why.
    Off(&'static str),
    /// The token is no good, or there is none.
    NoToken,
    /// It may work later.
    Lost,
}

/// The events of one project.
#[derive(Debug)]
pub(super) struct Events {
    /// `None`: the map does not want them.
    listener: Option<Arc<Listener>>,
}

#[derive(Debug)]
struct Listener {
    provider: String,
    project: Option<String>,
    environment: String,
    hints: Hints,
    /// Whether somebody keeps values that a hint is about.
    is_wanted: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    task: Option<JoinHandle<()>>,
    off: Option<&'static str>,
    pauses: Pauses,
    not_before: Option<Instant>,
}

impl Events {
    pub(super) fn new(provider: &str, settings: &Settings) -> Self {
        let listener = settings.events.then(|| {
            Arc::new(Listener {
                provider: provider.to_owned(),
                project: settings.project_id.clone(),
                environment: settings.environment.clone(),
                hints: Hints::default(),
                is_wanted: AtomicBool::new(false),
                state: Mutex::default(),
            })
        });
        Self { listener }
    }

    /// What counts the events, where the map wants them.
    pub(super) fn hints(&self) -> Option<&Hints> {
        let listener = self.listener.as_ref()?;
        listener.is_wanted.store(true, Ordering::Relaxed);
        Some(&listener.hints)
    }

    /// Why there are none although the map wants them.
    pub(super) fn note(&self) -> Option<String> {
        let why = self.listener.as_ref()?.state().off?;
        Some(format!("events are off: {why}"))
    }

    /// A call worked: listens, if nobody does yet.
    pub(super) fn ensure(&self, http: &HttpClient, auth: &Arc<Auth>, cx: &Context) {
        let Some(listener) = &self.listener else {
            return;
        };
        if !listener.is_wanted.load(Ordering::Relaxed) {
            return;
        }
        let mut state = listener.state();
        let is_running = state.task.as_ref().is_some_and(|task| !task.is_finished());
        let is_early = state.not_before.is_some_and(|at| Instant::now() < at);
        if is_running || is_early || state.off.is_some() {
            return;
        }
        // Connections of its own: it takes none of those that fetches wait for.
        let client = http.sibling();
        let (auth, cx) = (Arc::clone(auth), cx.clone());
        let running = Arc::clone(listener).run(client, auth, cx);
        state.task = Some(tokio::spawn(Box::pin(running)));
    }

    /// Lock: the connection goes, and what was learnt of the server.
    pub(super) fn forget(&self) {
        if let Some(listener) = &self.listener {
            let mut state = listener.state();
            if let Some(task) = state.task.take() {
                task.abort();
            }
            *state = State::default();
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Listener {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(self: Arc<Self>, client: HttpClient, auth: Arc<Auth>, cx: Context) {
        loop {
            // Signing in is for those who fetch.
            let token = auth.in_use(cx.clock.now(), cx.clock.wall());
            let Some(token) = token.and_then(|token| token.show().ok()) else {
                return;
            };
            let started = Instant::now();
            let end = Box::pin(self.subscribe(&client, &token, &cx)).await;
            drop(token);
            let pause = {
                let mut state = self.state();
                let pause = state.pauses.after(started.elapsed());
                state.not_before = Instant::now().checked_add(pause);
                pause
            };
            match end {
                End::Off(why) => {
                    tracing::info!(provider = %self.provider, "events are off: {why}");
                    self.state().off = Some(why);
                    return;
                }
                End::NoToken => return,
                End::Lost => sleep(pause).await,
            }
        }
    }
}

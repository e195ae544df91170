//! Asks every mount again and again, each in a thread of its own: one that hangs keeps nobody from
//! seeing the others.

use secretfs_mount_helper::control::MountStatus;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// How long after an answer a mount is asked again.
const PERIOD: Duration = Duration::from_millis(500);
/// How long an answer may take, whatever the one who asks has promised: longer than its own deadline.
const SILENCE: Duration = Duration::from_secs(5);

/// Where mounts and their answers come from.
pub(super) trait Mounts: Send + Sync + 'static {
    /// A mount, as its record tells of it.
    type One: Clone + PartialEq + Send + 'static;
    /// All of them. Never waits.
    fn list(&self) -> Vec<Self::One>;
    /// Where it is.
    fn place(one: &Self::One) -> &Path;
    /// Its state; waits for it, with a deadline.
    fn ask(&self, one: &Self::One) -> MountStatus;
    /// Its state, where it does not say.
    fn unanswered(&self, one: &Self::One) -> MountStatus;
}

/// What is known of a mount now.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seen {
    /// What it answered last.
    Answered(Box<MountStatus>),
    /// It was asked for the first time, and has not answered yet.
    Asked(PathBuf),
}

pub(super) struct Observer<M: Mounts> {
    mounts: Arc<M>,
    known: Vec<Known<M::One>>,
    asked: u64,
    sender: Sender<(u64, MountStatus)>,
    answers: Receiver<(u64, MountStatus)>,
    /// Called when there is an answer.
    wake: Arc<dyn Fn() + Send + Sync>,
}

struct Known<One> {
    one: One,
    /// The question that is open, and since when.
    open: Option<(u64, Instant)>,
    /// Not asked again before.
    next: Instant,
    status: Option<MountStatus>,
}

impl<M: Mounts> Observer<M> {
    pub(super) fn new(mounts: M, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let (sender, answers) = channel();
        Self {
            mounts: Arc::new(mounts),
            known: Vec::new(),
            asked: 0,
            sender,
            answers,
            wake: Arc::new(wake),
        }
    }

    /// What is known now. Asks whom it is time to ask, and waits for nobody.
    pub(super) fn look(&mut self, now: Instant) -> Vec<Seen> {
        self.list(now);
        while let Ok((question, status)) = self.answers.try_recv() {
            let is_open =
                |known: &&mut Known<M::One>| known.open.is_some_and(|(open, _)| open == question);
            // None: of a mount that is gone, or that is another one by now.
            if let Some(known) = self.known.iter_mut().find(is_open) {
                known.answered(status, now);
            }
        }
        for known in &mut self.known {
            match known.open {
                Some((_, since)) if now.saturating_duration_since(since) >= SILENCE => {
                    let status = self.mounts.unanswered(&known.one);
                    known.answered(status, now);
                }
                None if now >= known.next => {
                    self.asked += 1;
                    known.open = Some((self.asked, now));
                    let (question, one) = (self.asked, known.one.clone());
                    let (mounts, sender) = (self.mounts.clone(), self.sender.clone());
                    let wake = self.wake.clone();
                    // Where there is no thread to be had, it is a mount that does not answer.
                    let _ = std::thread::Builder::new().spawn(move || {
                        let _ = sender.send((question, mounts.ask(&one)));
                        wake();
                    });
                }
                _ => {}
            }
        }
        self.known
            .iter()
            .map(|known| match &known.status {
                Some(status) => Seen::Answered(Box::new(status.clone())),
                None => Seen::Asked(M::place(&known.one).to_owned()),
            })
            .collect()
    }

    /// Takes over what the records tell: those that are gone, new ones, and those that have changed,
    /// which are asked at once.
    fn list(&mut self, now: Instant) {
        let mut before = std::mem::take(&mut self.known);
        for one in self.mounts.list() {
            let place = |known: &Known<M::One>| M::place(&known.one) == M::place(&one);
            let at = before.iter().position(place);
            let known = match at.map(|at| before.swap_remove(at)) {
                Some(known) if known.one == one => known,
                changed => Known {
                    one,
                    open: None,
                    next: now,
                    status: changed.and_then(|known| known.status),
                },
            };
            self.known.push(known);
        }
    }
}

impl<One> Known<One> {
    fn answered(&mut self, status: MountStatus, now: Instant) {
        self.status = Some(status);
        self.open = None;
        self.next = now + PERIOD;
    }
}

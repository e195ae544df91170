//! The loop on a terminal: time, keys and signals become events of the screen.

use super::observe::{Mounts, Observer};
use super::screen::{Event, Next, Screen};
use super::tty::Tty;
use crate::error::CliError;
use crate::output::Paint;
use rustix::event::{PollFd, PollFlags, poll};
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often it is looked whether there is something to draw: an age is a second older, say.
const TICK: Duration = Duration::from_millis(250);

/// Draws until it is told to end.
pub(super) fn run(mounts: impl Mounts) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| super::failed("cannot watch", &error))?;
    let next = runtime.block_on(watch(mounts));
    match next.map_err(|error| super::failed("cannot draw on the terminal", &error))? {
        Next::Signalled(signal) => Err(CliError::signalled(signal)),
        Next::Quit | Next::On => Ok(()),
    }
}

async fn watch(mounts: impl Mounts) -> io::Result<Next> {
    let answers = Arc::new(Notify::new());
    let answered = answers.clone();
    let mut observer = Observer::new(mounts, move || answered.notify_one());
    let mut events = Events::new(answers)?;
    let mut screen = Screen::open(Tty::new(), Paint(crate::output::stdout_colour()))?;
    loop {
        screen.draw(&observer.look(Instant::now()))?;
        match screen.handle(events.next().await)? {
            Next::On => {}
            end => return Ok(end),
        }
    }
}

struct Events {
    ticks: Interval,
    answers: Arc<Notify>,
    keys: Option<Keys>,
    resized: Signal,
    suspended: Signal,
    continued: Signal,
    ends: [Signal; 4],
}

impl Events {
    fn new(answers: Arc<Notify>) -> io::Result<Self> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Ok(Self {
            ticks,
            answers,
            keys: Keys::of_the_terminal(),
            resized: signal(SignalKind::window_change())?,
            suspended: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
            continued: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
            ends: [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
                signal(SignalKind::quit())?,
            ],
        })
    }

    async fn next(&mut self) -> Event {
        let [interrupt, terminate, hangup, quit] = &mut self.ends;
        tokio::select! {
            // Ends first: whatever else happens, it is to be left.
            biased;
            _ = interrupt.recv() => Event::Ended(2),
            _ = terminate.recv() => Event::Ended(15),
            _ = hangup.recv() => Event::Ended(1),
            _ = quit.recv() => Event::Ended(3),
            _ = self.suspended.recv() => Event::Suspended,
            _ = self.continued.recv() => Event::Continued,
            _ = self.resized.recv() => Event::Resized,
            key = key(&mut self.keys) => match key {
                Some(key) => Event::Key(key),
                None => {
                    // Nobody can press one any more.
                    self.keys = None;
                    Event::Tick
                }
            },
            () = self.answers.notified() => Event::Tick,
            _ = self.ticks.tick() => Event::Tick,
        }
    }
}

/// Keys, read in a thread that ends with the process. It reads one when it is asked to: what is typed
/// after the last one is for the shell.
struct Keys {
    ask: SyncSender<()>,
    answers: Receiver<u8>,
    asked: bool,
}

impl Keys {
    /// `None`: nobody can press one. What comes from a pipe is nobody's keys, and Ctrl-C needs none.
    fn of_the_terminal() -> Option<Self> {
        if !io::stdin().is_terminal() {
            return None;
        }
        let (ask, questions) = sync_channel(1);
        let (sender, answers) = channel(1);
        let read = move || {
            while questions.recv().is_ok() {
                let Some(key) = read_key() else { return };
                if sender.blocking_send(key).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().spawn(read).ok()?;
        Some(Self {
            ask,
            answers,
            asked: false,
        })
    }

    /// The next one; `None`: there will be none. Nothing is lost where nobody waits for it any more.
    async fn next(&mut self) -> Option<u8> {
        if !self.asked {
            self.ask.try_send(()).ok()?;
            self.asked = true;
        }
        let key = self.answers.recv().await;
        self.asked = false;
        key
    }
}

/// Waits for a key; `None`: the terminal is gone.
fn read_key() -> Option<u8> {
    let stdin = io::stdin();
    let mut key = [0];
    loop {
        // The terminal gives what there is, and waits for nothing (`VMIN` is 0).
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        let read = poll(&mut fds, None).and_then(|_| rustix::io::read(&stdin, &mut key));
        let hung_up = fds.iter().any(|fd| fd.revents().contains(PollFlags::HUP));
        match read {
            Ok(1) => return key.first().copied(),
            Ok(_) if !hung_up => {}
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            _ => return None,
        }
    }
}

/// The next key; `None`: there will be none.
async fn key(keys: &mut Option<Keys>) -> Option<u8> {
    match keys {
        Some(keys) => keys.next().await,
        None => std::future::pending().await,
    }
}

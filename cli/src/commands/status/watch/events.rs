//! The loop on a terminal: time, keys and signals become events of the screen.

use super::observe::{Mounts, Observer};
use super::screen::{Event, Next, Screen};
use super::tty::Tty;
use crate::error::CliError;
use crate::output::Paint;
use rustix::event::{PollFd, PollFlags, poll};
use std::io::{self, IsTerminal};
use std::sync::Arc;
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
    keys: Option<Receiver<u8>>,
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
            keys: keys(),
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

/// Keys, read in a thread that ends with the process; `None`: nobody can press one. What comes from a
/// pipe is nobody's keys, and Ctrl-C needs none.
fn keys() -> Option<Receiver<u8>> {
    if !io::stdin().is_terminal() {
        return None;
    }
    let (sender, keys) = channel(16);
    let read = move || {
        let stdin = io::stdin();
        let mut key = [0];
        loop {
            // The terminal gives what there is, and waits for nothing (`VMIN` is 0).
            let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
            let read = poll(&mut fds, None).and_then(|_| rustix::io::read(&stdin, &mut key));
            let hung_up = fds.iter().any(|fd| fd.revents().contains(PollFlags::HUP));
            let [key] = key;
            match read {
                Ok(0) if !hung_up => {}
                Ok(1) if sender.blocking_send(key).is_ok() => {}
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                _ => return,
            }
        }
    };
    std::thread::Builder::new().spawn(read).ok()?;
    Some(keys)
}

/// The next key; `None`: there will be none.
async fn key(keys: &mut Option<Receiver<u8>>) -> Option<u8> {
    match keys {
        Some(keys) => keys.recv().await,
        None => std::future::pending().await,
    }
}

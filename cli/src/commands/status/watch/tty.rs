//! The terminal at standard output: taken over, and given back on every way out that a process can see.

use super::screen::Terminal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The alternate screen, without a cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l";
const LEAVE: &[u8] = b"\x1b[?25h\x1b[?1049l";

/// The modes to give back; `None`: it is not taken over.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

fn before() -> MutexGuard<'static, Option<Termios>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether standard output is a terminal on which a cursor can be moved.
pub(super) fn can_draw() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    io::stdout().is_terminal() && !dumb
}

/// The terminal at standard output.
pub(super) struct Tty(());

impl Tty {
    pub(super) fn new() -> Self {
        let next = std::panic::take_hook();
        // Whoever panics: its words are to be seen, and on the screen that stays.
        std::panic::set_hook(Box::new(move |what| {
            give_back();
            next(what);
        }));
        Self(())
    }
}

fn give_back() {
    let Some(modes) = before().take() else { return };
    // One that takes nothing (Ctrl-S, a dead connection) must not keep us.
    if is_writable(500) {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(LEAVE).and_then(|()| stdout.flush());
    }
    let _ = tcsetattr(io::stdout(), OptionalActions::Now, &modes);
}

fn is_writable(limit_ms: i64) -> bool {
    let stdout = io::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::OUT)];
    let limit = Timespec {
        tv_sec: 0,
        tv_nsec: limit_ms * 1_000_000,
    };
    // A signal in between: the next try is soon.
    poll(&mut fds, Some(&limit)).is_ok_and(|ready| ready > 0)
}

impl Terminal for Tty {
    fn size(&self) -> (usize, usize) {
        crate::screen::size(io::stdout()).unwrap_or((0, 0))
    }

    fn enter(&mut self) -> io::Result<()> {
        let now = tcgetattr(io::stdout())?;
        let mut modes = now.clone();
        // Keys are not shown, and come one by one; those that make signals still do.
        modes.local_modes -= LocalModes::ECHO | LocalModes::ICANON;
        modes.special_codes[SpecialCodeIndex::VMIN] = 0;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        // In the background this stops us, as it should.
        tcsetattr(io::stdout(), OptionalActions::Now, &modes)?;
        // Continued after a stop that nobody has announced: the modes to give back are the older ones.
        let mut before = before();
        if before.is_none() {
            *before = Some(now);
            let mut stdout = io::stdout().lock();
            stdout.write_all(ENTER)?;
            stdout.flush()?;
        }
        Ok(())
    }

    fn leave(&mut self) {
        give_back();
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<bool> {
        if before().is_none() {
            return Err(io::Error::other("a part of it has failed"));
        }
        if !is_writable(0) {
            return Ok(false);
        }
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()?;
        Ok(true)
    }

    fn stop(&mut self) {
        if somebody_can_continue_us() {
            let _ = kill_process(getpid(), Signal::STOP);
        }
    }
}

/// Whether a shell with job control is among our ancestors. Without one the kernel itself would ignore
/// Ctrl-Z: nobody could undo it.
fn somebody_can_continue_us() -> bool {
    let Some(us) = Place::of("self") else {
        return false;
    };
    let mut ancestor = us.parent;
    // 0: it is in no process namespace of ours.
    while ancestor > 0 {
        match Place::of(&ancestor.to_string()) {
            Some(place) if place.session != us.session => return false,
            Some(place) if place.group != us.group => return true,
            Some(place) => ancestor = place.parent,
            None => return false,
        }
    }
    false
}

/// Where a process stands among others. Read from /proc: the numbers may be 0 there.
struct Place {
    parent: i32,
    group: i32,
    session: i32,
}

impl Place {
    fn of(process: &str) -> Option<Self> {
        let stat = std::fs::read(format!("/proc/{process}/stat")).ok()?;
        // The name in the second field may hold anything; its end is the last `)`.
        let end = stat.iter().rposition(|byte| *byte == b')')?;
        let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
        let mut numbers = rest.split_ascii_whitespace().skip(1).map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self {
            parent: next()?,
            group: next()?,
            session: next()?,
        })
    }
}

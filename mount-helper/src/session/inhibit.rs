//! What holds the machine back: two delay inhibitors of logind, which wait until everything is wiped.
//! Two, because elogind refuses one for both (contract locked-memory-and-session.md §3).

use super::lock;
use std::os::fd::OwnedFd;
use std::sync::Mutex;

/// What is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    Sleep,
    Shutdown,
}

impl Held {
    pub(super) const BOTH: [Self; 2] = [Self::Sleep, Self::Shutdown];

    /// logind's word for it.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Sleep => "sleep",
            Self::Shutdown => "shutdown",
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Inhibitors(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    sleep: Option<OwnedFd>,
    shutdown: Option<OwnedFd>,
    /// The machine waits for us.
    due: bool,
}

impl State {
    fn of(&mut self, held: Held) -> &mut Option<OwnedFd> {
        match held {
            Held::Sleep => &mut self.sleep,
            Held::Shutdown => &mut self.shutdown,
        }
    }
}

impl Inhibitors {
    /// Keeps what logind gave. The machine that waits already is not held back by it: it would wait
    /// for its own deadline.
    pub(super) fn keep(&self, held: Held, inhibitor: OwnedFd) {
        let mut state = lock(&self.0);
        if !state.due {
            *state.of(held) = Some(inhibitor);
        }
    }

    /// Whether one is to be asked for.
    pub(super) fn is_missing(&self, held: Held) -> bool {
        lock(&self.0).of(held).is_none()
    }

    /// The machine is about to sleep or to go down, or it is not any more.
    pub(super) fn due(&self, due: bool) {
        lock(&self.0).due = due;
    }

    /// Everything is wiped.
    pub(super) fn wiped(&self) {
        let mut state = lock(&self.0);
        if state.due {
            (state.sleep, state.shutdown) = (None, None);
        }
    }

    /// logind is gone, and what it gave with it.
    pub(super) fn drop_all(&self) {
        *lock(&self.0) = State::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (OwnedFd, OwnedFd) {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::NONBLOCK).unwrap();
        (reader, writer)
    }

    /// Whether logind would see its end closed.
    fn is_released(reader: &OwnedFd) -> bool {
        let mut byte = [0];
        rustix::io::read(reader, &mut byte) == Ok(0)
    }

    #[test]
    fn the_machine_is_let_go_when_it_waits_and_everything_is_wiped() {
        let inhibitors = Inhibitors::default();
        let (reader, writer) = pair();
        inhibitors.keep(Held::Sleep, writer);
        inhibitors.wiped();
        assert!(!is_released(&reader), "a screen lock, nobody waits");
        inhibitors.due(true);
        assert!(!is_released(&reader), "not wiped yet");
        inhibitors.wiped();
        assert!(is_released(&reader));
        assert!(inhibitors.is_missing(Held::Sleep));
    }

    #[test]
    fn an_inhibitor_that_comes_too_late_holds_nothing_back() {
        let inhibitors = Inhibitors::default();
        let (reader, writer) = pair();
        inhibitors.due(true);
        inhibitors.keep(Held::Shutdown, writer);
        assert!(is_released(&reader));
    }
}

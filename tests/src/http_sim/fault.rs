//! How an answer goes wrong, and which one.

use std::time::Duration;

/// What happens to one request. Without another word the connection ends after the answer where that
/// is part of the fault, and goes on otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is answered well: to let some through before others go wrong.
    None,
    /// Nothing is sent until the test releases it.
    Hang,
    /// The header and that many bytes of the body are sent; the rest when the test releases it.
    HangAfter(usize),
    /// That many bytes of the answer are sent, header included; then the connection is reset.
    ResetAfter(usize),
    /// The header promises the whole body; that many bytes of it come, and the connection ends well.
    Truncate(usize),
    /// The body comes by so many bytes at a time.
    Slow {
        /// How many.
        bytes: usize,
        /// How often.
        every: Duration,
    },
    /// The answer starts this much later.
    Delay(Duration),
    /// The service is broken, and says so in its own way.
    Status(u16),
    /// 429, and how many seconds to wait.
    Limited(u64),
    /// What comes is no HTTP.
    Garbage,
    /// A proxy in between answers, with a page.
    Html(u16),
    /// It is elsewhere: 307 with this `location`.
    Redirect(String),
    /// 200 and the right type, and a body that is no JSON.
    BadJson,
    /// The right answer, behind that many blanks.
    Padded(usize),
    /// Blanks without end, and without a length.
    Endless,
    /// The right status and shape, with another secret's name and value.
    WrongSecret,
}

/// Which faults are still to come.
#[derive(Debug)]
pub(super) struct Faults<R>(Vec<Line<R>>);

#[derive(Debug)]
struct Line<R> {
    route: Option<R>,
    left: Option<usize>,
    fault: Fault,
}

impl<R: Copy + PartialEq> Faults<R> {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn add(&mut self, route: Option<R>, times: Option<usize>, fault: Fault) {
        if times != Some(0) {
            self.0.push(Line {
                route,
                left: times,
                fault,
            });
        }
    }

    pub(super) fn remove(&mut self, which: impl Fn(Option<R>) -> bool) {
        self.0.retain(|line| !which(line.route));
    }

    /// The fault of the next request of `route`: the first line that speaks of it.
    pub(super) fn take(&mut self, route: R) -> Fault {
        let speaks = |line: &Line<R>| line.route.is_none_or(|of| of == route);
        let Some(at) = self.0.iter().position(speaks) else {
            return Fault::None;
        };
        let Some(line) = self.0.get_mut(at) else {
            return Fault::None;
        };
        let fault = line.fault.clone();
        if let Some(left) = &mut line.left {
            *left -= 1;
            if *left == 0 {
                self.0.remove(at);
            }
        }
        fault
    }
}

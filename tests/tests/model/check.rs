//! Runs operations against a system and the reference side by side. After every step the outcome must be
//! one that the reference allows; of its states, those that allow it go on.

use super::ops::{Op, value};
use super::provider::Bytes;
use super::reference::{Model, Shown};
use super::shape::{SECRETS, Shape};
use secretfs_tests::script::Stat;
use secretfs_tests::scripted::{Op as Asked, Simulator};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What is tried: the files of a mount, and what its user can do to it.
pub(crate) trait System {
    /// An open file.
    type Handle;
    /// Opens for reading, and measures what was opened.
    fn open(&mut self, path: &str) -> Result<(Self::Handle, Stat), i32>;
    fn read(&mut self, handle: &Self::Handle, offset: usize, len: usize) -> Result<Vec<u8>, i32>;
    fn measure(&mut self, handle: &Self::Handle) -> Result<Stat, i32>;
    fn close(&mut self, handle: Self::Handle);
    fn stat(&mut self, path: &str) -> Result<Stat, i32>;
    /// Sorted names, and whether each is a folder.
    fn list(&mut self, path: &str) -> Result<Vec<(String, bool)>, i32>;
    fn open_for_writing(&mut self, path: &str) -> Result<(), i32>;
    /// The extended attribute with the last error.
    fn error(&mut self, path: &str) -> Result<String, i32>;
    fn advance(&mut self, seconds: u64);
    fn lock(&mut self);
    fn unlock(&mut self);
    /// How many values were dropped; ENOENT: the map has no such file.
    fn refresh(&mut self, path: Option<&str>) -> Result<u32, i32>;
    /// Shows another map, and comes back when it is in use.
    fn reload(&mut self, yaml: &str);
    /// Comes back when no request is under way, and whoever remembers names in front of it knows what has
    /// changed.
    fn settle(&mut self);
    /// Whether names are remembered in front of it.
    fn remembers(&self) -> bool;
    /// The providers' other ends.
    fn providers(&self) -> &Providers;
}

/// The simulators of both providers.
pub(crate) struct Providers {
    pub(crate) main: Simulator,
    pub(crate) spare: Simulator,
}

impl Providers {
    pub(crate) fn start() -> Self {
        Self {
            main: Simulator::start(),
            spare: Simulator::start(),
        }
    }

    pub(crate) fn yaml(&self, shape: &Shape) -> String {
        shape.yaml(&self.main.provider(), &self.spare.provider())
    }

    /// As a case begins: every secret has the first value.
    fn reset(&self) {
        for sim in [&self.main, &self.spare] {
            sim.refuse_all(None);
            sim.folder("/seven");
            for secret in SECRETS {
                sim.set(secret, value(1));
            }
        }
    }
}

/// A system and the reference beside it.
struct Run<'a, S: System> {
    system: &'a mut S,
    models: Vec<Model>,
    open: BTreeMap<usize, S::Handle>,
    asked: (usize, usize),
    /// What was done so far, for the report.
    story: Vec<String>,
}

/// The clock of a mount goes on beside the seconds that a case lets pass. One that took longer than this
/// may have come to the other side of a limit.
const SLOW: Duration = Duration::from_millis(900);
/// How often a slow case is tried again.
const TRIES: usize = 5;

/// Runs a case. The error tells what was done and what was allowed.
pub(crate) fn run<S: System>(system: &mut S, ops: &[Op]) -> Result<(), String> {
    for _ in 1..TRIES {
        let start = Instant::now();
        let outcome = run_once(system, ops);
        if outcome.is_ok() || !system.remembers() || start.elapsed() < SLOW {
            return outcome;
        }
    }
    run_once(system, ops)
}

/// From a clean state.
fn run_once<S: System>(system: &mut S, ops: &[Op]) -> Result<(), String> {
    system.providers().reset();
    system.unlock();
    // Another limit makes every value another one: nothing is known of those before.
    for shape in [Shape::OTHER, Shape::FIRST] {
        let yaml = system.providers().yaml(&shape);
        system.reload(&yaml);
        system.settle();
    }
    let models = vec![Model::new(&Shape::FIRST, system.remembers())];
    let asked = (
        system.providers().main.count(),
        system.providers().spare.count(),
    );
    let mut run = Run {
        system,
        models,
        open: BTreeMap::new(),
        asked,
        story: Vec::new(),
    };
    let outcome = ops.iter().try_for_each(|op| run.step(op));
    for (_, handle) in std::mem::take(&mut run.open) {
        run.system.close(handle);
    }
    outcome
}

/// What was seen of an operation.
struct Seen {
    outcome: Result<Shown, i32>,
    /// Of a path: its inode number and when it was modified.
    attributes: Option<(&'static str, Stat)>,
    /// Of an open handle.
    measured: Option<(usize, u64)>,
    held: Option<(usize, u64)>,
}

impl<S: System> Run<'_, S> {
    fn step(&mut self, op: &Op) -> Result<(), String> {
        let seen = self.act(op);
        // An open may have started a fetch that it does not wait for.
        self.system.settle();
        let (asked, counts) = self.requests();
        let next = self.judge(op, &seen, &asked, counts);
        if next.is_empty() {
            return Err(self.report(op, &seen, &asked, counts));
        }
        self.story.push(format!("{op:?}: {}", short(&seen.outcome)));
        self.models = next;
        Ok(())
    }

    /// The states that allow what was seen.
    fn judge(&self, op: &Op, seen: &Seen, asked: &[String], counts: (usize, usize)) -> Vec<Model> {
        let mut next = Vec::new();
        for model in &self.models {
            for one in model.step(op, asked) {
                let (least, most, spare) = one.asks;
                let told = match (&one.seen, &seen.outcome) {
                    (Ok(Shown::Anything), _) => true,
                    (allowed, seen) => allowed == seen,
                };
                let counted = (least..=most).contains(&counts.0) && counts.1 == spare;
                if !told || !counted {
                    continue;
                }
                let mut then = one.then;
                if let Some((path, stat)) = &seen.attributes
                    && !then.sees_number(path, stat.ino, stat.mtime_ms)
                {
                    continue;
                }
                if let Some((slot, number)) = seen.measured
                    && !then.measures_number(slot, number)
                {
                    continue;
                }
                match (op, seen.held, &one.seen) {
                    (_, Some((slot, number)), Ok(Shown::Bytes(bytes))) => {
                        then.holds(slot, Bytes::clone(bytes), number);
                    }
                    (Op::Open(_, slot), None, _) => then.lets_go(*slot),
                    _ => {}
                }
                next.extend(then.lands(asked));
            }
        }
        next
    }

    /// The secrets that were asked for since the last look, and the requests to either provider.
    fn requests(&mut self) -> (Vec<String>, (usize, usize)) {
        let providers = self.system.providers();
        let main = providers.main.requests_since(self.asked.0);
        let spare = providers.spare.count() - self.asked.1;
        self.asked.0 += main.len();
        self.asked.1 += spare;
        let fetched = main
            .iter()
            .filter(|request| matches!(request.op, Asked::Fetch | Asked::FetchMany));
        let names = fetched.flat_map(|request| request.names.clone()).collect();
        (names, (main.len(), spare))
    }

    fn act(&mut self, op: &Op) -> Seen {
        let mut seen = Seen {
            outcome: Ok(Shown::Done),
            attributes: None,
            measured: None,
            held: None,
        };
        match op {
            Op::Open(path, slot) => {
                self.close(*slot);
                seen.outcome = self.slurp(path, &mut seen.attributes, Some(*slot));
                if let (Ok(_), Some((_, stat))) = (&seen.outcome, &seen.attributes) {
                    seen.held = Some((*slot, stat.ino));
                }
            }
            Op::Slurp(path) => seen.outcome = self.slurp(path, &mut seen.attributes, None),
            Op::Read(slot, offset, len) => {
                seen.outcome = match self.open.get(slot) {
                    Some(handle) => {
                        let read = self.system.read(handle, *offset, *len);
                        read.map(|bytes| Shown::Bytes(bytes.into()))
                    }
                    None => Err(libc::EBADF),
                };
            }
            Op::Measure(slot) => {
                seen.outcome = match self.open.get(slot) {
                    Some(handle) => {
                        let stat = self.system.measure(handle);
                        seen.measured = stat.as_ref().ok().map(|stat| (*slot, stat.ino));
                        stat.map(|stat| Shown::Size(stat.size))
                    }
                    None => Err(libc::EBADF),
                };
            }
            Op::Close(slot) => self.close(*slot),
            Op::Stat(path) => {
                let stat = self.system.stat(path);
                seen.outcome = stat.as_ref().map_err(|errno| *errno).map(shown);
                if let (Ok(Shown::File { .. }), Ok(stat)) = (&seen.outcome, stat) {
                    seen.attributes = Some((path, stat));
                }
            }
            Op::List(path) => seen.outcome = self.system.list(path).map(Shown::Names),
            Op::OpenForWriting(path) => {
                seen.outcome = self.system.open_for_writing(path).map(|()| Shown::Done);
            }
            Op::LookForError(path) => {
                seen.outcome = self.system.error(path).map(|_| Shown::Done);
            }
            Op::Advance(seconds) => self.system.advance(*seconds),
            Op::Rotate(secret, number) => {
                self.system.providers().main.set(secret, value(*number));
            }
            Op::Break(secret, kind) => self.system.providers().main.fail(secret, *kind),
            Op::Outage(kind) => self.system.providers().main.refuse_all(*kind),
            Op::RotateSpare(number) => {
                self.system.providers().spare.set("five/E", value(*number));
            }
            Op::BreakSpare(kind) => self.system.providers().spare.fail("five/E", *kind),
            Op::Lock => self.system.lock(),
            Op::Unlock => self.system.unlock(),
            Op::Refresh(path) => seen.outcome = self.system.refresh(*path).map(Shown::Dropped),
            Op::Reload(shape) => {
                let yaml = self.system.providers().yaml(shape);
                self.system.reload(&yaml);
            }
        }
        seen
    }

    fn close(&mut self, slot: usize) {
        if let Some(handle) = self.open.remove(&slot) {
            self.system.close(handle);
        }
    }

    /// Opens, measures and reads a whole file; keeps the handle in a slot, or closes it.
    fn slurp(
        &mut self,
        path: &'static str,
        attributes: &mut Option<(&'static str, Stat)>,
        keep: Option<usize>,
    ) -> Result<Shown, i32> {
        let (handle, stat) = self.system.open(path)?;
        let size = usize::try_from(stat.size).expect("a size");
        *attributes = Some((path, stat));
        // One more than there is, in two pieces: the size is exact, and so is the end.
        let half = size / 2;
        let read = self
            .system
            .read(&handle, 0, half.max(1))
            .and_then(|mut bytes| {
                let at = bytes.len();
                bytes.extend(self.system.read(&handle, at, size - at.min(size) + 1)?);
                Ok(bytes)
            });
        match keep {
            Some(slot) if read.is_ok() => drop(self.open.insert(slot, handle)),
            _ => self.system.close(handle),
        }
        let bytes = read?;
        // Not an errno of the kernel's for this.
        if bytes.len() != size {
            return Err(libc::EBADMSG);
        }
        Ok(Shown::Bytes(bytes.into()))
    }

    fn report(&self, op: &Op, seen: &Seen, asked: &[String], counts: (usize, usize)) -> String {
        let allowed: Vec<_> = self
            .models
            .iter()
            .flat_map(|model| model.step(op, asked))
            .map(|one| (short(&one.seen), one.asks))
            .collect();
        format!(
            "{op:?} came to {} (asked for {asked:?}, {counts:?} requests; {:?}), allowed: {allowed:?}\nafter\n  {}",
            short(&seen.outcome),
            seen.attributes,
            self.story.join("\n  ")
        )
    }
}

fn shown(stat: &Stat) -> Shown {
    match stat.mode & libc::S_IFMT {
        libc::S_IFREG => Shown::File {
            size: stat.size,
            mode: stat.mode & 0o7777,
        },
        _ => Shown::Folder,
    }
}

/// Without long values.
fn short(outcome: &Result<Shown, i32>) -> String {
    match outcome {
        Ok(Shown::Bytes(bytes)) => {
            format!("{} bytes from {:?}", bytes.len(), bytes.first())
        }
        other => format!("{other:?}"),
    }
}

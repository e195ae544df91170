//! The reference: what a mount may answer, said as plainly as possible. No concurrency, no kernel, no
//! limits. Every operation gives all that it may come to, each with the state that it leads to; where the
//! contract leaves nothing open, that is one.

mod changes;
mod fetching;
mod looking;
mod names;
mod numbers;
mod opening;

use crate::ops::{Op, value};
use crate::provider::{Answer, Bytes, Failure, Provider};
use crate::shape::{Entry, Key, SECRETS, Shape};
use std::collections::{BTreeMap, BTreeSet};

/// How long an answer that says no is believed.
const BELIEVED: u64 = 5;

/// What an operation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    Done,
    /// How many values were dropped.
    Dropped(u32),
    Bytes(Bytes),
    /// An open or measured file's size.
    Size(u64),
    /// The attributes that a path tells.
    File {
        size: u64,
        mode: u32,
    },
    Folder,
    /// Names, and whether each is a folder.
    Names(Vec<(String, bool)>),
    /// Nothing that is promised.
    Anything,
}

/// One of the things that an operation may come to.
#[derive(Debug, Clone)]
pub(crate) struct Possible {
    pub(crate) seen: Result<Shown, i32>,
    /// How many requests it makes: to the provider at least and at most, and to the one that stands in.
    pub(crate) asks: (usize, usize, usize),
    pub(crate) then: Model,
}

/// What a file shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct File {
    /// The version last published, and how many were before it.
    version: Option<(Bytes, u64)>,
    /// Its inode number, once seen.
    number: Option<u64>,
    modified: Option<i64>,
    /// Its number must be one that nothing ever had.
    renumbered: bool,
    /// Whether the last open failed.
    failed: bool,
}

#[derive(Debug, Clone)]
struct Held {
    bytes: Bytes,
    at: u64,
    ahead: Option<u64>,
}

#[derive(Debug, Clone)]
struct Listing {
    names: BTreeSet<String>,
    at: u64,
    /// When it stood in for a list that failed.
    spared: Option<u64>,
}

#[derive(Debug, Clone)]
struct Handle {
    bytes: Bytes,
    number: u64,
    wiped: bool,
}

/// A mount, and the providers behind it.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    now: u64,
    locked: bool,
    entries: Vec<Entry>,
    main: Provider,
    spare: Provider,
    held: BTreeMap<Key, Held>,
    failures: BTreeMap<Key, (Failure, u64)>,
    listings: BTreeMap<Key, Listing>,
    /// What a `dir:` folder showed last.
    names: BTreeMap<&'static str, BTreeSet<String>>,
    files: BTreeMap<String, File>,
    handles: BTreeMap<usize, Handle>,
    /// Every inode number that was seen, with the path and version that it showed.
    numbers: BTreeMap<u64, (String, u64)>,
    versions: u64,
    /// Whether names that were looked up are remembered by somebody in front: the kernel.
    remembers: bool,
    /// A fetch that an open has started and does not wait for.
    pub(crate) ahead: Option<(String, Entry, Key)>,
}

/// What a path leads to.
enum Found {
    Nothing(i32),
    Folder,
    Listed(Entry),
    File(Entry, Key),
    Member(Entry, String),
}

impl Model {
    /// Serving this map, with nothing fetched, and every secret as the first value.
    pub(crate) fn new(shape: &Shape, remembers: bool) -> Self {
        let answers = SECRETS.map(|secret| (secret, Answer::Value(value(1))));
        let provider = Provider {
            down: None,
            answers: answers.into_iter().collect(),
        };
        Self {
            now: 0,
            locked: false,
            entries: shape.entries(),
            main: provider.clone(),
            spare: provider,
            held: BTreeMap::new(),
            failures: BTreeMap::new(),
            listings: BTreeMap::new(),
            names: BTreeMap::new(),
            files: BTreeMap::new(),
            handles: BTreeMap::new(),
            numbers: BTreeMap::new(),
            versions: 0,
            remembers,
            ahead: None,
        }
    }

    /// All that an operation may come to. `asked`: the secrets that the provider was asked for meanwhile.
    pub(crate) fn step(&self, op: &Op, asked: &[String]) -> Vec<Possible> {
        let mut then = self.clone();
        match op {
            Op::Open(path, _) | Op::Slurp(path) => self.opens(path, asked),
            Op::Read(slot, offset, len) => vec![self.reads(*slot, *offset, *len)],
            Op::Measure(slot) => vec![self.measures(*slot)],
            Op::Close(slot) => {
                then.handles.remove(slot);
                then.done()
            }
            Op::Stat(path) => self.stats(path),
            Op::List(path) => self.shows_names(path),
            Op::OpenForWriting(path) => self.opens_for_writing(path),
            Op::LookForError(path) => self.looks_for_error(path),
            Op::Advance(seconds) => {
                then.now += seconds;
                then.done()
            }
            Op::Rotate(secret, number) => {
                let answer = Answer::Value(value(*number));
                then.main.answers.insert(secret, answer);
                then.done()
            }
            Op::Break(secret, kind) => {
                then.main.answers.insert(secret, Answer::Fail(*kind));
                then.done()
            }
            Op::Outage(kind) => {
                then.main.down = *kind;
                then.done()
            }
            Op::RotateSpare(number) => {
                let answer = Answer::Value(value(*number));
                then.spare.answers.insert("five/E", answer);
                then.done()
            }
            Op::BreakSpare(kind) => {
                then.spare.answers.insert("five/E", Answer::Fail(*kind));
                then.done()
            }
            Op::Lock => {
                then.lock();
                then.done()
            }
            Op::Unlock => {
                then.locked = false;
                then.done()
            }
            Op::Refresh(path) => vec![self.refreshes(*path)],
            Op::Reload(shape) => {
                then.reload(shape);
                then.done()
            }
        }
    }

    fn done(self) -> Vec<Possible> {
        vec![self.comes_to(Ok(Shown::Done))]
    }

    fn comes_to(self, seen: Result<Shown, i32>) -> Possible {
        Possible {
            seen,
            asks: (0, 0, 0),
            then: self,
        }
    }

    fn find(&self, path: &str) -> Found {
        if let Some(entry) = self.entries.iter().find(|entry| entry.path == path) {
            return if entry.folder {
                Found::Listed(entry.clone())
            } else {
                Found::File(entry.clone(), entry.key())
            };
        }
        let below = |entry: &&Entry| entry.path.starts_with(&format!("{path}/"));
        if path.is_empty() || self.entries.iter().any(|entry| below(&entry)) {
            return Found::Folder;
        }
        let Some((parent, name)) = path.rsplit_once('/') else {
            return Found::Nothing(libc::ENOENT);
        };
        match self.find(parent) {
            Found::Listed(folder) => Found::Member(folder, name.to_owned()),
            Found::File(..) => Found::Nothing(libc::ENOTDIR),
            _ => Found::Nothing(libc::ENOENT),
        }
    }
}

impl Possible {
    /// So many requests for names were made beside it.
    fn after(mut self, requests: usize) -> Self {
        self.asks.0 += requests;
        self.asks.1 += requests;
        self
    }
}

impl File {
    /// What comes next under this name is another inode.
    fn forget_version(&mut self) {
        if self.version.take().is_some() {
            self.number = None;
            self.modified = None;
            self.renumbered = true;
        }
    }
}

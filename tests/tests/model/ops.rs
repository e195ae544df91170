//! What is done: operations of readers, of the provider, of the user, and of time.

use super::shape::{FOLDERS, PATHS, SECRETS, Shape};
use base64::Engine;
use proptest::prelude::*;
use secretfs_providers::ErrorKind;
use std::rc::Rc;

/// How many handles a test keeps.
const SLOTS: usize = 4;

/// One operation.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// Opens a file and keeps the handle in a slot, whose former one is closed.
    Open(&'static str, usize),
    /// Opens, measures, reads to the end, closes.
    Slurp(&'static str),
    /// Reads so many bytes at an offset.
    Read(usize, usize, usize),
    /// Measures what is open.
    Measure(usize),
    Close(usize),
    Stat(&'static str),
    List(&'static str),
    OpenForWriting(&'static str),
    /// Looks for the extended attribute that tells the last error.
    LookForError(&'static str),
    /// Seconds pass.
    Advance(u64),
    /// The secret has this value from now on: see [`value`].
    Rotate(&'static str, usize),
    Break(&'static str, ErrorKind),
    /// All of the provider; `None`: no more.
    Outage(Option<ErrorKind>),
    /// The same of the one that stands in.
    RotateSpare(usize),
    BreakSpare(ErrorKind),
    Lock,
    Unlock,
    /// All, or what is below a path.
    Refresh(Option<&'static str>),
    Reload(Shape),
}

/// How many values there are.
const VALUES: usize = 8;

/// The value of a number.
pub(crate) fn value(number: usize) -> Rc<[u8]> {
    let text = |tag: u8, len: usize| -> Vec<u8> {
        let bytes = (0..=250_u8).cycle().take(len);
        bytes.map(|byte| byte.wrapping_add(tag)).collect()
    };
    let bytes = match number % VALUES {
        0 => Vec::new(),
        1 => text(1, 1),
        // Equal lengths, as rotated keys have them.
        2 => text(2, 64),
        3 => text(3, 64),
        4 => text(4, 65),
        5 => text(5, 5_000),
        6 => base64::engine::general_purpose::STANDARD
            .encode(text(6, 40))
            .into_bytes(),
        _ => base64::engine::general_purpose::STANDARD
            .encode(text(7, 70))
            .into_bytes(),
    };
    bytes.into()
}

fn kind() -> impl Strategy<Value = ErrorKind> {
    prop_oneof![
        3 => Just(ErrorKind::Unreachable),
        1 => Just(ErrorKind::TimedOut),
        1 => Just(ErrorKind::Server),
        1 => Just(ErrorKind::Limited { retry_after: None }),
        2 => Just(ErrorKind::Missing),
        1 => Just(ErrorKind::Denied),
        1 => Just(ErrorKind::Refused),
        1 => Just(ErrorKind::Expired),
        1 => Just(ErrorKind::NoCredential),
        1 => Just(ErrorKind::Ambiguous),
        1 => Just(ErrorKind::Protocol),
    ]
}

/// A path, and the secret that it shows in most maps.
const SUBJECTS: [(&str, &str); 7] = [
    ("a", "one/A"),
    ("a/deep", "three/C"),
    ("sub/now", "four/D"),
    ("sub/spare", "five/E"),
    ("empty", "six/F"),
    ("coded", "eight/G"),
    ("dir/H", "seven/H"),
];

/// Sequences of at most so many operations. Half of them have a subject that most of their operations are
/// about: what takes five steps with one secret hardly ever comes together otherwise.
pub(crate) fn sequences(length: usize) -> impl Strategy<Value = Vec<Op>> {
    let subject = prop::option::of(prop::sample::select(&SUBJECTS[..]));
    subject.prop_flat_map(move |subject| prop::collection::vec(any(subject), 1..=length))
}

/// One of these, and mostly the subject.
fn mostly<T: Clone + std::fmt::Debug + 'static>(
    subject: Option<T>,
    all: &'static [T],
) -> BoxedStrategy<T> {
    let any = prop::sample::select(all);
    match subject {
        Some(subject) => prop_oneof![4 => Just(subject), 1 => any].boxed(),
        None => any.boxed(),
    }
}

/// Any operation.
fn any(subject: Option<(&'static str, &'static str)>) -> impl Strategy<Value = Op> {
    let path = move || mostly(subject.map(|(path, _)| path), &PATHS);
    let secret = move || mostly(subject.map(|(_, secret)| secret), &SECRETS);
    let slot = || 0..SLOTS;
    // Both sides of every limit: the believed failure, the last fifth of a ttl, its end, stale's end.
    let time = prop::sample::select(vec![
        1_u64, 5, 6, 47, 48, 60, 239, 240, 299, 300, 700, 3_900,
    ]);
    prop_oneof![
        6 => (path(), slot()).prop_map(|(path, slot)| Op::Open(path, slot)),
        8 => path().prop_map(Op::Slurp),
        3 => (slot(), 0_usize..5_100, 1_usize..5_100).prop_map(|(s, at, len)| Op::Read(s, at, len)),
        2 => slot().prop_map(|slot| Op::Read(slot, 0, 6_000)),
        2 => slot().prop_map(Op::Measure),
        1 => slot().prop_map(Op::Close),
        3 => path().prop_map(Op::Stat),
        2 => prop::sample::select(&FOLDERS[..]).prop_map(Op::List),
        1 => path().prop_map(Op::OpenForWriting),
        2 => path().prop_map(Op::LookForError),
        6 => time.prop_map(Op::Advance),
        5 => (secret(), 0..VALUES).prop_map(|(secret, value)| Op::Rotate(secret, value)),
        3 => (secret(), kind()).prop_map(|(secret, kind)| Op::Break(secret, kind)),
        2 => prop::option::of(kind()).prop_map(Op::Outage),
        1 => (0..VALUES).prop_map(Op::RotateSpare),
        1 => kind().prop_map(Op::BreakSpare),
        1 => Just(Op::Lock),
        2 => Just(Op::Unlock),
        1 => prop::option::of(path()).prop_map(Op::Refresh),
        2 => Shape::any().prop_map(Op::Reload),
    ]
}

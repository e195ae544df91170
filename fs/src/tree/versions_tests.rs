//! Random histories against a model that remembers everything.

use super::*;
use proptest::prelude::*;
use secretfs_memory::sealed::SealedPool;
use std::collections::{BTreeMap, HashMap, HashSet};

const FILES: u64 = 3;

fn id(file: u64) -> FileId {
    FileId::of_hash(100 + file)
}

fn shown(version: u64) -> Shown {
    Shown {
        version: VersionId(version),
        size: version * 10,
        modified: SystemTime::UNIX_EPOCH,
    }
}

fn snapshot() -> Snapshot {
    let pool = SealedPool::new(4096, true).unwrap();
    Snapshot {
        value: pool.writer(None, 1).finish().unwrap(),
        version: VersionId(0),
        modified: SystemTime::UNIX_EPOCH,
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// The provider's next version, or the same one again.
    Publish {
        file: u64,
        new: bool,
    },
    Open(u64),
    Close(usize),
    Lookup(u64),
    /// The kernel forgets one of the numbers that it looked up, altogether.
    Forget(usize),
    /// A reload put another secret behind the path.
    Reset(u64),
    Lock,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..FILES, any::<bool>()).prop_map(|(file, new)| Step::Publish { file, new }),
        4 => (0..FILES).prop_map(Step::Open),
        3 => any::<usize>().prop_map(Step::Close),
        3 => (0..FILES).prop_map(Step::Lookup),
        2 => any::<usize>().prop_map(Step::Forget),
        1 => (0..FILES).prop_map(Step::Reset),
        1 => Just(Step::Lock),
    ]
}

/// What must hold, told by an onlooker with a perfect memory.
#[derive(Default)]
struct Model {
    last_version: u64,
    /// What each file shows.
    current: HashMap<u64, u64>,
    /// Every version that an inode ever showed.
    ever: HashMap<u64, (u64, u64)>,
    /// Numbers that a lookup gave while nothing was published.
    unpublished: HashMap<u64, u64>,
    /// Open handles: inode, version, wiped.
    handles: Vec<(u64, u64, bool)>,
    /// What the kernel looked up, how often, and of which file it was.
    lookups: BTreeMap<u64, (u64, u64)>,
}

impl Model {
    fn look(&mut self, versions: &Versions) -> Result<(), TestCaseError> {
        let mut numbers = HashSet::new();
        for file in 0..FILES {
            let ino = versions.ino(id(file));
            prop_assert!(ino != 0 && ino != ROOT);
            prop_assert!(numbers.insert(ino), "two files of one number");
            prop_assert_eq!(versions.position(ino) == Position::Unknown, false);
            match self.current.get(&file) {
                Some(version) => {
                    let before = self.ever.insert(ino, (file, *version));
                    prop_assert!(
                        before.is_none_or(|b| b == (file, *version)),
                        "inode {ino} showed {before:?} and now {file}, {version}"
                    );
                    prop_assert_eq!(versions.shown(ino), Some(shown(*version)));
                    prop_assert_eq!(versions.position(ino), Position::Current(id(file)));
                }
                None => {
                    prop_assert!(
                        !self.ever.contains_key(&ino),
                        "{ino} showed a version before"
                    );
                    let before = self.unpublished.insert(ino, file);
                    prop_assert!(before.is_none_or(|b| b == file));
                    prop_assert_eq!(versions.shown(ino), None);
                    prop_assert_eq!(versions.position(ino), Position::Base(id(file)));
                }
            }
        }
        for (ino, version, wiped) in &self.handles {
            let size = if *wiped { 0 } else { version * 10 };
            let seen = versions.shown(*ino).map(|s| (s.version.0, s.size));
            prop_assert_eq!(seen, Some((*version, size)), "held inode {}", ino);
        }
        for (ino, (_, file)) in &self.lookups {
            let of = match versions.position(*ino) {
                Position::Unknown => None,
                Position::Base(of) | Position::Current(of) | Position::Old(of) => Some(of),
            };
            prop_assert_eq!(of, Some(id(*file)), "known inode {}", ino);
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn an_inode_never_shows_two_versions(steps in prop::collection::vec(step(), 0..120)) {
        let mut versions = Versions::new();
        let mut model = Model::default();
        let held = snapshot();
        for step in steps {
            match step {
                Step::Publish { file, new } => {
                    let before = model.current.get(&file).copied();
                    let version = before.filter(|_| !new).unwrap_or_else(|| {
                        model.last_version += 1;
                        model.last_version
                    });
                    let published = versions.publish(id(file), shown(version));
                    prop_assert_eq!(published.same, before == Some(version));
                    prop_assert_eq!(published.replaced, before.is_some_and(|b| b != version));
                    prop_assert_eq!(published.ino, versions.ino(id(file)));
                    model.current.insert(file, version);
                }
                Step::Open(file) => {
                    if let Some(version) = model.current.get(&file) {
                        let ino = versions.ino(id(file));
                        versions.opened(ino, &held);
                        model.handles.push((ino, *version, false));
                    }
                }
                Step::Close(which) => {
                    if !model.handles.is_empty() {
                        let (ino, ..) = model.handles.swap_remove(which % model.handles.len());
                        let last = model.handles.iter().all(|(other, ..)| *other != ino);
                        prop_assert_eq!(versions.closed(ino), last);
                        prop_assert_eq!(versions.is_idle(ino), last);
                    }
                }
                Step::Lookup(file) => {
                    let ino = versions.ino(id(file));
                    versions.looked_up(ino);
                    model.lookups.entry(ino).or_insert((0, file)).0 += 1;
                }
                Step::Forget(which) => {
                    if !model.lookups.is_empty() {
                        let at = which % model.lookups.len();
                        let ino = *model.lookups.keys().nth(at).unwrap();
                        let (count, _) = model.lookups.remove(&ino).unwrap();
                        versions.forget(ino, count);
                    }
                }
                Step::Reset(file) => {
                    let published = model.current.remove(&file).is_some();
                    prop_assert_eq!(versions.reset(id(file), None), published);
                }
                Step::Lock => {
                    let (files, _) = versions.wipe();
                    prop_assert_eq!(files.len(), model.current.len());
                    model.current.clear();
                    for handle in &mut model.handles {
                        handle.2 = true;
                    }
                }
            }
            model.look(&versions)?;
        }
        // Whatever was held or known is forgotten with the last who had it: nothing is kept but for files.
        for (ino, ..) in std::mem::take(&mut model.handles) {
            versions.closed(ino);
        }
        for (ino, (count, _)) in std::mem::take(&mut model.lookups) {
            versions.forget(ino, count);
        }
        prop_assert!(versions.inodes.len() <= usize::try_from(FILES).unwrap());
    }
}

#[test]
fn an_inode_that_the_kernel_knew_before_its_version_is_not_settled_until_it_was_looked_up() {
    let mut versions = Versions::new();
    let first = versions.publish(id(0), shown(1));
    assert_eq!(first.ino, id(0).0);
    assert!(!versions.is_settled(first.ino));
    versions.settle(first.ino);
    assert!(versions.is_settled(first.ino));
    let second = versions.publish(id(0), shown(2));
    assert!(
        versions.is_settled(second.ino),
        "a new number comes with its size"
    );
    versions.reset(id(0), None);
    let third = versions.publish(id(0), shown(3));
    assert!(!versions.is_settled(third.ino));
}

#[test]
fn files_are_found_by_what_they_show_until_they_show_something_else() {
    let mut versions = Versions::new();
    versions.set_key(id(0), ValueKey(1));
    versions.set_key(id(1), ValueKey(1));
    versions.set_key(id(0), ValueKey(1));
    assert_eq!(versions.files_of(ValueKey(1)), [id(0), id(1)]);
    versions.reset(id(0), Some(ValueKey(1)));
    assert_eq!(versions.files_of(ValueKey(1)), [id(1)]);
    versions.wipe();
    assert!(versions.files_of(ValueKey(1)).is_empty());
}

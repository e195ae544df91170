//! Opens, as the kernel makes them: a lookup, an open, and both once more after ESTALE.

use crate::fake::{World, file, owner};
use crate::mount::eventually;
use rustix::io::Errno;
use secretfs_fs::error::OpenError;
use secretfs_fs::tree::{Attr, Caller, SecretFs};
use secretfs_memory::bounce::BounceBuffer;
use secretfs_providers::{ErrorKind, ProviderError};
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

pub(crate) fn lookup_in(
    world: &World,
    caller: Caller,
    parent: u64,
    name: &str,
) -> Result<Attr, Errno> {
    let (sender, receiver) = channel();
    world.fs.lookup(caller, parent, name, move |found| {
        sender.send(found).unwrap();
    });
    receiver.recv_timeout(SOON).unwrap()
}

pub(crate) fn lookup(world: &World, path: &str) -> Result<Attr, Errno> {
    let mut at = 1;
    let mut found = Err(Errno::NOENT);
    for name in path.split('/') {
        found = lookup_in(world, owner(1), at, name);
        at = found?.ino;
    }
    found
}

pub(crate) fn open_ino(world: &World, caller: Caller, ino: u64) -> Result<u64, Errno> {
    let (sender, receiver) = channel();
    world.fs.open(caller, ino, move |opened| {
        sender.send(opened).unwrap();
    });
    receiver.recv_timeout(SOON).unwrap()
}

/// The handle, and the inode that it is on.
pub(crate) fn open(world: &World, caller: Caller, path: &str) -> Result<(u64, u64), Errno> {
    let ino = lookup(world, path)?.ino;
    match open_ino(world, caller, ino) {
        Err(Errno::STALE) => {}
        done => return done.map(|handle| (handle, ino)),
    }
    let ino = lookup(world, path)?.ino;
    open_ino(world, caller, ino).map(|handle| (handle, ino))
}

pub(crate) fn read(world: &World, handle: u64, offset: u64, len: u32) -> Result<Vec<u8>, Errno> {
    let mut buffer = BounceBuffer::new(131_072);
    let mut out = Err(Errno::NOSYS);
    world.fs.read(handle, offset, len, &mut buffer, |bytes| {
        out = bytes.map(<[u8]>::to_vec);
    });
    out
}

#[test]
fn the_open_that_fetches_is_repeated_and_fetches_once() {
    let world = World::new(&[file("a")]);
    world.set("a", b"value");
    let before = lookup(&world, "a").unwrap();
    assert_eq!((before.size, before.valid), (0, Duration::ZERO));
    assert_eq!(open_ino(&world, owner(7), before.ino), Err(Errno::STALE));
    let after = lookup(&world, "a").unwrap();
    assert_eq!((after.ino, after.size), (before.ino, 5));
    let handle = open_ino(&world, owner(7), after.ino).unwrap();
    assert_eq!(read(&world, handle, 0, 100).unwrap(), b"value");
    assert_eq!(read(&world, handle, 3, 1).unwrap(), b"u");
    assert_eq!(read(&world, handle, 5, 1).unwrap(), b"");
    assert_eq!(read(&world, handle, u64::MAX, 1).unwrap(), b"");
    assert_eq!(world.vault.fetches(), 1);
}

#[test]
fn the_repeated_open_needs_no_cache() {
    // A ttl of 0, or a value that is not cached (a fallback's).
    let world = World::new(&[file("a")]);
    world.set("a", b"value");
    let ino = lookup(&world, "a").unwrap().ino;
    assert_eq!(open_ino(&world, owner(7), ino), Err(Errno::STALE));
    world.expire("a");
    assert!(open_ino(&world, owner(7), ino).is_ok());
    assert_eq!(world.vault.fetches(), 1);
    // But the next open asks again.
    assert!(open_ino(&world, owner(7), ino).is_ok());
    assert_eq!(world.vault.fetches(), 2);
}

#[test]
fn an_open_that_was_overtaken_by_a_rotation_shows_what_it_found() {
    let world = World::new(&[file("a")]);
    world.set("a", b"one");
    let ino = lookup(&world, "a").unwrap().ino;
    assert_eq!(open_ino(&world, owner(7), ino), Err(Errno::STALE));
    let first = lookup(&world, "a").unwrap();
    // Another thread publishes the next version before the retry comes.
    world.set("a", b"two");
    assert!(open(&world, owner(8), "a").is_ok());
    let handle = open_ino(&world, owner(7), first.ino).unwrap();
    assert_eq!(read(&world, handle, 0, 9).unwrap(), b"one");
    // A thread that was not refused is sent to the new one.
    assert_eq!(open_ino(&world, owner(9), first.ino), Err(Errno::STALE));
}

#[test]
fn a_handle_keeps_its_version_when_the_value_rotates() {
    let world = World::new(&[file("a")]);
    world.set("a", b"old");
    let (old, old_ino) = open(&world, owner(7), "a").unwrap();
    world.set("a", b"newer");
    let (new, new_ino) = open(&world, owner(7), "a").unwrap();
    assert_ne!(old_ino, new_ino);
    for _ in 0..2 {
        assert_eq!(read(&world, old, 0, 9).unwrap(), b"old");
        assert_eq!(read(&world, new, 0, 9).unwrap(), b"newer");
    }
    assert_eq!(world.fs.getattr(owner(7), old_ino).unwrap().size, 3);
    assert_eq!(world.fs.getattr(owner(7), new_ino).unwrap().size, 5);
    world.fs.release(old);
    assert_eq!(world.fs.getattr(owner(7), old_ino), Err(Errno::STALE));
    assert_eq!(read(&world, old, 0, 9), Err(Errno::BADF));
}

#[test]
fn every_failure_has_its_errno_is_remembered_recorded_and_cleared_by_success() {
    let world = World::new(&[file("a")]);
    let provider = |kind| OpenError::Provider(ProviderError::new(kind, "no such secret", "look"));
    for (error, errno) in [
        (provider(ErrorKind::Missing), Errno::NOENT),
        (provider(ErrorKind::Denied), Errno::ACCESS),
        (provider(ErrorKind::Refused), Errno::KEYREJECTED),
        (provider(ErrorKind::Expired), Errno::KEYEXPIRED),
        (provider(ErrorKind::NoCredential), Errno::NOKEY),
        (provider(ErrorKind::Unreachable), Errno::HOSTUNREACH),
        (
            provider(ErrorKind::Limited { retry_after: None }),
            Errno::BUSY,
        ),
        (OpenError::Empty, Errno::NODATA),
        (OpenError::TooLarge { max: 1 }, Errno::FBIG),
        (OpenError::NoMemory, Errno::NOMEM),
    ] {
        world.fail("a", error.clone());
        assert_eq!(open(&world, owner(7), "a"), Err(errno), "{error}");
        let reports = world.fs.reports(secretfs_fs::map::EntryId(0), 10);
        assert_eq!(reports[0].last_error, Some(error));
        let event = world.event();
        assert_eq!(
            (event.file.as_str(), event.errno),
            ("a", errno.raw_os_error())
        );
        assert_eq!((event.pid, event.version), (7, 0));
    }
    let snapshot = world.set("a", b"value");
    open(&world, owner(7), "a").unwrap();
    let reports = world.fs.reports(secretfs_fs::map::EntryId(0), 10);
    assert_eq!((&reports[0].last_error, reports[0].size), (&None, Some(5)));
    let event = world.event();
    assert_eq!((event.errno, event.version), (0, snapshot.version.0));
    // The refusal that the kernel repeats by itself is nobody's event.
    assert!(world.helper.events.lock().unwrap().is_empty());
}

#[test]
fn allow_is_asked_before_everything_also_for_what_is_cached() {
    let mut entry = file("a");
    entry.allow = vec!["kubectl".into()];
    let world = World::new(&[entry]);
    world.set("a", b"value");
    assert_eq!(open(&world, owner(7), "a"), Err(Errno::ACCESS));
    assert_eq!(world.vault.fetches(), 0);
    *world.helper.allows.lock().unwrap() = true;
    assert!(open(&world, owner(7), "a").is_ok());
    *world.helper.allows.lock().unwrap() = false;
    assert_eq!(open(&world, owner(7), "a"), Err(Errno::ACCESS));
    assert!(world.helper.asked.load(Ordering::Relaxed) >= 3);
}

#[test]
fn other_users_are_refused_whatever_the_kernel_let_through() {
    let world = World::new(&[file("a")]);
    world.set("a", b"value");
    let ino = lookup(&world, "a").unwrap().ino;
    let stranger = Caller {
        pid: 7,
        uid: 54_321,
    };
    assert_eq!(open_ino(&world, stranger, ino), Err(Errno::ACCESS));
    assert_eq!(lookup_in(&world, stranger, 1, "a"), Err(Errno::ACCESS));
    assert_eq!(world.fs.getattr(stranger, ino), Err(Errno::ACCESS));
    assert_eq!(world.fs.opendir(stranger, 1), Err(Errno::ACCESS));
    assert_eq!(world.fs.error_text(stranger, ino), Err(Errno::ACCESS));
}

#[test]
fn more_opens_than_may_wait_are_answered_busy() {
    let world = World::new(&[file("a")]);
    world.set("a", b"value");
    world.vault.hang(true);
    let ino = lookup(&world, "a").unwrap().ino;
    let (sender, receiver) = channel();
    for n in 0..=SecretFs::MAX_WAITING {
        let sender = sender.clone();
        // 0 is a thread that cannot be watched: there are none of these numbers.
        world.fs.open(owner(0), ino, move |opened| {
            sender.send((n, opened)).unwrap();
        });
    }
    let last = receiver.recv_timeout(SOON).unwrap();
    assert_eq!(last, (SecretFs::MAX_WAITING, Err(Errno::BUSY)));
    world.vault.hang(false);
    for _ in 0..SecretFs::MAX_WAITING {
        assert_eq!(receiver.recv_timeout(SOON).unwrap().1, Err(Errno::STALE));
    }
    assert!(open(&world, owner(7), "a").is_ok());
}

#[test]
fn a_folder_is_not_opened_as_a_file_nor_the_other_way() {
    let world = World::new(&[file("sub/a")]);
    let sub = lookup(&world, "sub").unwrap().ino;
    assert_eq!(open_ino(&world, owner(7), sub), Err(Errno::ISDIR));
    assert_eq!(open_ino(&world, owner(7), 1), Err(Errno::ISDIR));
    let a = lookup(&world, "sub/a").unwrap().ino;
    assert_eq!(world.fs.opendir(owner(7), a), Err(Errno::NOTDIR));
    assert_eq!(open_ino(&world, owner(7), 77), Err(Errno::STALE));
}

#[test]
fn nothing_changes_while_nothing_changes() {
    let world = World::new(&[file("a")]);
    let before = (lookup(&world, "a").unwrap(), world.fs.getattr(owner(1), 1));
    std::thread::sleep(Duration::from_millis(5));
    assert_eq!(
        before,
        (lookup(&world, "a").unwrap(), world.fs.getattr(owner(1), 1))
    );
    world.set("a", b"value");
    open(&world, owner(7), "a").unwrap();
    let opened = lookup(&world, "a").unwrap();
    world.expire("a");
    open(&world, owner(7), "a").unwrap();
    assert_eq!(lookup(&world, "a").unwrap(), opened);
}

/// Opens without waiting for the answer.
fn begin(
    world: &World,
    pid: u32,
    ino: u64,
    answers: &std::sync::mpsc::Sender<(u32, Result<u64, Errno>)>,
) {
    let answers = answers.clone();
    world.fs.open(owner(pid), ino, move |opened| {
        answers.send((pid, opened)).unwrap();
    });
}

#[test]
fn those_who_wait_for_one_file_ask_once_and_are_all_answered() {
    let world = World::new(&[file("a"), file("b")]);
    world.set("a", b"value");
    world.set("b", b"other");
    world.vault.hang(true);
    let [a, b] = ["a", "b"].map(|name| lookup(&world, name).unwrap().ino);
    let (sender, receiver) = channel();
    for pid in 1..=100 {
        begin(&world, pid, a, &sender);
    }
    begin(&world, 101, b, &sender);
    assert_eq!(world.fs.waiting(), 101);
    eventually("both are asked for", || world.vault.fetches() == 2);
    world.vault.hang(false);
    let mut told: Vec<u32> = (1..=101)
        .map(|_| {
            let (pid, opened) = receiver.recv_timeout(SOON).unwrap();
            // Each is sent to the version that came.
            assert_eq!(opened, Err(Errno::STALE));
            pid
        })
        .collect();
    told.sort_unstable();
    assert_eq!(told, (1..=101).collect::<Vec<_>>());
    assert_eq!(world.vault.fetches(), 2);
    eventually("nobody waits", || world.fs.waiting() == 0);
}

#[test]
fn who_opens_after_a_refresh_does_not_join_those_who_asked_before_it() {
    let world = World::new(&[file("a")]);
    world.set("a", b"value");
    world.vault.hang(true);
    let ino = lookup(&world, "a").unwrap().ino;
    let (sender, receiver) = channel();
    begin(&world, 1, ino, &sender);
    world.vault.drops.fetch_add(1, Ordering::Relaxed);
    begin(&world, 2, ino, &sender);
    eventually("each asks", || world.vault.fetches() == 2);
    world.vault.hang(false);
    for _ in 0..2 {
        let (_, opened) = receiver.recv_timeout(SOON).unwrap();
        assert_eq!(opened, Err(Errno::STALE));
    }
}

#[test]
fn who_opens_after_a_lock_does_not_join_those_who_opened_before_it() {
    let world = World::new(&[file("a")]);
    world.set("a", b"value");
    world.vault.hang(true);
    let ino = lookup(&world, "a").unwrap().ino;
    let (sender, receiver) = channel();
    begin(&world, 1, ino, &sender);
    drop(world.fs.lock());
    world.fs.unlock();
    world.set("a", b"value");
    let ino = lookup(&world, "a").unwrap().ino;
    begin(&world, 2, ino, &sender);
    eventually("each asks", || world.vault.fetches() == 2);
    world.vault.hang(false);
    let mut told = [1, 2].map(|_| receiver.recv_timeout(SOON).unwrap());
    told.sort_unstable_by_key(|(pid, _)| *pid);
    assert_eq!(told, [(1, Err(Errno::NOKEY)), (2, Err(Errno::STALE))]);
}

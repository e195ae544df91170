//! Folders: what is listed, in which order, and when a provider is asked for names.

use crate::fake::{World, dir, file, owner};
use crate::mount::{Mounted, eventually};
use crate::opens::{lookup, open, read};
use rustix::io::Errno;
use secretfs_fs::error::OpenError;
use secretfs_fs::map::EntryPlan;
use secretfs_fs::tree::{EntryJob, Kind, NameSink};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// Inode, next offset, name.
type Found = Vec<(u64, u64, String)>;

/// Takes so many names at once.
struct Page {
    room: usize,
    names: Found,
    to: Sender<Result<Found, Errno>>,
}

impl NameSink for Page {
    fn add(&mut self, ino: u64, next: u64, _: Kind, name: &str) -> bool {
        if self.names.len() == self.room {
            return true;
        }
        self.names.push((ino, next, name.to_owned()));
        false
    }
    fn done(self, result: Result<(), Errno>) {
        self.to.send(result.map(|()| self.names)).unwrap();
    }
}

fn page(world: &World, handle: u64, offset: u64, room: usize) -> Result<Found, Errno> {
    let (to, from) = channel();
    let sink = Page {
        room,
        names: Vec::new(),
        to,
    };
    world.fs.readdir(owner(1), handle, offset, sink);
    from.recv_timeout(Duration::from_secs(10)).unwrap()
}

fn list(world: &World, path: &str, room: usize) -> Result<Vec<String>, Errno> {
    let ino = if path.is_empty() {
        1
    } else {
        lookup(world, path)?.ino
    };
    let handle = world.fs.opendir(owner(1), ino).unwrap();
    let mut offset = 0;
    let mut all = Vec::new();
    loop {
        let names = page(world, handle, offset, room)?;
        let Some((_, next, _)) = names.last() else {
            world.fs.releasedir(handle);
            return Ok(all);
        };
        offset = *next;
        all.extend(names.into_iter().map(|(_, _, name)| name));
    }
}

#[test]
fn every_name_comes_once_however_few_fit() {
    let mut entries: Vec<_> = (0..20).map(|n| file(&format!("f{n:02}"))).collect();
    entries.push(file("sub/x"));
    entries.push(dir("zdir"));
    let world = World::new(&entries);
    world.set_names("zdir", Ok(&["b", "a", "c"]));
    for room in [1, 2, 7, 100] {
        let names = list(&world, "", room).unwrap();
        assert_eq!(names.len(), 24);
        assert_eq!((names[0].as_str(), names[1].as_str()), (".", ".."));
        let mut sorted = names.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), 24);
        assert_eq!(
            list(&world, "zdir", room).unwrap(),
            [".", "..", "a", "b", "c"]
        );
    }
}

#[test]
fn a_dir_asks_for_names_when_first_looked_into_and_not_again() {
    let world = World::new(&[dir("d"), file("a")]);
    world.set_names("d", Ok(&["x", "y"]));
    list(&world, "", 10).unwrap();
    let folder = lookup(&world, "d").unwrap();
    world.fs.getattr(owner(1), folder.ino).unwrap();
    assert_eq!(world.vault.lists(), 0);
    assert!(lookup(&world, "d/x").is_ok());
    assert_eq!(lookup(&world, "d/z"), Err(Errno::NOENT));
    assert_eq!(list(&world, "d", 10).unwrap(), [".", "..", "x", "y"]);
    assert_eq!((world.vault.lists(), world.vault.fetches()), (1, 0));
}

#[test]
fn a_member_is_read_like_any_file() {
    let world = World::new(&[dir("d")]);
    world.set_names("d", Ok(&["x", "y"]));
    world.set("d/x", b"ex");
    world.set("d/y", b"why");
    let (x, x_ino) = open(&world, owner(7), "d/x").unwrap();
    let (y, y_ino) = open(&world, owner(7), "d/y").unwrap();
    assert_ne!(x_ino, y_ino);
    assert_eq!(read(&world, x, 0, 9).unwrap(), b"ex");
    assert_eq!(read(&world, y, 0, 9).unwrap(), b"why");
    let event = world.event();
    assert_eq!(event.file, "d/y");
    let reports = world.fs.reports(secretfs_fs::map::EntryId(0), 10);
    let member = reports.iter().find(|r| r.member.as_deref() == Some("x"));
    assert_eq!(member.unwrap().size, Some(2));
}

#[test]
fn when_the_names_of_a_dir_are_forgotten_the_kernel_forgets_them_too() {
    // Or a file that was looked up before would be refused twice in a row: first by a number that leads
    // nowhere, then for the size of its first version.
    let forgets: [fn(&World); 2] = [
        |world| drop(world.fs.lock()),
        |world| {
            let elsewhere = EntryPlan {
                ttl_ms: 1,
                ..dir("d")
            };
            world.reload(&[elsewhere]);
        },
    ];
    for forget in forgets {
        let world = World::new(&[dir("d")]);
        world.set_names("d", Ok(&["x", "y"]));
        let folder = lookup(&world, "d").unwrap().ino;
        lookup(&world, "d/x").unwrap();
        forget(&world);
        let jobs = std::iter::from_fn(|| world.fs.invalidations().next_entry(false));
        let told: Vec<_> = jobs
            .filter_map(|job| match job {
                EntryJob::Names(of, names) => Some((of, names.to_vec())),
                _ => None,
            })
            .collect();
        assert_eq!(told, [(folder, vec!["x".to_owned(), "y".to_owned()])]);
    }
}

#[test]
fn an_explicit_file_wins_over_a_member_of_its_name() {
    let world = World::new(&[dir("d"), file("d/x")]);
    world.set_names("d", Ok(&["x", "y"]));
    // Without asking for names.
    world.set("d/x", b"explicit");
    let (handle, _) = open(&world, owner(7), "d/x").unwrap();
    assert_eq!(read(&world, handle, 0, 9).unwrap(), b"explicit");
    assert_eq!(world.vault.lists(), 0);
    assert_eq!(list(&world, "d", 10).unwrap(), [".", "..", "x", "y"]);
}

#[test]
fn a_list_that_fails_is_an_errno_only_if_nothing_was_ever_listed() {
    let world = World::new(&[dir("d")]);
    world.set_names("d", Err(OpenError::NoMemory));
    assert_eq!(list(&world, "d", 10), Err(Errno::NOMEM));
    assert_eq!(lookup(&world, "d/x"), Err(Errno::NOMEM));
    world.set_names("d", Ok(&["x"]));
    assert_eq!(list(&world, "d", 10).unwrap(), [".", "..", "x"]);
    world.set_names("d", Err(OpenError::NoMemory));
    assert_eq!(list(&world, "d", 10).unwrap(), [".", "..", "x"]);
    assert!(lookup(&world, "d/x").is_ok());
    let reports = world.fs.reports(secretfs_fs::map::EntryId(0), 10);
    assert_eq!(reports[0].last_error, Some(OpenError::NoMemory));
}

#[test]
fn a_locked_mount_names_no_members() {
    let world = World::new(&[dir("d"), file("a")]);
    world.set_names("d", Ok(&["x"]));
    assert!(lookup(&world, "d/x").is_ok());
    drop(world.fs.lock());
    assert_eq!(lookup(&world, "d/x"), Err(Errno::NOKEY));
    assert_eq!(list(&world, "d", 10), Err(Errno::NOKEY));
    assert_eq!(list(&world, "", 10).unwrap(), [".", "..", "a", "d"]);
}

#[test]
fn a_listing_under_way_keeps_its_offsets_during_a_reload() {
    let entries: Vec<_> = (0..10).map(|n| file(&format!("f{n}"))).collect();
    let world = World::new(&entries);
    let handle = world.fs.opendir(owner(1), 1).unwrap();
    let first = page(&world, handle, 0, 5).unwrap();
    world.reload(&[file("f9"), file("new")]);
    let rest = page(&world, handle, first.last().unwrap().1, 100).unwrap();
    assert_eq!(first.len() + rest.len(), 12);
    // From the start again: what is there now.
    let again = page(&world, handle, 0, 100).unwrap();
    let names: Vec<&str> = again.iter().map(|(_, _, name)| name.as_str()).collect();
    assert_eq!(names, [".", "..", "f9", "new"]);
}

#[test]
fn the_kernel_lists_what_the_tree_names() {
    let mounted = Mounted::new(&[file("a"), file("sub/b"), dir("d")]);
    mounted.world.set_names("d", Ok(&["x", "y"]));
    let names = |path: &str| {
        let mut names: Vec<_> = std::fs::read_dir(mounted.path(path))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(""), ["a", "d", "sub"]);
    assert_eq!(names("sub"), ["b"]);
    assert_eq!(names("d"), ["x", "y"]);
    mounted.world.set("d/y", b"why");
    assert_eq!(mounted.read("d/y"), b"why");
    assert_eq!(mounted.errno("d/z"), Errno::NOENT.raw_os_error());
}

#[test]
fn a_member_that_the_provider_no_longer_names_vanishes_though_it_was_open() {
    let mounted = Mounted::new(&[dir("d")]);
    mounted.world.set_names("d", Ok(&["x", "y"]));
    for name in ["d/x", "d/y"] {
        mounted.world.set(name, b"value");
        assert_eq!(mounted.read(name), b"value");
    }
    mounted.world.set_names("d", Ok(&["y"]));
    assert_eq!(mounted.errno("d/z"), Errno::NOENT.raw_os_error());
    eventually("x vanishes", || !mounted.path("d/x").exists());
    assert_eq!(mounted.size("d/y"), 5);
}

#[test]
fn members_are_forgotten_at_a_lock_like_files() {
    let mounted = Mounted::new(&[dir("d")]);
    mounted.world.set_names("d", Ok(&["x"]));
    mounted.world.set("d/x", b"value");
    assert_eq!(mounted.read("d/x"), b"value");
    drop(mounted.world.fs.lock());
    let errno = || std::fs::metadata(mounted.path("d/x")).map_err(|e| e.raw_os_error());
    let nokey = Some(Errno::NOKEY.raw_os_error());
    eventually("it is not shown", || errno().is_err_and(|e| e == nokey));
    mounted.world.fs.unlock();
    assert_eq!(mounted.size("d/x"), 0);
    mounted.world.set("d/x", b"again!");
    assert_eq!(mounted.read("d/x"), b"again!");
}

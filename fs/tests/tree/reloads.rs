//! A saved map: new files appear, removed ones vanish, open handles keep what they had.

use crate::fake::{World, dir, file, owner};
use crate::mount::{Mounted, eventually};
use crate::opens::{lookup, open, open_ino, read};
use rustix::io::Errno;
use secretfs_fs::map::EntryPlan;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};

/// The same file, with another secret behind it.
fn other(path: &str) -> EntryPlan {
    EntryPlan {
        source: file("another-secret").source,
        ..file(path)
    }
}

#[test]
fn a_file_that_stays_keeps_its_version_and_its_inode() {
    let world = World::new(&[file("a"), file("b")]);
    world.set("b", b"value");
    let (_, ino) = open(&world, owner(7), "b").unwrap();
    // Its position in the map changes.
    world.reload(&[file("b"), file("new")]);
    assert_eq!(lookup(&world, "b").unwrap().size, 5);
    assert_eq!(open(&world, owner(7), "b").unwrap().1, ino);
    assert_eq!(world.vault.fetches(), 1);
    assert!(lookup(&world, "new").is_ok());
    assert_eq!(lookup(&world, "a"), Err(Errno::NOENT));
}

#[test]
fn a_file_that_now_shows_another_secret_gets_another_inode() {
    let world = World::new(&[file("a")]);
    world.set("a", b"one");
    let (old, before) = open(&world, owner(7), "a").unwrap();
    world.reload(&[other("a")]);
    assert_eq!(lookup(&world, "a").unwrap().size, 0);
    world.set("a", b"another");
    assert_eq!(open_ino(&world, owner(7), before), Err(Errno::STALE));
    let (new, after) = open(&world, owner(8), "a").unwrap();
    assert_ne!(before, after);
    assert_eq!(read(&world, old, 0, 9).unwrap(), b"one");
    assert_eq!(read(&world, new, 0, 9).unwrap(), b"another");
}

#[test]
fn a_fetch_under_way_for_what_a_path_was_is_not_shown_under_it() {
    let world = World::new(&[file("a")]);
    world.set("a", b"one");
    world.vault.hang(true);
    let ino = lookup(&world, "a").unwrap().ino;
    let (sender, receiver) = std::sync::mpsc::channel();
    world
        .fs
        .open(owner(7), ino, move |opened| sender.send(opened).unwrap());
    eventually("it waits", || world.vault.fetches() == 1);
    world.reload(&[other("a")]);
    world.set("a", b"another");
    world.vault.hang(false);
    assert_eq!(receiver.recv().unwrap(), Err(Errno::STALE));
    assert_eq!(lookup(&world, "a").unwrap().size, 0);
    let (handle, _) = open(&world, owner(7), "a").unwrap();
    assert_eq!(read(&world, handle, 0, 9).unwrap(), b"another");
}

#[test]
fn the_kernel_sees_a_reload_at_once() {
    let mounted = Mounted::new(&[file("a"), file("b"), file("gone/x")]);
    for name in ["a", "b", "gone/x"] {
        mounted.world.set(name, name.as_bytes());
        assert_eq!(mounted.read(name), name.as_bytes());
    }
    let held = mounted.open("b").unwrap();
    let inode = mounted.open("a").unwrap().metadata().unwrap().ino();
    let mut stricter = file("a");
    stricter.mode = 0o400;
    mounted
        .world
        .reload(&[stricter, file("new/y"), file("gone.txt")]);
    eventually("the file vanishes", || !mounted.path("b").exists());
    eventually("the folder vanishes", || !mounted.path("gone").exists());
    eventually("the mode changes", || {
        let stat = std::fs::metadata(mounted.path("a")).unwrap();
        stat.permissions().mode() & 0o777 == 0o400
    });
    assert!(mounted.path("new/y").exists());
    assert_eq!(mounted.open("a").unwrap().metadata().unwrap().ino(), inode);
    let mut byte = [0];
    held.read_exact_at(&mut byte, 0).unwrap();
    assert_eq!((&byte, held.metadata().unwrap().len()), (b"b", 1));
    // A folder where a file was, and a file where a folder was.
    mounted.world.reload(&[file("a/z"), file("new")]);
    eventually("a is a folder", || mounted.path("a/z").exists());
    eventually("new is a file", || mounted.path("new").is_file());
    mounted.world.set("new", b"new");
    assert_eq!(mounted.read("new"), b"new");
}

#[test]
fn a_question_about_an_entry_of_the_former_map_opens_nothing() {
    // Positions change with the map: what was asked about one entry must not open another.
    let guarded = |path: &str| EntryPlan {
        allow: vec!["kubectl".into()],
        ..file(path)
    };
    let world = World::new(&[guarded("a"), guarded("b")]);
    world.set("a", b"value of a");
    world.set("b", b"value of b");
    *world.helper.allows.lock().unwrap() = true;
    world.helper.hang(true);
    let ino = lookup(&world, "b").unwrap().ino;
    let (sender, receiver) = std::sync::mpsc::channel();
    world
        .fs
        .open(owner(7), ino, move |opened| sender.send(opened).unwrap());
    eventually("it asks", || {
        world
            .helper
            .asked
            .load(std::sync::atomic::Ordering::Relaxed)
            == 1
    });
    world.reload(&[guarded("b"), guarded("a")]);
    world.helper.hang(false);
    assert_eq!(receiver.recv().unwrap(), Err(Errno::STALE));
    let (handle, _) = open(&world, owner(7), "b").unwrap();
    assert_eq!(read(&world, handle, 0, 99).unwrap(), b"value of b");
}

#[test]
fn a_folder_that_lists_another_place_shows_none_of_the_former_names() {
    let mounted = Mounted::new(&[dir("d")]);
    mounted.world.set_names("d", Ok(&["x"]));
    mounted.world.set("d/x", b"value");
    assert_eq!(mounted.read("d/x"), b"value");
    let elsewhere = EntryPlan {
        ttl_ms: 1_000,
        ..dir("d")
    };
    mounted.world.reload(&[elsewhere]);
    mounted.world.set_names("d", Ok(&["y"]));
    eventually("x vanishes", || !mounted.path("d/x").exists());
    assert_eq!(mounted.size("d/y"), 0);
}

#[test]
fn a_member_that_becomes_an_explicit_file_shows_that_file() {
    let mounted = Mounted::new(&[dir("d")]);
    mounted.world.set_names("d", Ok(&["x"]));
    mounted.world.set("d/x", b"member");
    assert_eq!(mounted.read("d/x"), b"member");
    mounted.world.reload(&[dir("d"), other("d/x")]);
    eventually("the member is forgotten", || mounted.size("d/x") == 0);
    mounted.world.set("d/x", b"explicit");
    assert_eq!(mounted.read("d/x"), b"explicit");
}

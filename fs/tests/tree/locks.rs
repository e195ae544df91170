//! Lock: nothing can be read after it, whatever was open.

use crate::fake::{World, file, owner};
use crate::kernel::value;
use crate::mount::{Mounted, eventually};
use crate::opens::{lookup, open, open_ino, read};
use crate::sys::{Mapping, cached_pages};
use rustix::io::Errno;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn after_a_lock_handles_answer_eio_and_opens_enokey() {
    let world = World::new(&[file("a"), file("b")]);
    world.set("a", b"value");
    let (handle, ino) = open(&world, owner(7), "a").unwrap();
    drop(world.fs.lock());
    assert_eq!(read(&world, handle, 0, 9), Err(Errno::IO));
    assert_eq!(open(&world, owner(7), "a"), Err(Errno::NOKEY));
    assert_eq!(open(&world, owner(7), "b"), Err(Errno::NOKEY));
    assert_eq!(lookup(&world, "a").unwrap().size, 0);
    assert_eq!(world.fs.getattr(owner(7), ino).unwrap().size, 0);
    world.fs.release(handle);
    assert_eq!(open_ino(&world, owner(7), ino), Err(Errno::NOKEY));
}

#[test]
fn after_an_unlock_a_version_gets_an_inode_that_never_showed_another() {
    let world = World::new(&[file("a")]);
    world.set("a", b"value");
    let (old, before) = open(&world, owner(7), "a").unwrap();
    drop(world.fs.lock());
    world.fs.unlock();
    world.set("a", b"other");
    let (new, after) = open(&world, owner(7), "a").unwrap();
    assert_ne!(before, after);
    assert_eq!(read(&world, new, 0, 9).unwrap(), b"other");
    assert_eq!(read(&world, old, 0, 9), Err(Errno::IO));
}

#[test]
fn a_fetch_that_a_lock_overtook_serves_nothing_even_after_the_unlock() {
    let world = World::new(&[file("a")]);
    world.set("a", b"value");
    world.vault.hang(true);
    let ino = lookup(&world, "a").unwrap().ino;
    let (sender, receiver) = std::sync::mpsc::channel();
    world
        .fs
        .open(owner(7), ino, move |opened| sender.send(opened).unwrap());
    eventually("it waits", || world.vault.fetches() == 1);
    drop(world.fs.lock());
    world.fs.unlock();
    world.set("a", b"value");
    world.vault.hang(false);
    let answer = receiver.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(answer, Err(Errno::NOKEY));
}

#[test]
fn the_kernel_has_forgotten_pages_and_sizes_when_the_lock_says_so() {
    let mounted = Mounted::new(&[file("a")]);
    mounted.world.set("a", &value(1, 9_000));
    let held = mounted.open("a").unwrap();
    let mapping = Mapping::new(&held, 9_000, true).unwrap();
    mapping.bytes();
    let before = held.metadata().unwrap().ino();
    let done = mounted.world.fs.lock();
    mounted
        .world
        .wait(async { tokio::time::timeout(Duration::from_secs(10), done).await })
        .unwrap()
        .unwrap();
    if let Some(pages) = cached_pages(&held) {
        assert_eq!(pages, 0);
    }
    let mut byte = [0];
    let eio = Errno::IO.raw_os_error();
    let read = held.read_at(&mut byte, 0).unwrap_err();
    assert_eq!(read.raw_os_error(), Some(eio));
    assert_eq!(mounted.errno("a"), Errno::NOKEY.raw_os_error());
    eventually("size 0", || mounted.size("a") == 0);
    assert_eq!(held.metadata().unwrap().len(), 0);
    mounted.world.fs.unlock();
    mounted.world.set("a", b"again");
    assert_eq!(mounted.read("a"), b"again");
    assert_ne!(mounted.open("a").unwrap().metadata().unwrap().ino(), before);
}

/// Maps its argument, says so, and reads the mapping for as long as it can: another process, because
/// the signal ends it.
const READER: &str = "import mmap, sys
file = open(sys.argv[1], 'rb')
mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
print(len(mapping[:]), flush=True)
while True: mapping[:]";

#[test]
fn a_mapping_held_over_a_lock_ends_its_reader_with_sigbus() {
    let mounted = Mounted::new(&[file("a")]);
    mounted.world.set("a", &value(1, 9_000));
    let mut child = Command::new("python3")
        .args(["-c", READER])
        .arg(mounted.path("a"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let told = child.stdout.as_mut().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(told), &mut line).unwrap();
    assert_eq!(line, "9000\n");
    drop(mounted.world.fs.lock());
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGBUS));
}

#[test]
fn an_open_by_a_name_that_the_kernel_has_not_yet_forgotten_is_refused_once_only() {
    let world = World::new(&[file("a")]);
    world.set("a", b"value");
    let (old, before) = open(&world, owner(7), "a").unwrap();
    world.fs.release(old);
    drop(world.fs.lock());
    world.fs.unlock();
    world.set("a", b"other");
    // The kernel opens what it knows, is refused, looks up, opens.
    assert_eq!(open_ino(&world, owner(7), before), Err(Errno::STALE));
    let now = lookup(&world, "a").unwrap();
    assert_eq!(now.size, 5);
    assert!(open_ino(&world, owner(7), now.ino).is_ok());
    assert_eq!(world.vault.fetches(), 2);
}

//! Plaintext does not stay in the kernel's page cache.

use crate::fake::file;
use crate::kernel::value;
use crate::mount::{Mounted, eventually};
use crate::sys::{Mapping, cached_pages};
use secretfs_fs::tree::InodeJob;

/// The tree numbers its handles from 1 on. Closing one behind the kernel's back leaves the test a
/// descriptor to ask cachestat with: opening another would drop the pages by itself.
const FIRST_HANDLE: u64 = 1;

#[test]
fn a_mapping_leaves_pages_and_the_last_close_drops_them() {
    let mounted = Mounted::new(&[file("a")]);
    let bytes = value(1, 20_000);
    mounted.world.set("a", &bytes);
    let held = mounted.open("a").unwrap();
    if cached_pages(&held).is_none() {
        return eprintln!("skipped: this kernel has no cachestat");
    }
    let other = mounted.open("a").unwrap();
    assert_eq!(Mapping::new(&other, 20_000, true).unwrap().bytes(), bytes);
    let mut offset = 0;
    let sink = tempfile::tempfile().unwrap();
    rustix::fs::sendfile(&sink, &other, Some(&mut offset), 20_000).unwrap();
    drop(other);
    assert_eq!(
        cached_pages(&held),
        Some(5),
        "the mapping is still held open"
    );
    eventually("the other handle's end", || {
        mounted.world.fs.open_handles() == 1
    });
    mounted.world.fs.release(FIRST_HANDLE);
    eventually("no page", || cached_pages(&held) == Some(0));
}

#[test]
fn a_read_leaves_no_page() {
    let mounted = Mounted::new(&[file("a")]);
    mounted.world.set("a", &value(1, 20_000));
    let held = mounted.open("a").unwrap();
    assert_eq!(mounted.read("a").len(), 20_000);
    if let Some(pages) = cached_pages(&held) {
        assert_eq!(pages, 0);
    }
}

#[test]
fn a_loop_of_opens_asks_the_kernel_rarely() {
    use crate::fake::{World, owner};
    let world = World::new(&[file("a")]);
    world.set("a", b"value");
    for _ in 0..100 {
        let (handle, _) = crate::opens::open(&world, owner(7), "a").unwrap();
        world.fs.release(handle);
    }
    let jobs: Vec<InodeJob> =
        std::iter::from_fn(|| world.fs.invalidations().next_inode(false)).collect();
    assert_eq!(jobs.len(), 1, "{jobs:?}");
}

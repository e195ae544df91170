//! The mountpoint between the check and the mount, and what lies on it, under it and over it. What is refused as
//! a mountpoint at all is in `mounts/mountpoint.rs`.

use super::scripted::Scripted;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use secretfs_tests::fixture::value;
use secretfs_tests::{system, user, wait};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

fn unmounted() -> Scripted {
    let mount = Scripted::new();
    mount.set_map("", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    mount
}

fn privileged<const N: usize>(words: [&str; N]) {
    let status = user::privileged(words[0])
        .args(&words[1..])
        .status()
        .expect("a program");
    assert!(status.success(), "{words:?}");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Somebody who may rename in the folder above exchanges the mountpoint with a link to another folder of the user,
/// as fast as they can.
#[test]
fn a_mountpoint_that_is_exchanged_for_a_link_is_mounted_on_itself_or_not_at_all() {
    let mount = unmounted();
    let open = mount.make_folder("home/open", 0o777);
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).expect("chmod");
    mount.make_folder("home/open/m", 0o700);
    // Empty as well, so that nothing but the link speaks against it.
    mount.make_folder("home/victim", 0o700);
    symlink(mount.path("home/victim"), open.join("link")).expect("a link");
    let place = open.join("m");
    let (mut mounted, mut refused) = (0, 0);
    for _ in 0..12 {
        let stop = AtomicBool::new(false);
        let output = std::thread::scope(|scope| {
            let racer = scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let _ = renameat_with(
                        CWD,
                        open.join("m"),
                        CWD,
                        open.join("link"),
                        RenameFlags::EXCHANGE,
                    );
                }
            });
            let output = mount
                .secretfs(["mount".as_ref(), place.as_os_str()])
                .output()
                .expect("secretfs");
            stop.store(true, Ordering::Relaxed);
            racer.join().expect("the racer");
            output
        });
        let there = system::mounts_below(&mount.path("home"));
        match output.status.code() {
            Some(0) => {
                mounted += 1;
                assert_eq!(there.len(), 1, "{there:?}");
                assert!(
                    !there[0].at.starts_with(mount.path("home/victim")),
                    "{there:?}"
                );
                mount.run(["unmount", "--all"]);
            }
            Some(6) => {
                refused += 1;
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(said.contains("help:"), "{said}");
            }
            other => panic!("{other:?}: {output:?}"),
        }
        wait::until("nothing is mounted anywhere", || {
            system::mounts_below(&mount.path("home"))
                .is_empty()
                .then_some(())
        });
        mount.wait_for_no_process();
    }
    println!("{mounted} mounted, {refused} refused");
}

#[test]
fn dots_in_a_path_are_resolved_before_anything_is_mounted() {
    let mount = unmounted();
    mount.make_folder("home/x", 0o700);
    mount.make_folder("home/y", 0o700);
    let dotted = mount.path("home/x/../y");
    mount.run(["mount".as_ref(), dotted.as_os_str()]);
    assert_eq!(system::mounts_below(&mount.path("home/y")).len(), 1);
    mount.run(["unmount".as_ref(), dotted.as_os_str()]);
    for place in ["home/x/..", "home/x/.", "home/nothing/../../.."] {
        let path = mount.path("").join(place);
        let output = mount
            .secretfs(["mount".as_ref(), path.as_os_str()])
            .output()
            .expect("secretfs");
        // `x/.` is x.
        if output.status.success() {
            assert_eq!(
                system::mounts_below(&mount.path("home/x")).len(),
                1,
                "{place}"
            );
            mount.run(["unmount", "--all"]);
        } else {
            assert_eq!(output.status.code(), Some(6), "{place}: {output:?}");
        }
        assert!(
            system::mounts_below(&mount.path("home")).is_empty(),
            "{place}"
        );
    }
}

#[test]
fn a_place_inside_a_mount_of_ours_is_refused_and_the_mount_serves_on() {
    let mount = unmounted();
    mount.mount();
    for place in ["a", "new", "a/b"] {
        let path = mount.file(place);
        let said = mount.fails(6, ["mount".as_ref(), path.as_os_str()]);
        assert!(said.contains("help:"), "{place}: {said}");
    }
    assert_eq!(system::mounts_below(&mount.path("home")).len(), 1);
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
}

/// Of a file system that is not ours, a folder is a folder; what lies on top of ours is not ours to unmount.
#[test]
fn what_somebody_mounts_on_top_is_neither_unmounted_nor_taken_for_ours() {
    let mount = unmounted();
    mount.mount();
    let place = mount.mountpoint();
    // Root mounts over it, as an administrator might.
    privileged([
        "mount",
        "-t",
        "tmpfs",
        "-o",
        "mode=0700",
        "tmpfs",
        text(&place),
    ]);
    let output = mount
        .secretfs(["unmount".as_ref(), place.as_os_str()])
        .output()
        .expect("secretfs");
    let there = system::mounts_below(&place);
    assert!(
        there.iter().any(|line| line.kind == "tmpfs"),
        "{there:?}: {output:?}"
    );
    privileged(["umount", text(&place)]);
    let _ = mount.secretfs(["unmount", "--all"]).output();
    wait::until("ours is gone too", || (!mount.is_mounted()).then_some(()));
}

#[test]
fn a_bind_mount_of_the_mount_or_of_a_file_shows_nothing_after_a_lock_and_after_unmounting() {
    let mount = unmounted();
    mount.set_map("on_lock: seal", &["{name: A, file: a}"]);
    mount.mount();
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
    let bound = mount.make_folder("bound", 0o700);
    privileged(["mount", "--bind", text(&mount.mountpoint()), text(&bound)]);
    let mut probe = mount.probe();
    assert_eq!(
        probe.slurp(bound.join("a")),
        Ok(value("a", 64)),
        "the same files"
    );
    assert_eq!(
        mount.probe_as(user::other()).try_open(bound.join("a")),
        Err(libc::EACCES)
    );
    mount.run(["lock", "--all"]);
    assert_eq!(probe.try_open(bound.join("a")), Err(libc::ENOKEY));
    mount.run(["unmount".as_ref(), mount.mountpoint().as_os_str()]);
    assert_eq!(probe.try_open(bound.join("a")), Err(libc::ENOTCONN));
    privileged(["umount", text(&bound)]);
}

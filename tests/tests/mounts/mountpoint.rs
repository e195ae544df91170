//! Where may be mounted, and what is said where not.

use crate::scripted::Scripted;
use secretfs_tests::fixture::{Fixture, told, value};
use secretfs_tests::{system, user};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

fn unmounted() -> Scripted {
    let mount = Scripted::new();
    mount.set_map("", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    mount
}

/// Mounting at `place` is refused with status 6, and names it.
fn refused(mount: &Fixture, place: &str) -> String {
    let path = mount.path(place);
    let text = mount.fails(6, ["mount".as_ref(), path.as_os_str()]);
    assert!(
        text.contains(path.to_str().expect("UTF-8")),
        "names the place: {text}"
    );
    assert!(text.contains("help:"), "{text}");
    assert!(system::mounts_below(&path).is_empty());
    text
}

#[test]
fn a_missing_mountpoint_is_made_with_0700_and_stays_empty() {
    let mount = unmounted();
    mount.run(["mount".as_ref(), mount.path("home/new/deep").as_os_str()]);
    mount.run(["unmount".as_ref(), mount.path("home/new/deep").as_os_str()]);
    let metadata = std::fs::metadata(mount.path("home/new/deep")).expect("the folder");
    assert_eq!(metadata.mode() & 0o7777, 0o700);
    assert_eq!(metadata.uid(), user::mounting().uid);
    assert_eq!(
        std::fs::read_dir(mount.path("home/new/deep"))
            .expect("a folder")
            .count(),
        0
    );
}

#[test]
fn a_folder_that_is_not_empty_is_refused() {
    let mount = unmounted();
    mount.make_folder("home/full", 0o700);
    mount.write(&mount.path("home/full/file"), b"x");
    refused(&mount, "home/full");
    assert!(mount.path("home/full/file").exists());
}

#[test]
fn a_symlink_is_refused() {
    let mount = unmounted();
    mount.make_folder("home/real", 0o700);
    symlink(mount.path("home/real"), mount.path("home/link")).expect("a link");
    refused(&mount, "home/link");
}

#[test]
fn a_file_is_refused() {
    let mount = unmounted();
    mount.write(&mount.path("home/file"), b"");
    refused(&mount, "home/file");
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    if !user::is_root() {
        let output = user::privileged("true").output().expect("sudo");
        assert!(
            output.status.success(),
            "needs root or sudo without a password"
        );
    }
    let mount = unmounted();
    let folder = mount.make_folder("home/theirs", 0o777);
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o777)).expect("chmod");
    let status = user::privileged("chown")
        .arg("nobody")
        .arg(&folder)
        .status()
        .expect("chown");
    assert!(status.success());
    refused(&mount, "home/theirs");
    let status = user::privileged("rmdir")
        .arg(&folder)
        .status()
        .expect("rmdir");
    assert!(status.success());
}

#[test]
fn a_second_mount_of_the_same_place_names_the_first() {
    let mount = unmounted();
    mount.mount();
    let mut command = mount.secretfs(mount.mount_args());
    let output = command.output().expect("secretfs");
    assert_eq!(output.status.code(), Some(6), "{}", told(&output));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("already") && text.contains("help:"), "{text}");
    assert_eq!(mount.read("a"), Ok(value("a", 64)), "the first serves on");
    assert_eq!(system::mounts_below(&mount.mountpoint()).len(), 1);
}

#[test]
fn concurrent_mounts_of_one_place_make_one() {
    let mount = unmounted();
    let mut children: Vec<_> = (0..4)
        .map(|_| {
            let mut command = mount.secretfs(mount.mount_args());
            command
                .stderr(std::process::Stdio::null())
                .spawn()
                .expect("secretfs")
        })
        .collect();
    let good = children
        .iter_mut()
        .filter_map(|child| child.wait().expect("wait").success().then_some(()))
        .count();
    assert_eq!(good, 1);
    assert_eq!(system::mounts_below(&mount.mountpoint()).len(), 1);
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
}

#[test]
fn two_mountpoints_of_one_map_are_two_mounts() {
    let mount = unmounted();
    mount.mount();
    let second = mount.path("home/second");
    mount.run(["mount".as_ref(), second.as_os_str()]);
    let mut probe = mount.probe();
    assert_eq!(probe.slurp(mount.file("a")), Ok(value("a", 64)));
    assert_eq!(probe.slurp(second.join("a")), Ok(value("a", 64)));
    mount.run(["unmount".as_ref(), second.as_os_str()]);
    assert_eq!(probe.slurp(mount.file("a")), Ok(value("a", 64)));
}

#[test]
fn unmounting_what_is_not_mounted_is_status_6_and_all_with_none_is_0() {
    let mount = unmounted();
    let path = mount.mountpoint();
    mount.fails(6, ["unmount".as_ref(), path.as_os_str()]);
    mount.run(["unmount", "--all"]);
}

#[test]
fn names_with_spaces_quotes_commas_and_backslashes_can_be_mounted() {
    let mount = unmounted();
    let place = mount.path("home/a b,c=d\\e'f\"g");
    mount.run(["mount".as_ref(), place.as_os_str()]);
    assert_eq!(mount.probe().slurp(place.join("a")), Ok(value("a", 64)));
    mount.run(["unmount".as_ref(), place.as_os_str()]);
    assert!(system::mounts_below(&mount.path("home")).is_empty());
}

#[test]
fn foreground_stays_until_it_is_told_to_end() {
    for signal in ["TERM", "INT", "HUP"] {
        stays_until(signal);
    }
}

/// SIGHUP is the terminal closing.
fn stays_until(signal: &str) {
    let mount = unmounted();
    let mut args = mount.mount_args();
    args.insert(1, "--foreground".into());
    let mut child = mount
        .secretfs(args)
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("secretfs");
    secretfs_tests::wait::until("it is mounted", || mount.read("a").ok());
    assert!(child.try_wait().expect("wait").is_none(), "it stays");
    system::signal(child.id(), signal);
    secretfs_tests::wait::until("it ends", || child.try_wait().expect("wait"));
    mount.wait_for_no_mount();
    mount.wait_for_no_process();
}

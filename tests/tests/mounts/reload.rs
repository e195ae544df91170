//! Saving the map updates a running mount; a bad map changes nothing and is shown.

use crate::scripted::Scripted;
use secretfs_tests::fixture::value;
use secretfs_tests::script::{Outcome, Step};
use secretfs_tests::wait;

#[test]
fn new_files_appear_removed_ones_vanish_and_open_handles_keep_what_they_had() {
    let mount = Scripted::mounted("", &["{name: A, file: a}", "{name: B, file: sub/b}"]);
    mount.sim.set("A", value("a", 64));
    mount.sim.set("B", value("b", 64));
    mount.sim.set("C", value("c", 64));
    let mut probe = mount.probe();
    let fd = probe.open(mount.file("sub/b"));
    probe.slurp(mount.file("a")).expect("the value");
    let untouched = probe.stat(mount.file("a"));

    mount.set_map("", &["{name: A, file: a}", "{name: C, file: new/c}"]);
    wait::until("the new file appears", || {
        probe.try_open(mount.file("new/c")).ok()
    });
    assert_eq!(probe.slurp(mount.file("new/c")), Ok(value("c", 64)));
    assert_eq!(probe.try_open(mount.file("sub/b")), Err(libc::ENOENT));
    assert_eq!(probe.list(mount.mountpoint()), ["a", "new"]);
    assert_eq!(probe.pread(fd, 0, 100), value("b", 64));

    let before = mount.sim.count();
    assert_eq!(probe.slurp(mount.file("a")), Ok(value("a", 64)));
    assert_eq!(
        mount.sim.count(),
        before,
        "an untouched entry keeps its value"
    );
    assert_eq!(probe.stat(mount.file("a")), untouched);
}

#[test]
fn a_file_that_now_means_another_secret_shows_the_other_secret() {
    let mount = Scripted::with_value(value("a", 64));
    mount.sim.set("B", value("b", 100));
    let mut probe = mount.probe();
    let fd = probe.open(mount.file("a"));
    mount.set_map("", &["{name: B, file: a}"]);
    wait::until("the other secret", || {
        (probe.slurp(mount.file("a")) == Ok(value("b", 100))).then_some(())
    });
    assert_eq!(probe.pread(fd, 0, 100), value("a", 64), "the old handle");
}

#[test]
fn a_bad_map_leaves_the_last_good_one_and_is_shown_until_it_is_mended() {
    let mount = Scripted::with_value(value("a", 64));
    mount.write_map("secrets:\n  - {name: A, flie: a}\n");
    let shown = wait::until("the error is shown", || {
        let text = mount.run(["status"]);
        (text.contains("flie") || text.contains("secrets.yml:")).then_some(text)
    });
    assert!(shown.contains("secrets.yml"), "{shown}");
    assert_eq!(
        mount.read("a"),
        Ok(value("a", 64)),
        "the last good map serves on"
    );

    mount.sim.set("B", value("b", 64));
    mount.set_map("", &["{name: B, file: b}"]);
    wait::until("the mended map is in use", || mount.read("b").ok());
    let text = mount.run(["status"]);
    assert!(!text.contains("flie"), "{text}");
}

#[test]
fn a_map_that_others_may_write_is_not_taken() {
    let mount = Scripted::with_value(value("a", 64));
    mount.sim.set("B", value("b", 64));
    // Mode first, so that there is no moment at which the new content is trusted.
    let open = mount.path("open.yml");
    mount.write(&open, mount_map_with_b(&mount).as_bytes());
    std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o666))
        .expect("chmod");
    std::fs::rename(&open, mount.map()).expect("rename");
    wait::until("the refusal is shown", || {
        mount
            .run(["status"])
            .contains("written by others")
            .then_some(())
    });
    assert_eq!(mount.probe().try_open(mount.file("b")), Err(libc::ENOENT));
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
}

fn mount_map_with_b(mount: &Scripted) -> String {
    format!(
        "providers: {{s: {}}}\nsecrets: [{{name: B, file: b}}]\n",
        mount.sim.provider()
    )
}

#[test]
fn removing_the_map_changes_nothing() {
    let mount = Scripted::with_value(value("a", 64));
    std::fs::remove_file(mount.map()).expect("the map");
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
    // And it may come back.
    mount.sim.set("B", value("b", 64));
    mount.set_map("", &["{name: B, file: b}"]);
    wait::until("the map is seen again", || mount.read("b").ok());
}

#[test]
fn a_working_folder_inside_a_removed_folder_is_no_obstacle() {
    let mount = Scripted::mounted("", &["{name: A, file: sub/a}"]);
    mount.sim.set("B", value("b", 64));
    let mut probe = mount.probe();
    let path = mount.file("sub").to_str().expect("UTF-8").to_owned();
    assert_eq!(probe.run(&Step::Enter { path }), Outcome::Done);
    mount.set_map("", &["{name: B, file: b}"]);
    wait::until("the new map is in use", || mount.read("b").ok());
    assert!(probe.slurp("a").is_err());
}

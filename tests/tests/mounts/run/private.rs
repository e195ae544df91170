//! `run --private`: only the command and its children see the files.

use super::{home, nothing_is_left, prints, probe};
use secretfs_tests::{system, user, wait};

#[test]
fn only_the_command_and_its_children_see_the_files() {
    let fixture = home();
    let (mut probe, place) = probe(&fixture, &["--private"]);
    assert_eq!(probe.slurp(place.join("a")), Ok(b"value-a".to_vec()));
    assert!(system::mounts_below(&place).is_empty(), "no mount outside");
    let mut outside = fixture.probe();
    assert_eq!(outside.list(&place), Vec::<String>::new());
    assert_eq!(outside.try_open(place.join("a")), Err(libc::ENOENT));
    // Whoever runs as the same user outside can still ask about it.
    let status = fixture.status();
    assert_eq!(status["state"], "serving", "{status}");
    drop(probe);
    nothing_is_left(&fixture);
}

#[test]
fn the_command_is_the_same_user_and_has_no_privilege_of_the_namespace() {
    let fixture = home();
    let script = "cat \"$A_FILE\"; echo; id -u; grep -h -E '^Cap(Inh|Prm|Eff|Amb)' /proc/self/status | cut -f2 | sort -u";
    let uid = user::mounting().uid;
    let expected = format!("value-a\n{uid}\n{:016x}\n", 0);
    assert_eq!(prints(&fixture, &["--private"], script), expected);
    nothing_is_left(&fixture);
}

#[test]
fn a_lock_from_outside_reaches_a_private_mount() {
    let fixture = home();
    let (mut probe, place) = probe(&fixture, &["--private"]);
    let fd = probe.open(place.join("a"));
    assert_eq!(probe.pread(fd, 0, 7), b"value-a");
    fixture.run(["lock", "--all"]);
    assert_eq!(probe.try_open(place.join("a")), Err(libc::ENOKEY));
    let passphrase = fixture.path("passphrase");
    fixture.run([
        "unlock",
        "--all",
        "--passphrase-file",
        passphrase.to_str().expect("UTF-8"),
    ]);
    assert_eq!(probe.slurp(place.join("deep/b")), Ok(b"value-b\n".to_vec()));
    fixture.run(["unmount", place.to_str().expect("UTF-8")]);
    assert_eq!(probe.try_open(place.join("a")), Err(libc::ENOENT));
    drop(probe);
    nothing_is_left(&fixture);
}

#[test]
fn a_helper_that_is_killed_leaves_no_private_mount() {
    let fixture = home();
    let (mut probe, place) = probe(&fixture, &["--private"]);
    assert_eq!(probe.slurp(place.join("a")), Ok(b"value-a".to_vec()));
    system::signal(fixture.process("internal-mount-helper").pid, "KILL");
    fixture.wait_for_no_process();
    wait::until("the mount is gone in the namespace", || {
        (probe.try_open(place.join("a")) == Err(libc::ENOENT)).then_some(())
    });
}

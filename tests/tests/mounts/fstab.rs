//! `mount -t secretfs`, lines of /etc/fstab, and umount(8), with the real programs.

mod page;
mod roots;
mod session;

use secretfs_tests::fixture::{Fixture, told, value};
use secretfs_tests::machine::{EXTRA_GROUP, Machine};
use secretfs_tests::user::{self, mounting};
use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};

/// A vault and a map of it, in the user's home.
fn fixture() -> Fixture {
    let fixture = Fixture::new();
    let mut vault = fixture.vault();
    vault.set("A", &value("a", 64));
    fixture.write_map(&format!(
        "providers: {{v: {{type: local, file: {:?}}}}}\nsecrets: [{{name: A, file: a}}]\n",
        vault.file()
    ));
    fixture
}

/// The mount options that every line here has.
fn options(fixture: &Fixture) -> String {
    let passphrase = fixture.path("passphrase");
    format!(
        "uid={},passphrase_file={}",
        mounting().name,
        passphrase.display()
    )
}

/// A line of fstab for the fixture's map and mountpoint.
fn line(fixture: &Fixture, more: &str) -> String {
    typed_line(fixture, "secretfs", more)
}

fn typed_line(fixture: &Fixture, kind: &str, more: &str) -> String {
    format!(
        "{} {} {kind} {},{more} 0 0\n",
        fixture.map().display(),
        fixture.mountpoint().display(),
        options(fixture)
    )
}

fn run(command: &mut Command) -> Output {
    command.output().expect("a program")
}

/// Runs it, and expects that it succeeds without a word.
fn silent(command: &mut Command) {
    let output = run(command);
    let quiet = output.stdout.is_empty() && output.stderr.is_empty();
    assert!(
        output.status.success() && quiet,
        "{command:?}: {}",
        told(&output)
    );
}

/// Runs it, and expects another status; what it said.
fn fails(status: i32, command: &mut Command) -> String {
    let output = run(command);
    assert_eq!(
        output.status.code(),
        Some(status),
        "{command:?}: {}",
        told(&output)
    );
    String::from_utf8(output.stderr).expect("text")
}

/// What the kernel says of the ids and groups of every process of the fixture: the user's alone.
fn every_process_is_the_users(fixture: &Fixture) {
    let processes = fixture.processes();
    assert_eq!(processes.len(), 3, "{processes:?}");
    let (uid, gid) = (mounting().uid, mounting().gid);
    for process in processes {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid));
        let status = status.expect("a process");
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let words = line.expect(name).split_whitespace().map(str::to_owned);
            words.collect::<Vec<_>>()
        };
        assert_eq!(of("Uid:"), vec![uid.to_string(); 4], "{process:?}");
        assert_eq!(of("Gid:"), vec![gid.to_string(); 4], "{process:?}");
        let groups = of("Groups:");
        assert!(groups.contains(&EXTRA_GROUP.to_string()), "{groups:?}");
        assert!(!groups.contains(&"0".to_owned()), "{groups:?}");
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
            assert_eq!(of(set), ["0000000000000000"], "{set} of {process:?}");
        }
    }
}

/// The only mount, as the user's commands see it.
fn status(fixture: &Fixture, machine: &Machine<'_>) -> serde_json::Value {
    let mut status = machine.user(mounting(), fixture.path("secretfs"));
    let output = run(status.args(["status", "--json"]));
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mounts = status["mounts"].as_array().expect("mounts");
    assert_eq!(mounts.len(), 1, "{status}");
    mounts[0].clone()
}

fn state(fixture: &Fixture, machine: &Machine<'_>) -> String {
    let mount = status(fixture, machine);
    mount["state"].as_str().expect("a state").to_owned()
}

fn wiped(fixture: &Fixture, machine: &Machine<'_>) {
    fixture.wait_for_no_process();
    assert_eq!(machine.mounts_below(&fixture.mountpoint()), []);
}

#[test]
fn root_mounts_for_a_user_and_every_process_is_the_users() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    let mut mount = machine.root("mount");
    mount.args(["-t", "secretfs", "-o", &options(&fixture)]);
    silent(mount.arg(fixture.map()).arg(fixture.mountpoint()));
    assert_eq!(machine.read("a"), Ok(value("a", 64)), "at once");
    every_process_is_the_users(&fixture);
    let mounts = machine.mounts_below(&fixture.mountpoint());
    assert_eq!(mounts.len(), 1);
    assert_eq!(mounts[0].kind, "fuse.secretfs");
    assert_eq!(mounts[0].source, fixture.map().to_str().expect("UTF-8"));
    for option in ["ro", "nosuid", "nodev", "noexec"] {
        assert!(
            mounts[0].options.split(',').any(|has| has == option),
            "{mounts:?}"
        );
    }
    let seen = run(machine.root("cat").arg(fixture.file("a")));
    assert!(!seen.status.success(), "root is not let in");
    // The user's commands know the mount that root has made.
    assert_eq!(state(&fixture, &machine), "serving");
    // Log and audit are the user's, in the user's home.
    let audit = fixture.path("home/.local/state/secretfs/audit.jsonl");
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(audit).expect("an audit"));
    assert_eq!(owner, mounting().uid);
    silent(machine.root("umount").arg(fixture.mountpoint()));
    wiped(&fixture, &machine);
}

#[test]
fn a_user_mounts_and_unmounts_a_line_of_fstab_that_lets_users() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    machine.fstab(&line(
        &fixture,
        "noauto,nofail,user,_netdev,x-systemd.requires=a.service",
    ));
    silent(machine.user(mounting(), "mount").arg(fixture.mountpoint()));
    assert_eq!(machine.read("a"), Ok(value("a", 64)));
    every_process_is_the_users(&fixture);
    let said = fails(
        32,
        machine.user(mounting(), "mount").arg(fixture.mountpoint()),
    );
    // In whole paths: whoever reads it may be root.
    let place = fixture.mountpoint().display().to_string();
    assert!(
        said.contains(&format!("error: {place} is already mounted")),
        "{said}"
    );
    silent(machine.user(mounting(), "umount").arg(fixture.mountpoint()));
    wiped(&fixture, &machine);
    // Without our help the kernel unmounts, and the processes end by that.
    silent(machine.user(mounting(), "mount").arg(fixture.mountpoint()));
    silent(
        machine
            .user(mounting(), "umount")
            .arg("-i")
            .arg(fixture.mountpoint()),
    );
    wiped(&fixture, &machine);
    // What a user has mounted, root unmounts; what root has mounted, the user.
    silent(machine.user(mounting(), "mount").arg(fixture.mountpoint()));
    silent(machine.root("umount").arg(fixture.mountpoint()));
    wiped(&fixture, &machine);
    silent(machine.root("mount").arg(fixture.mountpoint()));
    silent(machine.user(mounting(), "umount").arg(fixture.map()));
    wiped(&fixture, &machine);
}

#[test]
fn the_type_may_be_written_as_the_table_of_mounts_has_it_and_umount_takes_all_its_options() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    machine.fstab(&typed_line(&fixture, "fuse.secretfs", "noauto,user"));
    for options in ["-l", "-f", "-r", "-n", "-lfrn"] {
        silent(machine.user(mounting(), "mount").arg(fixture.mountpoint()));
        assert_eq!(machine.read("a"), Ok(value("a", 64)));
        let mut umount = machine.root("umount");
        silent(umount.arg(options).arg(fixture.mountpoint()));
        wiped(&fixture, &machine);
    }
}

#[test]
fn another_user_can_neither_mount_nor_unmount_it() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    machine.fstab(&line(&fixture, "noauto,user"));
    let said = fails(
        1,
        machine
            .user(user::other(), "mount")
            .arg(fixture.mountpoint()),
    );
    assert!(
        said.contains(&format!("this mount is for {}", mounting().name)),
        "{said}"
    );
    silent(machine.user(mounting(), "mount").arg(fixture.mountpoint()));
    let said = fails(
        1,
        machine
            .user(user::other(), "umount")
            .arg(fixture.mountpoint()),
    );
    assert!(said.contains("umount: "), "umount(8) itself: {said}");
    let mut helper = machine.user(user::other(), "/sbin/umount.fuse.secretfs");
    let said = fails(32, helper.arg(fixture.mountpoint()));
    assert!(said.contains("is not mounted"), "{said}");
    assert_eq!(machine.read("a"), Ok(value("a", 64)));
    silent(machine.user(mounting(), "umount").arg(fixture.mountpoint()));
    wiped(&fixture, &machine);
}

#[test]
fn mount_a_mounts_once_and_tells_by_its_status_of_a_map_that_is_wrong() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    machine.fstab(&line(&fixture, "nofail,_netdev"));
    silent(machine.root("mount").arg("-a"));
    silent(machine.root("mount").arg("-a"));
    assert_eq!(machine.mounts_below(&fixture.mountpoint()).len(), 1);
    assert_eq!(machine.read("a"), Ok(value("a", 64)));
    silent(machine.root("umount").args(["-a", "-t", "fuse.secretfs"]));
    wiped(&fixture, &machine);
    fixture.write_map("secrets: [{name: A, flie: a}]\n");
    // `nofail` is for a device that is missing, and for systemd, whose boot goes on.
    let said = fails(32, machine.root("mount").arg("-a"));
    assert!(said.contains("did you mean `file`?"), "{said}");
    wiped(&fixture, &machine);
}

#[test]
fn blanks_commas_and_backslashes_in_a_path_are_part_of_it() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    let map = fixture.path("my, own \\,suid secrets.yml");
    std::fs::copy(fixture.map(), &map).expect("a map");
    user::give(&map, mounting());
    let escaped = |path: &std::path::Path| {
        let text = path.to_str().expect("UTF-8").to_owned();
        text.replace('\\', "\\134").replace(' ', "\\040")
    };
    let place = fixture.path("home/se cre,ts");
    machine.fstab(&format!(
        "{} {} secretfs {} 0 0\n",
        escaped(&map),
        escaped(&place),
        options(&fixture)
    ));
    silent(machine.root("mount").arg("-a"));
    silent(machine.root("mount").arg("-a"));
    let mounts = machine.mounts_below(&place);
    assert_eq!(mounts.len(), 1, "{mounts:?}");
    assert_eq!(mounts[0].source, escaped(&map));
    let read = run(machine.user(mounting(), "cat").arg(place.join("a")));
    assert_eq!(read.stdout, value("a", 64), "{}", told(&read));
    silent(machine.root("umount").arg(&place));
    wiped(&fixture, &machine);
}

#[test]
fn what_cannot_be_mounted_is_refused_with_a_status_of_mount_and_help() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    let mount = |options: &str| {
        let mut mount = machine.root("mount");
        mount.args(["-t", "secretfs", "-o", options]);
        mount.arg(fixture.map()).arg(fixture.mountpoint());
        mount
    };
    let ours = options(&fixture);
    for (status, options, message, help) in [
        (
            1,
            "offline".to_owned(),
            "root mounts secrets for a user, and none is named",
            "uid=alice",
        ),
        (
            1,
            "uid=4294967294".to_owned(),
            "there is no user 4294967294",
            "uid=alice",
        ),
        (
            1,
            format!("{ours},ofline"),
            "unknown mount option `ofline`",
            "`offline`?",
        ),
        (
            1,
            format!("{ours},allow_other"),
            "the files are the user's alone",
            "allow_root",
        ),
        (
            1,
            format!("{ours},remount"),
            "nothing to mount again",
            "saving the map",
        ),
    ] {
        let said = fails(status, &mut mount(&options));
        assert!(said.contains(message), "{said}");
        assert!(said.contains("\nhelp: ") && said.contains(help), "{said}");
        assert_eq!(fixture.processes(), [], "{options}");
    }
    // A passphrase that does not open the vault.
    fixture.write(&fixture.path("passphrase"), b"wrong\n");
    let said = fails(32, &mut mount(&ours));
    assert!(said.contains("does not open"), "{said}");
    // Another user's map.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(fixture.map(), open).expect("chmod");
    let other = user::other().uid.to_string();
    silent(machine.root("chown").arg(other).arg(fixture.map()));
    let said = fails(32, &mut mount(&ours));
    assert!(
        said.contains(&format!("belongs to the user {}", user::other().uid)),
        "{said}"
    );
    wiped(&fixture, &machine);
}

#[test]
fn a_check_mounts_nothing_and_sloppy_takes_any_option() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    machine.fstab(&line(&fixture, "ofline"));
    let said = fails(1, machine.root("mount").arg("-f").arg(fixture.mountpoint()));
    assert!(said.contains("`ofline`"), "{said}");
    let output = run(machine.root("mount").arg("-fsv").arg(fixture.mountpoint()));
    assert!(output.status.success(), "{}", told(&output));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains(" would be mounted on "), "{said}");
    wiped(&fixture, &machine);
    let output = run(machine.root("mount").arg("-sv").arg(fixture.mountpoint()));
    assert!(output.status.success(), "{}", told(&output));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains(" mounted on "), "{said}");
    let output = run(machine.root("umount").arg("-v").arg(fixture.mountpoint()));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains(" unmounted"),
        "{}",
        told(&output)
    );
    wiped(&fixture, &machine);
}

#[test]
fn open_files_do_not_hinder_umount_and_read_nothing_after_it() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    machine.fstab(&line(&fixture, "noauto,user"));
    silent(machine.user(mounting(), "mount").arg(fixture.mountpoint()));
    // Holds the file open, and reads it when it is told to.
    let script = format!(
        "exec 3<{}; echo open; read line; cat <&3; echo $?",
        fixture.file("a").display()
    );
    let mut holder = machine.user(mounting(), "sh");
    holder.args(["-c", &script]);
    let (stdin, stdout) = (Stdio::piped(), Stdio::piped());
    let holder = holder
        .stdin(stdin)
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn();
    let mut holder = holder.expect("sh");
    let mut line = [0; 5];
    holder
        .stdout
        .as_mut()
        .expect("a pipe")
        .read_exact(&mut line)
        .expect("a line");
    silent(machine.user(mounting(), "umount").arg(fixture.mountpoint()));
    wiped(&fixture, &machine);
    holder
        .stdin
        .as_mut()
        .expect("a pipe")
        .write_all(b"\n")
        .expect("a line");
    let output = holder.wait_with_output().expect("its end");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "1\n",
        "{}",
        told(&output)
    );
}

#[test]
fn where_nobody_can_be_asked_it_mounts_all_the_same_and_serves_after_an_unlock() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    let mut mount = machine.root("mount");
    mount.args(["-t", "secretfs", "-o", &format!("uid={}", mounting().uid)]);
    let output = run(mount.arg(fixture.map()).arg(fixture.mountpoint()));
    assert!(output.status.success(), "{}", told(&output));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("the passphrase of ") && said.contains("is missing"),
        "{said}"
    );
    let said = machine.read("a").expect_err("not signed in");
    assert!(said.contains("Required key not available"), "{said}");
    let passphrase = fixture.path("passphrase");
    let mountpoint = fixture.mountpoint();
    let mut unlock = machine.user(mounting(), fixture.path("secretfs"));
    unlock.args(["unlock", "--passphrase-file"]).arg(passphrase);
    let output = run(unlock.arg(mountpoint));
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(machine.read("a"), Ok(value("a", 64)));
    silent(machine.root("umount").arg(fixture.mountpoint()));
    wiped(&fixture, &machine);
}

/// Mounts an automount that nobody answers: whoever enters it waits for ever.
const AUTOMOUNT: &str = r#"
import ctypes, os, sys
os.setpgid(0, 0)
_, write = os.pipe()
libc = ctypes.CDLL(None, use_errno=True)
data = b"fd=%d,pgrp=%d,minproto=5,maxproto=5,direct" % (write, os.getpgrp())
place = os.fsencode(sys.argv[1])
assert libc.mount(b"test", place, b"autofs", 0, data) == 0, ctypes.get_errno()
print("there", flush=True)
sys.stdin.read()
assert libc.umount2(place, 2) == 0, ctypes.get_errno()
"#;

#[test]
fn an_automount_of_roots_is_told_of_and_not_waited_for() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    std::fs::create_dir(fixture.mountpoint()).expect("a folder");
    let mut automount = machine.root("python3");
    automount.args(["-c", AUTOMOUNT]).arg(fixture.mountpoint());
    automount.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut automount = automount.spawn().expect("python3");
    let mut there = [0; 6];
    let said = automount.stdout.as_mut().expect("a pipe");
    said.read_exact(&mut there).expect("a line");
    let mut mount = machine.root("timeout");
    mount.args(["20", "mount", "-t", "secretfs", "-o", &options(&fixture)]);
    let said = fails(32, mount.arg(fixture.map()).arg(fixture.mountpoint()));
    assert!(said.contains("x-systemd.automount"), "{said}");
    drop(automount.stdin.take());
    assert!(automount.wait().expect("its end").success());
    wiped(&fixture, &machine);
}

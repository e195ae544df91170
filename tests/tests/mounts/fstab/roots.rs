//! Called by root: what becomes of root's things, and where root is the user.

use super::{fails, fixture, line, options, run, silent, state, wiped};
use secretfs_tests::fixture::{Fixture, told, value};
use secretfs_tests::machine::Machine;
use secretfs_tests::session::keyring::GnomeKeyring;
use secretfs_tests::user::{self, mounting};
use secretfs_tests::wait;
use std::os::unix::fs::{lchown, symlink};

#[test]
fn root_itself_is_a_user_where_it_is_named() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    let place = fixture.path("machine/root");
    silent(machine.root("mkdir").args(["-m", "700"]).arg(&place));
    let as_root = |program: &str| {
        let mut command = machine.root("env");
        command.arg(format!("XDG_STATE_HOME={}", place.display()));
        command
            .arg(format!("XDG_RUNTIME_DIR={}", place.display()))
            .arg(program);
        command
    };
    let map = place.join("secrets.yml");
    silent(machine.root("cp").arg(fixture.map()).arg(&map));
    let options = options(&fixture).replace(&format!("uid={}", mounting().name), "uid=root");
    let mut mount = as_root("mount");
    mount
        .args(["-t", "secretfs", "-o", &options])
        .arg(map)
        .arg(place.join("secrets"));
    silent(&mut mount);
    let read = run(machine.root("cat").arg(place.join("secrets/a")));
    assert_eq!(read.stdout, value("a", 64), "{}", told(&read));
    silent(as_root("umount").arg(place.join("secrets")));
    wiped(&fixture, &machine);
    silent(machine.root("rm").arg("-r").arg(place));
}

#[test]
fn nothing_of_roots_environment_reaches_the_users_processes() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    let mut mount = machine.root("env");
    mount.args([
        "INFISICAL_TOKEN=roots-token",
        "XDG_RUNTIME_DIR=/run",
        "SECRETFS_MAP=/x",
    ]);
    mount.args([
        "OP_ACCOUNT=root",
        "mount",
        "-t",
        "secretfs",
        "-o",
        &options(&fixture),
    ]);
    silent(mount.arg(fixture.map()).arg(fixture.mountpoint()));
    let helper = fixture.process("internal-mount-helper");
    let environment = run(machine
        .root("cat")
        .arg(format!("/proc/{}/environ", helper.pid)));
    let text = String::from_utf8(environment.stdout)
        .expect("text")
        .replace('\0', "\n");
    let expected = format!("HOME={}\n", fixture.path("home").display());
    assert!(text.contains(&expected), "{text}");
    assert!(
        text.contains(&format!("XDG_RUNTIME_DIR=/run/user/{}\n", mounting().uid)),
        "{text}"
    );
    assert!(
        !text.contains("roots-token") && !text.contains("OP_ACCOUNT"),
        "{text}"
    );
    silent(machine.root("umount").arg(fixture.mountpoint()));
    wiped(&fixture, &machine);
}

#[test]
fn no_descriptor_and_no_key_of_roots_is_left_to_the_users_processes() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    let key = format!("secretfs-test-{}", std::process::id());
    let script = format!(
        "exec 9</etc/shadow; keyctl add user {key} value @s >&2; grep -q {key} /proc/keys && \
         exec mount -t secretfs -o {} {} {}",
        options(&fixture),
        fixture.map().display(),
        fixture.mountpoint().display()
    );
    let mut session = machine.root("keyctl");
    let output = run(session.args(["session", "-", "sh", "-c", &script]));
    assert!(output.status.success(), "{}", told(&output));
    for process in fixture.processes() {
        let open = run(machine
            .root("ls")
            .arg("-l")
            .arg(format!("/proc/{}/fd", process.pid)));
        let open = String::from_utf8(open.stdout).expect("text");
        assert!(
            open.contains("/dev/null") && !open.contains("shadow"),
            "{open}"
        );
    }
    // A key lives as long as a keyring that somebody has.
    wait::until("root's session is over", || {
        let keys = run(machine.root("cat").arg("/proc/keys"));
        (!String::from_utf8_lossy(&keys.stdout).contains(&key)).then_some(())
    });
    silent(machine.root("umount").arg(fixture.mountpoint()));
    wiped(&fixture, &machine);
}

#[test]
fn a_mountpoint_that_systemd_made_for_root_becomes_the_users() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    machine.fstab(&line(&fixture, "noauto,X-mount.mkdir"));
    silent(machine.root("mount").arg(fixture.mountpoint()));
    assert_eq!(machine.read("a"), Ok(value("a", 64)));
    silent(machine.root("umount").arg(fixture.mountpoint()));
    wiped(&fixture, &machine);
    let made = std::fs::metadata(fixture.mountpoint()).expect("a folder");
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&made), mounting().uid);
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&made) & 0o777, 0o700);
    // Where the folder above is root's as well, only root can.
    let place = fixture.path("machine/root");
    silent(
        machine
            .root("mkdir")
            .args(["-p", "-m", "755"])
            .arg(place.join("secrets")),
    );
    let mut mount = machine.root("mount");
    mount.args(["-t", "secretfs", "-o", &options(&fixture)]);
    let said = fails(32, mount.arg(fixture.map()).arg(place.join("secrets")));
    assert!(
        said.contains("it belongs to root") && said.contains("chown "),
        "{said}"
    );
    silent(machine.root("rm").arg("-r").arg(place));
}

#[test]
fn what_root_has_mounted_is_found_when_the_users_login_has_taken_its_runtime_folder_away() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    let mut mount = machine.root("mount");
    mount.args(["-t", "secretfs", "-o", &options(&fixture)]);
    silent(mount.arg(fixture.map()).arg(fixture.mountpoint()));
    let runtime = format!("/run/user/{}", mounting().uid);
    silent(machine.root("umount").arg(&runtime));
    silent(machine.root("rmdir").arg(&runtime));
    assert_eq!(state(&fixture, &machine), "serving");
    let output = run(machine
        .root("stat")
        .args(["-c", "%a %u"])
        .arg(format!("/run/secretfs-{}", mounting().uid)));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said, format!("700 {}\n", mounting().uid));
    let mut lock = machine.user(mounting(), fixture.path("secretfs"));
    let output = run(lock.args(["lock", "--all"]));
    assert!(output.status.success(), "{}", told(&output));
    wiped(&fixture, &machine);
    assert_eq!(state(&fixture, &machine), "locked");
}

/// Logs in to the vault, has root mount, and expects that nothing is missing.
fn login_opens_it(fixture: &Fixture, keyring: &str) {
    let machine = Machine::new(fixture);
    let passphrase = fixture.path("passphrase");
    let secretfs = fixture.path("secretfs");
    let user = |script: &str| {
        let mut sh = machine.user(mounting(), "sh");
        sh.args(["-euc", script, "sh"])
            .arg(&secretfs)
            .arg(&passphrase);
        let output = run(&mut sh);
        assert!(output.status.success(), "{}", told(&output));
        told(&output)
    };
    let said = user("\"$1\" login v <\"$2\"");
    assert!(said.contains(keyring), "{said}");
    let mut mount = machine.root("mount");
    mount.args(["-t", "secretfs", "-o", &format!("uid={}", mounting().uid)]);
    silent(mount.arg(fixture.map()).arg(fixture.mountpoint()));
    assert_eq!(machine.read("a"), Ok(value("a", 64)));
    silent(machine.root("umount").arg(fixture.mountpoint()));
    wiped(fixture, &machine);
    user("\"$1\" logout v");
}

#[test]
fn what_the_user_has_logged_in_with_opens_the_mount_that_root_makes() {
    let mut fixture = fixture();
    login_opens_it(&fixture, "in the kernel keyring");
    // The same where the user sits at a desktop, whose bus is where logind has it.
    std::fs::remove_dir_all(fixture.path("machine")).expect("the machine that was");
    let _keyring = GnomeKeyring::start(&mut fixture);
    let bus = fixture.path("run/bus");
    symlink(fixture.path("session/session.bus"), &bus).expect("a link");
    if user::is_root() {
        lchown(&bus, Some(mounting().uid), None).expect("chown");
    }
    login_opens_it(&fixture, "in the desktop keyring");
}

#[test]
fn a_user_without_a_home_is_told_that_nothing_is_logged() {
    let fixture = fixture();
    let machine = Machine::new(&fixture);
    let passwd = fixture.path("machine/passwd");
    let text = std::fs::read_to_string(&passwd).expect("users");
    let home = fixture.path("home").display().to_string();
    std::fs::write(&passwd, text.replace(&home, "/nonexistent")).expect("users");
    let mut mount = machine.root("mount");
    mount.args(["-t", "secretfs", "-o", &options(&fixture)]);
    let output = run(mount.arg(fixture.map()).arg(fixture.mountpoint()));
    assert!(output.status.success(), "{}", told(&output));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cannot make /nonexistent/"), "{said}");
    assert_eq!(machine.read("a"), Ok(value("a", 64)));
    silent(machine.root("umount").arg(fixture.mountpoint()));
    wiped(&fixture, &machine);
}

//! What the mount keeps out: changes, other users, root.

use crate::scripted::Scripted;
use secretfs_tests::fixture::value;
use secretfs_tests::script::Change;
use secretfs_tests::{system, user};

const ALL: [Change; 15] = [
    Change::OpenForWriting,
    Change::OpenForBoth,
    Change::Create,
    Change::Truncate,
    Change::Unlink,
    Change::Rmdir,
    Change::Rename,
    Change::Mkdir,
    Change::Symlink,
    Change::HardLink,
    Change::Chmod,
    Change::Chown,
    Change::SetTimes,
    Change::SetAttribute,
    Change::Mknod,
];

#[test]
fn every_change_is_refused_as_on_a_read_only_file_system() {
    let mount = Scripted::mounted("", &["{name: A, file: sub/a}"]);
    mount.sim.set("A", value("a", 64));
    let mut probe = mount.probe();
    for what in ALL {
        for file in ["sub/a", "sub"] {
            let errno = probe.attempt(what, mount.file(file));
            let mut refusals = vec![libc::EROFS, libc::EACCES];
            // What any file system says of a folder, or of a file, before it looks at `ro`.
            refusals.extend([libc::EISDIR, libc::ENOTDIR, libc::EPERM]);
            assert!(
                refusals.contains(&errno),
                "{what:?} of {file}: errno {errno}"
            );
        }
    }
    assert_eq!(
        probe.attempt(Change::OpenForWriting, mount.file("sub/a")),
        libc::EROFS
    );
    assert_eq!(
        probe.attempt(Change::Unlink, mount.file("sub/a")),
        libc::EROFS
    );
    assert_eq!(probe.attempt(Change::Mkdir, mount.file("sub")), libc::EROFS);
    assert_eq!(mount.sim.count(), 0);
    assert_eq!(probe.slurp(mount.file("sub/a")), Ok(value("a", 64)));
}

#[test]
fn the_mount_is_read_only_without_setuid_devices_and_executables() {
    let mount = Scripted::with_value(value("a", 64));
    let lines = system::mounts_below(&mount.mountpoint());
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].kind, "fuse.secretfs");
    for option in ["ro", "nosuid", "nodev", "noexec"] {
        assert!(
            lines[0].options.split(',').any(|o| o == option),
            "{option}: {:?}",
            lines[0]
        );
    }
}

#[test]
fn other_users_are_refused() {
    let mount = Scripted::with_value(value("a", 64));
    mount.read("a").expect("the user's own read");
    let mut probe = mount.probe_as(user::other());
    // Whatever the modes of the folders above, the mount itself must refuse.
    let home = mount.path("home");
    std::fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("chmod");
    assert_eq!(probe.try_open(mount.file("a")), Err(libc::EACCES));
    assert_eq!(probe.try_open(mount.mountpoint()), Err(libc::EACCES));
}

#[test]
fn root_is_refused() {
    let mount = Scripted::with_value(value("a", 64));
    mount.read("a").expect("the user's own read");
    for program in ["cat", "ls", "stat"] {
        let output = user::privileged(program)
            .arg(mount.file("a"))
            .output()
            .expect("a program");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{program} as root");
        assert!(
            text.contains("Permission denied"),
            "{program} as root: {text}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_control_socket_and_the_records_are_the_users_alone() {
    let mount = Scripted::with_value(value("a", 64));
    mount.read("a").expect("the value");
    let mut folders = vec![mount.path("run/secretfs"), mount.path("state/secretfs")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of secretfs") {
            let entry = entry.expect("an entry");
            let mode = std::os::unix::fs::MetadataExt::mode(&entry.metadata().expect("metadata"));
            assert_eq!(mode & 0o077, 0, "{:?}", entry.path());
            seen += 1;
            if entry.file_type().expect("a type").is_dir() {
                folders.push(entry.path());
            }
        }
    }
    assert!(seen >= 2, "a socket and an audit at least");
}

#[test]
fn with_allow_root_root_gets_in_too_and_other_users_do_not() {
    let mount = Scripted::new();
    mount.set_map("", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    let place = Namespace::with_fuse_conf(&mount, "user_allow_other\n");
    let mut args = mount.mount_args();
    args.insert(1, "--allow-root".into());
    let mounted = place.output(&mount.secretfs(args));
    assert!(mounted.status.success(), "{mounted:?}");
    let file = mount.file("a");
    let root = place.output(user::privileged("cat").arg(&file));
    assert_eq!(root.stdout, value("a", 64), "{root:?}");
    let home = mount.path("home");
    std::fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("chmod");
    let other = place.output(mount.command_as(user::other(), "cat").arg(&file));
    assert!(!other.status.success() && other.stdout.is_empty());
    let text = String::from_utf8_lossy(&other.stderr);
    assert!(text.contains("Permission denied"), "{text}");
    let unmounted = place.output(&mount.secretfs(["unmount", "--all"]));
    assert!(unmounted.status.success(), "{unmounted:?}");
}

#[test]
fn allow_root_without_user_allow_other_says_which_line_is_missing() {
    let mount = Scripted::new();
    mount.set_map("", &["{name: A, file: a}"]);
    let mut args = mount.mount_args();
    args.insert(1, "--allow-root".into());
    // Whatever this machine's says.
    let output = Namespace::with_fuse_conf(&mount, "").output(&mount.secretfs(args));
    assert_eq!(output.status.code(), Some(6), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("user_allow_other"), "{said}");
    assert!(said.contains("/etc/fuse.conf"), "{said}");
}

/// A mount namespace with an /etc/fuse.conf of its own.
struct Namespace {
    keeper: std::process::Child,
    /// Of the process inside, which is not the child where sudo started it.
    pid: String,
}

impl Namespace {
    fn with_fuse_conf(mount: &Scripted, text: &str) -> Self {
        let conf = mount.path("fuse.conf");
        std::fs::write(&conf, text).expect("a file");
        let mut keeper = user::privileged("unshare")
            .args(["-m", "sh", "-c"])
            .arg("mount --bind \"$0\" /etc/fuse.conf && echo $$ && exec cat")
            .arg(&conf)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("unshare");
        let mut pid = String::new();
        let told = keeper.stdout.as_mut().expect("a pipe");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(told), &mut pid).expect("a line");
        let pid = pid.trim().to_owned();
        Self { keeper, pid }
    }

    /// Runs a command in it.
    fn output(&self, command: &std::process::Command) -> std::process::Output {
        let mut inside = user::privileged("nsenter");
        inside.args(["-m", "-t", &self.pid, "--", "env", "-i"]);
        for (name, value) in command.get_envs() {
            let mut word = name.to_owned();
            word.push("=");
            word.push(value.unwrap_or_default());
            inside.arg(word);
        }
        inside.arg(command.get_program()).args(command.get_args());
        inside.output().expect("nsenter")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

//! Containers of a real rootless podman, started by the mounting user from a folder in place of an image.
//!
//! Its packages were unpacked below the target folder: a podman that is installed has a configuration of its
//! own. What a run needs of the machine is changed in a mount namespace that ends with it.

use crate::fixture::Fixture;
use crate::place;
use crate::user;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Output;

/// As root, in new namespaces: the tree of packages where the user can enter it, its libraries where every
/// program finds them (podman's helpers get none of its environment), and the control groups as podman's
/// runtime wants them, which a machine with the hierarchies of old does not have.
const OUTSIDE: &str = r#"
set -e
mount --bind "$1" /mnt
/sbin/ldconfig -X -C "$2" /mnt/usr/lib/*-linux-gnu
mount --bind "$2" /etc/ld.so.cache
shift 2
if [ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ]; then
  umount -R /sys/fs/cgroup
  mount -t cgroup2 none /sys/fs/cgroup
fi
mount --make-rshared /
exec "$@"
"#;

/// As the user: podman without a registry, a network and control groups. It leaves a process behind, which
/// holds a copy of every mount; `migrate` ends that.
const INSIDE: &str = r#"
podman run --rm --network=none --cgroups=disabled --log-driver=none "$@"
status=$?
podman system migrate >/dev/null 2>&1
exit $status
"#;

/// Where the packages' files are.
fn tree() -> PathBuf {
    let probe = place::built("probe");
    let target = probe.ancestors().nth(2).expect("the target folder");
    let tree = target.join("podman");
    assert!(
        tree.join("usr/bin/podman").exists() && tree.join("bin/busybox").exists(),
        "{}: unpack the packages of podman there, as tests/run.sh does",
        tree.display()
    );
    tree
}

/// Runs a shell's line in a container that has the mount of the fixture at `/secrets`. Once for a fixture.
///
/// # Panics
/// podman cannot be started.
#[must_use]
pub fn run(fixture: &Fixture, line: &str) -> Output {
    let tree = tree();
    let root = root_folder(fixture, &tree);
    let write = |name: &str, text: &str| fixture.write(&fixture.path(name), text.as_bytes());
    write(
        "containers.conf",
        "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\nruntime = \"crun\"\n\
             conmon_path = [\"/mnt/usr/bin/conmon\"]\n[engine.runtimes]\ncrun = [\"/mnt/usr/bin/crun\"]\n",
    );
    // Not by a variable: what podman runs when a container ends gets none.
    for folder in ["home/.config", "home/.config/containers"] {
        fixture.make_folder(folder, 0o700);
    }
    write(
        "home/.config/containers/storage.conf",
        "[storage]\ndriver = \"vfs\"\n",
    );
    let mut inner = fixture.command("sh");
    inner.args(["-c", INSIDE, "podman"]);
    inner.arg(format!(
        "--volume={}:/secrets:ro",
        fixture.mountpoint().display()
    ));
    inner
        .arg("--rootfs")
        .arg(&root)
        .args(["/bin/sh", "-c", line]);
    inner.env("PATH", "/mnt/usr/bin:/usr/bin:/bin");
    inner.env("CONTAINERS_CONF", fixture.path("containers.conf"));
    let mut outer = user::privileged("unshare");
    outer.args(["--mount", "--"]);
    outer
        .args(["sh", "-c", OUTSIDE, "sh"])
        .arg(&tree)
        .arg(fixture.path("ld.so.cache"));
    user::start_by(&mut outer, &inner);
    outer.output().expect("unshare")
}

/// What a container sees as its root folder: a shell and its tools.
fn root_folder(fixture: &Fixture, tree: &Path) -> PathBuf {
    let root = fixture.path("root");
    for folder in [
        "root",
        "root/bin",
        "root/proc",
        "root/sys",
        "root/dev",
        "root/secrets",
    ] {
        fixture.make_folder(folder, 0o755);
    }
    let busybox = root.join("bin/busybox");
    std::fs::copy(tree.join("bin/busybox"), &busybox).expect("busybox");
    user::give(&busybox, user::mounting());
    for name in ["sh", "cat", "id"] {
        symlink("busybox", root.join("bin").join(name)).expect("a link");
    }
    root
}

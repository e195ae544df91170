//! The tools of packaging/, called as those who make a release call them; and roots of their own to try
//! the outcome in.

use secretfs_tests::{place, user};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
}

/// A file of the repository.
pub(crate) fn read(path: &str) -> String {
    let path = repository().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The target folder.
pub(crate) fn target() -> PathBuf {
    let shipped = place::shipped();
    let target = shipped.ancestors().nth(2).expect("the target folder");
    target.to_owned()
}

/// A script of packaging/, with what tests/run.sh has installed on its path.
pub(crate) fn script(name: &str) -> Command {
    let mut command = Command::new(repository().join("packaging").join(name));
    let tools = target().join("tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(tools).chain(std::env::split_paths(&path));
    command
        .env("PATH", std::env::join_paths(path).expect("a path"))
        .env("CARGO_TARGET_DIR", target());
    command
}

/// What a command printed; it must have ended well.
pub(crate) fn said(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{}: {e}", command.get_program().display()));
    well(&output);
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Panics with what a process said that did not end well.
pub(crate) fn well(output: &Output) {
    assert!(
        output.status.success(),
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Where packaging/stage.sh puts the shipped executable and what comes with it.
pub(crate) fn staged(options: &[&str]) -> BTreeSet<String> {
    let listed = said(
        script("stage.sh")
            .arg("--list")
            .arg("--binary")
            .arg(place::shipped())
            .args(options),
    );
    listed.lines().map(str::to_owned).collect()
}

/// Runs `script` with `sh -eu` as root of a root folder that exists for it alone, in memory: what `fill` (also
/// `sh`, in the root folder) puts there, with /proc and /dev/fuse. Nothing of it stays: no file, no mount, no
/// process.
pub(crate) fn in_a_root(fill: &str, shell: &str, script: &str) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let prepare = format!(
        "set -eu
mount -t tmpfs -o mode=755 tmpfs '{root}'
cd '{root}'
{fill}
mkdir -p proc dev
mount -t proc proc proc
for device in fuse null zero random urandom; do
  touch dev/$device
  mount --bind /dev/$device dev/$device
done
exec {shell}",
        root = folder.path().display()
    );
    user::privileged("unshare")
        .args([
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--kill-child",
            "--",
        ])
        .args(["sh", "-c", &prepare, "sh", script])
        .output()
        .expect("unshare")
}

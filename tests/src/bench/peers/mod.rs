//! Other file systems that serve one file of 3 KiB to the same user, each with its own defaults.
//!
//! | peer | what it is |
//! |---|---|
//! | [`constfs`] | the least in C: libfuse, direct I/O |
//! | [`tmpfs`] | no file system of a program at all |
//! | [`rclone`] | `rclone mount` of a local folder, read-only, without a cache of its own |
//! | [`gocryptfs`] | files that lie encrypted on the disk |
//! | [`tools`] | what hands secrets to processes without any file system |
//!
//! All but constfs let the kernel keep the bytes in the page cache, where they can be swapped out and
//! found: an open asks them, a read after the first does not.

mod mounted;
pub mod tools;

pub use mounted::Mounted;

use crate::fixture::Fixture;
use crate::user;
use std::path::PathBuf;
use std::process::Command;

/// What the peers serve. Without the marker: it lies on a disk.
pub const LEN: usize = 3072;

/// The peer's file, or why there is none.
pub type Peer = Result<Mounted, String>;

/// `tests/c/constfs.c`.
///
/// # Errors
/// It cannot be built here.
///
/// # Panics
/// It cannot be started.
pub fn constfs(fixture: &Fixture) -> Peer {
    let executable = fixture.path("constfs");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/c/constfs.c");
    let flags = Command::new("pkg-config")
        .args(["--cflags", "--libs", "fuse3"])
        .output();
    let flags = flags.ok().filter(|output| output.status.success());
    let flags = flags.ok_or("libfuse3-dev and pkg-config are not installed")?;
    let flags = String::from_utf8(flags.stdout).expect("text");
    let built = Command::new("cc")
        .args(["-O2", "-o"])
        .arg(&executable)
        .arg(source)
        .args(flags.split_whitespace())
        .status();
    if !built.is_ok_and(|status| status.success()) {
        return Err("a C compiler is not installed".into());
    }
    let mut command = fixture.command(&executable);
    command.args(["-f", "-o"]);
    command.arg("ro,nosuid,nodev,noexec,fsname=constfs,subtype=constfs");
    Ok(Mounted::start(fixture, "constfs", command))
}

/// A file on a tmpfs.
///
/// # Errors
/// There is none.
///
/// # Panics
/// It cannot be written.
pub fn tmpfs() -> Result<tempfile::NamedTempFile, String> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    if !mounts.lines().any(|line| line.contains(" /dev/shm tmpfs ")) {
        return Err("/dev/shm is no tmpfs".into());
    }
    let file = tempfile::NamedTempFile::new_in("/dev/shm").expect("a file");
    std::fs::write(file.path(), [b'x'; LEN]).expect("a file");
    user::give(file.path(), user::mounting());
    Ok(file)
}

/// `rclone mount`.
///
/// # Errors
/// It is not installed.
pub fn rclone(fixture: &Fixture) -> Peer {
    installed("rclone")?;
    let plain = plain(fixture, "rclone-plain");
    let mut command = fixture.command("rclone");
    command.args(["mount", "--read-only", "--vfs-cache-mode", "off"]);
    command.arg(plain);
    Ok(Mounted::start(fixture, "rclone", command))
}

/// `gocryptfs`.
///
/// # Errors
/// It is not installed.
///
/// # Panics
/// It does not work.
pub fn gocryptfs(fixture: &Fixture) -> Peer {
    installed("gocryptfs")?;
    let cipher = fixture.make_folder("gocryptfs-cipher", 0o700);
    let passphrase = fixture.path("passphrase");
    let gocryptfs = |options: &[&str]| {
        let mut command = fixture.command("gocryptfs");
        command
            .args(options)
            .arg("-passfile")
            .arg(&passphrase)
            .arg(&cipher);
        command
    };
    // scrypt's cost is its start's, not its opens'.
    let made = gocryptfs(&["-q", "-init", "-scryptn", "10"]).status();
    assert!(made.is_ok_and(|status| status.success()), "gocryptfs -init");
    let writable = Mounted::start(fixture, "gocryptfs-rw", gocryptfs(&["-q", "-fg"]));
    let copied = fixture
        .command("cp")
        .arg(plain(fixture, "gocryptfs-plain").join("secret"))
        .arg(writable.file())
        .status();
    assert!(copied.is_ok_and(|status| status.success()), "cp");
    drop(writable);
    let command = gocryptfs(&["-q", "-fg", "-ro"]);
    Ok(Mounted::start(fixture, "gocryptfs", command))
}

/// A folder with the file in it.
fn plain(fixture: &Fixture, name: &str) -> PathBuf {
    let folder = fixture.make_folder(name, 0o700);
    fixture.write(&folder.join("secret"), &[b'x'; LEN]);
    folder
}

/// Whether a program is there.
///
/// # Errors
/// It is not.
pub fn installed(program: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file());
    found.ok_or_else(|| format!("{program} is not installed"))
}

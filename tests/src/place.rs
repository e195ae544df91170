//! Where tests work: a folder below /tmp that the mounting user can enter, with the executables in it.
//!
//! The target folder may lie in a home that the mounting user cannot enter, so the executables are
//! copied, once for each build; each fixture links them, so that its processes can be told apart.

use crate::user;
use rustix::fs::FlockOperation;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder of this build: `/tmp/secretfs-tests-UID/BUILD`.
#[must_use]
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let mut base = PathBuf::from(format!(
            "/tmp/secretfs-tests-{}",
            rustix::process::geteuid().as_raw()
        ));
        make_folder(&base);
        let lock = std::fs::File::create(base.join("lock")).expect("a lock file");
        rustix::fs::flock(&lock, FlockOperation::LockExclusive).expect("flock");
        let metadata = std::fs::metadata(built("secretfs")).unwrap_or_else(|e| {
            panic!(
                "{}: {e}: build it first: cargo build --workspace --all-features",
                built("secretfs").display()
            )
        });
        base.push(format!(
            "{:x}-{:x}",
            metadata.ino(),
            metadata.mtime_nsec() ^ metadata.mtime()
        ));
        make_folder(&base);
        base
    })
}

fn make_folder(path: &Path) {
    let _ = std::fs::create_dir(path);
    let metadata = std::fs::symlink_metadata(path).expect("a folder of the tests");
    assert!(
        metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw(),
        "{} belongs to somebody else",
        path.display()
    );
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o711)).expect("chmod");
}

/// An executable beside the test's own: `target/PROFILE/NAME`, or what `$SECRETFS_BIN` names.
///
/// # Panics
/// The test lies in no target folder.
#[must_use]
pub fn built(name: &str) -> PathBuf {
    if let ("secretfs", Some(given)) = (name, std::env::var_os("SECRETFS_BIN")) {
        return given.into();
    }
    let own = std::env::current_exe().expect("the test's own path");
    let profile = own
        .ancestors()
        .find(|folder| folder.join("deps").is_dir())
        .expect("the target folder");
    profile.join(name)
}

/// The executable as it is shipped: the profile release, no feature. `$SECRETFS_SHIPPED` names another.
///
/// # Panics
/// It was not built.
#[must_use]
pub fn shipped() -> PathBuf {
    released("SECRETFS_SHIPPED", "secretfs")
}

/// The same profile with the feature `test-hooks`, for what can only be tried from inside.
/// `$SECRETFS_TEST_HOOKS` names another.
///
/// # Panics
/// It was not built.
#[must_use]
pub fn shipped_with_hooks() -> PathBuf {
    released("SECRETFS_TEST_HOOKS", "secretfs-test-hooks")
}

fn released(variable: &str, name: &str) -> PathBuf {
    let path = std::env::var_os(variable).map_or_else(
        || {
            let probe = built("probe");
            let target = probe.ancestors().nth(2).expect("the target folder");
            target.join("release").join(name)
        },
        PathBuf::from,
    );
    assert!(
        path.exists(),
        "{}: build it first, as tests/run.sh does",
        path.display()
    );
    path
}

/// A link to an executable in `folder`.
pub(crate) fn link_executable(name: &str, folder: &Path) -> PathBuf {
    link(&built(name), name, name, folder)
}

/// The same under another name.
pub(crate) fn link_as(executable: &str, name: &str, folder: &Path) -> PathBuf {
    link(&built(executable), executable, name, folder)
}

/// A link to the shipped executable in `folder`, as `secretfs`.
pub(crate) fn link_shipped(folder: &Path) -> PathBuf {
    link(&shipped(), "shipped", "secretfs", folder)
}

/// A link to the one with test hooks in `folder`, as `secretfs`.
pub(crate) fn link_shipped_with_hooks(folder: &Path) -> PathBuf {
    link(&shipped_with_hooks(), "hooked", "secretfs", folder)
}

fn link(source: &Path, copied_as: &str, name: &str, folder: &Path) -> PathBuf {
    let copy = root().join(copied_as);
    let age = |path: &Path| std::fs::metadata(path).and_then(|m| m.modified()).ok();
    if age(&copy).is_none_or(|copied| Some(copied) < age(source)) {
        // By rename: another test process may be starting the file.
        let fresh = tempfile::NamedTempFile::new_in(root()).expect("a temporary file");
        std::fs::copy(source, fresh.path()).expect("copying an executable");
        std::fs::set_permissions(fresh.path(), PermissionsExt::from_mode(0o755)).expect("chmod");
        fresh.persist(&copy).expect("rename");
    }
    let link = folder.join(name);
    std::fs::hard_link(&copy, &link).expect("a link");
    link
}

/// A fresh folder for one fixture, owned by the mounting user. Short: sockets live below it.
pub(crate) fn fresh_folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new()
        .prefix("f-")
        .rand_bytes(8)
        .tempdir_in(root())
        .expect("a folder");
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("chmod");
    user::give(folder.path(), user::mounting());
    folder
}

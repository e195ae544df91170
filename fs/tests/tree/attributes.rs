//! What is told about files beside their bytes, and what is refused.

use crate::fake::file;
use crate::mount::Mounted;
use std::fs::File;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

#[test]
fn files_and_folders_have_the_promised_modes_and_owner() {
    let mut only_read = file("sub/b");
    only_read.mode = 0o400;
    let mounted = Mounted::new(&[file("a"), only_read]);
    for (name, mode) in [
        ("", 0o40700),
        ("a", 0o100600),
        ("sub", 0o40700),
        ("sub/b", 0o100400),
    ] {
        let stat = std::fs::symlink_metadata(mounted.path(name)).unwrap();
        assert_eq!(stat.permissions().mode(), mode, "{name}");
        assert_eq!(stat.uid(), crate::fake::me());
    }
    let fs = rustix::fs::statvfs(mounted.root()).unwrap();
    assert_eq!((fs.f_namemax, fs.f_bsize, fs.f_blocks), (255, 4096, 0));
}

#[test]
fn writing_is_refused() {
    let mounted = Mounted::new(&[file("a")]);
    mounted.world.set("a", b"value");
    let rofs = rustix::io::Errno::ROFS.raw_os_error();
    let refused = |result: std::io::Result<()>| result.unwrap_err().raw_os_error() == Some(rofs);
    let path = mounted.path("a");
    assert!(refused(File::create(&path).map(drop)));
    assert!(refused(File::options().append(true).open(&path).map(drop)));
    assert!(refused(std::fs::remove_file(&path)));
    assert!(refused(std::fs::create_dir(mounted.path("new"))));
    assert!(refused(std::fs::rename(&path, mounted.path("b"))));
    assert!(refused(std::os::unix::fs::symlink("x", mounted.path("l"))));
    let mode = std::fs::Permissions::from_mode(0o644);
    assert!(refused(std::fs::set_permissions(&path, mode)));
    assert_eq!(mounted.world.vault.fetches(), 0);
}

#[test]
fn the_last_error_is_in_an_extended_attribute() {
    use secretfs_fs::error::OpenError;
    let mounted = Mounted::new(&[file("a")]);
    let path = mounted.path("a");
    let attribute = || {
        let mut text = [0; 500];
        rustix::fs::getxattr(&path, "user.secretfs.error", &mut text)
            .map(|n| String::from_utf8_lossy(&text[..n]).into_owned())
    };
    let names = || {
        let mut text = [0; 500];
        rustix::fs::listxattr(&path, &mut text).unwrap()
    };
    assert_eq!(attribute(), Err(rustix::io::Errno::NODATA));
    assert_eq!(names(), 0);
    mounted.world.fail("a", OpenError::Empty);
    assert_eq!(mounted.errno("a"), rustix::io::Errno::NODATA.raw_os_error());
    let text = attribute().unwrap();
    assert!(text.starts_with("the value is empty\nhelp: "), "{text}");
    assert_eq!(names(), "user.secretfs.error\0".len());
    let mut small = [0; 3];
    assert_eq!(
        rustix::fs::getxattr(&path, "user.secretfs.error", &mut small),
        Err(rustix::io::Errno::RANGE)
    );
    mounted.world.set("a", b"value");
    assert_eq!(mounted.read("a"), b"value");
    assert_eq!(attribute(), Err(rustix::io::Errno::NODATA));
}

//! Finding, trusting and reading the file.

use crate::map::{Defaults, World, discover, load};
use std::ffi::OsString;
use std::fs::{Permissions, write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

fn world() -> World {
    World {
        folder: "/home/u/work/project".into(),
        home: Some("/home/u".into()),
        map: None,
        config_home: None,
        uid: rustix::process::geteuid().as_raw(),
        defaults: Defaults::default(),
    }
}

/// What is found among those files.
fn found(world: &World, files: &[&str]) -> Option<PathBuf> {
    discover(None, world, |path| {
        files.iter().any(|f| Path::new(f) == path)
    })
    .ok()
}

#[test]
fn a_named_map_comes_first_then_the_variable() {
    let mut world = world();
    let exists = |_: &Path| true;
    world.map = Some("../m.yml".into());
    let named = discover(Some(Path::new("x.yml")), &world, exists).unwrap();
    assert_eq!(named, Path::new("/home/u/work/project/x.yml"));
    let variable = discover(None, &world, exists).unwrap();
    assert_eq!(variable, Path::new("/home/u/work/project/../m.yml"));
    world.map = Some("/etc/m.yml".into());
    assert_eq!(
        discover(None, &world, exists).unwrap(),
        Path::new("/etc/m.yml")
    );
    world.map = Some(OsString::new());
    assert_eq!(
        discover(None, &world, exists).unwrap(),
        Path::new("/home/u/work/project/secrets.yml")
    );
}

#[test]
fn the_nearest_map_upwards_is_found_but_none_above_home() {
    let world = world();
    let all = [
        "/home/u/work/project/secrets.yaml",
        "/home/u/work/secrets.yml",
        "/home/u/work/secrets.yaml",
        "/home/u/secrets.yml",
        "/home/secrets.yml",
        "/secrets.yml",
    ];
    let nearest = |files: &[&str]| found(&world, files).map(|p| p.display().to_string());
    for (from, expected) in [(0, 0), (1, 1), (2, 2), (3, 3)] {
        assert_eq!(nearest(&all[from..]).as_deref(), Some(all[expected]));
    }
    assert_eq!(nearest(&all[4..]), None);
    let elsewhere = World {
        folder: "/srv/app".into(),
        ..world
    };
    assert_eq!(found(&elsewhere, &all), Some("/secrets.yml".into()));
}

#[test]
fn the_users_own_map_is_the_last() {
    let mut world = world();
    let own = "/home/u/.config/secretfs/secrets.yml";
    assert_eq!(found(&world, &[own]), Some(own.into()));
    assert_eq!(
        found(&world, &[own, "/home/u/secrets.yaml"]),
        Some("/home/u/secrets.yaml".into())
    );
    world.config_home = Some("/cfg".into());
    assert_eq!(
        found(&world, &[own, "/cfg/secretfs/secrets.yml"]),
        Some("/cfg/secretfs/secrets.yml".into())
    );
    world.config_home = Some("relative".into());
    assert_eq!(found(&world, &[own]), Some(own.into()));
    world.home = None;
    assert_eq!(found(&world, &[own]), None);
}

#[test]
fn no_map_says_where_it_was_looked_for() {
    let errors = discover(None, &world(), |_| false).unwrap_err();
    assert_eq!(
        errors.summary(),
        "secrets.yml: there is no map in /home/u/work/project or above it \
         (write one, or name one with `--map`)"
    );
}

const MAP: &str = "secrets:\n- {name: A, file: a}\n";

/// A map with a mode in a folder of its own.
fn file(mode: u32, text: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets.yml");
    write(&path, text).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    (folder, path)
}

fn refused(path: &Path, world: &World) -> String {
    let line = load(path, world).unwrap_err().summary();
    line.replace(&path.display().to_string(), "MAP")
}

#[test]
fn a_map_is_read_also_through_a_symlink() {
    for mode in [0o600, 0o644, 0o400] {
        let (_folder, path) = file(mode, MAP.as_bytes());
        assert_eq!(load(&path, &world()).unwrap().entries().len(), 1);
        let link = path.with_file_name("link.yml");
        symlink(&path, &link).unwrap();
        assert_eq!(load(&link, &world()).unwrap().entries().len(), 1);
    }
}

#[test]
fn a_map_that_others_can_write_is_refused() {
    for mode in [0o666, 0o602, 0o620, 0o664] {
        let (_folder, path) = file(mode, MAP.as_bytes());
        assert_eq!(
            refused(&path, &world()),
            format!("MAP: can be written by others (mode {mode:04o}) (run `chmod go-w MAP`)")
        );
    }
}

#[test]
fn a_map_of_another_user_is_refused_but_not_one_of_root() {
    let (_folder, path) = file(0o644, MAP.as_bytes());
    let uid = world().uid;
    let stranger = World {
        uid: uid + 1,
        ..world()
    };
    if uid == 0 {
        assert!(load(&path, &stranger).is_ok());
        std::os::unix::fs::chown(&path, Some(4711), None).unwrap();
        assert_eq!(
            refused(&path, &stranger),
            "MAP: belongs to the user 4711, not to you or root \
             (copy it, or change its owner: who owns the map chooses what is shown)"
        );
    } else {
        assert!(refused(&path, &stranger).contains("belongs to the user"));
    }
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let line = "MAP: is not a regular file (name a file with `--map`)";
    assert_eq!(refused(folder.path(), &world()), line);
    let fifo = folder.path().join("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from(0o600),
        0,
    )
    .unwrap();
    assert_eq!(refused(&fifo, &world()), line);
    let missing = folder.path().join("missing");
    assert_eq!(
        refused(&missing, &world()),
        "MAP: cannot be read: No such file or directory (os error 2) \
         (write one, or name another with `--map`)"
    );
}

#[test]
fn text_that_is_not_utf8_or_too_long_is_refused() {
    let (_folder, path) = file(0o600, b"secrets:\n- {name: \xff, file: a}\n");
    assert_eq!(
        refused(&path, &world()),
        "MAP: is not UTF-8 in line 2 (save it as UTF-8)"
    );
    let (_folder, path) = file(0o600, b"");
    std::fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(crate::map::LONGEST_TEXT as u64 + 1)
        .unwrap();
    assert_eq!(
        refused(&path, &world()),
        "MAP: is longer than 32 MiB (split the map)"
    );
}

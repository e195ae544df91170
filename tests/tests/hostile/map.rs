//! The map while it is read and watched: exchanged, replaced by what is no file, written in place. How it is read
//! at all, and who may own it, is in `fs/src/map/tests/files.rs`, `mounts/map.rs` and `mounts/reload.rs`.

use super::scripted::Scripted;
use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};
use secretfs_tests::fixture::{Fixture, value};
use secretfs_tests::{user, wait};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// What stands at the map's place instead, put there by a rename.
fn instead(fixture: &Fixture) -> Vec<(&'static str, std::path::PathBuf)> {
    let place = |name: &str| fixture.path(name);
    let fifo = place("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO");
    user::give(&fifo, user::mounting());
    symlink("/dev/zero", place("zero")).expect("a link");
    symlink(place("loop"), place("loop")).expect("a link");
    symlink("/etc/shadow", place("shadow")).expect("a link");
    // Never readable by its user.
    symlink("/proc/1/mem", place("mem")).expect("a link");
    drop(UnixListener::bind(place("socket")).expect("a socket"));
    user::give(&place("socket"), user::mounting());
    fixture.make_folder("folder", 0o700);
    let huge = place("huge");
    std::fs::File::create(&huge)
        .and_then(|file| file.set_len(1 << 40))
        .expect("a sparse file");
    user::give(&huge, user::mounting());
    [
        "fifo", "zero", "loop", "shadow", "mem", "socket", "folder", "huge",
    ]
    .map(|name| (name, place(name)))
    .to_vec()
}

#[test]
fn what_is_no_map_is_refused_at_once_and_names_the_file() {
    let fixture = Fixture::new();
    for (name, path) in instead(&fixture) {
        for command in ["check", "env", "mount"] {
            let said = fixture.fails(3, [command.as_ref(), "--map".as_ref(), path.as_os_str()]);
            assert!(
                said.contains(name) && said.contains("help:"),
                "{command} {name}: {said}"
            );
            assert!(!said.contains("root:"), "{said}");
        }
    }
    assert!(!fixture.is_mounted());
}

#[test]
fn a_mount_keeps_its_map_whatever_takes_its_place() {
    let mount = Scripted::with_value(value("a", 64));
    let good = std::fs::read(mount.map()).expect("the map");
    for (name, path) in instead(&mount) {
        if name != "folder" {
            std::fs::rename(&path, mount.map()).expect("a rename");
            wait::until(name, || {
                mount.run(["status"]).contains("secrets.yml").then_some(())
            });
        }
        assert_eq!(
            mount.read("a"),
            Ok(value("a", 64)),
            "{name}: the last good map serves on"
        );
        mount.write(&mount.map(), &good);
    }
    // It is still watched.
    mount.sim.set("B", value("b", 64));
    mount.set_map("", &["{name: B, file: b}"]);
    wait::until("the new map", || mount.read("b").ok());
}

/// Every read is of one file as it was opened.
#[test]
fn a_map_that_is_exchanged_while_it_is_read_is_one_of_the_two() {
    let fixture = Fixture::new();
    let map = |name: &str, count: usize| {
        let entries: String = (0..count)
            .map(|n| format!("- {{name: {name}{n}, file: {name}{n}, env: {name}_{n}}}\n"))
            .collect();
        format!("providers: {{v: {{type: local}}}}\nsecrets:\n{entries}")
    };
    let other = fixture.path("other.yml");
    fixture.write_map(&map("A", 300));
    fixture.write(&other, map("B", 500).as_bytes());
    let stop = AtomicBool::new(false);
    let mut seen = [0; 2];
    std::thread::scope(|scope| {
        let racer = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let _ = renameat_with(CWD, fixture.map(), CWD, &other, RenameFlags::EXCHANGE);
            }
        });
        for _ in 0..25 {
            let said = fixture.run(["env", "--shell", "json"]);
            let exports: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(&said).expect("JSON");
            match (
                exports.len(),
                exports.contains_key("A_0"),
                exports.contains_key("B_0"),
            ) {
                (300, true, false) => seen[0] += 1,
                (500, false, true) => seen[1] += 1,
                other => panic!("{other:?}"),
            }
        }
        stop.store(true, Ordering::Relaxed);
        racer.join().expect("the racer");
    });
    println!("{seen:?}");
}

/// An editor that writes in place, and dies in the middle: every part of a map is read at some moment.
#[test]
fn a_map_that_is_written_in_place_in_small_parts_ends_as_the_map_that_it_is() {
    let mount = Scripted::with_value(value("a", 64));
    mount.sim.set("B", value("b", 64));
    let text = std::fs::read_to_string(mount.map())
        .expect("the map")
        .replace(
            "{name: A, file: a}",
            "{name: A, file: a}\n  - {name: B, file: b}",
        );
    for end in (0..=text.len())
        .step_by(text.len().div_ceil(40))
        .chain([text.len()])
    {
        overwrite(&mount.map(), &text[..end]);
    }
    wait::until("the whole map", || mount.read("b").ok());
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
}

/// In place: the same file, never empty.
fn overwrite(path: &Path, text: &str) {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .expect("the map");
    file.write_all(text.as_bytes()).expect("a write");
    file.set_len(text.len() as u64).expect("its length");
}

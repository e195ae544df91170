//! The runtime folder and what is planted in it. Which folders are used at all is in
//! `mount-helper/src/place/runtime.rs`.

use super::scripted::Scripted;
use secretfs_tests::fixture::{Fixture, value};
use secretfs_tests::{system, user, wait};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

fn unmounted() -> Scripted {
    let mount = Scripted::new();
    mount.set_map("", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    mount
}

/// The name of a mountpoint's files in the runtime folder.
fn key(mountpoint: &Path) -> String {
    let digest = ring::digest::digest(
        &ring::digest::SHA256,
        mountpoint.as_os_str().as_encoded_bytes(),
    );
    digest
        .as_ref()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn runtime(fixture: &Fixture) -> PathBuf {
    let folder = fixture.path("run/secretfs");
    if !folder.exists() {
        fixture.make_folder("run/secretfs", 0o700);
    }
    folder
}

/// A record as the helper writes one.
fn record(mountpoint: &Path, map: &Path, helper: Option<(u32, u64)>) -> String {
    let helper = helper.map(|(pid, started)| serde_json::json!({"pid": pid, "started": started}));
    serde_json::json!({
        "request": {
            "mountpoint": mountpoint, "map": map, "foreground": false, "insecure_memory": false, "offline": false, "allow_root": false,
        },
        "state": "serving", "helper": helper, "daemon": null,
    })
    .to_string()
}

fn mounts(fixture: &Fixture) -> Vec<serde_json::Value> {
    let status: serde_json::Value =
        serde_json::from_str(&fixture.run(["status", "--json"])).expect("JSON");
    status["mounts"].as_array().expect("mounts").clone()
}

/// Field 22 of /proc/PID/stat.
fn started(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let (_, rest) = stat.rsplit_once(')').expect("a name");
    rest.split_whitespace()
        .nth(19)
        .and_then(|n| n.parse().ok())
        .expect("a number")
}

#[test]
fn records_in_a_folder_of_another_user_or_that_others_can_enter_are_not_believed() {
    let fixture = Fixture::new();
    let folder = runtime(&fixture);
    let place = fixture.mountpoint();
    let planted = folder.join(format!("{}.json", key(&place)));
    // The record of a mount that a lock has ended: it would be shown as locked, and `unlock` would mount it.
    fixture.write(&planted, record(&place, &fixture.map(), None).as_bytes());
    assert_eq!(
        mounts(&fixture).len(),
        1,
        "in a folder of the user's own it is believed"
    );
    for (mode, owner) in [
        (0o770, user::mounting()),
        (0o701, user::mounting()),
        (0o700, user::other()),
    ] {
        user::give(&folder, owner);
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(mode)).expect("chmod");
        assert_eq!(mounts(&fixture).len(), 0, "{mode:o} {}", owner.name);
        fixture.fails(6, ["unlock".as_ref(), place.as_os_str()]);
        fixture.fails(6, ["unmount".as_ref(), place.as_os_str()]);
    }
    // A link to a good folder is none.
    user::give(&folder, user::mounting());
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).expect("chmod");
    std::fs::rename(&folder, fixture.path("run/moved")).expect("a rename");
    symlink(fixture.path("run/moved"), &folder).expect("a link");
    assert_eq!(mounts(&fixture).len(), 0);
}

#[test]
fn a_record_of_somebody_elses_process_or_mount_ends_neither() {
    let fixture = Fixture::new();
    let folder = runtime(&fixture);
    let place = fixture.make_folder("home/theirs", 0o700);
    let mut stranger = fixture
        .command_as(user::other(), "sleep")
        .arg("300")
        .spawn()
        .expect("a process");
    wait::until("it is the program", || {
        let process = system::process(stranger.id())?;
        process
            .args
            .first()
            .is_some_and(|arg| arg == "sleep")
            .then_some(())
    });
    let status = user::privileged("mount")
        .args(["-t", "tmpfs", "tmpfs"])
        .arg(&place)
        .status()
        .expect("mount");
    assert!(status.success());
    let pid = stranger.id();
    let planted = folder.join(format!("{}.json", key(&place)));
    for started in [started(pid), 1] {
        fixture.write(
            &planted,
            record(&place, &fixture.map(), Some((pid, started))).as_bytes(),
        );
        for words in [
            vec!["unmount", "--all"],
            vec!["lock", "--all"],
            vec!["status"],
        ] {
            let _ = fixture.secretfs(&words).output().expect("secretfs");
            assert!(
                stranger.try_wait().expect("wait").is_none(),
                "{words:?}: the process lives"
            );
            assert_eq!(
                system::mounts_below(&place).len(),
                1,
                "{words:?}: the mount is there"
            );
        }
    }
    let _ = std::fs::remove_file(&planted);
    assert!(
        user::privileged("umount")
            .arg(&place)
            .status()
            .expect("umount")
            .success()
    );
    assert!(
        user::privileged("kill")
            .arg(pid.to_string())
            .status()
            .expect("kill")
            .success()
    );
    let _ = stranger.wait();
}

#[test]
fn records_that_are_no_files_or_nonsense_hang_and_break_no_command() {
    let fixture = Fixture::new();
    let folder = runtime(&fixture);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        folder.join("0.json"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .expect("a FIFO");
    user::give(&folder.join("0.json"), user::mounting());
    symlink("/dev/zero", folder.join("1.json")).expect("a link");
    symlink(folder.join("2.json"), folder.join("2.json")).expect("a link");
    std::fs::create_dir(folder.join("3.json")).expect("a folder");
    for (n, text) in ["", "{", "[]", "null", "{\"request\":7}"]
        .into_iter()
        .enumerate()
    {
        fixture.write(&folder.join(format!("{}.json", n + 4)), text.as_bytes());
    }
    fixture.write(&folder.join("9.json"), "[".repeat(1 << 20).as_bytes());
    // Names of mountpoints that break a line of a terminal.
    let hostile = PathBuf::from("/home/\u{1b}[31m\n\u{202e}/x");
    fixture.write(
        &folder.join(format!("{}.json", key(&hostile))),
        record(&hostile, &hostile, None).as_bytes(),
    );
    let shown = fixture.run(["status"]);
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    assert_eq!(mounts(&fixture).len(), 1);
    fixture.run(["unmount", "--all"]);
    assert_eq!(mounts(&fixture).len(), 0);
}

/// What stands where the helper makes its files is replaced, or the mount is refused with the path; never is a link
/// followed.
#[test]
fn files_that_are_planted_at_the_helpers_places_are_not_followed() {
    for end in ["lock", "sock", "json", "json.new"] {
        for kind in ["link", "folder", "fifo", "file"] {
            let mount = unmounted();
            let victim = mount.path("victim");
            mount.write(&victim, b"what must stay");
            let planted = runtime(&mount).join(format!("{}.{end}", key(&mount.mountpoint())));
            match kind {
                "link" => symlink(&victim, &planted).expect("a link"),
                "folder" => std::fs::create_dir(&planted).expect("a folder"),
                "fifo" => rustix::fs::mknodat(
                    rustix::fs::CWD,
                    &planted,
                    rustix::fs::FileType::Fifo,
                    rustix::fs::Mode::RWXU,
                    0,
                )
                .expect("a FIFO"),
                _ => std::fs::write(&planted, b"rubbish").expect("a file"),
            }
            if kind != "link" {
                user::give(&planted, user::mounting());
            }
            let output = mount
                .secretfs(mount.mount_args())
                .output()
                .expect("secretfs");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            match output.status.code() {
                Some(0) => {
                    assert_eq!(mount.read("a"), Ok(value("a", 64)), "{end} {kind}");
                    mount.run(["unmount".as_ref(), mount.mountpoint().as_os_str()]);
                }
                Some(1 | 6) => assert!(said.contains("help:"), "{end} {kind}: {said}"),
                other => panic!("{end} {kind}: {other:?} {said}"),
            }
            println!("{end} {kind}: {:?} {said}", output.status.code());
            assert!(!mount.is_mounted(), "{end} {kind}");
            assert_eq!(
                std::fs::read(&victim).expect("the victim"),
                b"what must stay",
                "{end} {kind}"
            );
            mount.wait_for_no_process();
        }
    }
}

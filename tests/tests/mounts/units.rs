//! What is shipped for service managers and desktops is what they take, and the foreground mount tells
//! them what they wait for.

use crate::scripted::Scripted;
use secretfs_tests::fixture::{told, value};
use secretfs_tests::{documents, place, systemd, wait};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging")
}

/// What `systemd-analyze verify` says about a unit, in lines that name it, and whether it is content.
fn verify(manager: &str, name: &str, text: &str) -> (String, bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let unit = folder.path().join(name);
    // The programs that it names must exist; where they will be installed is not here.
    let secretfs = place::built("secretfs");
    let text = text.replace("/usr/bin/secretfs", secretfs.to_str().expect("UTF-8"));
    std::fs::write(&unit, text).expect("a unit");
    let tree = systemd::tree();
    let mut command = Command::new(tree.join("usr/bin/systemd-analyze"));
    command
        .args([manager, "--man=no", "verify"])
        .arg(&unit)
        .env("XDG_RUNTIME_DIR", folder.path())
        .env("HOME", folder.path());
    if let Some(libraries) = systemd::libraries() {
        command.env("LD_LIBRARY_PATH", libraries);
        let kind = manager.trim_start_matches("--");
        let units = ["lib/systemd", "usr/lib/systemd"].map(|path| tree.join(path).join(kind));
        let units = std::env::join_paths(units).expect("paths");
        command.env("SYSTEMD_UNIT_PATH", units);
    }
    let output = command.output().expect("systemd-analyze");
    let said = String::from_utf8_lossy(&output.stderr);
    let about: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("secretfs"))
        .collect();
    (about.join("\n"), output.status.success())
}

#[test]
fn systemd_takes_every_unit() {
    let mut seen = 0;
    for kind in ["user", "system"] {
        let folder = packaging().join("systemd").join(kind);
        for entry in std::fs::read_dir(&folder).expect("units") {
            let path = entry.expect("a unit").path();
            let name = path.file_name().expect("a name").to_str().expect("UTF-8");
            // A template is looked at as somebody's.
            let name = name.replace("@.", "@root.");
            let text = std::fs::read_to_string(&path).expect("a unit");
            let (said, content) = verify(&format!("--{kind}"), &name, &text);
            assert!(said.is_empty() && content, "{name}: {said}");
            // And it is looked at, line by line.
            let wrong = text.replace("[Service]", "[Service]\nKilMode=mixed");
            let (said, _) = verify(&format!("--{kind}"), &name, &wrong);
            assert!(said.contains("KilMode"), "{name}: {said}");
            seen += 1;
        }
    }
    assert_eq!(seen, 3);
}

#[test]
fn no_unit_asks_for_what_keeps_fusermount3_from_mounting() {
    for kind in ["user", "system"] {
        for entry in std::fs::read_dir(packaging().join("systemd").join(kind)).expect("units") {
            let text = std::fs::read_to_string(entry.expect("a unit").path()).expect("a unit");
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                for word in [
                    "NoNewPrivileges",
                    "SystemCall",
                    "Restrict",
                    "Lock",
                    "Protect",
                    "Private",
                    "MemoryDeny",
                    "DynamicUser",
                ] {
                    assert!(!line.starts_with(word), "{line}");
                }
            }
        }
    }
}

#[test]
fn systemd_makes_units_of_the_lines_of_the_page_on_fstab() {
    let lines = documents::blocks("docs/fstab.md", "fstab").remove(0);
    let folder = tempfile::tempdir().expect("a folder");
    let (fstab, made) = (folder.path().join("fstab"), folder.path().join("made"));
    std::fs::write(&fstab, &lines).expect("a file");
    std::fs::create_dir(&made).expect("a folder");
    let mut generator = Command::new("env");
    generator.args(systemd::program(
        "system-generators/systemd-fstab-generator",
    ));
    let output = generator
        .args([&made; 3])
        .env("SYSTEMD_FSTAB", &fstab)
        .output();
    let output = output.expect("the generator");
    assert!(output.status.success(), "{}", told(&output));
    let mut seen = 0;
    for line in lines.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let name = format!(
            "{}.mount",
            fields[1].trim_start_matches('/').replace('/', "-")
        );
        let unit = std::fs::read_to_string(made.join(&name)).expect(&name);
        for expected in [
            format!("What={}", fields[0]),
            format!("Where={}", fields[1]),
            "Type=secretfs".to_owned(),
            format!("Options={}", fields[3]),
        ] {
            assert!(
                unit.lines().any(|line| line == expected),
                "{expected}\n{unit}"
            );
        }
        let wanted = made.join("remote-fs.target.wants").join(&name);
        let at_boot = fields[3].contains("_netdev") && !fields[3].contains("noauto");
        assert_eq!(wanted.symlink_metadata().is_ok(), at_boot, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 2);
}

#[test]
fn desktops_take_the_autostart_file() {
    let output = Command::new("desktop-file-validate")
        .arg(packaging().join("autostart/secretfs.desktop"))
        .output()
        .expect("desktop-file-validate");
    assert!(
        output.status.success() && output.stdout.is_empty(),
        "{}",
        told(&output)
    );
}

#[test]
fn the_foreground_mount_tells_its_service_manager_when_files_can_be_opened() {
    let mut mount = Scripted::new();
    let socket = mount.path("run/notify");
    let manager = UnixDatagram::bind(&socket).expect("a socket");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(&socket, open).expect("chmod");
    manager
        .set_read_timeout(Some(wait::PATIENCE))
        .expect("a limit");
    mount.environment("NOTIFY_SOCKET", socket.to_str().expect("UTF-8"));
    mount.set_map("", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    let mut args = mount.mount_args();
    args.insert(1, "--foreground".into());
    let mut command = mount.secretfs(args);
    command.stdout(std::process::Stdio::null());
    let mut child = command.spawn().expect("secretfs");
    let mut message = [0; 4096];
    let length = manager.recv(&mut message).expect("a message");
    let message = String::from_utf8_lossy(&message[..length]);
    assert!(message.lines().any(|line| line == "READY=1"), "{message}");
    assert_eq!(mount.read("a"), Ok(value("a", 64)), "at once");
    secretfs_tests::system::signal(child.id(), "TERM");
    let status = wait::until("it ends", || child.try_wait().expect("wait"));
    assert!(status.success(), "what a unit takes for an orderly end");
    mount.wait_for_no_process();
}

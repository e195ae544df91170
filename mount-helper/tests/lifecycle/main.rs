//! The life of a mount, with the real helper, the real sentinel, the kernel and fusermount3, and a
//! stand-in for the daemon. As root every scenario runs twice: mounted directly, and as `nobody`
//! through fusermount3. Where /dev/fuse is not to be had, that is a failure: nothing was shown.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test: a panic is the failure report"
)]

mod scenarios;
mod stand_in;

use rustix::fs::{Gid, Uid};
use secretfs_mount_helper::{mount, role};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// No scenario takes longer, whatever goes wrong.
const LIMIT: Duration = Duration::from_secs(60);
/// `nobody`.
const NOBODY: u32 = 65534;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(role::HELPER) => return role::helper(),
        Some(role::SENTINEL) => return role::sentinel(),
        Some(role::DAEMON) => return stand_in::run(),
        Some("scenario") => {
            let folder = std::env::current_dir().unwrap();
            let (_, run) = scenarios::ALL
                .iter()
                .chain(&[scenarios::COMMAND])
                .find(|(name, _)| *name == arguments[1])
                .unwrap();
            run(&folder);
            return ExitCode::SUCCESS;
        }
        Some("--list") => {
            // A runner lists the ignored tests by themselves: there are none. Naming ours again
            // would have it pass them all over.
            let ignored = arguments.iter().any(|argument| argument == "--ignored");
            for (name, _) in scenarios::ALL.iter().filter(|_| !ignored) {
                println!("{name}: test");
            }
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    if std::fs::File::open("/dev/fuse").is_err() {
        println!("FAILED: /dev/fuse cannot be opened, so nothing could be mounted");
        return ExitCode::FAILURE;
    }
    // One run at a time: they share a user.
    let alone = std::env::temp_dir().join("secretfs-lifecycle.lock");
    let alone = std::fs::File::create(alone).unwrap();
    alone.lock().unwrap();
    let filters: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let exact = arguments.iter().any(|argument| argument == "--exact");
    let is_meant = |name: &str| {
        filters.is_empty()
            || filters.iter().any(|filter| {
                if exact {
                    name == *filter
                } else {
                    name.contains(filter.as_str())
                }
            })
    };
    let (mut passed, mut failed) = (0, 0);
    for (name, _) in scenarios::ALL {
        if !is_meant(name) {
            continue;
        }
        for unprivileged in users() {
            let how = if unprivileged {
                "fusermount3"
            } else {
                "mount(2)"
            };
            let outcome = run(name, unprivileged);
            let told = if outcome.is_ok() { "ok" } else { "FAILED" };
            println!("test {name} ({how}) ... {told}");
            match outcome {
                Ok(()) => passed += 1,
                Err(reason) => {
                    println!("{reason}");
                    failed += 1;
                }
            }
        }
    }
    // The line that runners count by.
    let told = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {told}. {passed} passed; {failed} failed; 0 ignored; 0 measured;");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Who runs a scenario: unprivileged or not.
fn users() -> Vec<bool> {
    match mount::direct::is_allowed() {
        true if mount::program::fusermount3().is_some() => vec![false, true],
        true => vec![false],
        false => vec![true],
    }
}

fn run(name: &str, unprivileged: bool) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let folder_path = folder.path().canonicalize().unwrap();
    // Where the build folder is, `nobody` may not go.
    let executable = folder_path.join("lifecycle");
    std::fs::copy(std::env::current_exe().unwrap(), &executable).unwrap();
    std::fs::set_permissions(&executable, PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::create_dir(folder_path.join("run")).unwrap();
    let private = PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(folder_path.join("run"), private).unwrap();
    std::fs::write(folder_path.join("secrets.yml"), scenarios::MAP).unwrap();
    let map_mode = PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(folder_path.join("secrets.yml"), map_mode).unwrap();

    let mut command = if unprivileged && mount::direct::is_allowed() {
        for path in [
            folder_path.clone(),
            folder_path.join("run"),
            folder_path.join("secrets.yml"),
        ] {
            let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
            rustix::fs::chown(path, Some(user), Some(group)).unwrap();
        }
        let mut command = Command::new("setpriv");
        let user = NOBODY.to_string();
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"]);
        command.arg(&executable);
        command
    } else {
        Command::new(&executable)
    };
    command
        .args(["scenario", name])
        .current_dir(&folder_path)
        .env_clear()
        .env("HOME", &folder_path)
        .env("XDG_RUNTIME_DIR", folder_path.join("run"))
        .env("XDG_STATE_HOME", folder_path.join("state"))
        .stdin(Stdio::null());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let mut outcome = wait(&mut child);
    // Processes end a moment after what they were asked for is done.
    let deadline = Instant::now() + Duration::from_secs(10);
    while outcome.is_ok() {
        let left = leftovers(&folder_path);
        if left.is_empty() {
            break;
        }
        if Instant::now() > deadline {
            outcome = Err(format!("left behind: {left:?}"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    clean_up(&folder_path);
    if outcome.is_err() {
        let log = std::fs::read_to_string(folder_path.join("state/secretfs/secretfs.log"));
        println!("{}", log.unwrap_or_default());
    }
    outcome
}

fn wait(child: &mut std::process::Child) -> Result<(), String> {
    let deadline = Instant::now() + LIMIT;
    loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(status.to_string()),
            None if Instant::now() > deadline => {
                child.kill().unwrap();
                child.wait().unwrap();
                return Err("it took too long".into());
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Mounts below the folder, and processes of its executable.
fn leftovers(folder: &Path) -> Vec<String> {
    let mounts = mount::mountinfo::read().unwrap();
    let mounts = mounts
        .iter()
        .filter(|mount| mount.mountpoint.starts_with(folder))
        .map(|mount| mount.mountpoint.display().to_string());
    mounts
        .chain(processes(folder).iter().map(u32::to_string))
        .collect()
}

fn processes(folder: &Path) -> Vec<u32> {
    let executable = folder.join("lifecycle");
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == executable)
        })
        .collect()
}

fn clean_up(folder: &Path) {
    for pid in processes(folder) {
        if let Some(process) = secretfs_mount_helper::place::ProcessId::of(pid) {
            let _ = process.kill(Duration::from_secs(2));
        }
    }
    for mounted in mount::mountinfo::read().unwrap() {
        if mounted.mountpoint.starts_with(folder) {
            let _ = mount::recover::remove(&mount::Mounted {
                mountpoint: mounted.mountpoint,
                device: mounted.device,
            });
        }
    }
}

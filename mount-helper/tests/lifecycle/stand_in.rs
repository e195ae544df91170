//! A daemon that serves nothing, and writes down what it is told. How it behaves is in the name of
//! its mountpoint.

use secretfs_fs::link::message::{Ask, StatusPage};
use secretfs_fs::link::wire::{Blocking, LINK_LIMIT};
use secretfs_fs::link::{FromDaemon, ToDaemon};
use secretfs_fs::map::CompiledMap;
use secretfs_providers::HostRequest;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What the daemon of `mountpoint` wrote down.
pub(crate) fn notes(mountpoint: &Path) -> String {
    std::fs::read_to_string(notes_path(mountpoint)).unwrap_or_default()
}

fn notes_path(mountpoint: &Path) -> PathBuf {
    mountpoint.with_extension("notes")
}

pub(crate) fn run() -> ExitCode {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let mut link = Blocking::new(socket, LINK_LIMIT, LINK_LIMIT);
    let later = || Instant::now() + Duration::from_secs(600);
    let (start, fds) = link.receive::<ToDaemon>(later()).unwrap();
    let ToDaemon::Start { mountpoint, .. } = start else {
        return ExitCode::FAILURE;
    };
    let mountpoint = PathBuf::from(mountpoint);
    let how = mountpoint.file_name().unwrap().to_str().unwrap().to_owned();
    let mut notes = std::fs::File::options()
        .append(true)
        .create(true)
        .open(notes_path(&mountpoint))
        .unwrap();
    let mut note = |text: String| writeln!(notes, "{text}").unwrap();
    let map = CompiledMap::open(fds.into_iter().next().unwrap()).unwrap();
    note(format!("start {}", map.entry_count()));
    let say = |link: &mut Blocking, message: FromDaemon| {
        let _ = link.send(&message, vec![], later());
    };
    match how.as_str() {
        "refuses" => {
            let message = "too little memory".into();
            let help = "raise the limit".into();
            say(&mut link, FromDaemon::Failed { message, help });
            return ExitCode::FAILURE;
        }
        "dies" => return ExitCode::from(9),
        _ => say(&mut link, FromDaemon::Prepared),
    }
    let mut held: Vec<OwnedFd> = Vec::new();
    let mut current = 1;
    loop {
        let Ok((message, fds)) = link.receive::<ToDaemon>(later()) else {
            return ExitCode::FAILURE;
        };
        match message {
            ToDaemon::Mounted { has_abort } => {
                note(format!("mounted {has_abort} {}", fds.len()));
                held = fds;
                if how == "dies-mounted" {
                    return ExitCode::from(9);
                }
                say(&mut link, FromDaemon::Serving);
                let ask = Ask::Host(HostRequest::OpenVault { provider: 0 });
                let (id, generation) = (7, 1);
                say(
                    &mut link,
                    FromDaemon::Ask {
                        id,
                        generation,
                        ask,
                    },
                );
            }
            ToDaemon::Answer { id, result } => {
                note(format!("answer {id} {result:?} {}", fds.len()));
            }
            ToDaemon::Credentials => {
                std::fs::File::from(fds.into_iter().next().unwrap())
                    .write_all(b"seen")
                    .unwrap();
            }
            ToDaemon::Lock if how == "hangs" => loop {
                std::thread::sleep(Duration::from_secs(60));
            },
            ToDaemon::Lock => say(&mut link, FromDaemon::Locked),
            ToDaemon::Unlock => note("unlock".into()),
            ToDaemon::Reload { generation } => {
                let map = CompiledMap::open(fds.into_iter().next().unwrap()).unwrap();
                note(format!("reload {generation} {}", map.entry_count()));
                current = generation;
            }
            ToDaemon::Refresh { id, paths } => {
                let count = u32::try_from(paths.len()).unwrap();
                say(&mut link, FromDaemon::Done { id, count });
            }
            ToDaemon::Status { id, .. } => {
                let page = Box::new(StatusPage {
                    generation: current,
                    ..StatusPage::default()
                });
                say(&mut link, FromDaemon::Status { id, page });
            }
            ToDaemon::Stop => {
                drop(held);
                return ExitCode::SUCCESS;
            }
            _ => {}
        }
    }
}

//! What the system says: mounts and processes, from /proc alone. A dead mount is never touched.

use std::path::{Path, PathBuf};

/// One line of mountinfo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountLine {
    /// The mountpoint.
    pub at: PathBuf,
    /// The file system's type.
    pub kind: String,
    /// What it shows.
    pub source: String,
    /// The options of the mount.
    pub options: String,
    /// The minor device number: the name of the FUSE connection.
    pub minor: u32,
}

/// The mounts at or below `path`.
///
/// # Panics
/// mountinfo cannot be read.
#[must_use]
pub fn mounts_below(path: &Path) -> Vec<MountLine> {
    let text = std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    let mut mounts = parse_mounts(&text);
    mounts.retain(|mount| mount.at.starts_with(path));
    mounts
}

/// The mounts of a mountinfo.
pub(crate) fn parse_mounts(text: &str) -> Vec<MountLine> {
    text.lines().filter_map(parse).collect()
}

fn parse(line: &str) -> Option<MountLine> {
    let (left, right) = line.split_once(" - ")?;
    let fields: Vec<&str> = left.split(' ').collect();
    Some(MountLine {
        minor: fields.get(2)?.split_once(':')?.1.parse().ok()?,
        at: PathBuf::from(fields.get(4)?.replace("\\040", " ").replace("\\134", "\\")),
        options: (*fields.get(5)?).to_owned(),
        kind: right.split(' ').next()?.to_owned(),
        source: right.split(' ').nth(1)?.to_owned(),
    })
}

/// A process, as far as everybody may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its parent's id.
    pub parent: u32,
    /// Its state: `R`, `S`, `D`, `Z` …
    pub state: char,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its executable, where that may be seen.
    pub exe: Option<PathBuf>,
}

/// All processes.
///
/// # Panics
/// /proc cannot be read.
#[must_use]
pub fn processes() -> Vec<Process> {
    std::fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(process)
        .collect()
}

/// One process; `None` where it is gone.
#[must_use]
pub fn process(pid: u32) -> Option<Process> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything, a parenthesis too.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let args = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(Process {
        pid,
        parent,
        state,
        args: args
            .split(|byte| *byte == 0)
            .map(|arg| String::from_utf8_lossy(arg).into_owned())
            .collect(),
        exe: std::fs::read_link(format!("/proc/{pid}/exe")).ok(),
    })
}

/// The processes that run an executable below `folder`, zombies aside.
#[must_use]
pub fn processes_from(folder: &Path) -> Vec<Process> {
    processes()
        .into_iter()
        .filter(|process| process.state != 'Z' || has_threads(process.pid))
        .filter(|process| {
            let first = process.args.first().map(PathBuf::from);
            // The executable of a process that is not dumpable is seen by root alone.
            process
                .exe
                .iter()
                .chain(&first)
                .any(|exe| exe.starts_with(folder))
        })
        .collect()
}

/// Whether threads of a process are still ending although its first one has: its files, and the
/// locks on them, are still held.
fn has_threads(pid: u32) -> bool {
    std::fs::read_dir(format!("/proc/{pid}/task")).is_ok_and(|tasks| tasks.count() > 1)
}

/// Sends a signal, by its name. After `STOP` nothing of the process runs any more.
///
/// # Panics
/// It cannot be sent.
pub fn signal(pid: u32, name: &str) {
    let status = std::process::Command::new("kill")
        .args([&format!("-{name}"), "--", &pid.to_string()])
        .status()
        .expect("kill");
    assert!(status.success(), "kill -{name} {pid}");
    if name == "STOP" {
        crate::wait::until("it has stopped", || has_stopped(pid).then_some(()));
    }
}

/// Whether each thread has: the signal reaches one after the other.
fn has_stopped(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return true;
    };
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        let state = stat
            .rsplit_once(") ")
            .and_then(|(_, rest)| rest.chars().next());
        !matches!(state, Some('R' | 'S' | 'D'))
    })
}

/// Whether the process is gone, or waits for its parent alone.
#[must_use]
pub fn is_gone(pid: u32) -> bool {
    process(pid).is_none_or(|process| process.state == 'Z')
}

/// Whether the process waits in the kernel for the answer of a FUSE file system.
#[must_use]
pub fn waits_for_fuse(pid: u32) -> bool {
    is_place_of_fuse(Path::new(&format!("/proc/{pid}/wchan")))
}

/// How many threads of the process do.
#[must_use]
pub fn threads_that_wait_for_fuse(pid: u32) -> usize {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return 0;
    };
    threads
        .flatten()
        .filter(|thread| is_place_of_fuse(&thread.path().join("wchan")))
        .count()
}

fn is_place_of_fuse(wchan: &Path) -> bool {
    let place = std::fs::read_to_string(wchan).unwrap_or_default();
    place.contains("request_wait_answer") || place.contains("fuse")
}

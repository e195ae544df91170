//! What the tests of whole processes share: a child for each, limits, and a look at the mappings.

#![allow(dead_code, reason = "no test file uses all of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a panic is the failure report"
)]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process_group, setrlimit};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

const CHILD: &str = "SECRETFS_MEMORY_CHILD";

/// Runs `body` in a process of its own: this test binary again, with `test` alone.
pub(crate) fn in_child(test: &str, body: impl FnOnce()) {
    in_child_with(test, &[], body);
}

/// The same with variables in the child's environment.
pub(crate) fn in_child_with(test: &str, variables: &[(&str, &str)], body: impl FnOnce()) {
    if std::env::var_os(CHILD).is_some() {
        return body();
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        // A backtrace takes more than a small heap has (see `heap::lock`).
        .env_remove("RUST_BACKTRACE")
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&child);
    let (send, ended) = mpsc::channel();
    let waiter = std::thread::spawn(move || send.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(Duration::from_secs(30)) else {
        // With what it started, which holds the pipes. Not waited for yet: the number is still its.
        let _ = kill_process_group(pid, Signal::KILL);
        let _ = waiter.join();
        panic!("{test} hangs");
    };
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}\n{stdout}\n{text}",
        output.status
    );
    assert!(stdout.contains("1 passed"), "{test} did not run:\n{stdout}");
}

/// Lowers the memory-lock limit of this process, and gives up the capability that lifts it.
pub(crate) fn limit_locked_memory(bytes: u64) {
    let mut sets = capabilities(None).unwrap();
    sets.effective.remove(CapabilitySet::IPC_LOCK);
    sets.permitted.remove(CapabilitySet::IPC_LOCK);
    sets.inheritable.remove(CapabilitySet::IPC_LOCK);
    set_capabilities(None, sets).unwrap();
    let hard = getrlimit(Resource::Memlock).maximum;
    let bytes = hard.map_or(bytes, |hard| bytes.min(hard));
    let limit = Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    setrlimit(Resource::Memlock, limit).unwrap();
}

/// One mapping as `/proc/self/smaps` describes it.
#[derive(Debug)]
pub(crate) struct Mapping {
    pub(crate) flags: Vec<String>,
    pub(crate) rss_kib: usize,
}

impl Mapping {
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|have| have == flag)
    }
}

/// The mapping that holds the byte at `at`.
pub(crate) fn mapping_of(at: *const u8) -> Mapping {
    let text = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut inside = false;
    let mut rss_kib = 0;
    for line in text.lines() {
        let first = line.split_whitespace().next().unwrap();
        if let Some((low, high)) = first.split_once('-')
            && let (Ok(low), Ok(high)) = (
                usize::from_str_radix(low, 16),
                usize::from_str_radix(high, 16),
            )
        {
            inside = (low..high).contains(&at.addr());
        } else if inside && first == "Rss:" {
            rss_kib = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        } else if inside && first == "VmFlags:" {
            let flags = line.split_whitespace().skip(1).map(str::to_owned).collect();
            return Mapping { flags, rss_kib };
        }
    }
    panic!("{at:?} is not mapped");
}

/// Bytes of this process by way of the kernel, which may look where a program may not.
pub(crate) fn peek(at: *const u8, len: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    peek_into(at, &mut bytes)?;
    Ok(bytes)
}

/// The same without allocating a buffer.
pub(crate) fn peek_into(at: *const u8, into: &mut [u8]) -> std::io::Result<()> {
    File::open("/proc/self/mem")?.read_exact_at(into, at.addr() as u64)
}

/// What the kernel says of this process, in KiB: `VmLck`, `VmRSS`.
pub(crate) fn status_kib(field: &str) -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

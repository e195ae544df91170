//! A real swap area: memory that is pushed out by force goes there, and what went there can be read.

use super::marker::Pattern;
use super::{maps, scan};
use crate::fixture::Fixture;
use crate::user::privileged;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};

/// Its size: more than everything that is pushed out here.
const BYTES: u64 = 256 << 20;

/// A swap area of the test's own. A loop device, because not every file system takes swap files.
#[derive(Debug)]
pub struct SwapArea {
    device: String,
}

impl SwapArea {
    /// Makes it and switches it on.
    ///
    /// # Panics
    /// It cannot be made: this needs root, or sudo without a password, and loop devices.
    #[must_use]
    pub fn new(fixture: &Fixture) -> Self {
        let file = fixture.path("swap");
        std::fs::File::create(&file)
            .and_then(|file| file.set_len(BYTES))
            .expect("a file");
        let device = said(privileged("losetup").args(["-f", "--show"]).arg(&file));
        let area = Self {
            device: device.trim().to_owned(),
        };
        said(privileged("mkswap").arg(&area.device));
        // Before any other, so that everything goes here.
        said(
            privileged("swapon")
                .args(["--priority", "32767"])
                .arg(&area.device),
        );
        area
    }

    /// Copies of the patterns in what was written to it.
    ///
    /// # Panics
    /// It cannot be read.
    #[must_use]
    pub fn copies(&self, patterns: &[Pattern]) -> usize {
        // Directly: the swap is written past the page cache of its device.
        let mut dd = privileged("dd")
            .args(["bs=1M", "iflag=direct", "status=none"])
            .arg(format!("if={}", self.device))
            .stdout(Stdio::piped())
            .spawn()
            .expect("dd");
        let copies = scan::stream(dd.stdout.take().expect("a pipe"), patterns).expect("the area");
        assert!(dd.wait().expect("dd").success());
        copies
    }
}

impl Drop for SwapArea {
    fn drop(&mut self) {
        let _ = privileged("swapoff").arg(&self.device).status();
        let _ = privileged("losetup").args(["-d", &self.device]).status();
    }
}

fn said(command: &mut Command) -> String {
    let output = command.output().expect("a program");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

/// Pushes everything of a process out that the kernel lets go; how many bytes it was asked to. To be
/// called as root: the program `scanner` does.
///
/// # Errors
/// The process is gone, or may not be touched.
pub fn push_out(pid: u32) -> std::io::Result<u64> {
    let id = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pidfd = pidfd_open(
        id.ok_or(std::io::ErrorKind::InvalidInput)?,
        PidfdFlags::empty(),
    )?;
    let mut asked = 0;
    for mapping in maps::of(pid)? {
        if mapping.present == 0 {
            continue;
        }
        let len = usize::try_from(mapping.range.end - mapping.range.start).unwrap_or(usize::MAX);
        let range = libc::iovec {
            iov_base: std::ptr::with_exposed_provenance_mut(
                usize::try_from(mapping.range.start).unwrap_or(0),
            ),
            iov_len: len,
        };
        #[expect(unsafe_code, reason = "a system call that rustix does not have")]
        // SAFETY: the range is the other process's, and only named here; advice changes no byte.
        let done = unsafe {
            libc::syscall(
                libc::SYS_process_madvise,
                pidfd.as_raw_fd(),
                &raw const range,
                1,
                libc::MADV_PAGEOUT,
                0,
            )
        };
        // Locked mappings answer EINVAL: that is what they are for.
        asked += u64::try_from(done).unwrap_or(0);
    }
    Ok(asked)
}

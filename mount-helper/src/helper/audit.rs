//! One line of the audit: who opened what, with which result. The executable is read here, because
//! the sandboxed daemon cannot (contract fuse.md §5), and at once, because the caller may end.

use crate::journal::time::rfc3339;
use secretfs_fs::link::message::AuditEvent;
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

/// A line of `audit.jsonl` (product.md, "Places and formats").
#[derive(Debug, Serialize)]
struct Line<'a> {
    time: String,
    pid: u32,
    exe: Option<String>,
    uid: u32,
    file: &'a str,
    version: u64,
    errno: i32,
}

/// The line of an event. `None`: it cannot be written, which no event of ours is.
pub(super) fn line(event: &AuditEvent) -> Option<String> {
    let line = Line {
        time: rfc3339(UNIX_EPOCH + Duration::from_millis(event.time_ms)),
        pid: event.pid,
        exe: executable(event.pid).map(|path| path.to_string_lossy().into_owned()),
        uid: event.uid,
        file: &event.file,
        version: event.version,
        errno: event.errno,
    };
    serde_json::to_string(&line).ok()
}

/// What `/proc/PID/exe` says; `None` for a process that ended, or that is out of sight.
pub(super) fn executable(pid: u32) -> Option<PathBuf> {
    if pid == 0 {
        return None;
    }
    std::fs::read_link(format!("/proc/{pid}/exe")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_who_and_what_and_nothing_else() {
        let event = AuditEvent {
            pid: std::process::id(),
            uid: 1000,
            file: "a \"quoted\"\nname".into(),
            version: 3,
            errno: 0,
            time_ms: 1_795_381_806_123,
        };
        let line = line(&event).unwrap();
        assert_eq!(line.lines().count(), 1);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        let keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        assert_eq!(
            keys,
            ["errno", "exe", "file", "pid", "time", "uid", "version"]
        );
        assert_eq!(value["time"], "2026-11-22T21:10:06.123Z");
        assert_eq!(
            value["exe"],
            std::env::current_exe().unwrap().to_str().unwrap()
        );
    }

    #[test]
    fn a_process_out_of_sight_has_no_executable() {
        assert_eq!(executable(0), None);
        assert_eq!(executable(u32::MAX), None);
    }
}

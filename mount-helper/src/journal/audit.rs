//! The records of the audit: who opened what, with which result. The executable is read here, because
//! the sandboxed daemon cannot (contract fuse.md §5), and at once, because the caller may end.

use super::time::rfc3339;
use secretfs_fs::link::message::AuditEvent;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// How long a caller's executable is remembered. The opens of one program that come in a burst are
/// told together (`fs/src/daemon/audit.rs`); it may have ended before the last of them is.
const REMEMBERED: Duration = Duration::from_millis(50);

/// An open; as JSON, a line of `audit.jsonl` (product.md, "Places and formats").
#[derive(Debug, Serialize)]
pub(super) struct Record {
    pub(super) time: String,
    pub(super) pid: u32,
    pub(super) exe: Option<String>,
    pub(super) uid: u32,
    pub(super) file: String,
    pub(super) version: u64,
    pub(super) errno: i32,
}

impl Record {
    /// The line, with its end.
    pub(super) fn line(&self) -> String {
        // No record of ours cannot be written.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

/// Makes records of events.
#[derive(Debug, Default)]
pub(super) struct Auditor {
    /// The last caller that was looked at, and when.
    recent: Mutex<Option<Caller>>,
}

#[derive(Debug, Clone)]
struct Caller {
    pid: u32,
    exe: Option<String>,
    seen: Instant,
}

impl Auditor {
    /// The records of events that came together, in their order.
    pub(super) fn records(&self, events: &[AuditEvent], now: Instant) -> Vec<Record> {
        let mut records = Vec::with_capacity(events.len());
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut looked_at: Option<Caller> = None;
        for event in events {
            let caller = match looked_at.take() {
                // One look is enough for what came together.
                Some(caller) if caller.pid == event.pid => caller,
                _ => look(event.pid, recent.as_ref(), now),
            };
            records.push(Record {
                time: rfc3339(UNIX_EPOCH + Duration::from_millis(event.time_ms)),
                pid: event.pid,
                exe: caller.exe.clone(),
                uid: event.uid,
                file: event.file.clone(),
                version: event.version,
                errno: event.errno,
            });
            *recent = Some(caller.clone());
            looked_at = Some(caller);
        }
        records
    }
}

/// Looks at a caller; at one that has ended, as it was a moment ago.
fn look(pid: u32, recent: Option<&Caller>, now: Instant) -> Caller {
    let found = executable(pid).map(|path| path.to_string_lossy().into_owned());
    let before = || recent.filter(|caller| caller.pid == pid && now < caller.seen + REMEMBERED);
    match (found, before()) {
        (None, Some(before)) => before.clone(),
        (exe, _) => Caller {
            pid,
            exe,
            seen: now,
        },
    }
}

/// What `/proc/PID/exe` says; `None` for a process that ended, or that is out of sight.
pub(crate) fn executable(pid: u32) -> Option<PathBuf> {
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
        let event = event(std::process::id(), "a \"quoted\"\nname");
        let line = lines(&Auditor::default(), &[event], Instant::now());
        assert_eq!(line.lines().count(), 1);
        assert!(line.ends_with('\n'));
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
    fn events_that_come_together_are_a_line_each_in_their_order() {
        let me = std::process::id();
        let events = [event(me, "a"), event(0, "b"), event(me, "c")];
        let lines = lines(&Auditor::default(), &events, Instant::now());
        let seen: Vec<_> = lines.lines().map(parse).collect();
        let own = std::env::current_exe().unwrap();
        let own = serde_json::Value::from(own.to_str().unwrap());
        assert_eq!(seen.len(), 3);
        assert_eq!((&seen[0]["file"], &seen[0]["exe"]), (&"a".into(), &own));
        assert_eq!(
            (&seen[1]["file"], &seen[1]["exe"]),
            (&"b".into(), &serde_json::Value::Null)
        );
        assert_eq!((&seen[2]["file"], &seen[2]["exe"]), (&"c".into(), &own));
    }

    #[test]
    fn a_caller_that_has_ended_is_told_as_it_was_a_moment_ago_and_no_longer() {
        let auditor = Auditor::default();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let now = Instant::now();
        let exe =
            |at: Instant| parse(&lines(&auditor, &[event(child.id(), "a")], at))["exe"].clone();
        let alive = exe(now);
        assert!(
            alive.as_str().unwrap().contains("sleep")
                || alive.as_str().unwrap().contains("coreutils")
        );
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&child),
            rustix::process::Signal::KILL,
        );
        child_has_ended(&child);
        assert_eq!(exe(now + REMEMBERED / 2), alive);
        assert_eq!(exe(now + REMEMBERED), serde_json::Value::Null);
        child.wait().unwrap();
    }

    fn lines(auditor: &Auditor, events: &[AuditEvent], now: Instant) -> String {
        auditor
            .records(events, now)
            .iter()
            .map(Record::line)
            .collect()
    }

    fn child_has_ended(child: &std::process::Child) {
        let pid = rustix::process::Pid::from_child(child);
        let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap();
        assert!(crate::place::process::has_ended(
            &pidfd,
            Duration::from_secs(20)
        ));
    }

    fn event(pid: u32, file: &str) -> AuditEvent {
        AuditEvent {
            pid,
            uid: 1000,
            file: file.into(),
            version: 3,
            errno: 0,
            time_ms: 1_795_381_806_123,
        }
    }

    fn parse(line: &str) -> serde_json::Value {
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn a_process_out_of_sight_has_no_executable() {
        assert_eq!(executable(0), None);
        assert_eq!(executable(u32::MAX), None);
    }
}

//! Log and audit: handed to a thread of their own, which alone touches the disk and tells systemd's
//! journal. Whoever logs never waits; what does not fit is counted and told.

pub(crate) mod audit;
mod file;
mod native;
pub mod time;

use crate::place::state;
use audit::{Auditor, Record};
use file::BoundedFile;
use native::Native;
use secretfs_fs::link::message::AuditEvent;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime};

/// Lines that may wait for the disk.
const QUEUE: usize = 4096;
/// The most bytes of a log line's text.
const TEXT_LIMIT: usize = 4096;
/// Bytes of log or audit until it is moved aside; one moved file is kept.
const FILE_LIMIT: u64 = 4 << 20;

enum Line {
    Log(String),
    Audit(Vec<Record>),
    Flush(SyncSender<()>),
}

/// Where lines go.
#[derive(Debug)]
pub struct Journal {
    queue: SyncSender<Line>,
    lost: std::sync::Arc<AtomicU64>,
    name: String,
    auditor: Auditor,
}

impl Journal {
    /// Starts the thread. `folder`: of log and audit, `None` if there is no place for them;
    /// `to_stderr`: the log goes to standard error instead (`--foreground`); `name`: the mountpoint,
    /// because all mounts of a user share one log.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(folder: Option<&Path>, to_stderr: bool, name: &str) -> std::io::Result<Self> {
        Self::start_with(folder, to_stderr, name, Path::new(native::SOCKET))
    }

    /// The same with a journal of systemd's that listens elsewhere.
    fn start_with(
        folder: Option<&Path>,
        to_stderr: bool,
        name: &str,
        socket: &Path,
    ) -> std::io::Result<Self> {
        let (queue, lines) = sync_channel(QUEUE);
        let lost = std::sync::Arc::new(AtomicU64::new(0));
        let open =
            |name: &str| folder.map(|folder| BoundedFile::new(folder.join(name), FILE_LIMIT));
        let sink = Sink {
            log: if to_stderr { None } else { open(state::LOG) },
            audit: open(state::AUDIT),
            native: Native::to(socket),
            name: name.to_owned(),
            to_stderr,
            lost: std::sync::Arc::clone(&lost),
        };
        std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || sink.run(&lines))?;
        Ok(Self {
            queue,
            lost,
            name: name.to_owned(),
            auditor: Auditor::default(),
        })
    }

    /// One line of the log: our own words, never a value.
    pub fn log(&self, level: &str, text: &str) {
        let text: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(TEXT_LIMIT)
            .collect();
        let level = match level {
            "error" | "warn" | "info" | "debug" => level,
            _ => "info",
        };
        let now = time::rfc3339(SystemTime::now());
        self.put(Line::Log(format!("{now} {level} {}: {text}\n", self.name)));
    }

    /// Opens, in their order: a line of the audit each, a JSON object, and an entry of systemd's journal.
    pub fn audit(&self, events: &[AuditEvent]) {
        self.put(Line::Audit(self.auditor.records(events, Instant::now())));
    }

    fn put(&self, line: Line) {
        if self.queue.try_send(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what was said is written, at most `limit`.
    pub fn flush(&self, limit: Duration) {
        let (tell, told) = sync_channel(1);
        if self.queue.try_send(Line::Flush(tell)).is_ok() {
            let _ = told.recv_timeout(limit);
        }
    }
}

/// The log of a folder, opened for a child's standard error.
#[must_use]
pub fn log_file(folder: &Path) -> Option<File> {
    BoundedFile::new(folder.join(state::LOG), FILE_LIMIT).into_file()
}

struct Sink {
    log: Option<BoundedFile>,
    audit: Option<BoundedFile>,
    native: Native,
    name: String,
    to_stderr: bool,
    lost: std::sync::Arc<AtomicU64>,
}

impl Sink {
    fn run(mut self, lines: &Receiver<Line>) {
        while let Ok(line) = lines.recv() {
            match line {
                Line::Log(text) => self.write_log(&text),
                Line::Audit(records) => self.write_audit(&records),
                Line::Flush(tell) => {
                    let _ = tell.send(());
                }
            }
            let lost = self.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                let now = time::rfc3339(SystemTime::now());
                let told = format!("{now} warn: {lost} lines of log or audit were lost\n");
                if !self.put_into_log(&told) {
                    // Told with the next line, if there is room by then.
                    self.lost.fetch_add(lost, Ordering::Relaxed);
                }
            }
        }
    }

    /// The file first: it is what counts.
    fn write_audit(&mut self, records: &[Record]) {
        if let Some(audit) = &mut self.audit {
            let lines: String = records.iter().map(Record::line).collect();
            if !audit.append(lines.as_bytes()) {
                let lost = u64::try_from(records.len()).unwrap_or(u64::MAX);
                self.lost.fetch_add(lost, Ordering::Relaxed);
            }
        }
        self.native.send(&self.name, records);
    }

    fn write_log(&mut self, text: &str) {
        if !self.put_into_log(text) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether it is there; where there is no place for a log, nothing is missed.
    fn put_into_log(&mut self, text: &str) -> bool {
        if self.to_stderr {
            return std::io::stderr().write_all(text.as_bytes()).is_ok();
        }
        match &mut self.log {
            Some(log) => log.append(text.as_bytes()),
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_reach_their_files_without_control_characters() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("socket");
        let systemds = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
        let journal = Journal::start_with(Some(dir.path()), false, "/m", &socket).unwrap();
        let event = AuditEvent {
            pid: 0,
            uid: 1000,
            file: "a".into(),
            version: 1,
            errno: 0,
            time_ms: 0,
        };
        journal.log("warn", "one\nline \x1b[31mred");
        journal.audit(&[event]);
        journal.flush(Duration::from_secs(10));
        let log = std::fs::read_to_string(dir.path().join(state::LOG)).unwrap();
        assert_eq!(log.lines().count(), 1);
        assert!(log.contains(" warn /m: one line  [31mred"), "{log}");
        let audit = std::fs::read_to_string(dir.path().join(state::AUDIT)).unwrap();
        assert_eq!(audit.lines().count(), 1);
        assert!(audit.contains("\"file\":\"a\"") && audit.ends_with('\n'));
        let mut entry = [0; 4096];
        systemds.set_nonblocking(true).unwrap();
        let length = systemds.recv(&mut entry).unwrap();
        let entry = String::from_utf8_lossy(&entry[..length]);
        assert!(
            entry.contains("\nSECRETFS_MOUNTPOINT=/m\nSECRETFS_FILE=a\n"),
            "{entry}"
        );
    }

    #[test]
    fn what_does_not_fit_is_counted_and_nobody_waits() {
        let (queue, lines) = sync_channel(1);
        let lost = std::sync::Arc::new(AtomicU64::new(0));
        let journal = Journal {
            queue,
            lost: std::sync::Arc::clone(&lost),
            name: String::new(),
            auditor: Auditor::default(),
        };
        for _ in 0..10 {
            journal.log("info", "x");
        }
        assert_eq!(lost.load(Ordering::Relaxed), 9);
        drop(lines);
    }
}

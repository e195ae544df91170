//! `secretfs audit`: who opened what, when, with which result, from the lines that the mount-helpers
//! write. It names processes and files, and has never held a value.

use crate::args::AuditArgs;
use crate::error::{CliError, Status};
use crate::output::{errno_name, print, show};
use crate::screen::wrap::sentence;
use crate::screen::{Line, Look, Style, columns};
use secretfs_mount_helper::place::state;
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often `--follow` looks.
const PERIOD: Duration = Duration::from_millis(250);

/// The longest result.
const RESULT: usize = "EHOSTUNREACH".len();

/// A line of the audit (product.md, "Places and formats"). What a later version adds is not shown.
#[derive(Debug, Deserialize)]
struct Event {
    time: String,
    pid: u32,
    exe: Option<String>,
    uid: u32,
    file: String,
    errno: i32,
}

/// Runs the command.
pub(crate) fn run(args: &AuditArgs) -> Result<(), CliError> {
    let folder = state::folder().ok_or_else(|| {
        CliError::new(
            Status::Other,
            "cannot tell where the audit is: HOME is not set to an absolute path",
            "set HOME",
        )
    })?;
    let file = folder.join(state::AUDIT);
    let shown = Shown {
        json: args.json,
        look: Look::of_stdout(),
        us: rustix::process::geteuid().as_raw(),
    };
    let mut older = file.clone().into_os_string();
    older.push(".1");
    // What was moved away when the file was full.
    let mut tail = Tail::of(PathBuf::from(older));
    let mut text = shown.lines(&tail.read()?);
    tail = Tail::of(file);
    text.push_str(&shown.lines(&tail.read()?));
    if text.is_empty() && !args.follow {
        let help = "it is kept where the map does not say `audit: false`";
        crate::output::warn(
            &format!("nothing was opened yet, says {}", show(&tail.path)),
            help,
        );
        return Ok(());
    }
    print(text)?;
    if !args.follow {
        return Ok(());
    }
    loop {
        std::thread::sleep(PERIOD);
        let text = shown.lines(&tail.read()?);
        if !text.is_empty() {
            print(text)?;
        }
    }
}

/// How a line is shown.
struct Shown {
    json: bool,
    look: Look,
    /// This user, whose opens are most of them.
    us: u32,
}

impl Shown {
    fn lines(&self, lines: &[String]) -> String {
        lines.iter().filter_map(|line| self.line(line)).collect()
    }

    /// `None`: it is no line of ours, or one that was being written when the disk was full.
    fn line(&self, line: &str) -> Option<String> {
        let event: Event = serde_json::from_str(line).ok()?;
        if self.json {
            return Some(format!("{}\n", line.trim_end()));
        }
        let (style, result) = match event.errno {
            0 => (Style::Good, "opened".to_owned()),
            errno => (Style::Bad, errno_name(errno)),
        };
        let by = event.exe.as_deref().unwrap_or("a program that has ended");
        let pid = event.pid;
        let who = match event.uid {
            uid if uid == self.us => format!("pid {pid}"),
            uid => format!("pid {pid}, uid {uid}"),
        };
        // Whole seconds, as in the log of every other program. `--json` has all of it.
        let time = event
            .time
            .split_once('.')
            .map_or_else(|| event.time.clone(), |(seconds, _)| format!("{seconds}Z"));
        let lead = Line::of(Style::Dim, &time)
            .with(Style::Plain, "  ")
            .with(style, &result);
        let lead = lead.up_to(columns(&time) + 2 + RESULT + 2);
        let told = format!("{}  by {by} ({who})", event.file);
        let lines = sentence(lead, &told, self.look.width);
        Some(crate::output::text(&lines, self.look.paint))
    }
}

/// A file that grows, and is replaced when it is full.
struct Tail {
    path: PathBuf,
    open: Option<(BufReader<File>, u64)>,
    /// The beginning of a line whose end is not written yet.
    rest: String,
}

impl Tail {
    fn of(path: PathBuf) -> Self {
        Self {
            path,
            open: None,
            rest: String::new(),
        }
    }

    /// The whole lines that were written since.
    fn read(&mut self) -> Result<Vec<String>, CliError> {
        let mut lines = Vec::new();
        self.drain(&mut lines)?;
        // Moved away since: what was in it is read, and the new one follows.
        if self.is_replaced() {
            self.rest.clear();
            self.open = None;
            self.drain(&mut lines)?;
        }
        Ok(lines)
    }

    fn drain(&mut self, lines: &mut Vec<String>) -> Result<(), CliError> {
        if self.open.is_none() {
            self.open = open(&self.path)?;
        }
        let Some((reader, _)) = &mut self.open else {
            return Ok(());
        };
        loop {
            let mut bytes = Vec::new();
            let read = reader.read_until(b'\n', &mut bytes);
            if read.map_err(|error| unreadable(&self.path, &error))? == 0 {
                return Ok(());
            }
            self.rest.push_str(&String::from_utf8_lossy(&bytes));
            if bytes.ends_with(b"\n") {
                lines.push(std::mem::take(&mut self.rest));
            }
        }
    }

    fn is_replaced(&self) -> bool {
        let named = std::fs::metadata(&self.path).map(|named| named.ino()).ok();
        matches!((&self.open, named), (Some((_, held)), Some(named)) if *held != named)
    }
}

fn open(path: &Path) -> Result<Option<(BufReader<File>, u64)>, CliError> {
    match File::open(path) {
        Ok(file) => {
            let inode = file.metadata().map(|metadata| metadata.ino());
            let inode = inode.map_err(|error| unreadable(path, &error))?;
            Ok(Some((BufReader::new(file), inode)))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> CliError {
    CliError::new(
        Status::Other,
        format!("cannot read the audit {}: {error}", show(path)),
        "see that the file is yours",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const LINE: &str = r#"{"time":"2026-11-22T21:10:06.123Z","pid":7,"exe":"/usr/bin/kubectl","uid":1000,"file":"kubeconfig","version":3,"errno":0}"#;

    fn plain(json: bool) -> Shown {
        Shown {
            json,
            look: Look::PLAIN,
            us: 1000,
        }
    }

    #[test]
    fn a_line_says_when_what_and_by_whom() {
        assert_eq!(
            plain(false).line(LINE).expect("a line"),
            "2026-11-22T21:10:06Z  opened        kubeconfig  by /usr/bin/kubectl (pid 7)\n"
        );
        let refused = LINE
            .replace("\"errno\":0", "\"errno\":13")
            .replace("\"uid\":1000", "\"uid\":0")
            .replace("\"/usr/bin/kubectl\"", "null");
        assert_eq!(
            plain(false).line(&refused).expect("a line"),
            "2026-11-22T21:10:06Z  EACCES        kubeconfig  by a program that has ended (pid 7, uid 0)\n"
        );
        assert_eq!(plain(true).line(LINE), Some(format!("{LINE}\n")));
    }

    #[test]
    fn what_is_no_whole_line_is_left_out_and_no_control_character_reaches_the_terminal() {
        assert_eq!(plain(false).line("{\"time\":\"2026"), None);
        let hostile = LINE.replace("kubeconfig", "a\\u001b[31m");
        let shown = plain(false).line(&hostile).expect("a line");
        assert!(!shown.contains('\x1b'), "{shown:?}");
    }

    #[test]
    fn a_file_that_grows_and_is_replaced_is_read_line_by_line() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("audit.jsonl");
        let mut tail = Tail::of(path.clone());
        assert_eq!(tail.read().expect("nothing yet"), Vec::<String>::new());
        let mut file = File::create(&path).expect("a file");
        file.write_all(b"one\ntw").expect("written");
        assert_eq!(tail.read().expect("read"), ["one\n"]);
        file.write_all(b"o\n").expect("written");
        file.write_all(b"three\n").expect("written");
        std::fs::rename(&path, dir.path().join("audit.jsonl.1")).expect("moved");
        std::fs::write(&path, b"four\n").expect("written");
        assert_eq!(tail.read().expect("read"), ["two\n", "three\n", "four\n"]);
    }
}

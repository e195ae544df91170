//! Asks the program `scanner`, which runs as root and outside of what it looks at.

use super::marker::Pattern;
use super::scan::{self, Report};
use super::swap;
use crate::fixture::Fixture;
use crate::place::link_executable;
use crate::{user, wait};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

/// What to look at, and for what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// The processes.
    pub pids: Vec<u32>,
    /// The patterns.
    pub patterns: Vec<Pattern>,
    /// Stop each while it is looked at, and let it go on.
    pub stop: bool,
    /// Push everything of it out into the swap first.
    pub push_out: bool,
}

/// What the program answers.
#[must_use]
pub fn answer(request: &Request) -> Vec<Result<Report, String>> {
    let look = |pid: &u32| {
        if request.stop {
            stop(*pid);
        }
        if request.push_out {
            swap::push_out(*pid).map_err(|error| format!("process {pid}: {error}"))?;
        }
        let report = scan::process(*pid, &request.patterns);
        if request.stop {
            let _ = kill_process(id(*pid), Signal::CONT);
        }
        report.map_err(|error| format!("process {pid}: {error}"))
    };
    request.pids.iter().map(look).collect()
}

fn id(pid: u32) -> Pid {
    let raw = i32::try_from(pid).expect("a process id");
    Pid::from_raw(raw).expect("a process id")
}

/// Stops a process, and waits until none of its threads runs.
fn stop(pid: u32) {
    if kill_process(id(pid), Signal::STOP).is_err() {
        return;
    }
    wait::until("every thread has stopped", || {
        let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
            return Some(());
        };
        let stopped = |path: std::path::PathBuf| {
            std::fs::read_to_string(path.join("stat"))
                .ok()
                .and_then(|stat| Some(stat.rsplit_once(") ")?.1.starts_with(['T', 't', 'Z', 'X'])))
                .unwrap_or(true)
        };
        threads
            .flatten()
            .all(|thread| stopped(thread.path()))
            .then_some(())
    });
}

/// The running program.
#[derive(Debug)]
pub struct Scanner {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Scanner {
    /// Starts it.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start(fixture: &Fixture) -> Self {
        let program = link_executable("scanner", &fixture.path(""));
        let mut child = user::privileged(program.to_str().expect("UTF-8"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the scanner");
        Self {
            to: child.stdin.take(),
            from: BufReader::new(child.stdout.take().expect("a pipe")),
            child,
        }
    }

    /// Looks at processes as they run.
    ///
    /// # Panics
    /// One of them is gone.
    pub fn look(&mut self, pids: &[u32], patterns: &[Pattern]) -> Report {
        self.ask(pids, patterns, false, false)
    }

    /// Pushes everything of processes out that the kernel lets go, and looks at them.
    ///
    /// # Panics
    /// One of them is gone.
    pub fn push_out_and_look(&mut self, pids: &[u32], patterns: &[Pattern]) -> Report {
        self.ask(pids, patterns, false, true)
    }

    /// Looks at processes while each is stopped.
    ///
    /// # Panics
    /// One of them is gone.
    pub fn stop_and_look(&mut self, pids: &[u32], patterns: &[Pattern]) -> Report {
        self.ask(pids, patterns, true, false)
    }

    fn ask(&mut self, pids: &[u32], patterns: &[Pattern], stop: bool, push_out: bool) -> Report {
        let request = Request {
            pids: pids.to_vec(),
            patterns: patterns.to_vec(),
            stop,
            push_out,
        };
        let line = serde_json::to_string(&request).expect("a request");
        writeln!(self.to.as_mut().expect("a pipe"), "{line}").expect("the scanner listens");
        let mut answer = String::new();
        self.from.read_line(&mut answer).expect("an answer");
        let reports: Vec<Result<Report, String>> =
            serde_json::from_str(&answer).expect("a report for each");
        let mut whole = Report::default();
        for report in reports {
            let report = report.expect("a process that can be looked at");
            whole.findings.extend(report.findings);
            whole.read += report.read;
            whole.unreadable += report.unreadable;
        }
        assert!(whole.read > 0, "nothing was read");
        whole
    }
}

impl Drop for Scanner {
    fn drop(&mut self) {
        self.to = None;
        let _ = self.child.wait();
    }
}

//! `status --watch`, on real terminals and in pipes, of real mounts.

use crate::scripted::Scripted;
use secretfs_tests::fixture::{Fixture, MARKER, value};
use secretfs_tests::terminal::Terminal;
use secretfs_tests::{system, wait};
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

/// What takes a terminal over, and what gives it back.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

fn watch(fixture: &Fixture) -> String {
    format!("{} status --watch", fixture.path("secretfs").display())
}

/// The watch on a terminal, between two looks at the terminal's modes.
fn between_looks(fixture: &Fixture) -> Terminal {
    let line = format!(
        "trap : INT QUIT TSTP; stty -g; {}; echo status=$?; stty -g",
        watch(fixture)
    );
    let terminal = Terminal::start(fixture, (80, 24), &line);
    terminal.until("q quits");
    terminal
}

/// It ended with this status, and the terminal is as it was.
fn is_as_before(terminal: Terminal, status: i32) {
    let (_, shown) = terminal.end();
    assert!(shown.contains(ENTER), "{shown:?}");
    let (_, after) = shown.split_once(LEAVE).expect("given back");
    let after: Vec<_> = after.lines().collect();
    assert_eq!(after[0], format!("status={status}"), "{shown:?}");
    assert_eq!(shown.lines().next(), Some(after[1]), "the modes");
    assert!(!shown.contains(MARKER));
}

#[test]
fn the_screen_follows_the_mount_and_q_gives_the_terminal_back() {
    let mount = Scripted::with_value(value("a", 64));
    let mut terminal = between_looks(&mount);
    terminal.forget();
    mount.read("a").expect("the value");
    let shown = terminal.until("cached    ");
    assert!(!shown.contains("\x1b[2J"), "in place: {shown:?}");
    terminal.forget();
    mount.run(["lock"]);
    terminal.until("1 locked");
    terminal.forget();
    mount.run(["unmount", "--all"]);
    terminal.until("nothing is mounted");
    terminal.forget();
    mount.mount();
    terminal.until("serving");
    terminal.press("q");
    is_as_before(terminal, 0);
}

#[test]
fn signals_end_the_watch_with_their_status_and_the_terminal_as_it_was() {
    let mount = Scripted::with_value(value("a", 64));
    let mut terminal = between_looks(&mount);
    terminal.press("\x03");
    is_as_before(terminal, 130);
    for (signal, status) in [("TERM", 143), ("HUP", 129), ("QUIT", 131)] {
        let terminal = between_looks(&mount);
        let is_it = |process: &system::Process| process.args.iter().any(|arg| arg == "--watch");
        let all = mount.processes();
        let found = all.iter().find(|process| is_it(process));
        system::signal(found.unwrap_or_else(|| panic!("{all:?}")).pid, signal);
        is_as_before(terminal, status);
    }
}

#[test]
fn a_terminal_of_another_size_is_drawn_anew_and_nothing_is_wrapped() {
    let entries: Vec<_> = (0..40)
        .map(|i| format!("{{name: N{i}, file: a/rather/long/name/of-a-file-{i}}}"))
        .collect();
    let entries: Vec<_> = entries.iter().map(String::as_str).collect();
    let mount = Scripted::mounted("", &entries);
    let mut terminal = between_looks(&mount);
    for (columns, rows) in [(40, 12), (140, 40), (25, 5)] {
        terminal.forget();
        terminal.resize(&mount, (columns, rows));
        // Its rows and its columns may change one after the other, with a frame between.
        wait::until("a frame of this size", || {
            let shown = terminal.shown();
            let (_, frame) = shown.rsplit_once("\x1b[H")?;
            let frame = frame.replace("\x1b[2J", "").replace("\x1b[K", "");
            let lines: Vec<_> = frame.split("\r\r\n").collect();
            let fits = |line: &&str| line.chars().count() <= usize::from(columns);
            let all = lines.len() == usize::from(rows) && lines.iter().all(fits);
            (all && frame.contains(" more ")).then_some(())
        });
    }
    terminal.press("q");
    is_as_before(terminal, 0);
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() {
    let mount = Scripted::with_value(value("a", 64));
    let mut terminal = Terminal::start(&mount, (80, 24), "exec bash --norc --noprofile -i");
    terminal.press(&format!("{}; echo status=$?\n", watch(&mount)));
    terminal.until("q quits");
    terminal.forget();
    terminal.press("\x1a");
    let shown = terminal.until("Stopped");
    assert!(shown.contains(LEAVE), "{shown:?}");
    terminal.forget();
    terminal.press("fg\n");
    let shown = terminal.until("q quits");
    assert!(shown.contains(ENTER), "{shown:?}");
    // What is typed after it is for the shell.
    terminal.press("qexit\n");
    let (_, shown) = terminal.end();
    assert!(shown.ends_with("exit\r\n"), "{shown:?}");
}

#[test]
fn without_job_control_ctrl_z_stops_nothing_as_nobody_could_go_on_with_it() {
    let mount = Scripted::with_value(value("a", 64));
    let mut terminal = between_looks(&mount);
    terminal.forget();
    terminal.press("\x1a");
    terminal.until("q quits");
    terminal.press("q");
    let (_, shown) = terminal.end();
    assert!(shown.contains("status=0"), "{shown:?}");
}

#[test]
fn a_mount_that_hangs_is_shown_as_one_and_the_others_go_on() {
    let mount = Scripted::with_value(value("a", 64));
    let other = mount.path("home/other");
    let other = other.to_str().expect("UTF-8");
    mount.run(["mount", other]);
    let mut terminal = between_looks(&mount);
    let status: serde_json::Value =
        serde_json::from_str(&mount.run(["status", "--json", other])).expect("JSON");
    let helper = status["mounts"][0]["pid"].as_u64().expect("a process");
    system::signal(u32::try_from(helper).expect("a process"), "STOP");
    terminal.until("1 without an answer");
    mount.read("a").expect("the value");
    terminal.until("1 cached");
    // Asked all at once: one that hangs does not make the others late.
    let text = mount.run(["status"]);
    assert!(text.contains("~/other  no answer\n"), "{text}");
    system::signal(u32::try_from(helper).expect("a process"), "CONT");
    terminal.forget();
    terminal.until("2 mounts, 2 files");
    terminal.press("q");
    is_as_before(terminal, 0);
}

#[test]
fn in_a_pipe_each_change_is_a_line_of_json_until_nobody_reads() {
    let mount = Scripted::with_value(value("a", 64));
    let mut child = mount
        .secretfs(["status", "--watch", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("secretfs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next = || -> serde_json::Value {
        let line = lines.next().expect("a line").expect("text");
        serde_json::from_str(&line).expect("JSON")
    };
    assert_eq!(next()["mounts"][0]["files"][0]["cached"], false);
    mount.read("a").expect("the value");
    while next()["mounts"][0]["files"][0]["cached"] != true {}
    mount.run(["unmount", "--all"]);
    while next()["mounts"] != serde_json::json!([]) {}
    drop(lines);
    let status = wait::until("it ends", || child.try_wait().expect("its end"));
    assert_eq!(status.code(), Some(0));
}

#[test]
fn in_a_pipe_each_change_is_a_status_with_its_time() {
    let mount = Scripted::with_value(value("a", 64));
    let mut child = mount
        .secretfs(["status", "--watch"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("secretfs");
    let mut out = child.stdout.take().expect("a pipe");
    let mut text = String::new();
    let mut until = |what: &str| {
        while !text.contains(what) {
            let mut byte = [0];
            out.read_exact(&mut byte).expect("more of it");
            text.push(char::from(byte[0]));
        }
        std::mem::take(&mut text)
    };
    assert!(until("serving\n").starts_with("-- 20"));
    mount.read("a").expect("the value");
    until("\n-- 20");
    until("  a     cached");
    system::signal(child.id(), "TERM");
    assert_eq!(
        child.wait().expect("its end").code(),
        None,
        "as anything in a pipe"
    );
}

//! Programs through a stand-in that writes down how it was run.

use super::*;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// A folder with a program `infisical` that is this script.
fn stand_in(script: &str) -> (TempDir, Programs) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(infisical::PROGRAM);
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o700)).unwrap();
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    let environment = BTreeMap::from([("HOME", dir.path().into()), ("PATH", OsString::from(path))]);
    let programs = Programs::with(environment, Path::new("/nowhere/at/all"));
    (dir, programs)
}

async fn run(programs: &Programs) -> (Vec<u8>, ProgramEnd) {
    let (run, stdout) = programs.start(infisical::token(), None).await.unwrap();
    let mut stdout = pipe::Receiver::from_owned_fd(stdout).unwrap();
    let mut bytes = Vec::new();
    stdout.read_to_end(&mut bytes).await.unwrap();
    (bytes, programs.end(run).await.unwrap())
}

fn text(path: &Path) -> String {
    let mut text = String::new();
    File::open(path).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn what_a_program_prints_arrives_as_it_is_with_its_end() {
    let (_dir, programs) = stand_in("printf 'a\\0b\\n'");
    assert_eq!(run(&programs).await, (b"a\0b\n".to_vec(), ProgramEnd::Done));
}

#[tokio::test]
async fn a_program_is_given_its_own_arguments_an_empty_input_and_little_environment() {
    let (dir, programs) = stand_in(
        "printf '%s\\n' \"$@\" >\"$HOME/args\"; /usr/bin/env | /usr/bin/cut -d= -f1 | /usr/bin/sort >\"$HOME/env\"; \
         pwd >\"$HOME/pwd\"; cat >\"$HOME/stdin\"; cut -d' ' -f5 /proc/self/stat >\"$HOME/group\"; echo $$ >\"$HOME/pid\"; ls /proc/self/fd | wc -l >\"$HOME/fds\"",
    );
    assert_eq!(run(&programs).await.1, ProgramEnd::Done);
    let read = |name: &str| text(&dir.path().join(name));
    assert_eq!(
        read("args"),
        "user\nget\ntoken\n--plain\n--silent\n--telemetry=false\n"
    );
    let own = ["OLDPWD", "PWD", "SHLVL", "_"];
    let given = read("env");
    let given: Vec<_> = given.lines().filter(|name| !own.contains(name)).collect();
    assert_eq!(given, ["HOME", "INFISICAL_DISABLE_UPDATE_CHECK", "PATH"]);
    assert_eq!((read("pwd").as_str(), read("stdin").as_str()), ("/\n", ""));
    assert_eq!(read("group"), read("pid"), "a process group of its own");
    // What whoever runs the tests left open is in both.
    let plain = std::process::Command::new("/bin/sh")
        .args(["-c", "ls /proc/self/fd | wc -l"])
        .output();
    let plain = String::from_utf8(plain.unwrap().stdout).unwrap();
    assert_eq!(read("fds"), plain);
}

#[tokio::test]
async fn a_failure_is_told_by_the_start_of_the_complaint_and_the_complaint_is_not() {
    for (script, expected) in [
        (
            "echo 'To login, run [infisical login]' >&2; exit 1",
            ProgramEnd::SignedOut,
        ),
        ("echo 'no such host' >&2; exit 1", ProgramEnd::Failed),
        ("exit 1", ProgramEnd::Failed),
        // Beyond what is looked at; and more than a pipe holds, which must not stop it.
        (
            "head -c 200000 /dev/zero | tr '\\0' x >&2; echo 'infisical login' >&2; exit 1",
            ProgramEnd::Failed,
        ),
        ("kill -KILL $$", ProgramEnd::Failed),
    ] {
        let (_dir, programs) = stand_in(script);
        assert_eq!(run(&programs).await.1, expected, "{script}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_enoent() {
    let (dir, programs) = stand_in("");
    std::fs::remove_file(dir.path().join(infisical::PROGRAM)).unwrap();
    let started = programs.start(infisical::token(), None).await;
    assert_eq!(started.err(), Some(Errno::NOENT));
}

#[tokio::test]
async fn no_more_than_two_run_at_once() {
    let (dir, programs) = stand_in("read -r go <\"$HOME/go\"; echo \"$go\"");
    let fifo = dir.path().join("go");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    let mut go = File::options().read(true).write(true).open(&fifo).unwrap();
    let mut running = Vec::new();
    for _ in 0..AT_ONCE {
        running.push(programs.start(infisical::token(), None).await.unwrap());
    }
    let third = {
        let programs = programs.clone();
        tokio::spawn(async move { programs.start(infisical::token(), None).await })
    };
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!third.is_finished());
    assert_eq!(programs.turns.available_permits(), 0);
    go.write_all(b"go\ngo\ngo\n").unwrap();
    running.push(third.await.unwrap().unwrap());
    for (run, _stdout) in running {
        assert_eq!(programs.end(run).await, Ok(ProgramEnd::Done));
    }
    assert_eq!(programs.turns.available_permits(), AT_ONCE);
}

#[tokio::test]
async fn at_a_lock_programs_and_their_children_are_killed() {
    let (dir, programs) = stand_in("sleep 600 & echo $! >\"$HOME/child\"; echo ready; wait");
    let (run, stdout) = programs.start(infisical::token(), None).await.unwrap();
    let mut stdout = pipe::Receiver::from_owned_fd(stdout).unwrap();
    let mut line = [0; 6];
    stdout.read_exact(&mut line).await.unwrap();
    programs.kill_all();
    assert_eq!(programs.end(run).await, Ok(ProgramEnd::TimedOut));
    // The child had the pipe too: it ends only when both are gone.
    let mut rest = Vec::new();
    let read = timeout(Duration::from_secs(10), stdout.read_to_end(&mut rest)).await;
    assert!(read.is_ok());
    assert!(!text(&dir.path().join("child")).is_empty());
}

#[tokio::test]
async fn what_waits_for_its_turn_at_a_lock_is_not_started_after_it() {
    let (dir, programs) = stand_in("echo run >>\"$HOME/runs\"; exec sleep 600");
    let mut running = Vec::new();
    for _ in 0..AT_ONCE {
        running.push(programs.start(infisical::token(), None).await.unwrap());
    }
    let third = {
        let programs = programs.clone();
        tokio::spawn(async move { programs.start(infisical::token(), None).await.err() })
    };
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!third.is_finished());
    programs.kill_all();
    assert_eq!(third.await.unwrap(), Some(Errno::CANCELED));
    for (run, _stdout) in running {
        assert_eq!(programs.end(run).await, Ok(ProgramEnd::TimedOut));
    }
    let runs = std::fs::read_to_string(dir.path().join("runs")).unwrap_or_default();
    assert!(runs.lines().count() <= AT_ONCE, "{runs}");
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_killed() {
    let (dir, programs) = stand_in("exec sleep 600");
    let spec = infisical::token();
    let program = dir.path().join(spec.program);
    let (run, stdout) = run::start(&program, &spec, &programs.environment, None).unwrap();
    let limit = Duration::from_millis(50);
    let end = run.end(limit, programs.stop.subscribe(), &spec.complaints);
    assert_eq!(end.await, ProgramEnd::TimedOut);
    // Nobody has the other end of the pipe any more.
    let mut rest = Vec::new();
    let mut stdout = pipe::Receiver::from_owned_fd(stdout).unwrap();
    let read = timeout(Duration::from_secs(10), stdout.read_to_end(&mut rest)).await;
    assert!(read.is_ok() && rest.is_empty());
}

#[tokio::test]
async fn an_end_is_told_once_and_those_that_nobody_asks_for_are_few() {
    let (_dir, programs) = stand_in("true");
    let mut runs = Vec::new();
    for _ in 0..ENDS + 4 {
        let (run, stdout) = programs.start(infisical::token(), None).await.unwrap();
        drop(stdout);
        runs.push(run);
    }
    assert_eq!(programs.runs().ends.len(), ENDS);
    assert_eq!(programs.end(runs[0]).await, Err(Errno::INVAL));
    let last = *runs.last().unwrap();
    assert_eq!(programs.end(last).await, Ok(ProgramEnd::Done));
    assert_eq!(programs.end(last).await, Err(Errno::INVAL));
}

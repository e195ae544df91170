//! What the command gets, and that its mount ends with it.

use super::{folder, home, nothing_is_left, output, prints, probe, run};
use secretfs_tests::fixture::{Fixture, told};
use secretfs_tests::{system, wait};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

#[test]
fn a_command_reads_its_files_and_its_mount_ends_with_it() {
    let fixture = home();
    let script = "cat \"$A_FILE\" \"$B_FILE\"; echo \"$B_FILE\" $$";
    let said = prints(&fixture, &[], script);
    let (values, place) = said
        .rsplit_once('\n')
        .expect("lines")
        .0
        .rsplit_once('\n')
        .expect("lines");
    assert_eq!(values, "value-avalue-b");
    let (file, pid) = place.split_once(' ').expect("two words");
    let expected = folder(&fixture).join(pid).join("deep/b");
    assert_eq!(file, expected.to_str().expect("UTF-8"));
    nothing_is_left(&fixture);
}

#[test]
fn the_command_has_no_child_that_it_did_not_start() {
    let fixture = home();
    // The shell itself reads: a program would be a child of it.
    let script = "read children < /proc/$$/task/$$/children; echo \"[$children]\"; cat \"$A_FILE\"";
    assert_eq!(prints(&fixture, &[], script), "[]\nvalue-a");
    nothing_is_left(&fixture);
}

#[test]
fn the_exit_status_and_a_signal_are_the_command_s_own() {
    let fixture = home();
    let status = |words: &[&str]| output(&fixture, &[], words).status;
    assert_eq!(status(&["sh", "-c", "exit 9"]).code(), Some(9));
    assert_eq!(
        status(&["sh", "-c", "kill -USR1 $$"]).signal(),
        Some(libc::SIGUSR1)
    );
    nothing_is_left(&fixture);
}

#[test]
fn what_cannot_be_run_ends_as_in_a_shell_before_anything_is_mounted() {
    let fixture = home();
    // Nobody is asked for a passphrase either: there would be none.
    let fails = |status, word: &str| fixture.fails(status, ["run", "--", word]);
    let said = fails(127, "no-such-program");
    assert!(
        said.starts_with("error: cannot run no-such-program: there is no such program\nhelp: "),
        "{said}"
    );
    let said = fails(126, "/etc/passwd");
    assert!(
        said.starts_with("error: cannot run /etc/passwd: "),
        "{said}"
    );
    assert!(fixture.processes().is_empty());
}

#[test]
fn a_command_without_its_credential_runs_and_is_told_what_is_missing() {
    let fixture = home();
    let words = ["run", "--", "sh", "-c", "cat \"$A_FILE\"; exit 3"];
    let output = fixture.secretfs(words).output().expect("secretfs");
    assert_eq!(output.status.code(), Some(3));
    let said = told(&output);
    assert!(
        said.contains("passphrase of") && said.contains("Required key not available"),
        "{said}"
    );
    nothing_is_left(&fixture);
}

#[test]
fn a_wrong_passphrase_ends_with_4_and_the_command_is_not_started() {
    let fixture = home();
    let wrong = fixture.path("wrong");
    fixture.write(&wrong, b"nonsense\n");
    let said = fixture.fails(
        4,
        [
            "run",
            "--passphrase-file",
            wrong.to_str().expect("UTF-8"),
            "--",
            "echo",
            "started",
        ],
    );
    assert!(!said.contains("started"));
    assert!(fixture.processes().is_empty());
}

#[test]
fn only_the_named_entries_are_shown_and_no_other_vault_is_opened() {
    let fixture = home();
    let map = std::fs::read_to_string(fixture.map()).expect("the map");
    let map = map.replace(
        "providers: {",
        "providers: {other: {type: local, file: /nonexistent/vault}, ",
    );
    let map = map
        .replace(
            "{name: A,",
            "{name: C, file: c, provider: other}\n  - {provider: v, name: A,",
        )
        .replace("{name: B,", "{provider: v, name: B,");
    fixture.write_map(&map);
    let script = "ls \"${A_FILE%/a}\"; echo \"${B_FILE-unset}\"";
    assert_eq!(
        prints(&fixture, &["--only", "A_FILE"], script),
        "a\nunset\n"
    );
    let script = "cd \"${B_FILE%/deep/b}\"; find . -type f | sort";
    assert_eq!(
        prints(&fixture, &["--only", "a,deep/b"], script),
        "./a\n./deep/b\n"
    );
    let said = fixture.fails(2, ["run", "--only", "A_FIL", "--", "true"]);
    assert_eq!(
        said,
        "error: no entry of the map is called `A_FIL`\nhelp: did you mean `A_FILE`?\n"
    );
    nothing_is_left(&fixture);
}

#[test]
fn a_map_that_is_saved_shows_no_more_than_was_named() {
    let fixture = home();
    let (mut probe, place) = probe(&fixture, &["--only", "a"]);
    assert_eq!(probe.list(&place), ["a"]);
    let map = std::fs::read_to_string(fixture.map()).expect("the map");
    fixture.write_map(&map.replace("file: a,", "file: a, mode: '0400',"));
    wait::until("the map was read again", || {
        (probe.stat(place.join("a")).mode & 0o777 == 0o400).then_some(())
    });
    assert_eq!(probe.list(&place), ["a"]);
}

#[test]
fn a_lock_seals_the_files_although_the_map_says_unmount_and_unlock_serves_them_again() {
    let fixture = home();
    let (mut probe, place) = probe(&fixture, &[]);
    assert_eq!(probe.slurp(place.join("a")), Ok(b"value-a".to_vec()));
    fixture.run(["lock", "--all"]);
    assert_eq!(probe.slurp(place.join("a")), Err(libc::ENOKEY));
    let passphrase = fixture.path("passphrase");
    fixture.run([
        "unlock",
        "--all",
        "--passphrase-file",
        passphrase.to_str().expect("UTF-8"),
    ]);
    assert_eq!(probe.slurp(place.join("a")), Ok(b"value-a".to_vec()));
    drop(probe);
    nothing_is_left(&fixture);
}

#[test]
fn a_command_that_is_killed_leaves_nothing() {
    let fixture = home();
    let (mut probe, place) = probe(&fixture, &[]);
    let fd = probe.open(place.join("a"));
    assert_eq!(probe.pread(fd, 0, 7), b"value-a");
    system::signal(probe.pid(), "KILL");
    probe.ended_within(wait::PATIENCE);
    nothing_is_left(&fixture);
}

#[test]
fn a_helper_that_is_killed_leaves_no_mount_and_no_folder_to_a_command_that_goes_on() {
    let fixture = home();
    let (mut probe, place) = probe(&fixture, &[]);
    assert_eq!(probe.slurp(place.join("a")), Ok(b"value-a".to_vec()));
    system::signal(fixture.process("internal-mount-helper").pid, "KILL");
    nothing_is_left(&fixture);
    assert_eq!(probe.try_open(place.join("a")), Err(libc::ENOENT));
}

#[test]
fn a_command_and_a_mount_of_the_same_map_do_not_touch_each_other() {
    let fixture = home();
    fixture.mount();
    assert_eq!(prints(&fixture, &[], "cat \"$A_FILE\""), "value-a");
    wait::until("the command's mount is gone", || {
        system::mounts_below(&folder(&fixture))
            .is_empty()
            .then_some(())
    });
    assert_eq!(fixture.read("a"), Ok(b"value-a".to_vec()));
    // Without a name, commands mean the map's own mountpoint, also while a command runs.
    let (mut probe, place) = probe(&fixture, &[]);
    fixture.run(["unmount"]);
    assert!(!fixture.is_mounted());
    assert_eq!(probe.slurp(place.join("a")), Ok(b"value-a".to_vec()));
}

#[test]
fn the_terminal_is_the_command_s_and_ctrl_c_reaches_it() {
    let fixture = home();
    let line = run(
        &fixture,
        &[],
        &[
            "sh",
            "-c",
            "cat \"$A_FILE\"; tty -s && echo =terminal; exec sleep 600",
        ],
    );
    // The words of the command, quoted for the shell that `script` starts.
    let quoted: Vec<String> = line
        .get_args()
        .map(|word| {
            let word = word.to_str().expect("UTF-8").replace('\'', "'\\''");
            format!("'{word}'")
        })
        .collect();
    let start = quoted
        .iter()
        .position(|word| word.ends_with("/secretfs'"))
        .expect("secretfs");
    let command = format!("exec {}", quoted.get(start..).expect("words").join(" "));
    let mut terminal = fixture
        .command("script")
        .args([
            "--quiet",
            "--return",
            "--flush",
            "--command",
            &command,
            "/dev/null",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script");
    let mut screen = terminal.stdout.take().expect("a pipe");
    let mut shown = Vec::new();
    while !shown.ends_with(b"value-a=terminal") {
        let mut byte = [0];
        assert_eq!(
            screen.read(&mut byte).expect("the terminal"),
            1,
            "{}",
            String::from_utf8_lossy(&shown)
        );
        shown.extend(byte);
    }
    terminal
        .stdin
        .as_mut()
        .expect("a pipe")
        .write_all(b"\x03")
        .expect("Ctrl-C");
    assert_eq!(
        terminal.wait().expect("its end").code(),
        Some(128 + libc::SIGINT)
    );
    nothing_is_left(&fixture);
}

#[test]
fn what_is_left_of_a_run_whose_processes_were_all_killed_is_swept_by_the_next() {
    let fixture = home();
    let stale = folder(&fixture).join("2147483647");
    let made = fixture
        .command("mkdir")
        .args(["-p", "-m", "700"])
        .args([
            fixture.path("run/secretfs"),
            folder(&fixture),
            stale.clone(),
        ])
        .status();
    assert!(made.expect("mkdir").success());
    assert_eq!(prints(&fixture, &[], "cat \"$A_FILE\""), "value-a");
    assert!(!stale.exists());
    nothing_is_left(&fixture);
}

#[test]
fn a_bad_map_ends_with_3_and_the_command_is_not_started() {
    let fixture = Fixture::new();
    fixture.write_map("secrets: [{nmae: A}]\n");
    let said = fixture.fails(3, ["run", "--", "echo", "started"]);
    assert!(said.contains("unknown key `nmae`"), "{said}");
}

//! `secretfs run`: a mount for one command.

mod inject;
mod life;
mod page;
mod private;

use secretfs_tests::fixture::{Fixture, told};
use secretfs_tests::probe::Probe;
use secretfs_tests::system;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A home with a vault of two secrets, A and B, and a map with both.
fn home() -> Fixture {
    let fixture = Fixture::new();
    let mut vault = fixture.vault();
    vault.set("A", b"value-a");
    vault.set("B", b"value-b\n");
    fixture.write_map(&format!(
        "config: {{mountpoint: {:?}}}\nproviders: {{v: {{type: local, file: {:?}}}}}\nsecrets:\n\
         \x20 - {{name: A, file: a, env: A_FILE}}\n  - {{name: B, file: deep/b, env: B_FILE}}\n",
        fixture.mountpoint(),
        vault.file()
    ));
    fixture
}

/// `secretfs run OPTIONS -- WORDS`, with the vault's passphrase.
fn run(fixture: &Fixture, options: &[&str], words: &[&str]) -> Command {
    let passphrase = fixture.path("passphrase");
    let passphrase = passphrase.to_str().expect("UTF-8");
    let mut args = vec!["run", "--passphrase-file", passphrase];
    args.extend(options);
    args.push("--");
    args.extend(words);
    fixture.secretfs(args)
}

fn output(fixture: &Fixture, options: &[&str], words: &[&str]) -> Output {
    run(fixture, options, words).output().expect("secretfs")
}

/// What a shell's script prints, which must end well and without a complaint.
fn prints(fixture: &Fixture, options: &[&str], script: &str) -> String {
    let output = output(fixture, options, &["sh", "-c", script]);
    assert!(output.status.success(), "{}", told(&output));
    assert!(output.stderr.is_empty(), "{}", told(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// A probe that was started by `run`; where its mount is.
fn probe(fixture: &Fixture, options: &[&str]) -> (Probe, PathBuf) {
    let path = fixture.path("probe");
    let probe = Probe::start(run(fixture, options, &[path.to_str().expect("UTF-8")]));
    let place = folder(fixture).join(probe.pid().to_string());
    (probe, place)
}

/// Where the mounts of commands are.
fn folder(fixture: &Fixture) -> PathBuf {
    fixture.path("run/secretfs/run")
}

/// Nothing is left: no process, no mount, no folder, no record.
fn nothing_is_left(fixture: &Fixture) {
    fixture.wait_for_no_process();
    assert!(system::mounts_below(&folder(fixture)).is_empty());
    let left = |path: PathBuf| -> Vec<_> {
        let entries = std::fs::read_dir(path).expect("a folder");
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect()
    };
    assert_eq!(left(folder(fixture)), Vec::<PathBuf>::new());
    let mut records = left(fixture.path("run/secretfs"));
    records.retain(|path| {
        path.extension()
            .is_some_and(|end| end == "json" || end == "sock")
    });
    assert_eq!(records, Vec::<PathBuf>::new());
}

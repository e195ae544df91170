//! The executable as a user and a script meet it: what it prints where, and the exit status.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic is the report of a failure"
)]

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A home of its own, and no mount of anybody.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Self { folder };
        for name in ["home", "run", "home/app"] {
            std::fs::create_dir(home.path(name)).expect("made");
            std::fs::set_permissions(home.path(name), PermissionsExt::from_mode(0o700))
                .expect("0700");
        }
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().expect("real").join(name)
    }

    fn map(&self, text: &str) {
        let path = self.path("home/app/secrets.yml");
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("0600");
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_secretfs"));
        command
            .args(words)
            .current_dir(self.path("home/app"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, words: &[&str]) -> Said {
        Said::from(self.command(words).output().expect("runs"))
    }
}

#[derive(Debug)]
struct Said {
    status: i32,
    stdout: String,
    stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().expect("not killed"),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

/// An error is a line that says what failed, and lines that say what to do; no colour in a pipe.
fn is_an_error(said: &Said, status: i32) {
    assert_eq!(said.status, status, "{said:?}");
    assert_eq!(said.stdout, "", "{said:?}");
    assert!(said.stderr.starts_with("error: "), "{said:?}");
    assert!(said.stderr.contains("help: "), "{said:?}");
    assert!(!said.stderr.contains('\x1b'), "{said:?}");
}

const GOOD: &str = "\
providers:
  vault: {type: local, file: ~/vault.age}
secrets:
  - {name: KUBE_CONFIG, file: kubeconfig, env: KUBECONFIG}
  - {name: OPENAI, file: openai/api-key, env: OPENAI_API_KEY_FILE}
  - {name: OTHER, file: other}
";

#[test]
fn a_wrong_command_line_ends_with_2() {
    let home = Home::new();
    is_an_error(&home.run(&["mount", "--forground"]), 2);
    is_an_error(&home.run(&["nonsense"]), 2);
    is_an_error(&home.run(&["env", "--shell", "tcsh"]), 2);
    assert_eq!(home.run(&[]).status, 2);
}

#[test]
fn help_and_version_end_with_0() {
    let home = Home::new();
    for words in [
        ["--help"].as_slice(),
        &["-h"],
        &["--version"],
        &["env", "--help"],
    ] {
        let said = home.run(words);
        assert_eq!((said.status, said.stderr.as_str()), (0, ""), "{words:?}");
        assert!(!said.stdout.is_empty());
    }
}

#[test]
fn help_fits_80_columns() {
    let home = Home::new();
    let commands = home.run(&["--help"]).stdout;
    let names = commands
        .lines()
        .take_while(|line| *line != "Options:")
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty());
    let names: Vec<_> = names.collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names.into_iter().chain([""]) {
        let words: Vec<_> = [name, "--help"]
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect();
        let help = home.run(&words).stdout;
        assert!(help.contains("Usage: "), "{name}");
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{name}: {line}");
        }
    }
}

#[test]
fn env_prints_the_exports_of_the_map_found_from_here() {
    let home = Home::new();
    home.map(GOOD);
    let said = home.run(&["env", "--shell", "sh"]);
    let at = home.path("home/secrets");
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(
        said.stdout,
        format!(
            "export KUBECONFIG={0}/kubeconfig\nexport OPENAI_API_KEY_FILE={0}/openai/api-key\n",
            at.display()
        )
    );
}

#[test]
fn env_needs_neither_the_mountpoint_nor_the_vault_and_knows_json() {
    let home = Home::new();
    home.map(&format!("config:\n  mountpoint: /nowhere/at all\n{GOOD}"));
    let said = home.run(&["env", "--shell", "json"]);
    let object: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(
        object,
        serde_json::json!({
            "KUBECONFIG": "/nowhere/at all/kubeconfig",
            "OPENAI_API_KEY_FILE": "/nowhere/at all/openai/api-key",
        })
    );
}

#[test]
fn env_of_a_bad_map_prints_nothing_on_stdout_and_ends_with_3() {
    let home = Home::new();
    home.map("secrets:\n  - {nmae: A, file: a, env: LD_PRELOAD}\n");
    is_an_error_of_a_map(&home.run(&["env"]), "nmae");
    is_an_error_of_a_map(&home.run(&["check"]), "nmae");
    home.map("secrets: [");
    is_an_error_of_a_map(&home.run(&["env", "--shell", "json"]), "secrets.yml");
    std::fs::remove_file(home.path("home/app/secrets.yml")).expect("removed");
    is_an_error_of_a_map(&home.run(&["env"]), "there is no map in ");
}

fn is_an_error_of_a_map(said: &Said, word: &str) {
    is_an_error(said, 3);
    assert!(said.stderr.contains(word), "{said:?}");
}

#[test]
fn env_detects_the_shell_that_runs_it() {
    let home = Home::new();
    home.map(GOOD);
    let said = |shell: &[&str]| {
        let mut command = Command::new(shell[0]);
        // Not the last command: a shell would become it.
        let line = format!("{} env; true", env!("CARGO_BIN_EXE_secretfs"));
        let output = command
            .args(&shell[1..])
            .args(["-c", &line])
            .current_dir(home.path("home/app"))
            .env("HOME", home.path("home"))
            .env_remove("SECRETFS_MAP")
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("{} is not installed: {error}", shell[0]));
        String::from_utf8(output.stdout).expect("text")
    };
    assert!(said(&["fish", "--no-config"]).starts_with("set -gx KUBECONFIG "));
    for shell in [["sh"].as_slice(), &["bash", "--norc"], &["zsh", "-f"]] {
        assert!(said(shell).starts_with("export KUBECONFIG="), "{shell:?}");
    }
}

/// Issue of every pipe into `sh`: a hostile map and a hostile home at once.
#[test]
fn env_of_a_hostile_home_evaluated_by_sh_runs_nothing() {
    let home = Home::new();
    let hostile = home.path("home/a'; touch pwned; '$(touch pwned)`touch pwned`\ntouch pwned\n");
    std::fs::create_dir(&hostile).expect("made");
    home.map("providers: {vault: {type: local}}\nsecrets:\n  - {name: A, file: \"it's; $(touch pwned)\", env: A_FILE}\n");
    let output = home
        .command(&["env", "--shell", "sh"])
        .env("HOME", &hostile)
        .output()
        .expect("runs");
    assert!(output.status.success(), "{output:?}");
    let mut script = output.stdout;
    script.extend_from_slice(b"printf %s \"$A_FILE\"\n");
    let file = home.path("script");
    std::fs::write(&file, script).expect("written");
    let output = Command::new("sh")
        .arg(&file)
        .current_dir(home.path("run"))
        .output()
        .expect("sh");
    let expected = hostile.join("secrets/it's; $(touch pwned)");
    assert_eq!(
        Path::new(&String::from_utf8(output.stdout).expect("text")),
        expected
    );
    assert_eq!(
        std::fs::read_dir(home.path("run")).expect("listed").count(),
        0
    );
}

#[test]
fn check_tells_what_a_good_map_has() {
    let home = Home::new();
    home.map(GOOD);
    let said = home.run(&["check"]);
    assert_eq!((said.status, said.stderr.as_str()), (0, ""), "{said:?}");
    assert!(said.stdout.contains("3 entries"), "{said:?}");
}

#[test]
fn without_any_mount_commands_say_so() {
    let home = Home::new();
    for words in [["unmount"].as_slice(), &["lock"], &["unlock"], &["refresh"]] {
        is_an_error(&home.run(words), 6);
    }
    is_an_error(&home.run(&["unmount", "somewhere"]), 6);
    for words in [["unmount", "--all"], ["lock", "--all"], ["unlock", "--all"]] {
        let said = home.run(&words);
        assert_eq!((said.status, said.stderr.as_str()), (0, ""), "{words:?}");
    }
}

#[test]
fn status_without_a_mount_is_an_empty_list_and_0() {
    let home = Home::new();
    let said = home.run(&["status", "--json"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(said.stdout, "{\"version\":1,\"mounts\":[]}\n");
    assert_eq!(home.run(&["status"]).status, 0);
}

#[test]
fn mount_refuses_what_cannot_be_a_mountpoint_with_6() {
    let home = Home::new();
    home.map(GOOD);
    std::fs::write(home.path("home/file"), "").expect("written");
    let file = home.path("home/file");
    is_an_error(&home.run(&["mount", file.to_str().expect("text")]), 6);
    let full = home.path("home/app");
    is_an_error(&home.run(&["mount", full.to_str().expect("text")]), 6);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = Home::new();
    home.map(GOOD);
    for words in [
        ["completions", "bash"].as_slice(),
        &["--help"],
        &["env"],
        &["status"],
        &["status", "--json"],
        &["check"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut child = home
            .command(words)
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        let mut stderr = String::new();
        child
            .stderr
            .take()
            .expect("stderr")
            .read_to_string(&mut stderr)
            .expect("text");
        let status = child.wait().expect("ends");
        assert_eq!(stderr, "", "{words:?}");
        assert_eq!(status.code(), Some(0), "{words:?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_told() {
    let home = Home::new();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let said = home.command(&["completions", "bash"]).stdout(full).output();
    let said = Said::from(said.expect("runs"));
    assert_eq!(said.status, 1);
    assert!(
        said.stderr
            .starts_with("error: cannot write to standard output"),
        "{said:?}"
    );
}

#[test]
fn manual_pages_are_printed_and_written() {
    let home = Home::new();
    let page = home.run(&["man", "vault", "init"]);
    assert!(
        page.stdout.contains(".TH secretfs-vault-init 1"),
        "{page:?}"
    );
    let page = home.run(&["man", "mount.secretfs"]);
    assert!(page.stdout.contains(".TH mount.secretfs 8"), "{page:?}");
    let missing = home.run(&["man", "nonsense"]);
    assert_eq!(missing.status, 2, "{missing:?}");
    let folder = home.path("man1");
    let folder = folder.to_str().expect("text");
    assert_eq!(
        home.run(&["man", "--dir", folder]).status,
        1,
        "it is not there"
    );
    std::fs::create_dir(folder).expect("made");
    let told = home.run(&["man", "--dir", folder]);
    let count = std::fs::read_dir(folder).expect("a folder").count();
    assert!(
        told.stdout.starts_with(&format!("wrote {count} pages to ")),
        "{told:?}"
    );
    assert!(count > 20, "{count}");
}

#[test]
fn completions_are_accepted_by_their_shells() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = home.path("script");
        std::fs::write(&script, home.run(&["completions", shell]).stdout).expect("written");
        let status = Command::new(shell).arg("-n").arg(&script).status();
        assert!(status.expect("installed").success(), "{shell}");
    }
}

#[test]
fn a_name_given_as_argument_zero_changes_nothing() {
    let home = Home::new();
    let said = Said::from(
        home.command(&["--version"])
            .arg0("-secretfs")
            .output()
            .expect("runs"),
    );
    assert!(said.stdout.starts_with("secretfs "), "{said:?}");
}

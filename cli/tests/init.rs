//! `secretfs init` from files, from the command line and from a terminal.
#![expect(clippy::expect_used, reason = "a panic here is the test's report")]

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("text")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .stdin(Stdio::null());
        command
    }

    fn init(&self, words: &[&str]) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_secretfs"));
        command.arg("init").args(words).output().expect("runs")
    }

    /// Ends with this status; what it says.
    fn told(&self, status: i32, words: &[&str]) -> String {
        let output = self.init(words);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        let said = format!("{}{}", text(output.stdout), text(output.stderr));
        assert_eq!(output.status.code(), Some(status), "{words:?}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
        said
    }
}

#[test]
fn a_env_becomes_a_map_that_holds_no_value_and_that_others_cannot_change() {
    let home = Home::new();
    home.write(".env", "A=hunter2\nB='hunter2\nhunter2'\n");
    let said = home.told(0, &["env"]);
    assert!(
        said.starts_with("secrets.yml: 2 entries; `secretfs vault init` makes the vault, "),
        "{said}"
    );
    assert!(
        said.contains(
            "`secretfs vault import .env` puts the values into it, then `secretfs mount`"
        ),
        "{said}"
    );
    let map = home.read("secrets.yml");
    assert!(
        map.contains("- name: B\n") && !map.contains("hunter2"),
        "{map}"
    );
    let mode = home
        .path("secrets.yml")
        .metadata()
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o022, 0);
    // What is there stays, until it is said otherwise.
    home.write(".env", "C=hunter2\n");
    let refused = home.told(3, &["env"]);
    assert!(
        refused.contains("secrets.yml is there already") && refused.contains("--force"),
        "{refused}"
    );
    assert_eq!(home.read("secrets.yml"), map);
    home.told(0, &["env", "--force"]);
    assert!(home.read("secrets.yml").contains("- name: C\n"));
    let left: Vec<_> = std::fs::read_dir(home.path(""))
        .expect("a folder")
        .flatten()
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn the_values_of_a_env_can_be_an_infisical_project_s() {
    let home = Home::new();
    home.write("x.env", "A=hunter2\n");
    let words = [
        "env",
        "x.env",
        "--project-id",
        "p",
        "--environment",
        "prod",
        "--path",
        "/web",
        "--env-names",
        "same",
        "-o",
        "-",
    ];
    let map = home.told(0, &words);
    let expected = "providers:\n  infisical:\n    type: infisical\n    project_id: p\n    environment: prod\n\
                    secrets:\n  - name: A\n    path: /web\n    file: A\n    env: A\n";
    assert!(map.ends_with(expected), "{map}");
    assert!(!home.path("secrets.yml").exists());
}

#[test]
fn what_cannot_be_read_is_told_with_its_line_and_nothing_is_written() {
    let home = Home::new();
    for (text, status, line) in [
        ("A=1\nhunter2\n", 1, "line 2"),
        ("A=1\nB=\"hunter2\n", 1, "line 2"),
        ("A=op://x\n", 3, "line 1: A: too few `/`"),
        (
            "\nA=op://${V}/i/f\n",
            3,
            "line 2: A: there is a variable in the reference",
        ),
        ("# nothing\n", 1, "there is nothing in .env"),
    ] {
        home.write(".env", text);
        let said = home.told(status, &["env"]);
        assert!(said.contains(line) && said.contains("help: "), "{said}");
        assert!(!home.path("secrets.yml").exists());
    }
    for (words, status) in [
        (vec!["env", "none"], 1),
        (vec!["tazpod", "none"], 1),
        (vec!["tazpod"], 2),
        (vec![], 2),
    ] {
        assert!(home.told(status, &words).contains("help: "), "{words:?}");
    }
    home.write(".envrc", "export A=hunter2\nexport B=$(hunter2)\n");
    let said = home.told(1, &["envrc"]);
    assert!(
        said.contains("lines 1 (A), 2 (B)") && said.contains("there is nothing in .envrc"),
        "{said}"
    );
}

#[test]
fn an_envrc_is_never_run_and_without_a_server_its_references_go_through_op() {
    let home = Home::new();
    let text = "touch RUN\nexport A=\"op://Prod/db/f\"\nexport B=$(touch RUN; op read op://v/i/f)\nexport C=$(op read 'op://Prod/db/g')\n";
    home.write(".envrc", text);
    let said = home.told(0, &["envrc"]);
    assert!(
        said.contains("lines 1, 3 (B)") && said.contains("2 entries"),
        "{said}"
    );
    let expected = "providers:\n  onepassword:\n    type: onepassword\n    backend: op\nsecrets:\n\
                    \x20 - ref: op://Prod/db/f\n    file: A\n    env: A_FILE\n\
                    \x20 - ref: op://Prod/db/g\n    file: C\n    env: C_FILE\n";
    assert!(home.read("secrets.yml").ends_with(expected));
    assert!(!home.path("RUN").exists());
}

#[test]
fn a_map_of_tazpod_is_checked_before_it_is_kept() {
    let home = Home::new();
    let text = "config: {infisical_project_id: p}\nsecrets:\n- {name: A, file: a} # x\n";
    home.write("taz.yml", text);
    let said = home.told(0, &["tazpod", "taz.yml"]);
    assert!(said.contains("secrets.yml: 1 entry; "), "{said}");
    assert!(
        home.read("secrets.yml")
            .ends_with(&format!("secrets.schema.json\n{text}"))
    );
    home.write("taz.yml", "secrets:\n- {nmae: A, file: a}\n");
    let said = home.told(3, &["tazpod", "taz.yml", "--force"]);
    assert!(said.contains("did you mean `name`?"), "{said}");
    assert!(home.read("secrets.yml").contains("name: A"));
}

#[test]
fn without_a_word_on_a_terminal_it_asks() {
    let home = Home::new();
    home.write(".env", "A=hunter2\n");
    let executable = env!("CARGO_BIN_EXE_secretfs");
    let mut script = home
        .command("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!("exec {executable} init"))
        .arg("/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script");
    let mut keyboard = script.stdin.take().expect("a pipe");
    keyboard.write_all(b"\n\n").expect("typed");
    let output = script.wait_with_output().expect("ends");
    drop(keyboard);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    for line in [
        "What is the map to be made from?",
        "Number [1]: ",
        "File [.env]: ",
        "secretfs init env .env",
        "1 entry",
    ] {
        assert!(said.contains(line), "{line:?} is not in {said}");
    }
    assert!(home.read("secrets.yml").contains("- name: A\n"));
}

//! `secretfs vault`, from the command line and from a terminal.
#![expect(clippy::expect_used, reason = "a panic here is the test's report")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const PASSPHRASE: &str = "correct horse";

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Self { folder };
        std::fs::write(home.path("pass"), format!("{PASSPHRASE}\n")).expect("written");
        home
    }

    fn with_vault() -> Self {
        let home = Self::new();
        home.ok(&["vault", "init", "--passphrase-file", "pass"], b"");
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("setsid");
        // A session of its own: no terminal to ask.
        command
            .arg("--wait")
            .arg(env!("CARGO_BIN_EXE_secretfs"))
            .args(words)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, words: &[&str], stdin: &[u8]) -> Output {
        let mut child = self.command(words).spawn().expect("runs");
        let mut pipe = child.stdin.take().expect("a pipe");
        // One that ends early does not read it.
        let _ended = pipe.write_all(stdin);
        drop(pipe);
        child.wait_with_output().expect("ends")
    }

    fn ok(&self, words: &[&str], stdin: &[u8]) -> String {
        let output = self.run(words, stdin);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words:?}: {said}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Fails with this status; what it said.
    fn fails(&self, status: i32, words: &[&str], stdin: &[u8]) -> String {
        let output = self.run(words, stdin);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{words:?}: {said}");
        assert!(said.starts_with("error: "), "{said}");
        said
    }

    fn list(&self) -> String {
        self.ok(&["vault", "list", "--passphrase-file", "pass"], b"")
    }

    fn set(&self, name: &str, value: &[u8]) {
        self.ok(&["vault", "set", name, "--passphrase-file", "pass"], value);
    }

    /// Answers what a terminal asks with these lines; what stood on it, and whether it worked.
    fn on_a_terminal(&self, words: &str, lines: &str) -> (String, bool) {
        let command = format!("{} {words}", env!("CARGO_BIN_EXE_secretfs"));
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", &command, "/dev/null"])
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script, of util-linux");
        let mut pipe = child.stdin.take().expect("a pipe");
        pipe.write_all(lines.as_bytes()).expect("written");
        let output = child.wait_with_output().expect("ends");
        drop(pipe);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (said, output.status.success())
    }

    /// What the age tool decrypts.
    fn plain(&self) -> String {
        let (said, worked) = {
            let folder = ".local/share/secretfs";
            let mut child = Command::new("script")
                .args(["--quiet", "--return", "--command"])
                .arg(format!(
                    "age -d -i {folder}/identity.age -o plain {folder}/vault.age"
                ))
                .arg("/dev/null")
                .current_dir(self.folder.path())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("script, of util-linux");
            let mut pipe = child.stdin.take().expect("a pipe");
            writeln!(pipe, "{PASSPHRASE}").expect("written");
            let output = child.wait_with_output().expect("ends");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            (said, output.status.success())
        };
        assert!(worked, "{said}");
        std::fs::read_to_string(self.path("plain")).expect("text")
    }
}

#[test]
fn secrets_are_set_listed_removed_and_opened_by_age() {
    let home = Home::with_vault();
    assert!(home.path(".local/share/secretfs/vault.age").exists());
    home.set("B", b"exact\r\n");
    std::fs::write(home.path("value"), b"\xff\n").expect("written");
    home.ok(
        &[
            "vault",
            "set",
            "a/C",
            "--from",
            "value",
            "--passphrase-file",
            "pass",
        ],
        b"not this",
    );
    home.set("A", b"");
    assert_eq!(home.list(), "A\nB\na/C\n");
    let plain = home.plain();
    assert!(plain.contains(r#""B": "exact\r\n""#), "{plain}");
    assert!(plain.contains(r#""base64": "/wo=""#), "{plain}");
    assert!(plain.contains(r#""A": """#), "{plain}");
    home.ok(&["vault", "rm", "A", "B", "--passphrase-file", "pass"], b"");
    assert_eq!(home.list(), "a/C\n");
    let said = home.fails(
        1,
        &["vault", "rm", "A", "a/C", "--passphrase-file", "pass"],
        b"",
    );
    assert!(said.contains("\"A\"") && said.contains("help: "), "{said}");
    assert_eq!(home.list(), "a/C\n");
}

#[test]
fn what_is_wrong_decides_the_exit_status() {
    let home = Home::new();
    let list = ["vault", "list", "--passphrase-file", "pass"];
    assert!(home.fails(1, &list, b"").contains("vault init"));
    home.ok(&["vault", "init", "--passphrase-file", "pass"], b"");
    home.fails(1, &["vault", "init", "--passphrase-file", "pass"], b"");
    // Without a terminal and without a file, nobody waits for anything.
    let said = home.fails(4, &["vault", "list"], b"");
    assert!(said.contains("--passphrase-file"), "{said}");
    for (text, why) in [("wrong\n", "does not open"), ("", "empty"), ("\n", "empty")] {
        std::fs::write(home.path("other"), text).expect("written");
        let said = home.fails(4, &["vault", "list", "--passphrase-file", "other"], b"");
        assert!(said.contains(why), "{said}");
    }
    std::fs::write(home.path("other"), format!("{PASSPHRASE}\n\n")).expect("written");
    home.fails(4, &["vault", "list", "--passphrase-file", "other"], b"");
    std::fs::write(home.path("other"), PASSPHRASE).expect("written");
    home.ok(&["vault", "list", "--passphrase-file", "other"], b"");
    home.fails(4, &["vault", "list", "--passphrase-file", "none"], b"");
    home.fails(2, &["vault", "set", "", "--passphrase-file", "pass"], b"x");
    home.fails(
        2,
        &["vault", "set", "a\nb", "--passphrase-file", "pass"],
        b"x",
    );
    home.fails(
        1,
        &[
            "vault",
            "set",
            "A",
            "--from",
            "none",
            "--passphrase-file",
            "pass",
        ],
        b"",
    );
    // A value has no place on the command line.
    let output = home.run(
        &["vault", "set", "A", "value", "--passphrase-file", "pass"],
        b"",
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_passphrase_is_taken_from_the_credentials_directory() {
    let home = Home::new();
    let folder = home.path("credentials");
    std::fs::create_dir(&folder).expect("made");
    std::fs::write(folder.join("secretfs.vault.passphrase"), PASSPHRASE).expect("written");
    for words in [["vault", "init"], ["vault", "list"]] {
        let output = home
            .command(&words)
            .env("CREDENTIALS_DIRECTORY", &folder)
            .stdin(Stdio::null())
            .output()
            .expect("runs");
        assert!(output.status.success(), "{words:?}");
    }
    assert_eq!(home.list(), "");
}

#[test]
fn a_dotenv_file_is_imported_as_a_whole_or_not_at_all() {
    let home = Home::with_vault();
    home.set("B", b"old");
    let import = ["vault", "import", "x.env", "--passphrase-file", "pass"];
    std::fs::write(home.path("x.env"), "A=1\nB='hunter2\n").expect("written");
    let said = home.fails(1, &import, b"");
    assert!(
        said.contains("line 2") && !said.contains("hunter2"),
        "{said}"
    );
    assert_eq!(home.list(), "B\n");
    std::fs::write(home.path("x.env"), "# c\nexport A=1\nB=\"x\\ny\"\n").expect("written");
    let said = home.ok(&import, b"");
    assert_eq!(said, "imported 2 secrets: 1 new, 1 replaced\n");
    home.ok(
        &["vault", "import", "-", "--passphrase-file", "pass"],
        b"C=3\n",
    );
    let plain = home.plain();
    assert!(
        plain.contains(r#""B": "x\ny""#) && plain.contains(r#""C": "3""#),
        "{plain}"
    );
}

#[test]
fn rekey_makes_the_old_passphrase_useless() {
    let home = Home::with_vault();
    home.set("A", b"1");
    std::fs::write(home.path("new"), "battery staple").expect("written");
    let rekey = ["vault", "rekey", "--passphrase-file", "pass"];
    let said = home.fails(4, &rekey, b"");
    assert!(said.contains("--new-passphrase-file"), "{said}");
    home.ok(
        &[&rekey[..], &["--new-passphrase-file", "new"]].concat(),
        b"",
    );
    home.fails(4, &["vault", "list", "--passphrase-file", "pass"], b"");
    assert_eq!(
        home.ok(&["vault", "list", "--passphrase-file", "new"], b""),
        "A\n"
    );
    let back = ["--new-passphrase-file", "pass", "--keep-identity"];
    home.ok(
        &[&["vault", "rekey", "--passphrase-file", "new"], &back[..]].concat(),
        b"",
    );
    assert_eq!(home.list(), "A\n");
    home.ok(&[&rekey[..], &["--keep-passphrase"]].concat(), b"");
    assert_eq!(home.list(), "A\n");
}

#[test]
fn two_processes_do_not_lose_each_others_change() {
    let home = Home::with_vault();
    std::thread::scope(|scope| {
        for name in ["A", "B", "C"] {
            let home = &home;
            scope.spawn(move || home.set(name, b"v"));
        }
    });
    assert_eq!(home.list(), "A\nB\nC\n");
}

#[test]
fn a_terminal_is_asked_without_echo() {
    let home = Home::new();
    let (said, worked) = home.on_a_terminal("vault init", "open sesame\nopen sesamE\n");
    assert!(!worked && said.contains("differ"), "{said}");
    assert!(!home.path(".local/share/secretfs/vault.age").exists());
    let (said, worked) = home.on_a_terminal("vault init", "correct horse\ncorrect horse\n");
    assert!(worked && said.contains("New passphrase"), "{said}");
    let (said, worked) = home.on_a_terminal("vault set A", "correct horse\nhunter2\n");
    assert!(worked && said.contains("Value of A"), "{said}");
    assert!(home.plain().contains(r#""A": "hunter2""#));
}

#[test]
fn the_value_goes_through_a_pipe_while_the_terminal_is_asked() {
    let home = Home::with_vault();
    let command = format!(
        "sh -c 'printf piped | {} vault set A'",
        env!("CARGO_BIN_EXE_secretfs")
    );
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .env("HOME", home.folder.path())
        .env("XDG_RUNTIME_DIR", home.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script, of util-linux");
    let mut pipe = child.stdin.take().expect("a pipe");
    writeln!(pipe, "{PASSPHRASE}").expect("written");
    assert!(child.wait_with_output().expect("ends").status.success());
    assert!(home.plain().contains(r#""A": "piped""#));
}

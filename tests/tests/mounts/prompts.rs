//! Commands that hold a passphrase, looked at while they wait for it.

use crate::sandbox::cannot_be_looked_into;
use secretfs_tests::fixture::{Fixture, value};
use secretfs_tests::terminal::Terminal;
use secretfs_tests::vault::PASSPHRASE;
use secretfs_tests::{user, wait};
use std::io::{Read, Write};
use std::process::{Child, Stdio};

fn with_vault() -> Fixture {
    let fixture = Fixture::new();
    let mut vault = fixture.vault();
    vault.set("A", &value("a", 64));
    fixture.write_map(&format!(
        "config: {{on_lock: seal, mountpoint: {:?}}}\n\
         providers: {{v: {{type: local, file: {:?}}}}}\nsecrets: [{{name: A, file: a}}]\n",
        fixture.mountpoint(),
        vault.file()
    ));
    fixture
}

/// `secretfs` on a terminal of its own, up to its prompt.
pub(crate) struct Prompt {
    terminal: Child,
    pid: u32,
    /// What was said before it.
    pub(crate) said: String,
}

impl Prompt {
    pub(crate) fn of(fixture: &Fixture, args: &str) -> Self {
        let executable = fixture.path("secretfs");
        let executable = executable.to_str().expect("UTF-8");
        let mut terminal = fixture
            .command("script")
            .args(["--quiet", "--return", "--flush", "--command"])
            .arg(format!("exec {executable} {args}"))
            .arg("/dev/null")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script");
        let mut screen = terminal.stdout.take().expect("a pipe");
        let mut shown = Vec::new();
        while !String::from_utf8_lossy(&shown).contains("assphrase of") {
            let mut byte = [0];
            let read = screen.read(&mut byte).expect("the terminal");
            assert_eq!(read, 1, "{args}: {}", String::from_utf8_lossy(&shown));
            shown.extend(byte);
        }
        terminal.stdout = Some(screen);
        let command = args.split(' ').next().expect("a command");
        let is_it = |args: &[String]| {
            args.first().is_some_and(|arg| arg == executable)
                && args.get(1).is_some_and(|arg| arg == command)
        };
        let all = fixture.processes();
        let process = all.iter().find(|process| is_it(&process.args));
        let pid = process.unwrap_or_else(|| panic!("{args}: {all:?}")).pid;
        let said = String::from_utf8_lossy(&shown).into_owned();
        let prompt = Self {
            terminal,
            pid,
            said,
        };
        // Before the question: what a fast typist answers is not shown.
        assert!(!shows_what_is_typed(pid), "{args}");
        prompt
    }

    /// What root reads below /proc.
    fn proc(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.pid);
        let output = user::privileged("cat").arg(path).output().expect("cat");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Types the passphrase; the command ends with 0.
    pub(crate) fn answer(mut self) {
        let mut keyboard = self.terminal.stdin.take().expect("a pipe");
        keyboard
            .write_all(format!("{PASSPHRASE}\n").as_bytes())
            .expect("the terminal");
        let mut rest = String::new();
        let mut screen = self.terminal.stdout.take().expect("a pipe");
        screen.read_to_string(&mut rest).expect("the terminal");
        let status = wait::until("the command ends", || {
            self.terminal.try_wait().expect("wait")
        });
        assert!(status.success(), "{rest}");
        assert!(!rest.contains(PASSPHRASE), "no echo: {rest}");
    }
}

/// Whether the terminal of this process shows what is typed.
fn shows_what_is_typed(pid: u32) -> bool {
    let line = format!("stty -a < /proc/{pid}/fd/0");
    let output = user::privileged("sh").args(["-c", &line]).output();
    let output = String::from_utf8(output.expect("sh").stdout).expect("text");
    let mut words = output.split([' ', ';', '\n']);
    let word = words.find(|word| matches!(*word, "echo" | "-echo"));
    word.expect("what stty says") == "echo"
}

/// What the kernel says of a process that is about to hear a passphrase.
fn is_protected(fixture: &Fixture, prompt: &Prompt) {
    let status = prompt.proc("status");
    let locked: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmLck:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .expect("VmLck");
    // The heap's first part, and the stack of the thread that asks.
    assert!(locked >= 512, "{locked} KiB");
    let limits = prompt.proc("limits");
    let core = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"));
    let core: Vec<_> = core.expect("a limit").split_whitespace().collect();
    assert_eq!(core[..2], ["0", "0"], "{limits}");
    cannot_be_looked_into(fixture, prompt.pid);
}

#[test]
fn a_command_that_waits_for_a_passphrase_is_locked_and_cannot_be_looked_into() {
    let fixture = with_vault();
    let file = fixture.path("vault/vault.age");
    let file = file.to_str().expect("UTF-8");
    let asks = |args: &str| {
        let prompt = Prompt::of(&fixture, args);
        is_protected(&fixture, &prompt);
        prompt.answer();
    };
    asks(&format!("vault list --file {file}"));
    asks(&format!("vault rm A --file {file}"));
    asks(&format!("vault set A --file {file} --from /etc/hostname"));
    asks("check --online");
    asks("mount");
    fixture.run(["lock"]);
    asks("unlock");
    assert!(fixture.read("a").is_ok());
    asks("login v");
    fixture.run(["logout", "v"]);
}

#[test]
fn a_question_that_is_ended_by_ctrl_c_or_ctrl_d_leaves_the_terminal_as_it_was() {
    let fixture = with_vault();
    let file = fixture.path("vault/vault.age");
    let list = format!(
        "{} vault list --file {}",
        fixture.path("secretfs").display(),
        file.display()
    );
    // A shell that does not see to the terminal itself.
    let script = fixture.path("home/asks.sh");
    let lines = format!("trap : INT\nstty -a\n{list}\necho status $?\nstty -a\n");
    fixture.write(&script, lines.as_bytes());
    for (key, ends) in [("\x03", "status 130"), ("\x04", "nothing was typed")] {
        let line = format!("exec dash {}", script.display());
        let mut terminal = Terminal::start(&fixture, (80, 24), &line);
        terminal.until("assphrase of");
        match key {
            "\x03" => terminal.press("hunt\x1b[D\x03"),
            key => terminal.press(key),
        }
        let (_, all) = terminal.end();
        assert!(all.contains(ends), "{key:?}: {all}");
        assert!(!all.contains("hunt"), "{key:?}: {all}");
        let settings: Vec<_> = all.split("speed ").skip(1).collect();
        let modes = |text: &str| {
            let words = text.split_whitespace().filter(|word| {
                ["echo", "icanon", "isig", "iexten"].contains(&word.trim_start_matches('-'))
            });
            words.map(str::to_owned).collect::<Vec<_>>()
        };
        let [before, after] = settings.as_slice() else {
            panic!("{all}");
        };
        assert_eq!(modes(before).len(), 4, "{all}");
        assert_eq!(modes(before), modes(after), "{all}");
    }
}

//! What the Tab key offers, in the real shells: names of files, mounts, variables and providers. It
//! fetches nothing, and no mount that hangs is waited for.

use crate::scripted::Scripted;
use secretfs_providers::ErrorKind;
use secretfs_tests::fixture::{Fixture, told, value};
use secretfs_tests::terminal::Terminal;
use secretfs_tests::{system, wait};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Names that would be commands, and ones that are words for no shell.
const HOSTILE: [&str; 2] = ["$(touch INJECTED)", "a b;touch INJECTED"];

fn mounted() -> Scripted {
    let files: Vec<_> = HOSTILE
        .iter()
        .enumerate()
        .map(|(i, name)| format!("{{name: H{i}, file: {name:?}}}"))
        .chain([
            "{name: K, file: kubeconfig, env: KUBECONFIG}".to_owned(),
            "{name: S, file: ssh/key, env: SSH_KEY_FILE}".to_owned(),
            "{folder: /members, dir: dir}".to_owned(),
        ])
        .collect();
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    let mount = Scripted::mounted("", &files);
    mount.sim.set("members/ONE", value("one", 64));
    mount
}

/// A command of the fixture that finds `secretfs` as users do.
fn on_path(fixture: &Fixture, program: &str) -> Command {
    let mut command = fixture.command(program);
    let folder = fixture.path("");
    command.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
    command.current_dir(fixture.path("home"));
    command
}

/// What a shell offers at the end of a line, sorted.
fn offered(fixture: &Fixture, shell: &str, line: &str) -> Vec<String> {
    let mut command = on_path(fixture, shell);
    match shell {
        "bash" => command.args([
            "--norc",
            "--noprofile",
            "-c",
            "source <(secretfs completions bash)\n\
             COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=($1) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n\
             compopt() { printf '%s\\n' \"compopt $*\"; }\n\
             _secretfs secretfs '' ''; printf '%s\\n' \"${COMPREPLY[@]}\"",
            "bash",
            line,
        ]),
        "zsh" => command.args([
            "-f",
            "-c",
            "compadd() { print -rl -- $values; }; _files() { print -r -- \"compopt -o default\"; }; compset() { :; }\n\
             words=(${(z)1}); [[ $1 == *' ' ]] && words+=(''); CURRENT=$#words; PREFIX=$words[-1]\n\
             source <(secretfs completions zsh); _secretfs",
            "zsh",
            line,
        ]),
        _ => command.args([
            "--no-config",
            "-c",
            "secretfs completions fish | source; complete --do-complete $argv[1]",
            line,
        ]),
    };
    let output = command.output().expect("the shell");
    assert_eq!(output.stderr, b"", "{shell}: {line}: {}", told(&output));
    let said = String::from_utf8(output.stdout).expect("text");
    let words = said.lines().filter(|line| !line.is_empty());
    let mut words: Vec<_> = words
        .map(|line| line.split('\t').next().unwrap_or_default().to_owned())
        .collect();
    words.sort();
    words
}

const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

#[test]
fn each_shell_offers_files_variables_mounts_and_providers() {
    let mount = mounted();
    // What the folder lists is known once somebody has looked.
    mount.read("dir/ONE").expect("the value");
    let asked = mount.sim.count();
    let mountpoint = mount.mountpoint();
    let mountpoint = mountpoint.to_str().expect("UTF-8");
    for shell in SHELLS {
        let of = |line: &str| offered(&mount, shell, line);
        assert_eq!(of("secretfs refresh ku"), ["kubeconfig"], "{shell}");
        assert_eq!(of("secretfs refresh dir/"), ["dir/ONE"], "{shell}");
        let all = of("secretfs refresh ");
        assert_eq!(all.len(), 6, "{shell}: {all:?}");
        let path = format!("{mountpoint}/ssh/key");
        let line = format!("secretfs refresh {mountpoint}/ss");
        assert_eq!(of(&line), [path], "{shell}");
        assert_eq!(of("secretfs run --only K"), ["KUBECONFIG"], "{shell}");
        assert_eq!(
            of("secretfs run --only kubeconfig,SSH"),
            ["kubeconfig,SSH_KEY_FILE"],
            "{shell}"
        );
        for command in ["unmount", "lock", "unlock", "status"] {
            assert_eq!(
                of(&format!("secretfs {command} /")),
                [mountpoint],
                "{shell}"
            );
        }
        assert_eq!(of("secretfs login "), ["s"], "{shell}");
        assert_eq!(of("secretfs logout "), ["s"], "{shell}");
        assert_eq!(of("secretfs vault rm "), Vec::<String>::new(), "{shell}");
        assert_eq!(of("secretfs env --shell fi"), ["fish"], "{shell}");
        assert_eq!(of("secretfs unl"), ["unlock"], "{shell}");
    }
    assert_eq!(mount.sim.count(), asked, "nothing is fetched");
}

#[test]
fn without_a_map_providers_are_what_can_be_named_and_nothing_is_said() {
    let fixture = Fixture::new();
    for shell in SHELLS {
        let of = |line: &str| offered(&fixture, shell, line);
        assert_eq!(
            of("secretfs login "),
            ["connect", "infisical", "op", "vault"],
            "{shell}"
        );
        for line in [
            "secretfs refresh ",
            "secretfs run --only ",
            "secretfs unmount x",
        ] {
            assert_eq!(of(line), Vec::<String>::new(), "{shell}: {line}");
        }
    }
}

#[test]
fn files_of_the_user_are_left_to_the_shell() {
    let fixture = Fixture::new();
    fixture.write(&fixture.path("home/other.yml"), b"");
    for shell in ["bash", "zsh"] {
        assert_eq!(
            offered(&fixture, shell, "secretfs check --map o"),
            ["compopt -o default"],
            "{shell}"
        );
    }
    let of = |line: &str| offered(&fixture, "fish", line);
    assert_eq!(of("secretfs check --map o"), ["other.yml"]);
    assert_eq!(of("secretfs check --map=o"), ["--map=other.yml"]);
    assert!(of("secretfs run -- kubec").contains(&"kubectl".to_owned()));
}

#[test]
fn a_mount_that_hangs_is_not_waited_for_also_from_inside_it() {
    let mount = mounted();
    let secretfs = mount.path("secretfs");
    // Each waits for a key before it asks; the second is inside when the mount begins to hang.
    let asking = |folder: PathBuf| {
        let script = format!(
            "read key; exec {} internal-complete zsh secretfs refresh ''",
            secretfs.display()
        );
        let mut command = mount.command("sh");
        command.args(["-c", &format!("cd {}; {script}", folder.display())]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.spawn().expect("sh")
    };
    let waiting = [asking(mount.path("home")), asking(mount.mountpoint())];
    for child in &waiting {
        let link = format!("/proc/{}/cwd", child.id());
        wait::until("it is there", || {
            let here = std::fs::read_link(&link).ok()?;
            here.starts_with(mount.path("home")).then_some(())
        });
    }
    let stopped = ["internal-daemon", "internal-mount-helper"].map(|role| mount.process(role).pid);
    for pid in stopped {
        system::signal(pid, "STOP");
    }
    for mut child in waiting {
        let started = Instant::now();
        let mut keys = child.stdin.take().expect("a pipe");
        keys.write_all(b"\n").expect("pressed");
        let output = child.wait_with_output().expect("its end");
        assert!(started.elapsed() < wait::PATIENCE);
        let said = String::from_utf8(output.stdout).expect("text");
        assert_eq!(said.lines().count(), 5, "{said}");
    }
    for pid in stopped {
        system::signal(pid, "CONT");
    }
}

#[test]
fn no_request_is_made_and_a_failing_provider_is_no_trouble() {
    let mount = mounted();
    mount.sim.fail("/members", ErrorKind::Unreachable);
    for shell in SHELLS {
        let all = offered(&mount, shell, "secretfs refresh ");
        assert_eq!(all.len(), 5, "{shell}: {all:?}");
    }
    assert_eq!(mount.sim.count(), 0);
}

/// Shells as users start them, and what they have in their files.
const INTERACTIVE: [(&str, &str); 3] = [
    (
        "bash --norc --noprofile -i",
        "source <(secretfs completions bash)",
    ),
    (
        "zsh -f -i",
        "autoload -Uz compinit; compinit -u -D; source <(secretfs completions zsh)",
    ),
    ("fish --no-config -i", "secretfs completions fish | source"),
];

/// A shell on a terminal, with the completions that are sourced by `setup`.
fn interactive(fixture: &Fixture, shell: &str, setup: &str) -> Terminal {
    let path = format!("export PATH={}:/usr/bin:/bin", fixture.path("").display());
    let home = fixture.path("home");
    let line = format!("{path}; cd {}; exec {shell}", home.display());
    let mut terminal = Terminal::start(fixture, (80, 24), &line);
    terminal.press(&format!("{setup}; echo rea'dy'\n"));
    terminal.until("ready");
    terminal.forget();
    terminal
}

#[test]
fn no_name_of_a_map_becomes_a_command_where_the_tab_key_puts_it() {
    let mount = mounted();
    for (shell, setup) in INTERACTIVE {
        let mut terminal = interactive(&mount, shell, setup);
        for start in ["\\$", "a"] {
            terminal.press(&format!("printf '<%s>\\n' x; secretfs refresh {start}\t"));
            terminal.until("INJECTED");
            terminal.press("\n");
            terminal.until("<x>");
            terminal.until("forgot 0 values");
            terminal.forget();
        }
        terminal.press("exit\n");
        let _ = terminal.end();
        let injected = mount.path("home/INJECTED");
        assert!(!injected.exists(), "{shell}");
    }
}

#[test]
fn files_and_other_programs_are_completed_by_the_shell_where_the_tab_key_is_pressed() {
    let fixture = Fixture::new();
    fixture.write(&fixture.path("home/other.yml"), b"");
    for (shell, setup) in INTERACTIVE {
        let mut terminal = interactive(&fixture, shell, setup);
        for line in [
            // What is completed is seen by what becomes of it.
            "secretfs check --map ot\t",
            "secretfs check --map=ot\t",
            "secretfs run --map=ot\t -- setpri\t",
            "secretfs env --sh\tfi\t --map oth\t",
        ] {
            terminal.press(line);
            if line.contains("setpri") {
                terminal.until("setpriv");
            }
            terminal.press("; echo do'ne'\n");
            let shown = terminal.until("done");
            let is_named = shown.contains("/other.yml has a problem");
            assert!(is_named, "{shell}: {line}: {shown}");
            terminal.forget();
        }
        terminal.press("exit\n");
        let _ = terminal.end();
    }
}

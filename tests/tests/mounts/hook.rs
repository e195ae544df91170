//! `secretfs hook`, in the real shells: variables come with a folder whose map is mounted, and go with it.

use secretfs_tests::fixture::{Fixture, told};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

const HOSTILE: [&str; 4] = [
    "plain",
    "a b$(touch INJECTED)`touch INJECTED`",
    "'; touch INJECTED; '",
    "\"; touch INJECTED; \\'#",
];

/// A map with two variables, mounted at a place of that name.
fn mounted(place: &str) -> Fixture {
    let fixture = Fixture::new();
    fixture.make_folder("work", 0o700);
    let mut vault = fixture.vault();
    vault.set("A", b"a");
    fixture.write_map(&format!(
        "providers: {{v: {{type: local, file: {:?}}}}}\n\
         secrets: [{{name: A, file: a, env: A_FILE}}, {{name: A, file: b, env: B_FILE}}]\n",
        vault.file()
    ));
    let mountpoint = fixture.make_folder(&format!("home/{place}"), 0o700);
    let passphrase = fixture.path("passphrase");
    let args = [
        Path::new("mount"),
        Path::new("--passphrase-file"),
        &passphrase,
        &mountpoint,
    ];
    fixture.run(args);
    fixture
}

/// What a shell prints that is given these lines one by one, as if they were typed.
fn typed(fixture: &Fixture, shell: &[&str], lines: &str) -> Vec<String> {
    let folder = fixture.path("");
    let (program, args) = shell.split_first().expect("a shell");
    let mut child = fixture
        .command(program)
        .args(args)
        .env_remove("SECRETFS_MAP")
        .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .env("FOLDER", &folder)
        .current_dir(fixture.path("work"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut keyboard = child.stdin.take().expect("a pipe");
    keyboard.write_all(lines.as_bytes()).expect("typed");
    drop(keyboard);
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let shown: Vec<_> = said
        .lines()
        .filter_map(|line| line.strip_prefix("> "))
        .map(str::to_owned)
        .collect();
    assert!(!shown.is_empty(), "{shell:?}: {}", told(&output));
    let left: Vec<_> = std::fs::read_dir(fixture.path("work"))
        .expect("a folder")
        .collect();
    assert!(left.is_empty(), "{shell:?} made {left:?}");
    shown
}

/// `cd` into the map's folder (the one above), out of it, and the mount's end; `prompt`: what stands for a
/// prompt where the shell shows none.
fn comes_and_goes(shell: &[&str], hook: &str, prompt: &str, unset: &str) {
    for place in HOSTILE {
        let fixture = mounted(place);
        let at = fixture.path("home").join(place);
        let (a, b) = (
            at.join("a").display().to_string(),
            at.join("b").display().to_string(),
        );
        let show = "printf '> %s|%s\\n' \"$A_FILE\" \"$B_FILE\"";
        let lines = format!(
            "{hook}\n{set}\ncd /\n{prompt}\n{show}\n\
             cd \"$FOLDER/work\"\n{prompt}\n{show}\n\
             cd /\n{prompt}\n{show}\n\
             cd \"$FOLDER/work\"\n{prompt}\n{own}\n{prompt}\ncd /\n{prompt}\n{show}\n\
             {unset}\ncd \"$FOLDER/work\"\n{prompt}\n{show}\n\
             secretfs unmount --all >/dev/null\n{prompt}\n{show}\n",
            set = export(shell, "A_FILE", "mine $(touch INJECTED) \\\\\"x"),
            own = export(shell, "B_FILE", "own"),
        );
        let mine = "mine $(touch INJECTED) \\\\\"x";
        let expected = [
            format!("{mine}|"),
            format!("{a}|{b}"),
            format!("{mine}|"),
            format!("{mine}|own"),
            format!("{a}|{b}"),
            format!("{mine}|"),
        ];
        assert_eq!(
            typed(&fixture, shell, &lines),
            expected,
            "{shell:?} {place:?}"
        );
    }
}

/// Sets a variable to exactly that text, which has no `'`.
fn export(shell: &[&str], name: &str, value: &str) -> String {
    match shell.first() {
        // A backslash before another is one inside fish's quotes.
        Some(&"fish") => format!("set -gx {name} '{}'", value.replace('\\', "\\\\")),
        _ => format!("export {name}='{value}'"),
    }
}

#[test]
fn bash_has_the_variables_of_a_mounted_map_in_its_folder_and_nowhere_else() {
    let hook = "eval \"$(secretfs hook bash)\"\neval \"$(secretfs hook bash)\"";
    comes_and_goes(
        &["bash", "--norc", "--noprofile", "-i"],
        hook,
        ":",
        "unset B_FILE",
    );
}

#[test]
fn zsh_has_the_variables_of_a_mounted_map_in_its_folder_and_nowhere_else() {
    comes_and_goes(
        &["zsh", "-f", "-i"],
        "eval \"$(secretfs hook zsh)\"",
        ":",
        "unset B_FILE",
    );
}

#[test]
fn fish_has_the_variables_of_a_mounted_map_in_its_folder_and_nowhere_else() {
    let hook = "secretfs hook fish | source";
    comes_and_goes(
        &["fish", "--no-config"],
        hook,
        "emit fish_prompt",
        "set -e B_FILE",
    );
}

#[test]
fn a_folder_whose_map_is_not_mounted_changes_nothing_and_neither_does_a_bad_map() {
    let fixture = mounted("place");
    let folder = fixture.make_folder("work/other", 0o700);
    let map = "secrets: [{name: A, file: a, env: KUBECONFIG}]\n";
    fixture.write(&folder.join("secrets.yml"), map.as_bytes());
    let changes = |folder: &Path| {
        let mut command = fixture.secretfs(["hook", "--changes", "bash"]);
        let output = command
            .env_remove("SECRETFS_MAP")
            .current_dir(folder)
            .output()
            .expect("secretfs");
        assert!(output.status.success(), "{}", told(&output));
        output.stdout
    };
    assert_eq!(changes(&folder), b"");
    assert!(changes(&fixture.path("work")).starts_with(b"export A_FILE="));
    fixture.write_map("secrets: [{nmae: A}]\n");
    assert_eq!(changes(&fixture.path("work")), b"");
    std::fs::remove_file(folder.join("secrets.yml")).expect("removed");
}

#[test]
fn bash_keeps_the_status_of_the_last_command() {
    let fixture = mounted("place");
    let lines = "eval \"$(secretfs hook bash)\"\n(exit 7)\necho \"> $?\"\n";
    let said = typed(&fixture, &["bash", "--norc", "--noprofile", "-i"], lines);
    assert_eq!(said, ["7"]);
}

//! What `secretfs env` prints, evaluated by the real shells: the values come back byte for byte, and
//! nothing else happens. A missing shell fails the test; `tests/run.sh` installs them all.

use super::*;
use proptest::prelude::*;
use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Stdio};

/// Folders that try to break out of every kind of quotes.
const HOSTILE: &[&str] = &[
    "/home/user/secrets/kubeconfig",
    "/home/o'brien/secrets/it''s",
    "/'; touch pwned; '",
    "/'\\''; touch pwned; '\\''",
    "/\"; touch pwned; \"",
    "/$(touch pwned)/`touch pwned`/${HOME}/$HOME",
    "/(touch pwned)/<(touch pwned)/{a,b}",
    "/a\ntouch pwned\n#",
    "/a\r\ntouch pwned\r\n",
    "/a;touch pwned;/b&touch pwned&/c|touch pwned",
    "/!touch/!!/!$/^a^b",
    "/~/~root/=ls/*/?/[a-z]/**",
    "/ leading/ and trailing ",
    "/tab\tbell\u{7}escape\u{1b}[31mdelete\u{7f}",
    "/backslash\\/\\n/\\x41/\\'/\\\\/end\\",
    "/#comment # /%d%s%n/--flag",
    "/schöne Grüße/日本語/\u{2019}; touch pwned; \u{2018}/\u{2028}x",
    "/\u{f600}\u{f8ff}\u{fdd0}\u{ffff}\u{10ffff}",
];

fn exports<'a>(paths: impl IntoIterator<Item = &'a [u8]>) -> Vec<Export> {
    paths
        .into_iter()
        .enumerate()
        .map(|(i, path)| Export {
            name: format!("V{i}"),
            path: PathBuf::from(OsStr::from_bytes(path)),
        })
        .collect()
}

fn hostile() -> Vec<Export> {
    exports(HOSTILE.iter().map(|path| path.as_bytes()))
}

/// The bytes that are no character, and those that shells use for marks of their own.
fn not_utf8() -> Vec<Export> {
    exports(
        (0x80..=0xff)
            .map(|byte| vec![b'/', byte, b'\'', byte, b'$', byte])
            .collect::<Vec<_>>()
            .iter()
            .map(Vec::as_slice),
    )
}

/// Has `shell` evaluate `script` and print the variables; returns what they hold.
fn evaluate(shell: &[&str], mut script: Vec<u8>, count: usize) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    for i in 0..count {
        script.extend_from_slice(format!("printf '%s\\0' \"$V{i}\"\n").as_bytes());
    }
    let mut child = Command::new(shell[0])
        .args(&shell[1..])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", folder.path())
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} is not installed: {error}", shell[0]));
    let mut stdin = child.stdin.take().expect("stdin");
    let writer = std::thread::spawn(move || stdin.write_all(&script));
    let output = child.wait_with_output().expect("the shell ends");
    writer.join().expect("written").expect("written");
    assert!(output.status.success(), "{shell:?}: {output:?}");
    assert!(
        output.stderr.is_empty(),
        "{shell:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let made: Vec<_> = std::fs::read_dir(folder.path())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name())
        .filter(|name| !name.as_bytes().starts_with(b"."))
        .collect();
    assert!(made.is_empty(), "{shell:?} was made to create {made:?}");
    output
        .stdout
        .split(|byte| *byte == 0)
        .take(count)
        .map(<[u8]>::to_vec)
        .collect()
}

fn comes_back(syntax: Shell, shell: &[&str], exports: &[Export]) {
    let script = render(syntax, exports).expect("expressible");
    let values = evaluate(shell, script, exports.len());
    assert_eq!(values.len(), exports.len());
    for (value, export) in values.iter().zip(exports) {
        assert_eq!(
            value.escape_ascii().to_string(),
            path_bytes(&export.path).escape_ascii().to_string(),
            "{shell:?} {}",
            export.name
        );
    }
}

#[test]
fn hostile_folders_inject_nothing_into_sh() {
    comes_back(Shell::Sh, &["sh"], &hostile());
    comes_back(Shell::Sh, &["sh"], &not_utf8());
}

#[test]
fn hostile_folders_inject_nothing_into_bash() {
    comes_back(Shell::Bash, &["bash", "--norc"], &hostile());
    comes_back(Shell::Bash, &["bash", "--norc"], &not_utf8());
    comes_back(Shell::Bash, &["bash", "--posix"], &hostile());
}

#[test]
fn hostile_folders_inject_nothing_into_bash_with_history_expansion() {
    let script = render(Shell::Bash, &hostile()).expect("expressible");
    let mut all = b"set -o history -o histexpand\n".to_vec();
    all.extend(script);
    let values = evaluate(&["bash", "--norc"], all, HOSTILE.len());
    for (value, path) in values.iter().zip(HOSTILE) {
        assert_eq!(&String::from_utf8_lossy(value), path);
    }
}

#[test]
fn hostile_folders_inject_nothing_into_zsh() {
    comes_back(Shell::Zsh, &["zsh", "-f"], &hostile());
    comes_back(Shell::Zsh, &["zsh", "-f"], &not_utf8());
    // Options that change what quotes mean.
    comes_back(
        Shell::Zsh,
        &[
            "zsh",
            "-f",
            "-o",
            "rcquotes",
            "-o",
            "magicequalsubst",
            "-o",
            "globassign",
        ],
        &hostile(),
    );
}

#[test]
fn hostile_folders_inject_nothing_into_fish() {
    comes_back(Shell::Fish, &["fish", "--no-config"], &hostile());
    comes_back(Shell::Fish, &["fish", "--no-config"], &not_utf8());
}

#[test]
fn an_unquoted_eval_injects_nothing_either() {
    for shell in [["sh"].as_slice(), &["bash", "--norc"], &["zsh", "-f"]] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("printed");
        std::fs::write(&file, render(Shell::Sh, &hostile()).expect("expressible"))
            .expect("written");
        let script = format!("eval $(cat {})\n", file.display());
        evaluate(shell, script.into_bytes(), 0);
    }
}

#[test]
fn dotenv_and_systemd_files_are_read_by_sh_as_they_were_meant() {
    // Both are subsets of what sh reads, so sh is a judge of their quoting.
    for syntax in [Shell::Dotenv, Shell::Systemd] {
        let all = hostile();
        let expressible: Vec<Export> = all
            .into_iter()
            .filter(|export| render(syntax, std::slice::from_ref(export)).is_ok())
            .enumerate()
            .map(|(i, export)| Export {
                name: format!("V{i}"),
                ..export
            })
            .collect();
        assert!(expressible.len() > 6, "{syntax:?}");
        comes_back(syntax, &["sh"], &expressible);
    }
}

#[test]
fn what_a_syntax_cannot_express_is_refused_and_nothing_is_printed() {
    let newline = exports([b"/plain".as_slice(), b"/a\nPATH=/tmp"]);
    let bytes = exports([b"/plain".as_slice(), b"/\xff"]);
    for syntax in [Shell::Dotenv, Shell::Systemd] {
        let error = render(syntax, &newline).expect_err("refused");
        assert!(error.render(false).contains("V1"), "{error:?}");
        assert!(render(syntax, &bytes).is_err());
    }
    for syntax in [Shell::Nu, Shell::Powershell, Shell::Json] {
        assert!(render(syntax, &bytes).is_err(), "{syntax:?}");
        assert!(render(syntax, &newline).is_ok(), "{syntax:?}");
    }
    assert!(render(Shell::Dotenv, &exports([br"/it's $HOME".as_slice()])).is_err());
    assert!(render(Shell::Dotenv, &exports([br"/back\slash".as_slice()])).is_err());
}

#[test]
fn a_name_that_could_be_more_than_a_name_is_never_printed() {
    for name in ["", "1A", "A B", "A;B", "A=B", "A\nB", "A'", "Ä", "$A"] {
        let export = Export {
            name: name.into(),
            path: "/plain".into(),
        };
        for syntax in [
            Shell::Sh,
            Shell::Fish,
            Shell::Json,
            Shell::Nu,
            Shell::Dotenv,
        ] {
            assert!(
                render(syntax, std::slice::from_ref(&export)).is_err(),
                "{name}"
            );
        }
    }
}

fn one(syntax: Shell, path: &str) -> String {
    let exports = [Export {
        name: "KUBECONFIG".into(),
        path: path.into(),
    }];
    String::from_utf8(render(syntax, &exports).expect("expressible")).expect("text")
}

#[test]
fn a_plain_path_reads_as_a_user_would_write_it() {
    let path = "/home/u/secrets/kubeconfig";
    assert_eq!(one(Shell::Sh, path), format!("export KUBECONFIG={path}\n"));
    assert_eq!(
        one(Shell::Fish, path),
        format!("set -gx KUBECONFIG {path}\n")
    );
    assert_eq!(
        one(Shell::Nu, path),
        format!("$env.KUBECONFIG = \"{path}\"\n")
    );
    assert_eq!(
        one(Shell::Powershell, path),
        format!("$env:KUBECONFIG = '{path}'\n")
    );
    assert_eq!(one(Shell::Dotenv, path), format!("KUBECONFIG={path}\n"));
    assert_eq!(one(Shell::Systemd, path), format!("KUBECONFIG={path}\n"));
    assert_eq!(
        one(Shell::Json, path),
        format!("{{\n  \"KUBECONFIG\": \"{path}\"\n}}\n")
    );
}

#[test]
fn powershell_gets_no_quote_that_it_takes_for_its_own_and_one_line_each() {
    assert_eq!(
        one(Shell::Powershell, "/it's \u{2019}; ls #\u{201b}\nrm"),
        "$env:KUBECONFIG = '/it''s \u{2019}\u{2019}; ls #\u{201b}\u{201b}' + [char]10 + 'rm'\n"
    );
}

#[test]
fn nu_gets_no_end_of_its_string() {
    assert_eq!(
        one(Shell::Nu, "/a\" ; ls \\ $env.HOME (ls)\n"),
        "$env.KUBECONFIG = \"/a\\\" ; ls \\\\ $env.HOME (ls)\\u{a}\"\n"
    );
}

#[test]
fn no_exports_print_nothing_but_an_empty_object() {
    assert_eq!(render(Shell::Sh, &[]).expect("nothing"), b"");
    assert_eq!(render(Shell::Json, &[]).expect("nothing"), b"{}\n");
}

/// Absolute paths of any bytes but NUL, signs that shells know being likely.
fn any_path() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => prop::sample::select(b"'\"\\$`!(){}[]<>|&;*?~#=%^ \t\n\r/.-".to_vec()),
        1 => 1..=255_u8,
        1 => 0x20..=0x7e_u8,
    ];
    prop::collection::vec(byte, 0..24).prop_map(|mut bytes| {
        bytes.insert(0, b'/');
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_path_comes_back_from_sh_bash_and_zsh(paths in prop::collection::vec(any_path(), 40)) {
        let exports = exports(paths.iter().map(Vec::as_slice));
        comes_back(Shell::Sh, &["sh"], &exports);
        comes_back(Shell::Bash, &["bash", "--norc"], &exports);
        comes_back(Shell::Zsh, &["zsh", "-f"], &exports);
    }

    #[test]
    fn any_path_comes_back_from_fish(paths in prop::collection::vec(any_path(), 40)) {
        let exports = exports(paths.iter().map(Vec::as_slice));
        comes_back(Shell::Fish, &["fish", "--no-config"], &exports);
    }

    #[test]
    fn any_expressible_path_comes_back_from_files(paths in prop::collection::vec(any_path(), 40)) {
        for syntax in [Shell::Dotenv, Shell::Systemd] {
            let good: Vec<_> = paths
                .iter()
                .map(Vec::as_slice)
                .filter(|path| render(syntax, &exports([*path])).is_ok())
                .collect();
            comes_back(syntax, &["sh"], &exports(good));
        }
    }
}

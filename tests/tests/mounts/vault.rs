//! The local vault as its user sees it: the real commands, and the standard age tool.

use secretfs_tests::fixture::{Fixture, value};
use std::io::Write;
use std::process::Stdio;

fn text(path: std::path::PathBuf) -> String {
    path.into_os_string().into_string().expect("UTF-8")
}

/// Runs a vault command with this standard input.
fn vault(fixture: &Fixture, args: &[&str], input: &[u8]) -> String {
    let mut child = fixture
        .secretfs(args)
        .args(["--file", &text(fixture.path("vault/vault.age"))])
        .args(["--passphrase-file", &text(fixture.path("passphrase"))])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("secretfs");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input)
        .expect("standard input");
    let output = child.wait_with_output().expect("secretfs");
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_vault_becomes_a_map_of_its_names_that_mounts_at_once() {
    let fixture = Fixture::new();
    fixture.make_folder("vault", 0o700);
    vault(&fixture, &["vault", "init"], b"");
    for (name, of) in [
        ("KUBE_CONFIG", "kube"),
        ("app/TOKEN", "token"),
        ("a b", "blank"),
    ] {
        vault(&fixture, &["vault", "set", name], &value(of, 64));
    }
    let map = text(fixture.map());
    vault(&fixture, &["init", "vault", "--output", &map], b"");
    let written = std::fs::read_to_string(fixture.map()).expect("the map");
    assert!(written.contains("env: KUBECONFIG"), "{written}");
    fixture.mount();
    for (file, of) in [
        ("kubeconfig", "kube"),
        ("app/TOKEN", "token"),
        ("a b", "blank"),
    ] {
        assert_eq!(fixture.read(file), Ok(value(of, 64)), "{file}: {written}");
    }
}

#[test]
fn what_the_vault_commands_write_is_what_the_mount_shows() {
    let fixture = Fixture::new();
    fixture.make_folder("vault", 0o700);
    vault(&fixture, &["vault", "init"], b"");
    vault(&fixture, &["vault", "set", "TEXT"], b"line\n\n");
    vault(&fixture, &["vault", "set", "BYTES"], &[0, 255, 10, 0]);
    let file = fixture.path("from");
    fixture.write(&file, &value("from a file", 64));
    vault(
        &fixture,
        &["vault", "set", "FILE", "--from", &text(file.clone())],
        b"",
    );
    std::fs::remove_file(&file).expect("the source");
    let env = fixture.path("import.env");
    fixture.write(
        &env,
        b"# a comment\nURL='postgres://x y'\nexport TOKEN=\"a\\nb\"\n",
    );
    vault(&fixture, &["vault", "import", &text(env)], b"");
    assert_eq!(
        vault(&fixture, &["vault", "list"], b""),
        "BYTES\nFILE\nTEXT\nTOKEN\nURL\n"
    );
    vault(&fixture, &["vault", "rm", "URL"], b"");

    fixture.write_map(&format!(
        "providers: {{v: {{type: local, file: {:?}}}}}\nsecrets:\n\
         - {{name: TEXT, file: text}}\n- {{name: BYTES, file: bytes}}\n\
         - {{name: FILE, file: file}}\n- {{name: URL, file: url}}\n- {{name: TOKEN, file: token}}\n",
        fixture.path("vault/vault.age")
    ));
    fixture.mount();
    let mut probe = fixture.probe();
    assert_eq!(
        probe.slurp(fixture.file("text")),
        Ok(b"line\n\n".to_vec()),
        "nothing trimmed"
    );
    assert_eq!(probe.slurp(fixture.file("bytes")), Ok(vec![0, 255, 10, 0]));
    assert_eq!(
        probe.slurp(fixture.file("file")),
        Ok(value("from a file", 64))
    );
    assert_eq!(probe.slurp(fixture.file("token")), Ok(b"a\nb".to_vec()));
    assert_eq!(probe.try_open(fixture.file("url")), Err(libc::ENOENT));

    // A change shows at the next open after its ttl, or at once with refresh.
    vault(&fixture, &["vault", "set", "TEXT"], b"new");
    fixture.run(["refresh"]);
    assert_eq!(probe.slurp(fixture.file("text")), Ok(b"new".to_vec()));
}

#[test]
fn the_vault_opens_with_the_standard_age_tool() {
    let fixture = Fixture::new();
    let mut test_vault = fixture.vault();
    test_vault.set("A", b"one");
    vault(&fixture, &["vault", "set", "B"], &[255]);
    // age asks a terminal for the passphrase of an identity: `script` is one.
    let script = format!(
        "printf '%s\\n' '{passphrase}' | script -qec \"age -d -i {identity} -o {out} {vault}\" /dev/null",
        passphrase = secretfs_tests::vault::PASSPHRASE,
        identity = fixture.path("vault/identity.age").display(),
        vault = fixture.path("vault/vault.age").display(),
        out = fixture.path("home/plain.json").display(),
    );
    let output = fixture
        .command("bash")
        .args(["-c", &script])
        .output()
        .expect("bash");
    let plain = std::fs::read(fixture.path("home/plain.json"))
        .unwrap_or_else(|e| panic!("{e}: {}", secretfs_tests::fixture::told(&output)));
    let json: serde_json::Value = serde_json::from_slice(&plain).expect("JSON");
    assert_eq!(
        json,
        serde_json::json!({"A": "one", "B": {"base64": "/w=="}})
    );
}

#[test]
fn two_writers_do_not_lose_each_others_change() {
    let fixture = Fixture::new();
    let _vault = fixture.vault();
    std::thread::scope(|scope| {
        for n in 0..4 {
            let fixture = &fixture;
            scope.spawn(move || vault(fixture, &["vault", "set", &format!("N{n}")], b"x"));
        }
    });
    assert_eq!(vault(&fixture, &["vault", "list"], b""), "N0\nN1\nN2\nN3\n");
}

#[test]
fn a_wrong_passphrase_is_status_4() {
    let fixture = Fixture::new();
    let vault = fixture.vault();
    let wrong = fixture.path("wrong");
    fixture.write(&wrong, b"not it");
    let file = text(vault.file());
    fixture.fails(
        4,
        [
            "vault",
            "list",
            "--file",
            &file,
            "--passphrase-file",
            &text(wrong),
        ],
    );
}

//! Passphrases: missing, wrong, given later.

use secretfs_tests::fixture::{Fixture, value};
use secretfs_tests::probe::Probe;

fn with_vault() -> Fixture {
    let fixture = Fixture::new();
    let mut vault = fixture.vault();
    vault.set("A", &value("a", 64));
    fixture.write_map(&format!(
        "providers: {{v: {{type: local, file: {:?}}}}}\nsecrets: [{{name: A, file: a}}]\n",
        vault.file()
    ));
    fixture
}

fn text(path: std::path::PathBuf) -> String {
    path.into_os_string().into_string().expect("UTF-8")
}

#[test]
fn without_a_credential_it_mounts_warns_and_opens_are_enokey_until_unlock() {
    let fixture = with_vault();
    let mountpoint = text(fixture.mountpoint());
    let output = fixture
        .secretfs(["mount", &mountpoint])
        .output()
        .expect("secretfs");
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("unlock"),
        "warns, and says what to do: {said:?}"
    );
    let mut probe: Probe = fixture.probe();
    assert_eq!(probe.try_open(fixture.file("a")), Err(libc::ENOKEY));
    let providers = &fixture.status()["providers"];
    assert_eq!(providers[0]["name"], "v", "{providers}");
    assert_eq!(providers[0]["type"], "local", "{providers}");

    fixture.run([
        "unlock",
        "--passphrase-file",
        &text(fixture.path("passphrase")),
    ]);
    assert_eq!(probe.slurp(fixture.file("a")), Ok(value("a", 64)));
}

#[test]
fn a_wrong_passphrase_is_status_4_and_nothing_is_mounted() {
    let fixture = with_vault();
    let wrong = fixture.path("wrong");
    fixture.write(&wrong, b"not the passphrase\n");
    let said = fixture.fails(
        4,
        [
            "mount",
            "--passphrase-file",
            &text(wrong),
            &text(fixture.mountpoint()),
        ],
    );
    assert!(said.contains("help:"), "{said}");
    assert!(!said.contains("not the passphrase"), "{said}");
    assert!(!fixture.is_mounted());
    fixture.wait_for_no_process();
}

#[test]
fn a_wrong_passphrase_at_unlock_is_status_4_and_changes_nothing() {
    let fixture = with_vault();
    fixture.run(["mount", &text(fixture.mountpoint())]);
    let wrong = fixture.path("wrong");
    fixture.write(&wrong, b"not the passphrase");
    fixture.fails(4, ["unlock", "--passphrase-file", &text(wrong)]);
    assert_eq!(
        fixture.probe().try_open(fixture.file("a")),
        Err(libc::ENOKEY)
    );
    fixture.run([
        "unlock",
        "--passphrase-file",
        &text(fixture.path("passphrase")),
    ]);
    assert_eq!(fixture.read("a"), Ok(value("a", 64)));
}

#[test]
fn one_final_newline_of_the_passphrase_file_is_dropped_and_no_more() {
    let fixture = with_vault();
    let two = fixture.path("two");
    let passphrase = secretfs_tests::vault::PASSPHRASE;
    fixture.write(&two, format!("{passphrase}\n\n").as_bytes());
    fixture.fails(
        4,
        [
            "mount",
            "--passphrase-file",
            &text(two.clone()),
            &text(fixture.mountpoint()),
        ],
    );
    fixture.write(&two, passphrase.as_bytes());
    fixture.run([
        "mount",
        "--passphrase-file",
        &text(two),
        &text(fixture.mountpoint()),
    ]);
    assert_eq!(fixture.read("a"), Ok(value("a", 64)));
}

#[test]
fn the_passphrase_is_found_in_the_credentials_directory() {
    let mut fixture = with_vault();
    let folder = fixture.make_folder("credentials", 0o700);
    let file = folder.join("secretfs.v.passphrase");
    fixture.write(&file, secretfs_tests::vault::PASSPHRASE.as_bytes());
    fixture
        .environment
        .push(("CREDENTIALS_DIRECTORY".into(), text(folder)));
    fixture.run(["mount", &text(fixture.mountpoint())]);
    assert_eq!(fixture.read("a"), Ok(value("a", 64)));
}

#[test]
fn the_passphrase_is_in_no_process() {
    let fixture = with_vault();
    fixture.mount();
    assert_eq!(fixture.read("a"), Ok(value("a", 64)));
    for process in fixture.processes() {
        let all = process.args.join(" ");
        assert!(!all.contains(secretfs_tests::vault::PASSPHRASE), "{all}");
        // As the user the daemon's environment cannot be read at all; as root it holds nothing.
        let environment =
            std::fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment).into_owned();
        assert!(!environment.contains(secretfs_tests::vault::PASSPHRASE));
    }
}

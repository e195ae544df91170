//! What a real `systemd --user` makes of the variables that `secretfs env` prints.

use crate::env::HOSTILE;
use secretfs_tests::documents::blocks;
use secretfs_tests::fixture::{Fixture, told};
use secretfs_tests::systemd::{UserManager, program};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

/// A map whose files have this in their names, in a home folder of the same name.
fn write_map(fixture: &Fixture, name: &str) {
    fixture.write_map(&format!(
        "config: {{mountpoint: ~/secrets}}\n\
         providers: {{v: {{type: local, file: /nowhere/vault.age}}}}\n\
         secrets:\n- {{name: A, file: {file}, env: A_FILE}}\n- {{name: B, file: b, env: B_FILE}}\n",
        file = serde_json::to_string(name).expect("a YAML scalar"),
    ));
}

#[test]
fn the_lines_of_the_guide_hand_the_paths_to_a_users_manager() {
    let fixture = Fixture::new();
    write_map(&fixture, "a b");
    let manager = UserManager::start(&fixture);
    // Where systemd is not installed, `systemctl` is the one that was unpacked.
    let words: Vec<String> = program("systemctl")
        .into_iter()
        .map(|word| word.into_string().expect("UTF-8"))
        .collect();
    let systemctl = fixture.path("systemctl");
    let script = format!("#!/bin/sh\nexec env {} \"$@\"\n", words.join(" "));
    fixture.write(&systemctl, script.as_bytes());
    std::fs::set_permissions(&systemctl, PermissionsExt::from_mode(0o755)).expect("chmod");
    let mut blocks = blocks("docs/shells.md", "sh");
    blocks.retain(|block| block.contains("import-environment"));
    assert_eq!(blocks.len(), 1);
    let mut sh = fixture.command("sh");
    sh.args(["-euc", &blocks.remove(0)]);
    let path = format!("{}:/usr/bin:/bin", fixture.path("").display());
    let output = sh.env("PATH", path).output().expect("sh");
    assert!(output.status.success(), "{}", told(&output));
    let mut show = manager.systemctl();
    let output = show.args(["show-environment", "--output=json"]).output();
    let output = output.expect("systemctl");
    let said = String::from_utf8(output.stdout).expect("text");
    let mountpoint = fixture.mountpoint();
    let set: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    for (name, file) in [("A_FILE", "a b"), ("B_FILE", "b")] {
        assert_eq!(
            set[name],
            serde_json::json!(mountpoint.join(file)),
            "{said}"
        );
    }
}

#[test]
fn a_service_reads_the_file_as_it_was_meant_whatever_a_name_holds() {
    let fixture = Fixture::new();
    let manager = UserManager::start(&fixture);
    for hostile in HOSTILE {
        write_map(&fixture, hostile);
        let home = fixture.path("home").join(hostile);
        let output = fixture
            .secretfs(["env", "--shell", "systemd"])
            .env("HOME", &home)
            .output()
            .expect("secretfs");
        assert!(output.status.success(), "{}", told(&output));
        let (file, printed) = (fixture.path("app.env"), fixture.path("home/printed"));
        fixture.write(&file, &output.stdout);
        let _ = std::fs::remove_file(&printed);
        let unit = format!(
            "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nEnvironmentFile={}\n\
             ExecStart=/usr/bin/printenv --null\nStandardOutput=file:{}\n",
            file.display(),
            printed.display()
        );
        fixture.write(&fixture.path("units/app.service"), unit.as_bytes());
        let reload = manager
            .systemctl()
            .arg("daemon-reload")
            .output()
            .expect("systemctl");
        assert!(reload.status.success(), "{}", told(&reload));
        let start = manager.systemctl().args(["start", "app.service"]).output();
        let start = start.expect("systemctl");
        assert!(start.status.success(), "{hostile:?}: {}", told(&start));
        let text = String::from_utf8(std::fs::read(&printed).expect("printed")).expect("text");
        let all: BTreeMap<&str, &str> =
            text.split('\0').filter_map(|v| v.split_once('=')).collect();
        let at = |name: &str| home.join("secrets").join(name).display().to_string();
        assert_eq!(
            all.get("A_FILE"),
            Some(&at(hostile).as_str()),
            "{hostile:?}"
        );
        assert_eq!(all.get("B_FILE"), Some(&at("b").as_str()), "{hostile:?}");
        assert!(!fixture.path("home/INJECTED").exists());
    }
}

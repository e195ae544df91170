//! What `secretfs env` prints is evaluated by shells: no map, mountpoint or home, however hostile, may
//! inject a word. Tried in the real shells.

use secretfs_tests::fixture::{Fixture, told};

pub(crate) const HOSTILE: [&str; 8] = [
    "plain",
    "a b",
    "$(touch INJECTED)",
    "`touch INJECTED`",
    "'; touch INJECTED; '",
    "\"; touch INJECTED; \"",
    "\\'; touch INJECTED #",
    "!(x) ~ * ? [a] {b,c} & | > INJECTED",
];

/// `eval`s the output of `secretfs env` in a shell and compares what a child of it sees.
fn survives(shell: &str, script: &str) {
    for hostile in HOSTILE {
        let fixture = Fixture::new();
        let folder = fixture.make_folder("work", 0o700);
        // Both ways in: the home folder, and a file of the map.
        let home = fixture.make_folder(&format!("home/{hostile}"), 0o700);
        fixture.write_map(&format!(
            "config: {{mountpoint: ~/secrets}}\n\
             providers: {{v: {{type: local, file: /nowhere/vault.age}}}}\n\
             secrets:\n- {{name: A, file: {file}, env: A_FILE}}\n- {{name: B, file: b, env: B_FILE}}\n",
            file = serde_json::to_string(hostile).expect("a YAML scalar"),
        ));
        let output = fixture
            .command(shell)
            .env("HOME", &home)
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", fixture.path("").display()),
            )
            .current_dir(&folder)
            .args(["-c", script])
            .output()
            .expect("a shell");
        let mountpoint = home.join("secrets");
        let expected = format!("{0}/{hostile}\n{0}/b\n", mountpoint.display());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(said, expected, "{shell}, {hostile:?}: {}", told(&output));
        let left: Vec<_> = std::fs::read_dir(&folder).expect("a folder").collect();
        assert!(left.is_empty(), "{shell}, {hostile:?} made {left:?}");
    }
}

#[test]
fn sh_is_not_injected_into() {
    survives(
        "sh",
        "eval \"$(secretfs env --shell sh)\"; printenv A_FILE B_FILE",
    );
    survives("sh", "eval \"$(secretfs env)\"; printenv A_FILE B_FILE");
}

#[test]
fn bash_is_not_injected_into() {
    survives(
        "bash",
        "eval \"$(secretfs env --shell bash)\"; printenv A_FILE B_FILE",
    );
    survives("bash", "source <(secretfs env); printenv A_FILE B_FILE");
}

#[test]
fn zsh_is_not_injected_into() {
    survives(
        "zsh",
        "eval \"$(secretfs env --shell zsh)\"; printenv A_FILE B_FILE",
    );
}

#[test]
fn fish_is_not_injected_into() {
    survives(
        "fish",
        "secretfs env --shell fish | source; printenv A_FILE; printenv B_FILE",
    );
}

#[test]
fn a_bad_map_prints_nothing_to_evaluate() {
    let fixture = Fixture::new();
    fixture.write_map("secrets: [{name: A, flie: a}]\n");
    let output = fixture.secretfs(["env"]).output().expect("secretfs");
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
}

#[test]
fn env_paths_are_the_files_of_the_mount() {
    let fixture = Fixture::new();
    let vault = fixture.vault();
    fixture.write_map(&format!(
        "config: {{mountpoint: ~/secrets}}\n\
         providers: {{v: {{type: local, file: {:?}}}}}\n\
         secrets: [{{name: A, file: sub/a, env: A_FILE}}]\n",
        vault.file()
    ));
    let text = fixture.run(["env", "--shell", "json"]);
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json, serde_json::json!({"A_FILE": fixture.file("sub/a")}));
}

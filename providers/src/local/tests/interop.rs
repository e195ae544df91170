//! The standard `age` tool opens our vaults, and we open its. A missing `age` is a failure:
//! `tests/run.sh` installs it.

use super::rig::{Rig, WORK, passphrase};
use crate::local::store::Vault;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a command that asks for passphrases on its terminal, and answers with these lines.
fn on_a_terminal(folder: &Path, command: &str, lines: &str) {
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", command, "/dev/null"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script, of util-linux");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command}: {said}");
}

fn run(folder: &Path, command: &str) {
    let status = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(status.success(), "{command}");
}

#[test]
fn the_age_tool_opens_our_vault() {
    let rig = Rig::new();
    rig.edit([
        ("text", Some("a\0ä\n".as_bytes())),
        ("bytes", Some(&b"\xff"[..])),
    ])
    .unwrap();
    on_a_terminal(
        rig.folder.path(),
        "age -d -i identity.age -o plain vault.age",
        "correct horse\n",
    );
    let plain = std::fs::read(rig.folder.path().join("plain")).unwrap();
    let plain: serde_json::Value = serde_json::from_slice(&plain).unwrap();
    assert_eq!(
        plain,
        serde_json::json!({"bytes": {"base64": "/w=="}, "text": "a\0ä\n"})
    );
}

#[test]
fn we_open_a_vault_of_the_age_tool() {
    let rig = Rig::new();
    let folder = rig.folder.path();
    run(
        folder,
        "rm vault.age identity.age; age-keygen -o key 2> /dev/null",
    );
    run(
        folder,
        "printf '%s' '{\"A\": \"made by hand\"}' | age -r $(age-keygen -y key) -o vault.age",
    );
    on_a_terminal(
        folder,
        "age -p -o identity.age key",
        "correct horse\ncorrect horse\n",
    );
    let vault = Vault::at(&folder.join("vault.age")).with_work(WORK);
    let key = vault.unlock(&passphrase()).unwrap();
    assert_eq!(vault.names(&key).unwrap(), ["A"]);
    let rig = Rig { key, ..rig };
    rig.supply().unwrap();
    assert_eq!(rig.get("A"), Ok(b"made by hand".to_vec()));
    rig.set("B", "2").unwrap();
    run(
        folder_of(&rig),
        "age -d -i key vault.age | grep -q 'made by hand'",
    );
}

fn folder_of(rig: &Rig) -> &Path {
    rig.folder.path()
}

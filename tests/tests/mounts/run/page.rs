//! What docs/run.md shows, done.

use super::nothing_is_left;
use secretfs_tests::fixture::{Fixture, told};
use secretfs_tests::transcript;
use secretfs_tests::vault::PASSPHRASE;

#[test]
fn every_command_of_the_page_prints_what_the_page_says() {
    let page = transcript::page("run.md");
    let mut fixture = Fixture::new();
    let mut vault = fixture.vault();
    vault.set("KUBE_CONFIG", b"kind: Config\n");
    vault.set("API_KEY", b"sk-demo\n");
    let map = transcript::blocks(&page, "yaml").remove(0);
    let file = vault.file();
    let file = file.to_str().expect("UTF-8");
    assert!(map.contains("~/.local/share/secretfs/vault.age"));
    fixture.write_map(&map.replace("~/.local/share/secretfs/vault.age", file));
    // The page's reader types the passphrase.
    let credentials = fixture.make_folder("credentials", 0o700);
    fixture.write(
        &credentials.join("secretfs.vault.passphrase"),
        PASSPHRASE.as_bytes(),
    );
    let credentials = credentials.to_str().expect("UTF-8").to_owned();
    fixture
        .environment
        .push(("CREDENTIALS_DIRECTORY".to_owned(), credentials));
    let folder = fixture.path("");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    for said in transcript::commands(&page) {
        let script = format!("exec 2>&1; {}", said.command);
        let output = fixture
            .command("sh")
            .args(["-c", &script])
            .env("PATH", &path)
            .output()
            .expect("sh");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(
            transcript::agrees(&said.output, &printed),
            "$ {}\n{}",
            said.command,
            told(&output)
        );
    }
    nothing_is_left(&fixture);
}

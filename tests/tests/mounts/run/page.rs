//! What docs/run.md shows, done.

use super::nothing_is_left;
use secretfs_tests::fixture::Fixture;
use secretfs_tests::transcript;

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
    fixture.give_passphrase();
    let folder = fixture.path("");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    transcript::follow(&page, |command| {
        let script = format!("exec 2>&1; {command}");
        let mut shell = fixture.command("sh");
        shell.args(["-c", &script]).env("PATH", &path);
        shell.output().expect("sh")
    });
    nothing_is_left(&fixture);
}

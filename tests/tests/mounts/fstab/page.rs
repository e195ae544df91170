//! What docs/fstab.md shows, done.

use super::{run, silent, wiped};
use secretfs_tests::fixture::{Fixture, told};
use secretfs_tests::machine::Machine;
use secretfs_tests::transcript;
use secretfs_tests::user::mounting;
use secretfs_tests::vault::PASSPHRASE;

#[test]
fn every_command_of_the_page_prints_what_the_page_says() {
    let page = transcript::page("fstab.md");
    let fixture = Fixture::new();
    let mut vault = fixture.vault();
    vault.set("API_KEY", b"sk-demo\n");
    let home = fixture.path("home");
    let map = format!(
        "providers: {{v: {{type: local, file: {:?}}}}}\nsecrets: [{{name: API_KEY, file: api-key}}]\n",
        vault.file()
    );
    fixture.write(&home.join("secrets.yml"), map.as_bytes());
    fixture.write(&home.join(".vault-passphrase"), PASSPHRASE.as_bytes());
    let machine = Machine::new(&fixture);
    let here = |text: &str| {
        text.replace("/home/alice", home.to_str().expect("UTF-8"))
            .replace("uid=alice", &format!("uid={}", mounting().name))
    };
    for said in transcript::commands(&page) {
        let mut sh = match said.command.strip_prefix("sudo ") {
            Some(_) => machine.root("sh"),
            None => machine.user(mounting(), "sh"),
        };
        let command = said.command.trim_start_matches("sudo ");
        let output = run(sh.args(["-c", &format!("exec 2>&1; {}", here(command))]));
        let printed = String::from_utf8_lossy(&output.stdout);
        let agrees = transcript::agrees(&here(&said.output), &printed);
        assert!(agrees, "$ {}\n{}", said.command, told(&output));
    }
    wiped(&fixture, &machine);
    // The line of the page, for alice.
    let line = transcript::blocks(&page, "fstab").remove(0);
    machine.fstab(&here(&line));
    let mut mount = machine.user(mounting(), "mount");
    let output = run(mount.arg(fixture.mountpoint()));
    assert!(output.status.success(), "{}", told(&output));
    silent(machine.user(mounting(), "umount").arg(fixture.mountpoint()));
    wiped(&fixture, &machine);
}

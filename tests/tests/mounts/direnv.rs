//! `use secretfs` of packaging/direnv, in the real direnv; and systemd's user manager.

use secretfs_tests::fixture::{Fixture, told};
use std::process::Output;

/// A home with the library, and a folder with a map and an `.envrc`.
fn home(envrc: &str) -> Fixture {
    let fixture = Fixture::new();
    for folder in [
        "home/.config",
        "home/.config/direnv",
        "home/.config/direnv/lib",
        "home/app",
    ] {
        fixture.make_folder(folder, 0o700);
    }
    let library = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../packaging/direnv/secretfs.sh"
    );
    let library = std::fs::read(library).expect("the library");
    fixture.write(
        &fixture.path("home/.config/direnv/lib/secretfs.sh"),
        &library,
    );
    fixture.write(&fixture.path("home/app/.envrc"), envrc.as_bytes());
    write(&fixture, "home/app/secrets.yml", &["A_FILE"]);
    fixture
}

fn write(fixture: &Fixture, map: &str, names: &[&str]) {
    let mut text = "providers: {v: {type: local, file: /nowhere/vault.age}}\nsecrets:\n".to_owned();
    for name in names {
        text.push_str(&format!("  - {{name: A, file: {name}, env: {name}}}\n"));
    }
    fixture.write(&fixture.path(map), text.as_bytes());
}

fn typed(fixture: &Fixture, script: &str) -> Output {
    let path = format!("{}:/usr/bin:/bin", fixture.path("").display());
    fixture
        .command("bash")
        .env_remove("SECRETFS_MAP")
        .env("PATH", path)
        .current_dir(fixture.path("home/app"))
        .args(["-uc", script])
        .output()
        .expect("bash")
}

fn shown(output: &Output) -> Vec<String> {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.lines().map(str::to_owned).collect()
}

const SHOW: &str = "eval \"$(direnv export bash)\"; echo \"${A_FILE-none} ${B_FILE-none}\"";

#[test]
fn direnv_exports_the_map_loads_it_again_when_it_is_saved_and_takes_all_back() {
    let fixture = home("use secretfs\n");
    write(&fixture, "home/app/new.yml", &["A_FILE", "B_FILE"]);
    // direnv looks at seconds.
    let script = format!(
        "direnv allow . && {SHOW}; mv new.yml secrets.yml; touch -d 2038-01-01 secrets.yml; {SHOW}\n\
         mkdir -p sub; cd sub; {SHOW}; cd /; {SHOW}"
    );
    let output = typed(&fixture, &script);
    let at = fixture.mountpoint().display().to_string();
    let both = format!("{at}/A_FILE {at}/B_FILE");
    let expected = [
        format!("{at}/A_FILE none"),
        both.clone(),
        both,
        "none none".to_owned(),
    ];
    assert_eq!(shown(&output), expected, "{}", told(&output));
}

#[test]
fn direnv_takes_a_map_by_its_name_and_says_when_there_is_none() {
    let fixture = home("use secretfs deploy.yml\n");
    write(&fixture, "home/app/deploy.yml", &["B_FILE"]);
    let output = typed(&fixture, &format!("direnv allow . && {SHOW}"));
    let at = fixture.mountpoint().display().to_string();
    assert_eq!(
        shown(&output),
        [format!("none {at}/B_FILE")],
        "{}",
        told(&output)
    );
    std::fs::remove_file(fixture.path("home/app/deploy.yml")).expect("removed");
    let output = typed(&fixture, SHOW);
    assert_eq!(shown(&output), ["none none"], "{}", told(&output));
    assert!(told(&output).contains("deploy.yml"), "{}", told(&output));
}

#[test]
fn a_bad_map_exports_nothing_and_no_name_or_place_is_run() {
    let fixture = home("use secretfs\n");
    let map = "secrets: [{name: A, file: a, env: A_FILE}, {name: A, flie: b}]\n";
    fixture.write(&fixture.path("home/app/secrets.yml"), map.as_bytes());
    let output = typed(&fixture, &format!("direnv allow . && {SHOW}"));
    assert_eq!(shown(&output), ["none none"], "{}", told(&output));
    assert!(
        told(&output).contains("did you mean `file`?"),
        "{}",
        told(&output)
    );
    let map = "config: {mountpoint: \"/m/'; touch INJECTED; `touch INJECTED`\"}\n\
               secrets: [{name: A, file: \"a'; touch INJECTED #\", env: A_FILE}]\n";
    fixture.write(&fixture.path("home/app/secrets.yml"), map.as_bytes());
    let output = typed(&fixture, SHOW);
    let expected = "/m/'; touch INJECTED; `touch INJECTED`/a'; touch INJECTED # none";
    assert_eq!(shown(&output), [expected], "{}", told(&output));
    assert!(!fixture.path("home/app/INJECTED").exists());
}

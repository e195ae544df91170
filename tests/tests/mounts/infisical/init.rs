//! `secretfs init infisical`: from a project to a map that mounts.

use super::{Mount, secret};
use secretfs_tests::fixture::told;
use secretfs_tests::infisical::{Generation, PROJECT_ID, PROJECT_SLUG, Role, Rule};
use std::process::Output;

fn seeded(generation: Generation) -> Mount {
    let mount = Mount::of(generation);
    mount.sim.set("/", "KUBE_CONFIG", &secret("kubeconfig"));
    mount.sim.set("/", "A KEY\u{e9}", &secret("key"));
    mount.sim.set("/backend", "DATABASE_URL", &secret("url"));
    mount.sim.set("/backend/deep", "..", &secret("no file"));
    mount
}

fn init(mount: &Mount, args: &[&str]) -> Output {
    let map = mount.map();
    let ca = mount.sim.ca_file().expect("a CA").display().to_string();
    let mut command = mount.secretfs(["init", "infisical"]);
    command
        .args(["--ca-file", &ca, "--output"])
        .arg(&map)
        .args(args);
    command.output().expect("init")
}

#[test]
fn a_project_becomes_a_map_with_its_folders_that_mounts_at_once() {
    for generation in [Generation::V3Only, Generation::Both] {
        for project in [
            ["--project-id", PROJECT_ID],
            ["--project-slug", PROJECT_SLUG],
        ] {
            let mount = seeded(generation);
            let output = init(&mount, &project);
            assert!(output.status.success(), "{}", told(&output));
            let said = String::from_utf8(output.stderr).expect("text");
            assert!(
                said.contains("3 entries; edit it, then `secretfs mount`"),
                "{said}"
            );
            assert!(
                said.contains("\"..\" cannot be the name of a file"),
                "{said}"
            );
            let singles = mount
                .sim
                .count(secretfs_tests::infisical::Route::SecretSingle);
            assert_eq!(singles, 0, "no value is asked for");
            mount.mount();
            assert_eq!(
                mount.read("kubeconfig"),
                Ok(secret("kubeconfig").into_bytes())
            );
            assert_eq!(mount.read("A KEY\u{e9}"), Ok(secret("key").into_bytes()));
            assert_eq!(
                mount.read("backend/DATABASE_URL"),
                Ok(secret("url").into_bytes())
            );
            let exports = mount.run(["env", "--shell", "json"]);
            assert!(exports.contains("\"KUBECONFIG\""), "{exports}");
        }
    }
}

#[test]
fn it_starts_from_the_folder_and_environment_that_are_named() {
    let mount = seeded(Generation::Both);
    mount
        .sim
        .set_in("prod", "/backend", "DATABASE_URL", &secret("prod"));
    let args = [
        "--project-id",
        PROJECT_ID,
        "--environment",
        "prod",
        "--path",
        "/backend",
    ];
    let output = init(&mount, &args);
    assert!(output.status.success(), "{}", told(&output));
    mount.mount();
    assert_eq!(mount.read("DATABASE_URL"), Ok(secret("prod").into_bytes()));
}

#[test]
fn a_map_that_is_there_is_not_overwritten() {
    let mount = seeded(Generation::Both);
    mount.write_map("mine");
    let output = init(&mount, &["--project-id", PROJECT_ID]);
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert_eq!(std::fs::read(mount.map()).expect("the map"), b"mine");
    assert_eq!(mount.sim.total(), 0);
}

#[test]
fn what_goes_wrong_is_told_as_check_does_and_nothing_is_written() {
    let mount = seeded(Generation::Both);
    let expect = |args: &[&str], status: i32, text: &str| {
        let output = init(&mount, &[&["--project-id", PROJECT_ID], args].concat());
        assert_eq!(output.status.code(), Some(status), "{}", told(&output));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(text), "{text:?} is not in {said}");
        assert!(!mount.map().exists());
    };
    expect(&["--environment", "prd"], 1, "did you mean `prod`?");
    expect(&["--path", "/bakend"], 1, "did you mean `backend`?");
    expect(&["--environment", "staging"], 1, "there is no secret below");
    expect(&["--site-url", "ftp://x"], 3, "site_url");
    mount.sim.revoke_secrets();
    expect(&[], 4, "refuses");
    mount
        .sim
        .set_role(Role::Rules(vec![Rule::read("dev", "/backend")]));
}

#[test]
fn folders_that_may_not_be_listed_are_told_and_the_others_are_taken() {
    let mount = seeded(Generation::V3Only);
    let rules = ["/", "/backend/deep"].map(|path| Rule::read("dev", path));
    mount.sim.set_role(Role::Rules(rules.into()));
    mount.sim.set("/backend/deep", "B", &secret("b"));
    let output = init(&mount, &["--project-id", PROJECT_ID]);
    assert!(output.status.success(), "{}", told(&output));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(
        said.contains("the names in \"/backend\" may not be listed"),
        "{said}"
    );
    mount.mount();
    assert_eq!(mount.read("backend/deep/B"), Ok(secret("b").into_bytes()));
}

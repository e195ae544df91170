//! What docs/infisical.md tells a new user to do, done.

use super::Mount;
use secretfs_tests::fixture::{MARKER, kubeconfig, told};
use secretfs_tests::http_sim::Tls;
use secretfs_tests::infisical::{Generation, Infisical, PROJECT_ID, Route};

fn blocks(language: &str) -> Vec<String> {
    secretfs_tests::documents::blocks("docs/infisical.md", language)
}

fn block(language: &str, with: &str) -> String {
    let mut found = blocks(language);
    found.retain(|block| block.contains(with));
    assert_eq!(found.len(), 1, "blocks with {with:?}: {found:?}");
    let text = found.remove(0);
    text.replace("YOUR-PROJECT-ID", PROJECT_ID)
        .replace("your-project-id", PROJECT_ID)
}

/// A project as the guide has it, on a server that the environment names.
fn project(generation: Generation) -> Mount {
    let mount = Mount::over(Infisical::start_as(generation, Tls::No));
    mount.sim.set("/", "KUBE_CONFIG", &kubeconfig("prod"));
    mount
}

fn contexts(mount: &Mount) -> String {
    let output = mount
        .command("kubectl")
        .args(["config", "get-contexts", "-o", "name"])
        .env("KUBECONFIG", mount.file("kubeconfig"))
        .output()
        .expect("kubectl");
    assert!(output.status.success(), "{}", told(&output));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn ten_minutes_from_an_identity_to_a_working_kubectl() {
    for generation in [Generation::V3Only, Generation::Both] {
        let mount = project(generation);
        let init = block("sh", "secretfs init");
        let words: Vec<_> = init.split_whitespace().skip(1).collect();
        let written = mount.run([&words[..], &["--output", "-"]].concat());
        for map in [block("yaml", "# secrets.yml"), written] {
            mount.write_map(&map);
            let checked = mount.run(["check", "--online"]);
            assert!(checked.contains("1 of 1 can be read"), "{checked}");
            mount.sim.forget_requests();
            mount.mount();
            assert_eq!(
                mount.sim.total(),
                0,
                "the secret is fetched when it is opened"
            );
            assert_eq!(contexts(&mount), "prod\n");
            assert_eq!(mount.sim.count(Route::SecretSingle), 1);
            let exports = mount.run(["env", "--shell", "sh"]);
            assert!(exports.starts_with("export KUBECONFIG="), "{exports}");
            mount.unmount();
        }
    }
}

#[test]
fn the_short_form_of_older_maps_works_untouched() {
    let mount = project(Generation::V3Only);
    mount.write_map(&block("yaml", "infisical_project_id"));
    mount.mount();
    assert_eq!(contexts(&mount), "prod\n");
}

#[test]
fn the_root_folder_as_dotenv_is_what_a_generated_env_file_was() {
    let mount = Mount::over(Infisical::start_as(Generation::V3Only, Tls::No));
    mount.sim.set(
        "/",
        "DATABASE_URL",
        &format!("postgres://u:{MARKER}@h/db?a=1"),
    );
    mount.sim.set("/", "WITH_SPACE", "two words");
    mount.sim.set("/backend", "KEY", MARKER);
    let folders = block("yaml", "folder: /backend");
    mount.write_map(&format!(
        "config: {{infisical_project_id: {PROJECT_ID}}}\n{folders}"
    ));
    mount.mount();
    // Read by a shell, as those who source it do.
    let script = "set -a; . \"$1\"; printf '%s|%s' \"$DATABASE_URL\" \"$WITH_SPACE\"";
    let output = mount
        .command("sh")
        .args(["-euc", script, "sh"])
        .arg(mount.file(".env"))
        .output()
        .expect("sh");
    assert!(output.status.success(), "{}", told(&output));
    let expected = format!("postgres://u:{MARKER}@h/db?a=1|two words");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    assert_eq!(mount.read("backend/KEY"), Ok(MARKER.into()));
}

#[test]
fn every_map_of_the_guide_is_a_good_one() {
    let mount = project(Generation::V3Only);
    for map in blocks("yaml") {
        let is_whole = map.contains("providers:") || map.contains("config:");
        let head = match is_whole {
            true => "",
            false => "config: {infisical_project_id: p}\n",
        };
        mount.write_map(&format!("{head}{map}"));
        mount.run(["check"]);
    }
    assert_eq!(mount.sim.total(), 0);
}

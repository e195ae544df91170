//! No fenced block of a document is there unwatched: a map is checked by the program, a shell's block is
//! parsed by a shell, and of every block that is no map somebody has decided what proves it.
//!
//! That every `secretfs` command line in them is one that the program takes is tested where the
//! definition of the command line is (`cli/src/documented.rs`).

use super::{named_test, root};
use secretfs_tests::documents::{self, Fence};
use secretfs_tests::fixture::{Fixture, told};

/// What proves a block.
enum Proof {
    /// A test types it, or reads it as the reader would. Its file names the document.
    Done(&'static str),
    /// Nothing more than the checks above, and why.
    Only(&'static str),
}
use Proof::{Done, Only};

/// Document, language, the beginning of the block's first line (empty: every block of that language).
const DECIDED: &[(&str, &str, &str, Proof)] = &[
    (
        "CONTRIBUTING.md",
        "sh",
        "bash tests/run.sh",
        Only("this is what runs the tests"),
    ),
    (
        "README.md",
        "sh",
        "KUBECONFIG=",
        Done("docs/started::the_commands_of_the_readme_print_what_it_says"),
    ),
    (
        "README.md",
        "sh",
        "bash packaging/quickstart.sh",
        Only("the two are tests by themselves"),
    ),
    (
        "README.md",
        "console",
        "",
        Done("docs/started::the_commands_of_the_readme_print_what_it_says"),
    ),
    ("docs/architecture.md", "", "", Only("drawings in letters")),
    (
        "docs/benchmarks.md",
        "sh",
        "cargo bench",
        Only("takes minutes, and is for an idle machine"),
    ),
    (
        "docs/containers.md",
        "yaml",
        "# compose.yaml",
        Only("for docker compose, which needs a dockerd; parsed as YAML"),
    ),
    (
        "docs/containers.md",
        "yaml",
        "# pod.yaml",
        Only("for a cluster; parsed as YAML"),
    ),
    (
        "docs/containers.md",
        "sh",
        "secretfs mount\ndocker",
        Only("needs a dockerd; run/inject.rs and map.rs have what it reads"),
    ),
    (
        "docs/containers.md",
        "sh",
        "secretfs mount\npodman",
        Only("needs a registry; containers.rs does the same with a root folder"),
    ),
    (
        "docs/containers.md",
        "sh",
        "secretfs run --inject",
        Only("needs docker, podman or devcontainer; run/inject.rs has what they get"),
    ),
    (
        "docs/containers.md",
        "json",
        "{",
        Only("for an editor; parsed as JSON"),
    ),
    (
        "docs/containers.md",
        "Dockerfile",
        "FROM",
        Only("needs a registry; cli/src/documented.rs parses its entry point"),
    ),
    (
        "docs/fstab.md",
        "sh",
        "ln -s",
        Only("for root on the reader's machine; the tests of fstab make the same links"),
    ),
    (
        "docs/fstab.md",
        "fstab",
        "",
        Done("fstab::page::every_command_of_the_page_prints_what_the_page_says"),
    ),
    (
        "docs/fstab.md",
        "console",
        "",
        Done("fstab::page::every_command_of_the_page_prints_what_the_page_says"),
    ),
    (
        "docs/getting-started.md",
        "sh",
        "cargo build",
        Only("the release build takes minutes; doctor.rs has the last line"),
    ),
    (
        "docs/getting-started.md",
        "sh",
        "secretfs login work",
        Done("docs/started::the_page_done_with_connect"),
    ),
    (
        "docs/getting-started.md",
        "console",
        "",
        Done("docs/started::the_page_done_with_a_local_vault"),
    ),
    (
        "docs/infisical.md",
        "sh",
        "export INFISICAL_UNIVERSAL",
        Only("the reader types the values"),
    ),
    (
        "docs/infisical.md",
        "sh",
        "secretfs init infisical",
        Done("infisical/guide::ten_minutes_from_an_identity_to_a_working_kubectl"),
    ),
    (
        "docs/infisical.md",
        "sh",
        "secretfs check --online",
        Done("infisical/guide::ten_minutes_from_an_identity_to_a_working_kubectl"),
    ),
    (
        "docs/infisical.md",
        "sh",
        "export INFISICAL_DOMAIN",
        Only("sets a variable"),
    ),
    (
        "docs/install.md",
        "sh",
        "",
        Only(
            "for root on the reader's machine; the suite `packages` installs and removes each in a clean root",
        ),
    ),
    (
        "docs/install.md",
        "nix",
        "imports",
        Only("a part of a configuration; the suite `packages` parses the module"),
    ),
    (
        "docs/login.md",
        "",
        "$ secretfs login infisical",
        Done("login/guide::the_commands_of_the_guide_do_what_it_says"),
    ),
    (
        "docs/login.md",
        "",
        "keyring",
        Only("two lines of doctor; login.rs has their tests"),
    ),
    (
        "docs/login.md",
        "sh",
        "",
        Done("login/guide::the_commands_of_the_guide_do_what_it_says"),
    ),
    (
        "docs/migrating.md",
        "dotenv",
        "# .env",
        Done("migrating::from_a_env_to_files_of_the_same_values"),
    ),
    (
        "docs/migrating.md",
        "sh",
        "secretfs init env .env",
        Done("migrating::from_a_env_to_files_of_the_same_values"),
    ),
    (
        "docs/migrating.md",
        "dotenv",
        "# app.env",
        Done("migrating::from_op_run_to_the_same_variables"),
    ),
    (
        "docs/migrating.md",
        "sh",
        "secretfs init env app.env",
        Done("migrating::from_op_run_to_the_same_variables"),
    ),
    (
        "docs/migrating.md",
        "sh",
        "secretfs run --inject",
        Done("migrating::from_infisical_run_to_the_same_variables"),
    ),
    (
        "docs/migrating.md",
        "sh",
        "secretfs vault init",
        Done("migrating::from_sops_to_files_of_the_vault"),
    ),
    (
        "docs/migrating.md",
        "sh",
        "eval",
        Done("migrating::from_a_env_to_files_of_the_same_values"),
    ),
    (
        "docs/migrating.md",
        "bash",
        "# .envrc",
        Done("migrating::from_an_envrc_to_files_of_the_references"),
    ),
    (
        "docs/migrating.md",
        "sh",
        "secretfs init envrc",
        Done("migrating::from_an_envrc_to_files_of_the_references"),
    ),
    (
        "docs/migrating.md",
        "sh",
        "secretfs init tazpod",
        Done("migrating::from_tazpod_to_the_same_map_with_its_first_line"),
    ),
    (
        "docs/network.md",
        "sh",
        "export HTTPS_PROXY",
        Only("network/proxy.rs has the variables with real proxies"),
    ),
    (
        "docs/onepassword.md",
        "sh",
        "op connect",
        Only("1Password's own program, and an account"),
    ),
    (
        "docs/onepassword.md",
        "yaml",
        "# compose.yaml",
        Only("1Password's own images"),
    ),
    (
        "docs/onepassword.md",
        "sh",
        "export OP_CONNECT_HOST",
        Only("the reader types the token; connect.rs reads through it"),
    ),
    (
        "docs/onepassword.md",
        "sh",
        "secretfs mount",
        Only("needs the app; op/values.rs does it with a stand-in for op"),
    ),
    (
        "docs/onepassword.md",
        "sh",
        "read -rs OP_SERVICE",
        Only("the reader types the token; op/service_account.rs reads through it"),
    ),
    (
        "docs/onepassword.md",
        "",
        "$ secretfs check",
        Only("the drawing is tested in cli/src/map_report.rs"),
    ),
    (
        "docs/reliability.md",
        "sh",
        "",
        Only("these run tests of this repository, some of them for an hour"),
    ),
    (
        "docs/run.md",
        "console",
        "",
        Done("run/page::every_command_of_the_page_prints_what_the_page_says"),
    ),
    (
        "docs/vault.md",
        "console",
        "",
        Done("docs/started::the_commands_of_the_page_of_the_vault_print_what_it_says"),
    ),
    (
        "docs/troubleshooting.md",
        "sh",
        "secretfs status",
        Only(
            "three commands with tests of their own: status.rs, doctor.rs, check.rs of each provider",
        ),
    ),
    (
        "docs/shells.md",
        "sh",
        "eval \"$(secretfs env)\"",
        Only("env.rs and hook.rs do it in each shell"),
    ),
    (
        "docs/shells.md",
        "sh",
        "eval \"$(secretfs hook",
        Only("hook.rs does it in each shell"),
    ),
    (
        "docs/shells.md",
        "bash",
        "use secretfs",
        Only("direnv.rs does it with direnv"),
    ),
    (
        "docs/shells.md",
        "sh",
        "eval \"$(secretfs env --shell sh)",
        Done("user_manager::the_lines_of_the_guide_hand_the_paths_to_a_users_manager"),
    ),
];

fn every_fence() -> Vec<Fence> {
    let mut all = Vec::new();
    for document in documents::all() {
        all.extend(documents::fences(&document, &documents::text(&document)));
    }
    all
}

fn fits(decision: &(&str, &str, &str, Proof), fence: &Fence) -> bool {
    let (document, language, start, _) = decision;
    *document == fence.document && *language == fence.language && fence.text.starts_with(start)
}

/// A whole map or a part of one; nothing for YAML of other programs.
fn as_a_map(fence: &Fence) -> Option<String> {
    const VAULT: &str = "  vault: {type: local, file: ~/vault.age}\n";
    const SECRETS: &str = "secrets:\n  - {name: A, file: a}\n";
    let of_others = ["services:", "apiVersion: v1"];
    let line = |wanted: &&str| fence.text.lines().any(|line| line == *wanted);
    if fence.language != "yaml" || of_others.iter().any(line) {
        return None;
    }
    if fence.text.starts_with("- ") {
        let entries = fence.text.replace('\n', "\n  ");
        let connect = "{type: onepassword, connect_host: \"https://connect.example\"}";
        return Some(format!(
            "providers:\n{VAULT}  work: {connect}\nconfig: {{provider: vault}}\nsecrets:\n  {entries}"
        ));
    }
    if !line(&"secrets:") && !line(&"providers:") && !line(&"config:") {
        return None;
    }
    let mut text = fence.text.clone();
    if !line(&"providers:") && !text.contains("infisical_project_id") {
        text.push_str("\nproviders:\n");
        text.push_str(VAULT);
    }
    if !line(&"secrets:") {
        text.push_str(SECRETS);
    }
    Some(text)
}

#[test]
fn every_map_in_the_documents_is_a_good_one() {
    let fixture = Fixture::new();
    let mut seen = 0;
    for fence in every_fence() {
        let Some(map) = as_a_map(&fence) else {
            continue;
        };
        fixture.write_map(&map);
        let output = fixture.secretfs(["check"]).output().expect("secretfs");
        let place = fence.place();
        assert!(
            output.status.success(),
            "{place}:\n{map}\n{}",
            told(&output)
        );
        seen += 1;
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn every_block_that_is_no_map_has_a_decision_and_every_decision_a_block() {
    let fences = every_fence();
    let mut undecided = String::new();
    for fence in fences.iter().filter(|fence| as_a_map(fence).is_none()) {
        if !DECIDED.iter().any(|decision| fits(decision, fence)) {
            let first = fence.text.lines().next().unwrap_or_default();
            undecided.push_str(&format!("{}: {first:?}\n", fence.place()));
        }
    }
    assert!(
        undecided.is_empty(),
        "neither maps nor in DECIDED of {}: name the test that does what each says, or why there is none\n{undecided}",
        file!()
    );
    for decision in DECIDED {
        let (document, language, start, proof) = decision;
        assert!(
            fences.iter().any(|fence| fits(decision, fence)),
            "no block of {language:?} in {document} begins with {start:?} any more"
        );
        match proof {
            Done(test) => {
                let source = named_test(test, &["mounts"]);
                let name = document.rsplit('/').next().unwrap_or_default();
                assert!(source.contains(name), "{test} does not read {document}");
            }
            Only(why) => assert!(why.len() > 10, "{document} {start:?}: why?"),
        }
    }
}

#[test]
fn every_shell_block_is_one_to_a_shell() {
    let mut seen = 0;
    for fence in every_fence() {
        let script = match fence.language.as_str() {
            "sh" | "bash" => fence.text.clone(),
            "console" => {
                let typed = fence
                    .text
                    .lines()
                    .filter_map(|line| line.strip_prefix("$ "));
                typed.collect::<Vec<_>>().join("\n")
            }
            _ => continue,
        };
        let mut command = std::process::Command::new("bash");
        let output = command.args(["-n", "-c", &script]).output().expect("bash");
        let silent = output.status.success() && output.stderr.is_empty();
        assert!(silent, "{}: {}", fence.place(), told(&output));
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn every_block_of_yaml_and_json_is_one() {
    let mut seen = 0;
    for fence in every_fence() {
        let wrong = match fence.language.as_str() {
            "yaml" => serde_yaml::from_str::<serde_yaml::Value>(&fence.text)
                .err()
                .map(|e| e.to_string()),
            "json" => serde_json::from_str::<serde_json::Value>(&fence.text)
                .err()
                .map(|e| e.to_string()),
            _ => continue,
        };
        assert_eq!(wrong, None, "{}", fence.place());
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn every_language_of_a_block_is_a_known_one() {
    let known = [
        "",
        "sh",
        "bash",
        "console",
        "yaml",
        "dotenv",
        "ini",
        "fstab",
        "nix",
        "Dockerfile",
        "json",
        "rust",
    ];
    for fence in every_fence() {
        assert!(
            known.contains(&fence.language.as_str()),
            "{}",
            fence.place()
        );
    }
    // So that `root` is the repository, and nothing above passed for want of documents.
    assert!(root().join("docs").is_dir() && documents::all().len() > 15);
}

//! What docs/migrating.md tells those to do who come from something else, done.

use secretfs_tests::connect::{Connect, Field, Item, Route};
use secretfs_tests::documents::blocks;
use secretfs_tests::fixture::{Fixture, MARKER, told};
use secretfs_tests::http_sim::Tls;
use secretfs_tests::infisical::{Generation, Infisical, PROJECT_ID};

const GUIDE: &str = "docs/migrating.md";

fn block(language: &str, with: &str) -> String {
    let mut found = blocks(GUIDE, language);
    found.retain(|block| block.contains(with));
    assert_eq!(found.len(), 1, "blocks with {with:?}: {found:?}");
    found.remove(0)
}

/// Types a block into a shell, in the folder of the map. What it prints.
fn typed(fixture: &Fixture, script: &str) -> (String, String) {
    let folder = fixture.path("");
    let output = fixture
        .command("sh")
        .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .current_dir(&folder)
        .args(["-euc", script])
        .output()
        .expect("sh");
    assert!(output.status.success(), "{script}: {}", told(&output));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (text(output.stdout), text(output.stderr))
}

fn map(fixture: &Fixture) -> String {
    std::fs::read_to_string(fixture.map()).expect("the map")
}

#[test]
fn from_a_env_to_files_of_the_same_values() {
    let mut fixture = Fixture::new();
    fixture.give_passphrase();
    let secret = block("dotenv", "DATABASE_URL").replace("s3cret", MARKER);
    fixture.write(&fixture.path(".env"), secret.as_bytes());
    let (_, said) = typed(&fixture, &block("sh", "init env .env"));
    assert!(
        said.contains("secrets.yml: 3 entries; `secretfs vault init` makes the vault"),
        "{said}"
    );
    assert_eq!(map(&fixture), block("yaml", "file: DATABASE_URL"));
    assert!(fixture.is_mounted());
    let (shown, _) = typed(&fixture, &block("sh", "secretfs env"));
    assert_eq!(shown, format!("postgres://app:{MARKER}@db/app"));
    assert_eq!(
        fixture.read("OPENAI_API_KEY"),
        Ok(format!("{MARKER}-key").into_bytes())
    );
    assert_eq!(fixture.read("SENTRY_DSN"), Ok(Vec::new()));
    // What reads nothing but a .env.
    let script = format!("printf {MARKER} | secretfs vault set app/DATABASE_URL");
    typed(&fixture, &script);
    let text = format!("{}  - {{folder: /app, file: app.env}}\n", map(&fixture));
    fixture.unmount();
    fixture.write_map(&text);
    fixture.mount();
    assert_eq!(
        fixture.read("app.env"),
        Ok(format!("DATABASE_URL='{MARKER}'\n").into_bytes())
    );
}

#[test]
fn from_op_run_to_the_same_variables() {
    let mut fixture = Fixture::new();
    let sim = Connect::start(Tls::No);
    let vault = sim.vault("Prod");
    let field = Field::new("password").value(MARKER);
    sim.item(&vault, Item::new("db").field(field));
    fixture.environment = sim.environment();
    let file = block("dotenv", "# app.env");
    fixture.write(&fixture.path("app.env"), file.as_bytes());
    let (said, _) = typed(&fixture, &block("sh", "init env app.env"));
    assert!(said.ends_with(MARKER), "{said}");
    assert!(!fixture.is_mounted());
}

#[test]
fn from_infisical_run_to_the_same_variables() {
    let mut fixture = Fixture::new();
    let sim = Infisical::start(Tls::No);
    sim.set("/", "DATABASE_URL", MARKER);
    fixture.environment = sim.environment();
    let map = block("yaml", "file: app.env").replace("YOUR-PROJECT-ID", PROJECT_ID);
    fixture.write_map(&map);
    let (said, _) = typed(&fixture, &block("sh", "$DATABASE_URL\"'"));
    assert_eq!(said, MARKER);
    fixture.mount();
    assert_eq!(
        fixture.read("app.env"),
        Ok(format!("DATABASE_URL='{MARKER}'\n").into_bytes())
    );
    drop(fixture);
}

#[test]
fn from_sops_to_files_of_the_vault() {
    use std::os::unix::fs::PermissionsExt;
    let mut fixture = Fixture::new();
    fixture.give_passphrase();
    // Takes what the page says to it, and nothing else. It makes its values, so that no file has them.
    let stand_in = format!(
        "#!/bin/sh\nmarked=$(printf %s {} | rev)\ncase \"$*\" in\n\
         'decrypt --output-type dotenv secrets.enc.yaml') echo \"DATABASE_URL=$marked\" ;;\n\
         'decrypt kubeconfig.enc') printf %s \"$marked\" ;;\n*) exit 9 ;;\nesac\n",
        MARKER.chars().rev().collect::<String>()
    );
    let sops = fixture.path("sops");
    fixture.write(&sops, stand_in.as_bytes());
    std::fs::set_permissions(&sops, PermissionsExt::from_mode(0o755)).expect("chmod");
    let (said, _) = typed(&fixture, &block("sh", "sops decrypt"));
    assert!(said.contains("imported 1 secret: 1 new"), "{said}");
    fixture.write_map(&block("yaml", "file: database-url"));
    typed(&fixture, "secretfs mount");
    for file in ["database-url", "kubeconfig"] {
        assert_eq!(fixture.read(file), Ok(MARKER.into()), "{file}");
    }
}

#[test]
fn from_an_envrc_to_files_of_the_references() {
    let mut fixture = Fixture::new();
    let sim = Connect::start(Tls::No);
    let vault = sim.vault("Prod");
    let item = |title: &str, label: &str| Item::new(title).field(Field::new(label).value(MARKER));
    sim.item(&vault, item("db", "password"));
    sim.item(&vault, item("openai", "api key"));
    fixture.environment = sim.environment();
    let envrc = block("bash", "# .envrc");
    fixture.write(&fixture.path(".envrc"), envrc.as_bytes());
    let (said, warned) = typed(&fixture, &block("sh", "init envrc"));
    let expected =
        "warning: .envrc: left out, for it sets no variable to a reference: lines 2, 5 (LOG_LEVEL)";
    let guide =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/migrating.md"));
    assert!(guide.expect("the guide").contains(expected));
    assert!(warned.contains(expected), "{warned}");
    assert!(said.contains("onepassword: 2 of 2 can be read"), "{said}");
    let shown =
        block("yaml", "connect_host").replace("https://connect.example.internal", &sim.url());
    assert_eq!(map(&fixture), shown);
    for file in ["DB_PASSWORD", "OPENAI_API_KEY"] {
        assert_eq!(fixture.read(file), Ok(MARKER.into()));
    }
    assert_eq!(sim.count(Route::Content), 0);
    drop(fixture);
}

#[test]
fn from_tazpod_to_the_same_map_with_its_first_line() {
    let mut fixture = Fixture::new();
    let sim = Infisical::start_as(Generation::V3Only, Tls::No);
    sim.set("/", "KUBE_CONFIG", MARKER);
    fixture.environment = sim.environment();
    let text = block("yaml", "infisical_project_id").replace("your-project-id", PROJECT_ID);
    fixture.write_map(&text);
    let (said, _) = typed(&fixture, &block("sh", "init tazpod"));
    assert!(said.contains("infisical: 1 of 1 can be read"), "{said}");
    let written = map(&fixture);
    let (first, rest) = written.split_once('\n').expect("lines");
    assert!(
        first.starts_with("# yaml-language-server: $schema="),
        "{first}"
    );
    assert_eq!(rest, text);
    assert_eq!(fixture.read("kubeconfig"), Ok(MARKER.into()));
    drop(fixture);
}

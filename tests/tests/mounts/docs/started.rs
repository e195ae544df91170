//! docs/getting-started.md, docs/vault.md and README.md, done from the first line to the last, by an unprivileged user in an empty home.

use secretfs_tests::connect::{Connect, Field, Item, TOKEN};
use secretfs_tests::documents;
use secretfs_tests::fixture::{Fixture, kubeconfig, told};
use secretfs_tests::http_sim::Tls;
use secretfs_tests::infisical::{CLIENT_ID, CLIENT_SECRET, Infisical, PROJECT_ID};
use secretfs_tests::op::{Account, Item as OpItem, Op, Vault};
use secretfs_tests::session::keyring::GnomeKeyring;
use secretfs_tests::transcript;
use std::path::PathBuf;
use std::process::Output;

const PAGE: &str = "docs/getting-started.md";

/// A section of the page, by its heading.
fn section(heading: &str) -> String {
    let page = documents::text(PAGE);
    let mut sections = page.split("\n## ");
    let found = sections.find(|section| section.starts_with(heading));
    found
        .unwrap_or_else(|| panic!("no section {heading}"))
        .to_owned()
}

fn maps(section: &str) -> Vec<String> {
    transcript::blocks(section, "yaml")
}

/// A reader of the page: their home, and the folder that they are in.
struct Reader {
    fixture: Fixture,
    folder: PathBuf,
}

impl Reader {
    fn new() -> Self {
        let fixture = Fixture::new();
        let folder = fixture.make_folder("home/project", 0o700);
        fixture.make_folder("home/.config", 0o700);
        fixture.make_folder("home/.config/secretfs", 0o700);
        Self { fixture, folder }
    }

    /// Types a line into their shell, and this into what it asks.
    fn types(&self, line: &str, answers: &str) -> Output {
        use std::io::Write;
        let path = format!("{}:/usr/bin:/bin", self.fixture.path("").display());
        let path = match self
            .fixture
            .environment
            .iter()
            .find(|pair| pair.0 == "PATH")
        {
            Some((_, more)) => format!("{path}:{more}"),
            None => path,
        };
        let mut child = self
            .fixture
            .command("sh")
            .args(["-c", &format!("exec 2>&1; {line}")])
            .current_dir(&self.folder)
            .env("PATH", path)
            // Found as anybody's is.
            .env_remove("SECRETFS_MAP")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("sh");
        let mut stdin = child.stdin.take().expect("a pipe");
        let _ = stdin.write_all(answers.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("sh")
    }

    /// Does what the section shows, and compares what is printed.
    fn follows(&self, section: &str, answer: impl Fn(&str) -> String) {
        transcript::follow(section, |line| self.types(line, &answer(line)));
    }
}

/// A reader who has a kubeconfig in the clear, and whose passphrase nobody has to type.
fn with_a_kubeconfig() -> Reader {
    let mut reader = Reader::new();
    reader.fixture.give_passphrase();
    reader.fixture.make_folder("home/.kube", 0o700);
    let plain = reader.fixture.path("home/.kube/config");
    reader.fixture.write(&plain, kubeconfig("demo").as_bytes());
    reader
}

#[test]
fn the_page_done_with_a_local_vault() {
    let reader = with_a_kubeconfig();
    let section = section("With a vault of your own");
    let map = maps(&section).remove(0);
    let place = reader.fixture.path("home/.config/secretfs/secrets.yml");
    reader.fixture.write(&place, map.as_bytes());
    reader.follows(&section, |_| String::new());
    let plain = reader.fixture.path("home/.kube/config");
    assert!(!plain.exists() && !reader.fixture.is_mounted());
}

#[test]
fn the_commands_of_the_readme_print_what_it_says() {
    let reader = with_a_kubeconfig();
    let page = documents::text("README.md");
    let map = maps(&page).remove(0);
    let place = reader.folder.join("secrets.yml");
    reader.fixture.write(&place, map.as_bytes());
    reader.follows(&page, |_| String::new());
    // Its first line.
    let first = transcript::blocks(&page, "sh").remove(0);
    assert!(first.starts_with("KUBECONFIG=~/secrets/kubeconfig kubectl get pods"));
    let first = first.replace("get pods", "config current-context");
    reader.types("secretfs mount", "");
    let output = reader.types(&first, "");
    assert_eq!(output.stdout, b"demo\n", "{}", told(&output));
    reader.fixture.unmount();
    std::fs::remove_file(reader.fixture.path("home/.kube/config")).expect("the plaintext");
}

#[test]
fn the_commands_of_the_page_of_the_vault_print_what_it_says() {
    let mut reader = Reader::new();
    reader.fixture.give_passphrase();
    let page = documents::text("docs/vault.md");
    let map = maps(&page).remove(0);
    let place = reader.folder.join("secrets.yml");
    reader.fixture.write(&place, map.as_bytes());
    reader.follows(&page, |_| String::new());
}

#[test]
fn the_page_done_with_infisical() {
    let mut reader = Reader::new();
    let _keyring = GnomeKeyring::start(&mut reader.fixture);
    let sim = Infisical::start(Tls::No);
    sim.set("/", "KUBE_CONFIG", &kubeconfig("demo"));
    let variable = ("INFISICAL_DOMAIN".to_owned(), sim.url());
    reader.fixture.environment.push(variable);
    let section = section("With Infisical").replace("YOUR-PROJECT-ID", PROJECT_ID);
    reader.follows(&section, |line| {
        if line.contains("login") {
            format!("{CLIENT_ID}\n{CLIENT_SECRET}\n")
        } else {
            String::new()
        }
    });
    let written = std::fs::read_to_string(reader.folder.join("secrets.yml")).expect("the map");
    // The page's server is the default one.
    let written: String = written
        .lines()
        .filter(|line| !line.contains("site_url:") && !line.contains("path: /"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(written, maps(&section).remove(0));
}

#[test]
fn the_page_done_with_connect() {
    let mut reader = Reader::new();
    let _keyring = GnomeKeyring::start(&mut reader.fixture);
    let sim = Connect::start(Tls::No);
    let vault = sim.vault("Prod");
    sim.item(
        &vault,
        Item::new("kube").field(Field::new("config").value(&kubeconfig("demo"))),
    );
    let section = section("With 1Password");
    let map = maps(&section).remove(0);
    let map = map.replace("https://connect.example.internal", &sim.url());
    reader
        .fixture
        .write(&reader.folder.join("secrets.yml"), map.as_bytes());
    let block = transcript::blocks(&section, "sh").remove(0);
    let output = reader.types(&format!("set -e; {block}"), &format!("{TOKEN}\n"));
    assert!(output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("\ndemo\n"), "{}", told(&output));
}

#[test]
fn the_page_done_with_op() {
    let mut reader = Reader::new();
    let op = Op::install(&mut reader.fixture);
    op.change(&reader.fixture, |account: &mut Account| {
        account.vaults.push(Vault {
            id: "v0000000000000000000000000".to_owned(),
            name: "Prod".to_owned(),
            items: vec![OpItem::new(1, "kube").field("config", &kubeconfig("demo"))],
        });
    });
    let section = section("With 1Password");
    let map = maps(&section).remove(1);
    reader
        .fixture
        .write(&reader.folder.join("secrets.yml"), map.as_bytes());
    let block = transcript::blocks(&section, "sh").remove(0);
    let (login, rest) = block.split_once('\n').expect("lines");
    assert!(login.ends_with("# Connect alone"), "{login}");
    let output = reader.types(&format!("set -e; {rest}"), "");
    assert!(output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("\ndemo\n"), "{}", told(&output));
}

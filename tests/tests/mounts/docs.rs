//! The documents agree with the code.

mod blocks;
mod errors;
mod started;

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The source of the file that has the test `module::name`, in one of the folders.
fn named_test(test: &str, folders: &[&str]) -> String {
    let (module, name) = test.rsplit_once("::").expect("module::test");
    let module = module.replace("::", "/");
    let heading = format!("fn {name}() {{");
    let source = folders.iter().find_map(|folder| {
        let path = root().join(format!("tests/tests/{folder}/{module}.rs"));
        let source = std::fs::read_to_string(path).ok()?;
        source.contains(&heading).then_some(source)
    });
    source.unwrap_or_else(|| panic!("no {module}.rs has a test {name}"))
}

/// How many tests a page names; all of them exist, in one of the folders.
fn named_tests(text: &str, folders: &[&str]) -> usize {
    let mut named = 0;
    let words = text.split('`').skip(1).step_by(2);
    for test in words.filter(|word| word.contains("::")) {
        named_test(test, folders);
        named += 1;
    }
    named
}

#[test]
fn every_clause_names_a_test_that_exists() {
    let text = read(root().join("docs/memory.md"));
    let named = named_tests(&text, &["memory", "mounts"]);
    assert!(named >= 16, "{named}");
    for clause in text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.contains("clause | test"))
    {
        assert!(clause.contains("::"), "without a test: {clause}");
    }
}

#[test]
fn every_statement_names_a_test_that_exists() {
    let text = read(root().join("docs/semantics.md"));
    let named = named_tests(&text, &["mounts"]);
    assert!(named > 40, "{named}");
    for statement in text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.contains("errno | test"))
    {
        assert!(statement.contains("::"), "without a test: {statement}");
    }
}

#[test]
fn every_claim_names_a_test_that_exists() {
    let text = read(root().join("docs/security.md"));
    let named = named_tests(
        &text,
        &["mounts", "memory", "infisical", "connect", "hostile"],
    );
    assert!(named > 40, "{named}");
    for claim in text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.contains("what is promised | test"))
    {
        assert!(claim.contains("::"), "without a test: {claim}");
    }
}

/// What the headings of a page are called in links, as GitHub does it.
fn headings(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.starts_with('#'));
    let kept = |c: &char| c.is_alphanumeric() || "-_ ".contains(*c);
    let name = |line: &str| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let words: String = words.chars().filter(kept).collect();
        words.replace(' ', "-")
    };
    lines.map(name).collect()
}

#[test]
fn every_link_between_the_documents_leads_somewhere() {
    for document in secretfs_tests::documents::all() {
        let document = root().join(document);
        let text = read(&document);
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if target.contains("://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let place = match file {
                "" => document.clone(),
                _ => document.parent().expect("a folder").join(file),
            };
            assert!(place.exists(), "{}: {target}", document.display());
            assert!(
                heading.is_empty() || headings(&read(&place)).contains(&heading.to_owned()),
                "{}: no heading {target}",
                document.display()
            );
        }
    }
}

#[test]
fn every_place_in_the_map_from_behaviour_to_file_is_there() {
    let text = read(root().join("CONTRIBUTING.md"));
    let table = text.split("## Where to look").nth(1).expect("the table");
    let mut seen = 0;
    for place in table.split('`').skip(1).step_by(2) {
        if place.contains('/') && !place.contains(' ') {
            assert!(root().join(place).exists(), "{place}");
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn every_dependency_of_the_workspace_has_its_line() {
    let manifest = read(root().join("Cargo.toml"));
    let lines = read(root().join("docs/dependencies.md"));
    let table = manifest
        .split("[workspace.dependencies]")
        .nth(1)
        .and_then(|rest| rest.split("\n[").next())
        .expect("dependencies");
    let mut seen = 0;
    for line in table.lines() {
        let Some((name, _)) = line.split_once(" = ") else {
            continue;
        };
        if name.starts_with('#') || name.starts_with("secretfs-") {
            continue;
        }
        assert!(lines.contains(&format!("`{name}`")), "{name} has no line");
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
    for line in lines.lines().filter(|line| line.starts_with("| `")) {
        for name in line
            .split('|')
            .nth(1)
            .unwrap_or_default()
            .split('`')
            .skip(1)
            .step_by(2)
        {
            assert!(
                table.contains(&format!("\n{name} = ")),
                "{name} is no dependency any more"
            );
        }
    }
}

#[test]
fn no_source_file_is_longer_than_600_lines() {
    let mut folders = ["memory", "providers", "fs", "mount-helper", "cli", "tests"]
        .map(|name| root().join(name))
        .to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let lines = read(&path).lines().count();
                assert!(lines <= 600, "{}: {lines} lines", path.display());
            }
        }
    }
}

//! The documents agree with the code.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// How many tests a page names; all of them exist, in one of the folders.
fn named_tests(text: &str, folders: &[&str]) -> usize {
    let mut named = 0;
    for word in text.split('`').skip(1).step_by(2) {
        let Some((module, test)) = word.rsplit_once("::") else {
            continue;
        };
        let module = module.replace("::", "/");
        let heading = format!("fn {test}() {{");
        let has_it = |folder: &&str| {
            let path = root().join(format!("tests/tests/{folder}/{module}.rs"));
            std::fs::read_to_string(path).is_ok_and(|source| source.contains(&heading))
        };
        assert!(folders.iter().any(has_it), "{module}.rs has no test {test}");
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
fn every_link_between_the_documents_leads_somewhere() {
    let mut documents: Vec<PathBuf> = [
        "README.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ]
    .map(|name| root().join(name))
    .into();
    for entry in std::fs::read_dir(root().join("docs")).expect("docs") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "md") {
            documents.push(path);
        }
    }
    for document in documents {
        let text = read(&document);
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if target.contains("://") || target.starts_with('#') {
                continue;
            }
            let file = target.split('#').next().unwrap_or_default();
            let place = document.parent().expect("a folder").join(file);
            assert!(place.exists(), "{}: {target}", document.display());
        }
    }
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

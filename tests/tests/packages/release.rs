//! packaging/release.sh: everything is there, is what the list says, and is the same when made again.

use crate::kitchen::{said, script, staged};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A release of the shipped executable: file name → checksum.
fn made(folder: &Path) -> BTreeMap<String, String> {
    let out = folder.join("dist");
    said(script("release.sh").arg("--dry-run").arg("--out").arg(&out));
    // As whoever downloads it does.
    said(
        Command::new("sha256sum")
            .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
            .current_dir(&out),
    );
    let sums = std::fs::read_to_string(out.join("SHA256SUMS")).expect("checksums");
    let sums: BTreeMap<String, String> = sums
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, name)| (name.to_owned(), sum.to_owned()))
        .collect();
    let there = std::fs::read_dir(&out).expect("a folder").count();
    assert_eq!(there, sums.len() + 1, "a file has no checksum");
    sums
}

#[test]
fn a_release_has_everything_with_checksums_and_is_the_same_when_made_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let sums = made(folder.path());
    let machine = std::env::consts::ARCH;
    let dist = folder.path().join("dist");
    for name in [
        format!("secretfs-{VERSION}.tar.gz"),
        format!("secretfs-{VERSION}-{machine}-linux-gnu.tar.gz"),
        format!("secretfs-{VERSION}.cdx.json"),
        format!("secretfs-{VERSION}-1.{machine}.rpm"),
        "PKGBUILD".to_owned(),
        "secretfs.rb".to_owned(),
    ] {
        assert!(sums.contains_key(&name), "no {name} in {sums:?}");
    }
    assert_eq!(sums.keys().filter(|name| name.ends_with(".deb")).count(), 1);
    let source = &sums[&format!("secretfs-{VERSION}.tar.gz")];
    for recipe in ["PKGBUILD", "secretfs.rb"] {
        let text = std::fs::read_to_string(dist.join(recipe)).expect("a recipe");
        assert!(text.contains(source), "{recipe}");
    }

    archive_and_rpm_have_what_the_list_says(&dist);
    the_bill_names_what_is_linked(&dist.join(format!("secretfs-{VERSION}.cdx.json")));

    let again = tempfile::tempdir().expect("a folder");
    assert_eq!(made(again.path()), sums, "not the same bytes");
}

fn archive_and_rpm_have_what_the_list_says(dist: &Path) {
    let third_party = "share/licenses/secretfs/THIRD-PARTY.txt";
    let machine = std::env::consts::ARCH;
    let name = format!("secretfs-{VERSION}-{machine}-linux-gnu");
    let listed = said(
        Command::new("tar")
            .arg("-tzf")
            .arg(dist.join(format!("{name}.tar.gz"))),
    );
    let packed: BTreeSet<String> = listed
        .lines()
        .filter(|path| !path.ends_with('/'))
        .map(|path| path.replacen(&name, "/usr/local", 1))
        .collect();
    let mut expected = staged(&["--prefix", "/usr/local"]);
    expected.insert(format!("/usr/local/{third_party}"));
    assert_eq!(packed, expected);

    let rpm = dist.join(format!("secretfs-{VERSION}-1.{machine}.rpm"));
    let listed = said(
        Command::new("rpm")
            .args(["-qp", "--qf", "[%{FILEMODES:perms} %{FILENAMES}\\n]"])
            .arg(&rpm),
    );
    let packed: BTreeSet<String> = listed
        .lines()
        .filter(|line| !line.starts_with('d') && !line.contains("/.build-id/"))
        .filter_map(|line| line.split_once(' '))
        .map(|(_, path)| path.to_owned())
        .collect();
    let mut expected: BTreeSet<String> = staged(&[])
        .iter()
        .map(|path| {
            format!(
                "{path}{}",
                if path.contains("/share/man/") {
                    ".gz"
                } else {
                    ""
                }
            )
        })
        .collect();
    expected.insert(format!("/usr/{third_party}"));
    assert_eq!(packed, expected);
    let complaints = said(
        Command::new("rpmlint")
            .args(["--config", "packaging/rpm/rpmlint.toml"])
            .arg(&rpm)
            .current_dir(crate::kitchen::repository()),
    );
    assert!(complaints.contains("0 errors, 0 warnings"), "{complaints}");
}

fn the_bill_names_what_is_linked(file: &Path) {
    let text = std::fs::read_to_string(file).expect("the bill");
    let bill: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(bill["bomFormat"], "CycloneDX");
    assert_eq!(bill["metadata"]["component"]["version"], VERSION);
    let components = bill["components"].as_array().expect("a list");
    let names: BTreeSet<&str> = components
        .iter()
        .filter_map(|c| c["name"].as_str())
        .collect();
    for linked in ["fuser", "age", "rustls", "secretfs-memory", "tokio"] {
        assert!(names.contains(linked), "{names:?}");
    }
    for not in [
        "proptest",
        "criterion",
        "rcgen",
        "tempfile",
        "secretfs-tests",
        "clap_derive",
    ] {
        assert!(!names.contains(not), "{not} is not linked");
    }
    for component in components {
        let ours = component["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("secretfs-"));
        assert_eq!(component["hashes"].is_array(), !ours, "{component}");
        assert!(component["licenses"].is_array(), "{component}");
    }
    // Each reference leads to a component.
    let known: BTreeSet<&str> = components
        .iter()
        .chain([&bill["metadata"]["component"]])
        .filter_map(|c| c["bom-ref"].as_str())
        .collect();
    for dependency in bill["dependencies"].as_array().expect("a list") {
        let mut ends = vec![dependency["ref"].as_str().expect("a reference")];
        ends.extend(
            dependency["dependsOn"]
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(|end| end.as_str()),
        );
        for end in ends {
            assert!(known.contains(end), "{end}");
        }
    }
}

#[test]
fn a_release_of_a_tree_with_changes_or_without_a_tag_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let tree = folder.path().join("tree");
    said(
        Command::new("git")
            .args(["clone", "--quiet", "--depth=1", "--no-tags"])
            .arg(format!("file://{}", crate::kitchen::repository().display()))
            .arg(&tree),
    );
    let refused = |why: &str| {
        let output = Command::new(tree.join("packaging/release.sh"))
            .output()
            .expect("release.sh");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why), "{said}");
    };
    refused(&format!("HEAD is not tagged v{VERSION}"));
    std::fs::write(tree.join("README.md"), "another").expect("a change");
    refused("the tree is not clean");
}

//! What distributions build by: of this version, taken by their own tools, and saying the same as the files
//! that they stand for.

use crate::kitchen::{read, repository, said};
use std::path::Path;
use std::process::Command;

/// The workspace's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Every file below a folder.
fn below(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            below(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn every_recipe_is_of_this_version() {
    for (file, line) in [
        (
            "packaging/rpm/secretfs.spec",
            format!("Version:        {VERSION}\n"),
        ),
        ("packaging/rpm/secretfs.spec", format!("> - {VERSION}-1\n")),
        ("packaging/arch/PKGBUILD", format!("pkgver={VERSION}\n")),
        (
            "packaging/homebrew/secretfs.rb",
            format!("/v{VERSION}/secretfs-{VERSION}.tar.gz\"\n"),
        ),
        (
            "docs/install.md",
            format!("/secretfs_{VERSION}-1_amd64.deb\n"),
        ),
        (
            "docs/install.md",
            format!("/secretfs-{VERSION}-1.x86_64.rpm\n"),
        ),
        (
            "docs/install.md",
            format!(" secretfs-{VERSION}-x86_64-linux-gnu.tar.gz\n"),
        ),
    ] {
        assert!(read(file).contains(&line), "{file} does not say {line}");
    }
    let heading = read("packaging/deb/changelog");
    assert!(
        heading.starts_with(&format!("secretfs ({VERSION}-1)")),
        "{heading}"
    );
}

#[test]
fn every_unit_completion_and_library_of_packaging_is_on_the_list() {
    let list = read("packaging/files");
    let mut files = Vec::new();
    for folder in ["systemd", "autostart", "direnv"] {
        below(&repository().join("packaging").join(folder), &mut files);
    }
    assert_eq!(files.len(), 5);
    for file in files {
        let path = file.strip_prefix(repository()).expect("below it");
        let listed = list
            .lines()
            .filter(|line| !line.starts_with('#'))
            .any(|line| {
                let source = Path::new(line.split_whitespace().nth(1).unwrap_or_default());
                let pattern = source
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                let any = pattern
                    .strip_prefix('*')
                    .is_some_and(|ending| path.to_string_lossy().ends_with(ending));
                source == path || (any && source.parent() == path.parent())
            });
        assert!(listed, "{} is installed by nothing", path.display());
    }
}

#[test]
fn the_scripts_are_what_shellcheck_accepts() {
    let mut files = Vec::new();
    below(&repository().join("packaging"), &mut files);
    files.retain(|file| file.extension().is_some_and(|extension| extension == "sh"));
    assert!(files.len() >= 5, "{files:?}");
    let printed = said(
        Command::new("shellcheck")
            .args(["--shell=bash", "--exclude=SC1091"])
            .args(files)
            .arg(repository().join("tests/run.sh")),
    );
    assert_eq!(printed, "");
}

#[test]
fn rpmlint_accepts_the_spec() {
    let printed = said(
        Command::new("rpmlint")
            .args([
                "--config",
                "packaging/rpm/rpmlint.toml",
                "packaging/rpm/secretfs.spec",
            ])
            .current_dir(repository()),
    );
    assert!(printed.contains("0 errors, 0 warnings"), "{printed}");
}

#[test]
fn makepkg_reads_the_pkgbuild() {
    // It does not work as root, and writes where it is.
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::copy(
        repository().join("packaging/arch/PKGBUILD"),
        folder.path().join("PKGBUILD"),
    )
    .expect("a copy");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).expect("chmod");
    let user = secretfs_tests::user::mounting();
    secretfs_tests::user::give(folder.path(), user);
    let mut makepkg =
        secretfs_tests::user::command_as(user, secretfs_tests::user::MEMLOCK, "makepkg");
    // It looks for pacman, and asks it nothing.
    makepkg.env("PACMAN", "true").arg("--printsrcinfo");
    let printed = said(makepkg.current_dir(folder.path()));
    for line in [
        format!("\tpkgver = {VERSION}\n"),
        "\tdepends = fuse3\n".to_owned(),
        format!("/v{VERSION}/secretfs-{VERSION}.tar.gz\n"),
        "pkgname = secretfs\n".to_owned(),
    ] {
        assert!(printed.contains(&line), "{printed}");
    }
}

#[test]
fn ruby_reads_the_formula() {
    let printed = said(
        Command::new("ruby")
            .arg("-wc")
            .arg(repository().join("packaging/homebrew/secretfs.rb")),
    );
    assert_eq!(printed, "Syntax OK\n");
}

#[test]
fn nix_reads_the_flake_and_its_parts() {
    for name in ["flake.nix", "package.nix", "home-manager.nix"] {
        let printed = said(
            Command::new("nix-instantiate")
                .arg("--parse")
                .arg(repository().join("packaging/nix").join(name)),
        );
        assert!(!printed.is_empty(), "{name}");
    }
}

/// The settings of a unit's sections, without what names programs.
fn settings(unit: &str) -> Vec<(&str, &str)> {
    let lines = unit.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once('='))
        .filter(|(key, _)| !key.starts_with("Exec"))
        .collect()
}

#[test]
fn the_module_for_home_manager_says_what_the_units_say() {
    let module = read("packaging/nix/home-manager.nix");
    let words: String = module.split_whitespace().collect::<Vec<_>>().join(" ");
    for name in ["secretfs", "secretfs-lock"] {
        let unit = read(&format!("packaging/systemd/user/{name}.service"));
        let settings = settings(&unit);
        assert!(settings.len() > 4, "{name}");
        for (key, value) in settings {
            let listed: Vec<String> = value.split(' ').map(|word| format!("\"{word}\"")).collect();
            let said = [
                format!("{key} = \"{value}\";"),
                format!("{key} = {value};"),
                format!("{key} = [ {} ];", listed.join(" ")),
            ];
            assert!(
                said.iter().any(|said| words.contains(said)),
                "{name}: {key}={value}"
            );
        }
    }
}

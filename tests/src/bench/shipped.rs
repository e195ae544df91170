//! The executable that is measured: the released one, built first, unless `$SECRETFS_BIN` names another.

use std::process::Command;

/// Builds it.
///
/// # Panics
/// It does not build.
pub fn build() {
    if let Some(given) = std::env::var_os("SECRETFS_BIN") {
        eprintln!("measured is {}", given.display());
        return;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--quiet",
            "--locked",
            "-p",
            "secretfs",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status()
        .expect("cargo");
    assert!(status.success(), "the released executable does not build");
}

//! Tools that hand a secret to a process in its environment, each set up with one secret of 32 bytes.
//!
//! | tool | where its secret lies |
//! |---|---|
//! | [`secretspec`] | in a `.env` in the clear: of what it knows, that alone needs nothing else |
//! | [`fnox`] | in `fnox.toml`, encrypted with age; the key in the environment |
//!
//! They are looked for on the PATH and in `target/tools/bin`, where
//! `cargo install --root target/tools NAME` puts them.

use super::installed;
use crate::fixture::{Fixture, told};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is handed. Without the marker: it lies on a disk.
const VALUE: &str = "0123456789abcdef0123456789abcdef";

/// A tool and the folder to start it in.
#[derive(Debug)]
pub struct Tool {
    /// Its arguments up to the command that is given the secret.
    pub args: Vec<String>,
    /// Where its configuration is.
    pub folder: PathBuf,
}

/// `secretspec run`.
///
/// # Errors
/// It is not installed, or does not work.
pub fn secretspec(fixture: &Fixture) -> Result<Tool, String> {
    let program = copied(fixture, "secretspec")?;
    let folder = fixture.make_folder("secretspec-project", 0o700);
    fixture.write(
        &folder.join("secretspec.toml"),
        b"[project]\nname = \"bench\"\nrevision = \"1.0\"\n\n[profiles.default]\nSECRET = { description = \"of the bench\", required = true }\n",
    );
    fixture.write(&folder.join(".env"), format!("SECRET={VALUE}\n").as_bytes());
    let args = ["run", "--provider", "dotenv", "--"];
    tried(fixture, &program, &args, folder)
}

/// `fnox exec`. The key comes into the fixture's environment.
///
/// # Errors
/// It is not installed, or does not work.
pub fn fnox(fixture: &mut Fixture) -> Result<Tool, String> {
    let program = copied(fixture, "fnox")?;
    let folder = fixture.make_folder("fnox-project", 0o700);
    let identity = age::x25519::Identity::generate();
    let key = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    fixture.environment.push(("FNOX_AGE_KEY".to_owned(), key));
    let recipient = identity.to_public();
    fixture.write(
        &folder.join("fnox.toml"),
        format!("[providers]\nage = {{ type = \"age\", recipients = [\"{recipient}\"] }}\n")
            .as_bytes(),
    );
    let set = fixture
        .command(&program)
        .args(["set", "SECRET", VALUE, "--provider", "age"])
        .current_dir(&folder)
        .output();
    let set = set.map_err(|e| e.to_string())?;
    if !set.status.success() {
        return Err(format!("fnox set: {}", told(&set)));
    }
    tried(fixture, &program, &["exec", "--"], folder)
}

/// Only what hands the secret over is measured.
fn tried(
    fixture: &Fixture,
    program: &Path,
    args: &[&str],
    folder: PathBuf,
) -> Result<Tool, String> {
    let output = fixture
        .command(program)
        .args(args)
        .args(["printenv", "SECRET"])
        .current_dir(&folder)
        .output()
        .map_err(|e| e.to_string())?;
    if String::from_utf8_lossy(&output.stdout).trim_end() != VALUE {
        let text = told(&output);
        let first = text.lines().nth(1).unwrap_or_default();
        return Err(format!("does not hand the secret over: {first}"));
    }
    let program = program.to_str().expect("UTF-8");
    Ok(Tool {
        args: [&[program], args]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        folder,
    })
}

/// A copy that the mounting user can start.
fn copied(fixture: &Fixture, name: &str) -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    );
    let tool = target.join("tools/bin").join(name);
    let found = match tool.is_file() {
        true => tool,
        false => installed(name)?,
    };
    let copy = fixture.path(name);
    std::fs::copy(&found, &copy).map_err(|e| e.to_string())?;
    std::fs::set_permissions(&copy, PermissionsExt::from_mode(0o755)).map_err(|e| e.to_string())?;
    Ok(copy)
}

/// The version of a program, in a few words.
#[must_use]
pub fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let words = text.lines().next()?.split_whitespace();
    words
        .map(|word| word.trim_end_matches(';'))
        .find(|word| word.chars().any(|c| c.is_ascii_digit()))
        .map(str::to_owned)
}

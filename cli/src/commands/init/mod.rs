//! `secretfs init`: a first map, made from the names that a provider has, or from the files in which
//! secrets or references were kept until now. No value is written.
//!
//! | file | idea |
//! |---|---|
//! | `ask` | without a word on a terminal: from what? |
//! | `entry` | an entry of the map, and the text of the whole |
//! | `draft`, `walk`, `infisical` | from an Infisical project |
//! | `onepassword` | from a 1Password vault |
//! | `vault` | from the local vault |
//! | `variables` | what becomes of a variable of a file |
//! | `env_file`, `envrc` | from a `.env`, from an `.envrc` |
//! | `tazpod` | from a map of TazPod |

mod ask;
mod draft;
mod entry;
mod env_file;
mod envrc;
mod infisical;
mod onepassword;
mod tazpod;
mod variables;
mod vault;
mod walk;

use crate::args::{InitFrom, OutputArg};
use crate::error::{CliError, Status};
use crate::output::{remark, show};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Runs the command.
pub(crate) fn run(from: Option<&InitFrom>) -> Result<(), CliError> {
    match from {
        Some(InitFrom::Env(args)) => env_file::run(args),
        Some(InitFrom::Envrc(args)) => envrc::run(args),
        Some(InitFrom::Infisical(args)) => infisical::run(args),
        Some(InitFrom::Onepassword(args)) => onepassword::run(args),
        Some(InitFrom::Vault(args)) => vault::run(args),
        Some(InitFrom::Tazpod(args)) => tazpod::run(args),
        None => run(Some(&ask::ask()?)),
    }
}

/// Whether the map may be written there: said before anybody is asked for anything.
fn may_write(output: &OutputArg) -> Result<(), CliError> {
    if !is_stdout(output) && !output.force && output.output.symlink_metadata().is_ok() {
        return Err(there_already(&output.output));
    }
    Ok(())
}

fn is_stdout(output: &OutputArg) -> bool {
    output.output == Path::new("-")
}

/// Where the map will be, for what is relative to it.
fn place(output: &OutputArg) -> PathBuf {
    std::path::absolute(&output.output).unwrap_or_else(|_| output.output.clone())
}

/// Writes the map. It holds no secret, and others must not be able to change it.
fn write(output: &OutputArg, text: &str, told: &str) -> Result<(), CliError> {
    if is_stdout(output) {
        return crate::output::print(text);
    }
    let path = output.output.as_path();
    let written = match output.force {
        // By rename: a running mount sees the old map or the new one, never half of one.
        true => {
            let mut fresh = path.as_os_str().to_owned();
            fresh.push(format!(".new-{}", std::process::id()));
            let fresh = PathBuf::from(fresh);
            let written = create(&fresh, text).and_then(|()| std::fs::rename(&fresh, path));
            if written.is_err() {
                let _ = std::fs::remove_file(&fresh);
            }
            written
        }
        false => create(path, text),
    };
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists if !output.force => there_already(path),
        _ => CliError::new(
            Status::Map,
            format!("cannot write {}: {error}", show(path)),
            "name another file with `--output`",
        ),
    })?;
    remark(&format!("{}: {told}", show(path)));
    Ok(())
}

fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o644);
    options.open(path)?.write_all(text.as_bytes())
}

fn there_already(output: &Path) -> CliError {
    CliError::new(
        Status::Map,
        format!("{} is there already", show(output)),
        "name another file with `--output`, replace it with `--force`, or see what would be written with `--output -`",
    )
}

/// A map needs an entry.
fn there_is_nothing(what: &str) -> CliError {
    CliError::new(
        Status::Other,
        format!("there is nothing in {what} that a map could name"),
        "see `secretfs init --help` for what else a map can be made from",
    )
}

fn cannot_read(path: &Path, why: &dyn std::fmt::Display) -> CliError {
    CliError::new(
        Status::Other,
        format!("cannot read {}: {why}", show(path)),
        "name the file that the map is to be made from",
    )
}

/// A file's absolute name, as the map writes it.
fn quoted_path(file: &Path) -> Result<String, CliError> {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let text = file.to_str().ok_or_else(|| {
        CliError::new(
            Status::Usage,
            format!("the name of {} is no text", show(&file)),
            "rename it",
        )
    })?;
    Ok(entry::quoted(text))
}

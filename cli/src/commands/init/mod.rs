//! `secretfs init`: a first map, made from the names that a provider has.

mod draft;
mod infisical;
mod walk;

use crate::args::InitFrom;
use crate::error::{CliError, Status};
use crate::output::{complain, show};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Runs the command.
pub(crate) fn run(from: &InitFrom) -> Result<(), CliError> {
    match from {
        InitFrom::Infisical(args) => infisical::run(args),
    }
}

/// Whether the map may be written there: said before anybody is asked for anything.
fn may_write(output: &Path) -> Result<(), CliError> {
    if output != Path::new("-") && output.symlink_metadata().is_ok() {
        return Err(there_already(output));
    }
    Ok(())
}

/// Writes the map. It holds no secret, and others must not be able to change it.
fn write(output: &Path, text: &str, told: &str) -> Result<(), CliError> {
    if output == Path::new("-") {
        return crate::output::print(text);
    }
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(output);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => there_already(output),
        _ => CliError::new(
            Status::Map,
            format!("cannot write {}: {error}", show(output)),
            "name another file with `--output`",
        ),
    })?;
    complain(&format!("{}: {told}\n", show(output)));
    Ok(())
}

fn there_already(output: &Path) -> CliError {
    CliError::new(
        Status::Map,
        format!("{} is there already", show(output)),
        "name another file with `--output`, or `--output -` to see what would be written",
    )
}

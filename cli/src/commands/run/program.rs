//! The command itself: found as a shell would find it, and started in this process.

use crate::error::{CliError, Status};
use crate::output::show;
use rustix::fs::{Access, access};
use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// See that the command is there and may be run, as a shell would say it.
///
/// # Errors
/// Status 127: it is not there; 126: it may not be run.
pub(super) fn find(command: &[OsString]) -> Result<(), CliError> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    match command.first() {
        Some(program) => look(program, &path),
        None => Err(CliError::new(
            Status::Usage,
            "there is no command to run",
            "see `secretfs run --help`",
        )),
    }
}

fn look(program: &OsStr, path: &OsStr) -> Result<(), CliError> {
    let candidates: Vec<PathBuf> = if program.as_bytes().contains(&b'/') {
        vec![program.into()]
    } else {
        std::env::split_paths(path)
            .map(|folder| folder.join(program))
            .collect()
    };
    let there: Vec<&PathBuf> = candidates.iter().filter(|file| file.is_file()).collect();
    if there
        .iter()
        .any(|file| access(*file, Access::EXEC_OK).is_ok())
    {
        return Ok(());
    }
    let shown = show(Path::new(program));
    // A folder is there, and no program.
    if there.is_empty()
        && !candidates
            .iter()
            .any(|file| file.is_dir() && program.as_bytes().contains(&b'/'))
    {
        return Err(not_found(&shown));
    }
    Err(cannot_run(&shown, "permission denied"))
}

/// Becomes the command.
///
/// # Errors
/// It could not be started: 127 or 126.
pub(super) fn exec(
    command: &[OsString],
    environment: Vec<(String, OsString)>,
) -> Result<Infallible, CliError> {
    let (program, arguments) = command
        .split_first()
        .map_or((OsStr::new(""), &[][..]), |(p, a)| (p, a));
    let error = Command::new(program)
        .args(arguments)
        .envs(environment)
        .exec();
    let shown = show(Path::new(program));
    Err(match error.kind() {
        std::io::ErrorKind::NotFound => not_found(&shown),
        _ => cannot_run(&shown, &error.to_string()),
    })
}

fn not_found(shown: &str) -> CliError {
    CliError::new(
        Status::NotFound,
        format!("cannot run {shown}: there is no such program"),
        "give its path, or see that its folder is in PATH",
    )
}

fn cannot_run(shown: &str, why: &str) -> CliError {
    CliError::new(
        Status::CannotRun,
        format!("cannot run {shown}: {why}"),
        "see that it is a program that you may execute",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_command_is_found_as_a_shell_finds_it() {
        let dir = tempfile::tempdir().unwrap();
        let tool = dir.path().join("tool");
        std::fs::write(&tool, "#!/bin/sh\n").unwrap();
        let status = |program: &OsStr| {
            let found = look(program, dir.path().as_os_str());
            found.map_err(|error| error.status())
        };
        assert_eq!(status(OsStr::new("tool")), Err(Status::CannotRun));
        assert_eq!(status(dir.path().as_os_str()), Err(Status::CannotRun));
        std::fs::set_permissions(&tool, Permissions::from_mode(0o755)).unwrap();
        assert_eq!(status(OsStr::new("tool")), Ok(()));
        assert_eq!(status(tool.as_os_str()), Ok(()));
        assert_eq!(status(OsStr::new("other")), Err(Status::NotFound));
        assert_eq!(status(OsStr::new("./tool")), Err(Status::NotFound));
        assert_eq!(status(OsStr::new("")), Err(Status::NotFound));
    }
}

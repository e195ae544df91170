//! `secretfs env`: the exported variables in the syntax of a shell or a file format. What it prints
//! is evaluated, so no map, mountpoint or home folder, however hostile, may put a word into it: each
//! family quotes what it can express, and refuses the rest.

mod detect;
mod dotenv;
mod fish;
pub(crate) mod hook;
mod json;
mod nu;
mod posix;
mod powershell;
mod systemd;
#[cfg(test)]
mod tests;

use crate::args::EnvArgs;
use crate::error::{CliError, Status};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The syntaxes that `--shell` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shell {
    /// `export NAME=PATH`, as every POSIX shell reads it
    Sh,
    /// As sh
    Bash,
    /// As sh
    Zsh,
    /// `set -gx NAME PATH`
    Fish,
    /// `$env.NAME = "PATH"`
    Nu,
    /// `$env:NAME = 'PATH'`
    #[value(alias = "pwsh")]
    Powershell,
    /// One object: name to absolute path
    Json,
    /// `NAME=PATH` lines, as docker compose and direnv read them
    Dotenv,
    /// `NAME=PATH` lines, as EnvironmentFile= reads them
    Systemd,
}

/// One exported variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Export {
    /// `[A-Za-z_][A-Za-z0-9_]*`.
    pub(crate) name: String,
    /// The file, absolute.
    pub(crate) path: PathBuf,
}

/// Why a path cannot be written in a syntax: a word for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Inexpressible(&'static str);

const NOT_UTF8: Inexpressible = Inexpressible("it is not UTF-8");

/// Runs the command.
pub(crate) fn run(args: &EnvArgs) -> Result<(), CliError> {
    let shell = args.shell.unwrap_or_else(detect::parent_shell);
    let found = crate::map::exports(args.map.map.as_deref(), args.mountpoint.as_deref())?;
    crate::output::print(render(shell, &found)?)
}

/// Everything or an error: a list of variables that lacks some would mislead.
fn render(shell: Shell, exports: &[Export]) -> Result<Vec<u8>, CliError> {
    for export in exports {
        // The map refuses such names already; this is what stands between a name and `eval`.
        if !is_name(&export.name) || !export.path.is_absolute() {
            return Err(CliError::new(
                Status::Map,
                format!("`{}` is not a name that can be exported", export.name),
                "use letters, digits and `_`",
            ));
        }
    }
    if shell == Shell::Json {
        return json::render(exports).map_err(|(export, why)| refused(export, shell, why));
    }
    let mut out = Vec::new();
    for export in exports {
        let path = path_bytes(&export.path);
        match shell {
            Shell::Sh | Shell::Bash | Shell::Zsh => posix::line(&mut out, &export.name, path),
            Shell::Fish => fish::line(&mut out, &export.name, path),
            Shell::Nu => nu::line(&mut out, &export.name, path),
            Shell::Powershell => powershell::line(&mut out, &export.name, path),
            Shell::Dotenv => dotenv::line(&mut out, &export.name, path),
            Shell::Systemd => systemd::line(&mut out, &export.name, path),
            Shell::Json => Ok(()),
        }
        .map_err(|why| refused(export, shell, why))?;
    }
    Ok(out)
}

fn refused(export: &Export, shell: Shell, why: Inexpressible) -> CliError {
    CliError::new(
        Status::Other,
        format!(
            "{} cannot be written for {}: {} in {}",
            export.name,
            clap::ValueEnum::to_possible_value(&shell)
                .map_or_else(String::new, |value| value.get_name().to_owned()),
            why.0,
            crate::output::show(&export.path)
        ),
        "mount at a place with a plain name, or choose another --shell",
    )
}

fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Bytes that no shell and no file format gives a meaning to, anywhere in a word that starts with
/// `/`: such a word needs no quotes.
fn is_plain(bytes: &[u8]) -> bool {
    bytes.starts_with(b"/")
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-'))
}

fn utf8(bytes: &[u8]) -> Result<&str, Inexpressible> {
    std::str::from_utf8(bytes).map_err(|_| NOT_UTF8)
}

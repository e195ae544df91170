//! What becomes of the variables of a file: an entry for each, and the providers that they are of.

use super::draft::is_path_variable;
use super::entry::{Entry, SCHEMA, quoted};
use super::{infisical, quoted_path};
use crate::args::{Connect, EnvNames, ProjectArgs};
use crate::error::{CliError, Status};
use crate::output::show;
use secretfs_providers::{Reference, onepassword};
use std::collections::BTreeSet;
use std::path::Path;

/// Where `type: local` looks without `file:`; written out, for people.
const VAULT: &str = "~/.local/share/secretfs/vault.age";

/// A variable of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) line: usize,
    /// `op://…`; `None`: its value is a secret.
    pub(super) reference: Option<String>,
    pub(super) is_empty: bool,
}

/// A reference that is none, and the line that it stands in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) what: String,
    pub(super) help: String,
}

impl Wrong {
    pub(super) fn of(&self, file: &Path) -> CliError {
        let Self {
            line, name, what, ..
        } = self;
        CliError::new(
            Status::Map,
            format!("{}, line {line}: {name}: {what}", show(file)),
            self.help.clone(),
        )
    }
}

/// An entry for each; the last one counts where a name comes twice. Secrets that are no references are in
/// the folder `path` of their provider.
pub(super) fn entries(
    variables: &[Variable],
    names: EnvNames,
    path: &str,
) -> Result<Vec<Entry>, Wrong> {
    let mut entries = Vec::with_capacity(variables.len());
    let mut taken = BTreeSet::new();
    for variable in variables {
        let file = variable.name.clone();
        let entry = match &variable.reference {
            None => Entry {
                allow_empty: variable.is_empty,
                ..Entry::secret(&variable.name, path, file)
            },
            Some(text) => {
                let of = parse(text).map_err(|(what, help)| Wrong {
                    line: variable.line,
                    name: variable.name.clone(),
                    what,
                    help,
                })?;
                match Entry::field(&of, file) {
                    Some(entry) => entry,
                    None => continue,
                }
            }
        };
        let env = exported(&variable.name, names).filter(|env| taken.insert(env.clone()));
        entries.push(Entry { env, ..entry });
    }
    Ok(entries)
}

/// A reference, or what is wrong with it and what to write.
fn parse(text: &str) -> Result<Reference, (String, String)> {
    if text.contains('$') {
        return Err((
            "there is a variable in the reference".to_owned(),
            "write the reference out: nothing of the file is expanded or run".to_owned(),
        ));
    }
    onepassword::Reference::parse(text)
        .map(Reference::OnePassword)
        .map_err(|error| (error.message, error.help))
}

/// The variable that holds the file's path.
fn exported(name: &str, names: EnvNames) -> Option<String> {
    match names {
        EnvNames::None => None,
        EnvNames::Same => Some(name.to_owned()),
        EnvNames::File if is_path_variable(name) => Some(name.to_owned()),
        EnvNames::File => Some(format!("{name}_FILE")),
    }
}

/// Where the secrets of a `.env` are to be.
pub(super) enum Home<'a> {
    /// In a local vault: the file that was named, if any.
    Vault(Option<&'a Path>),
    Infisical(&'a ProjectArgs),
}

/// The providers of these variables.
pub(super) fn head(
    variables: &[Variable],
    home: &Home<'_>,
    connect: &Connect,
) -> Result<String, CliError> {
    let has_references = variables.iter().any(|it| it.reference.is_some());
    let has_secrets = variables.iter().any(|it| it.reference.is_none());
    let mut text = SCHEMA.to_owned();
    if has_references && has_secrets {
        // Of entries that are no reference.
        let provider = match home {
            Home::Vault(_) => "vault",
            Home::Infisical(_) => "infisical",
        };
        text.push_str(&format!("config:\n  provider: {provider}\n"));
    }
    text.push_str("providers:\n");
    if has_secrets {
        match home {
            Home::Infisical(project) => text.push_str(&infisical::head(project)?),
            Home::Vault(file) => {
                text.push_str(&of_vault(*file)?);
            }
        }
    }
    if has_references {
        text.push_str(&of_onepassword(connect)?);
    }
    Ok(text)
}

/// The local vault in this file, or in the usual one.
pub(super) fn of_vault(file: Option<&Path>) -> Result<String, CliError> {
    let file = file.map_or_else(|| Ok(VAULT.to_owned()), quoted_path)?;
    Ok(format!("  vault:\n    type: local\n    file: {file}\n"))
}

/// 1Password behind the server that is named, or that the environment names; else through `op`.
pub(super) fn of_onepassword(connect: &Connect) -> Result<String, CliError> {
    let mut text = "  onepassword:\n    type: onepassword\n".to_owned();
    match host(connect) {
        Some(host) => text.push_str(&format!("    connect_host: {}\n", quoted(&host))),
        None => text.push_str("    backend: op\n"),
    }
    if let Some(account) = &connect.account {
        text.push_str(&format!("    account: {}\n", quoted(account)));
    }
    if let Some(file) = &connect.ca_file {
        text.push_str(&format!("    ca_file: {}\n", quoted_path(file)?));
    }
    Ok(text)
}

/// The server.
fn host(connect: &Connect) -> Option<String> {
    if connect.account.is_some() {
        return None;
    }
    let of_environment = || std::env::var("OP_CONNECT_HOST").ok();
    let host = connect.connect_host.clone().or_else(of_environment);
    host.filter(|host| !host.is_empty())
}

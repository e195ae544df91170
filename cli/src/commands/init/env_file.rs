//! From a `.env`: the names of its variables, and the 1Password references among its values (as `op run`
//! takes them). A value that is a secret is read past and not kept: `secretfs vault import` takes it.

use super::entry::{self, counted};
use super::variables::{self, Home, Variable};
use crate::args::InitEnvArgs;
use crate::error::{CliError, Status};
use crate::output::{show, warn};
use secretfs_providers::local::dotenv::DotenvError;
use secretfs_providers::local::glance::glance;
use std::path::Path;

/// Runs the command.
pub(super) fn run(args: &InitEnvArgs) -> Result<(), CliError> {
    super::may_write(&args.output)?;
    let file = args.from.as_path();
    let found = crate::credentials::protected(false, || {
        let text = crate::vault::read_dotenv(file)?;
        variables_of(&text).map_err(|error| {
            CliError::new(
                Status::Other,
                format!("cannot read {}, {error}", show(file)),
                "nothing was written; mend the line and try again",
            )
        })
    })?;
    let project = &args.project;
    let has_project = project.project_id.is_some() || project.project_slug.is_some();
    let home = match has_project {
        true => Home::Infisical(project),
        false => Home::Vault(args.vault_file.as_deref()),
    };
    let folder = if has_project {
        project.path.as_str()
    } else {
        "/"
    };
    let entries = variables::entries(&found, args.names.env_names, folder);
    let entries = entries.map_err(|wrong| wrong.of(file))?;
    let head = variables::head(&found, &home, &args.connect)?;
    let path = super::place(&args.output);
    let (text, count) = entry::map(&head, entries, &path, &show(file))?;
    warn_of_paths(&found);
    let next = match (found.iter().any(|it| it.reference.is_none()), has_project) {
        (false, _) => "edit it, then `secretfs check --online`".to_owned(),
        (true, true) => {
            "put the values into the project, then `secretfs check --online`".to_owned()
        }
        (true, false) => then(file, args.vault_file.as_deref()),
    };
    super::write(&args.output, &text, &format!("{}; {next}", counted(count)))
}

pub(super) fn variables_of(text: &[u8]) -> Result<Vec<Variable>, DotenvError> {
    let found = glance(text)?.into_iter().map(|one| Variable {
        name: one.name,
        line: one.line,
        reference: one.reference,
        is_empty: one.is_empty,
    });
    Ok(found.collect())
}

/// What puts the values into the vault.
fn then(file: &Path, vault: Option<&Path>) -> String {
    let default = std::env::home_dir().map(|home| home.join(".local/share/secretfs/vault.age"));
    let is_there = vault
        .map(Path::to_owned)
        .or(default)
        .is_some_and(|it| it.exists());
    let option = vault.map_or_else(String::new, |vault| format!(" --file {}", show(vault)));
    let make = match is_there {
        true => String::new(),
        false => format!("`secretfs vault init{option}` makes the vault, "),
    };
    let import = format!("`secretfs vault import{option} {}`", show(file));
    format!("{make}{import} puts the values into it, then `secretfs mount`")
}

/// What such a variable has is the name of a file, and not its content.
fn warn_of_paths(found: &[Variable]) {
    const MOST: usize = 5;
    let secrets = found.iter().filter(|it| it.reference.is_none());
    let paths = secrets.filter(|it| super::draft::is_path_variable(&it.name));
    for one in paths.take(MOST) {
        warn(
            &format!(
                "{} is the path of a file, as a rule: the vault should have the file itself",
                one.name
            ),
            &format!(
                "`secretfs vault set {} --from FILE` after the import",
                one.name
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Connect, EnvNames};
    use crate::map::Map;
    use proptest::prelude::*;

    /// The map of a `.env`, or the line that is wrong.
    fn drafted(text: &str, names: EnvNames) -> Result<String, usize> {
        let found = variables_of(text.as_bytes()).map_err(|error| error.line)?;
        let entries = variables::entries(&found, names, "/").map_err(|wrong| wrong.line)?;
        let connect = Connect {
            connect_host: Some("https://connect.example".to_owned()),
            ca_file: None,
            account: None,
        };
        let head = variables::head(&found, &Home::Vault(None), &connect).expect("a head");
        match entry::map(&head, entries, Path::new("/home/u/secrets.yml"), "it") {
            Ok((text, _)) => Ok(text),
            // Nothing in it.
            Err(_) => Err(0),
        }
    }

    #[test]
    fn each_variable_is_an_entry_and_no_value_is_in_the_map() {
        let text = "A=hunter2\nexport NODE_ENV='hunter2'\nEMPTY=\nDB=op://Prod/db/pass word\nKEY_FILE=/x\n";
        let map = drafted(text, EnvNames::File).expect("a map");
        assert!(!map.contains("hunter2"), "{map}");
        let expected = "config:
  provider: vault
providers:
  vault:
    type: local
    file: ~/.local/share/secretfs/vault.age
  onepassword:
    type: onepassword
    connect_host: \"https://connect.example\"
secrets:
  - name: A
    file: A
    env: A_FILE
  - name: NODE_ENV
    file: NODE_ENV
  - name: EMPTY
    file: EMPTY
    env: EMPTY_FILE
    allow_empty: true
  - ref: op://Prod/db/pass word
    file: DB
    env: DB_FILE
  - name: KEY_FILE
    file: KEY_FILE
    env: KEY_FILE
";
        let rest = map.split_once('\n').expect("a first line");
        assert!(rest.0.starts_with("# yaml-language-server: $schema="));
        assert_eq!(rest.1, expected);
    }

    #[test]
    fn a_reference_that_is_none_is_told_with_its_line() {
        assert_eq!(drafted("A=1\nB=op://x\n", EnvNames::File), Err(2));
        assert_eq!(
            drafted("A=1\n\nB=\"op://${V}/i/f\"\n", EnvNames::File),
            Err(3)
        );
        assert_eq!(drafted("", EnvNames::File), Err(0));
    }

    proptest! {
        #[test]
        fn whatever_is_in_the_file_there_is_a_good_map_of_its_names_or_the_line_that_is_wrong(
            text in "(#x\n|(export )?[A-Z_.]{1,6}(_FILE)?=(op://[a-z$/ %]{0,8}|'?[ -~]{0,6})\n|\\PC{0,4}\n){0,8}",
            names in prop_oneof![Just(EnvNames::File), Just(EnvNames::Same), Just(EnvNames::None)],
        ) {
            match drafted(&text, names) {
                Ok(map) => {
                    let map = Map::of_text(&map, Path::new("/home/u/secrets.yml"));
                    let map = map.map_err(|error| TestCaseError::fail(error.render(false)))?;
                    let found = variables_of(text.as_bytes()).expect("good");
                    let mut names: Vec<_> = found.into_iter().map(|one| one.name).collect();
                    // What no file can be called is left out.
                    names.retain(|name| name != "." && name != "..");
                    let files: Vec<_> = map.entries().iter().map(|it| it.path.to_string()).collect();
                    prop_assert_eq!(files, names);
                }
                Err(line) => prop_assert!(line <= text.lines().count().max(1) + 1),
            }
        }
    }
}

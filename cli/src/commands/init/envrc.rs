//! From an `.envrc`: the lines that set a variable to a 1Password reference. The file is a program of bash's;
//! it is read as text here, and nothing of it is ever run or expanded. Taken are, each in a line of its own:
//!
//! * `export NAME="op://vault/item/field"`, with or without `export`, quotes, and a comment after it;
//! * `export NAME=$(op read "op://…")`, with or without quotes around it, and `-n`;
//! * `from_op NAME=op://…`, and the lines between `from_op <<OP` and `OP`.
//!
//! Everything else is left out, and told by its line alone: it may hold a secret.

mod lines;

use super::entry::{self, counted};
use super::variables::{self, Home, Variable};
use crate::args::InitEnvrcArgs;
use crate::error::CliError;
use crate::output::{show, warn};
use std::path::Path;

/// Runs the command.
pub(super) fn run(args: &InitEnvrcArgs) -> Result<(), CliError> {
    super::may_write(&args.output)?;
    let file = args.from.as_path();
    // Beside the references there may be secrets.
    let read = crate::credentials::protected(false, || {
        let text = crate::vault::read_dotenv(file)?;
        Ok(read(&String::from_utf8_lossy(&text)))
    })?;
    let entries = variables::entries(&read.found, args.names.env_names, "/");
    let entries = entries.map_err(|wrong| wrong.of(file))?;
    let path = super::place(&args.output);
    let head = variables::head(&read.found, &Home::Vault(None), &args.connect)?;
    if !read.left_out.is_empty() {
        tell(file, &read.left_out);
    }
    let what = format!(
        "{} (no line sets a variable to an `op://` reference)",
        show(file)
    );
    if entries.is_empty() {
        return Err(super::there_is_nothing(&what));
    }
    let (text, count) = entry::map(&head, entries, &path, &what)?;
    let told = format!(
        "{}; edit it, then `secretfs check --online`",
        counted(count)
    );
    super::write(&args.output, &text, &told)
}

/// What is in the file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    found: Vec<Variable>,
    /// Lines, and the variable that one sets.
    left_out: Vec<(usize, Option<String>)>,
}

fn tell(file: &Path, left_out: &[(usize, Option<String>)]) {
    const MOST: usize = 20;
    let mut told: Vec<_> = left_out
        .iter()
        .take(MOST)
        .map(|(line, name)| match name {
            Some(name) => format!("{line} ({name})"),
            None => line.to_string(),
        })
        .collect();
    if left_out.len() > MOST {
        told.push(format!("and {} more", left_out.len() - MOST));
    }
    let plural = if left_out.len() == 1 { "" } else { "s" };
    warn(
        &format!(
            "{}: left out, for it sets no variable to a reference: line{plural} {}",
            show(file),
            told.join(", ")
        ),
        "what is a secret there belongs into a vault: `secretfs vault set NAME`",
    );
}

fn read(text: &str) -> Read {
    let mut read = Read::default();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        match lines::assignment(text) {
            Some((name, Some(reference))) => {
                // The last one counts.
                read.found.retain(|other| other.name != name);
                read.found.push(Variable {
                    name: name.to_owned(),
                    line,
                    reference: Some(reference.to_owned()),
                    is_empty: false,
                });
            }
            Some((name, None)) => read.left_out.push((line, Some(name.to_owned()))),
            None => read.left_out.push((line, None)),
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Connect, EnvNames};
    use crate::map::Map;
    use proptest::prelude::*;

    #[test]
    fn a_reference_is_found_however_bash_would_be_given_it() {
        for line in [
            "export A=\"op://Prod/db/f\"",
            "export A='op://Prod/db/f'  # the database",
            "export A=op://Prod/db/f;",
            "A=\"op://Prod/db/f\"",
            "  export\tA=\"op://Prod/db/f\"  ",
            "from_op A=op://Prod/db/f",
            "export A=$(op read op://Prod/db/f)",
            "export A=\"$(op read \"op://Prod/db/f\")\"",
            "export A=$(op read --no-newline 'op://Prod/db/f') # c",
            "export A=\"$(op read -n \"op://Prod/db/f\")\"",
        ] {
            let found = read(line);
            assert!(found.left_out.is_empty(), "{line}");
            let [one] = found.found.as_slice() else {
                panic!("{line}: {found:?}");
            };
            assert_eq!(
                (one.name.as_str(), one.reference.as_deref()),
                ("A", Some("op://Prod/db/f"))
            );
        }
    }

    #[test]
    fn everything_else_is_left_out_and_told_by_its_line() {
        for (line, name) in [
            ("use flake", None),
            ("export TOKEN=hunter2", Some("TOKEN")),
            ("export A=\"op://Prod/db/f\" B=2", Some("A")),
            ("export A=\"op://Prod/db/f\"$(rm -rf ~)", Some("A")),
            ("export A=\"op://Prod/db/f\" && rm -rf ~", Some("A")),
            ("export A=$(op read op://Prod/db/f | base64 -d)", Some("A")),
            ("export A=$(op read op://Prod/db/f; rm x)", Some("A")),
            ("export A=$(cat op://Prod/db/f)", Some("A")),
            ("export A=x-op://Prod/db/f", Some("A")),
            ("export A=\"op://Prod/db/\\f\"", Some("A")),
            ("export A=\"op://Prod/db", Some("A")),
            ("export A B", None),
            ("export 1A=op://Prod/db/f", None),
            ("[[ -f x ]] && export A=op://Prod/db/f", None),
            ("OP", None),
        ] {
            let read = read(line);
            assert!(read.found.is_empty(), "{line}: {read:?}");
            assert_eq!(read.left_out, [(1, name.map(str::to_owned))], "{line}");
        }
        assert_eq!(
            read("\n# c\n\nfrom_op <<OP\nA=op://v/i/f\nOP\n").left_out,
            [(4, None), (6, None)]
        );
    }

    #[test]
    fn a_variable_inside_a_reference_is_refused_with_its_line() {
        for text in [
            "use x\nexport A=\"op://${VAULT}/db/f\"",
            "# c\nexport A=op://$VAULT/db/f",
            "\nexport A=\"$(op read \"op://${VAULT}/db/f\")\"",
        ] {
            let wrong = variables::entries(&read(text).found, EnvNames::File, "/").expect_err(text);
            assert_eq!((wrong.line, wrong.name.as_str()), (2, "A"), "{text}");
            assert_eq!(wrong.what, "there is a variable in the reference");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_in_the_file_there_is_a_good_map_or_the_line_that_is_wrong(
            text in "((export |from_op )?[A-Z]{1,3}=(\"op://[a-z${}/ ]{0,9}\"|op://v/[a-z]{1,2}/[a-z%]{1,3}|[ -~]{0,6})( #x)?\n|\\PC{0,6}\n){0,6}"
        ) {
            let lines = text.lines().count();
            let read = read(&text);
            let connect = Connect { connect_host: None, ca_file: None, account: None };
            match variables::entries(&read.found, EnvNames::File, "/") {
                Err(wrong) => prop_assert!((1..=lines).contains(&wrong.line)),
                Ok(entries) if entries.is_empty() => prop_assert!(read.found.is_empty()),
                Ok(entries) => {
                    let head = variables::head(&read.found, &Home::Vault(None), &connect).expect("a head");
                    let path = Path::new("/home/u/secrets.yml");
                    let drafted = entry::map(&head, entries, path, "it");
                    let (text, count) = drafted.map_err(|e| TestCaseError::fail(e.render(false)))?;
                    prop_assert_eq!(count, read.found.len());
                    prop_assert!(Map::of_text(&text, path).is_ok());
                }
            }
        }
    }
}

//! `secretfs man`: the manual pages, from the definition that the help is from.

use crate::args::{Cli, ManArgs};
use crate::error::{CliError, Status};
use crate::output::{print, show};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::path::Path;

/// Stands at the foot of each page.
const SOURCE: &str = concat!("secretfs ", env!("CARGO_PKG_VERSION"));

/// Runs the command.
pub(crate) fn run(args: &ManArgs) -> Result<(), CliError> {
    let pages = pages(Cli::command());
    let Some(folder) = &args.dir else {
        let name = name(&args.command);
        let page = pages.into_iter().find(|page| page.0 == name);
        let Some((_, page)) = page else {
            return Err(CliError::new(
                Status::Usage,
                format!("there is no command `{}`", args.command.join(" ")),
                "see `secretfs --help`",
            ));
        };
        return print(page);
    };
    let count = pages.len();
    for (name, page) in pages {
        write(&folder.join(format!("{name}.1")), &page)?;
    }
    print(format!("wrote {count} pages to {}\n", show(folder)))
}

fn write(file: &Path, page: &[u8]) -> Result<(), CliError> {
    std::fs::write(file, page).map_err(|error| {
        CliError::new(
            Status::Other,
            format!("cannot write {}: {error}", show(file)),
            "name a folder that is there and that you may write in",
        )
    })
}

/// A command's page: `secretfs-vault-init`, as git and others have it.
fn name(words: &[String]) -> String {
    words
        .iter()
        .fold("secretfs".to_owned(), |name, word| format!("{name}-{word}"))
}

/// The pages of a command and of all below it, by their names.
fn pages(mut command: Command) -> Vec<(String, Vec<u8>)> {
    command.build();
    let mut pages = Vec::new();
    add(&command, "secretfs", &mut pages);
    pages
}

fn add(command: &Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) {
    let page = command.clone().display_name(name.to_owned());
    let mut text = Vec::new();
    // Written to memory, which does not fail.
    let _ = Man::new(page)
        .title(name)
        .manual("secretfs")
        .source(SOURCE)
        .render(&mut text);
    // What clap calls "extra" is our examples.
    let text = String::from_utf8_lossy(&text).replace(".SH EXTRA\n", ".SH EXAMPLES\n");
    pages.push((name.to_owned(), text.into_bytes()));
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        add(below, &format!("{name}-{}", below.get_name()), pages);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_its_name_its_words_and_its_example() {
        let pages = pages(Cli::command());
        let names: Vec<&str> = pages.iter().map(|page| page.0.as_str()).collect();
        for expected in [
            "secretfs",
            "secretfs-mount",
            "secretfs-vault-init",
            "secretfs-run",
        ] {
            assert!(names.contains(&expected), "{names:?}");
        }
        for (name, page) in &pages {
            let page = std::str::from_utf8(page).expect("text");
            assert!(page.contains(&format!(".TH {name} 1")), "{page}");
            assert!(page.contains(".SH EXAMPLES"), "{name} shows no example");
            assert!(page.contains(".SH SYNOPSIS"), "{page}");
        }
        let usage = &pages
            .iter()
            .find(|page| page.0 == "secretfs-vault-init")
            .expect("it")
            .1;
        let usage = String::from_utf8_lossy(usage);
        assert!(usage.contains("\\fBsecretfs vault init\\fR"), "{usage}");
    }
}

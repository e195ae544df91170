//! `secretfs man`: the manual pages, from the definitions that the help is from.

use crate::args::{Cli, ManArgs};
use crate::error::{CliError, Status};
use crate::fstab::{MountHelper, UnmountHelper};
use crate::output::{print, show};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::path::Path;

/// Stands at the foot of each page.
const SOURCE: &str = concat!("secretfs ", env!("CARGO_PKG_VERSION"));

/// Runs the command.
pub(crate) fn run(args: &ManArgs) -> Result<(), CliError> {
    let pages = pages();
    let Some(folder) = &args.dir else {
        let name = name(&args.command);
        let is_meant = |page: &Page| {
            page.name == name || (page.section == "8" && args.command == [page.name.as_str()])
        };
        let page = pages.into_iter().find(is_meant);
        let Some(page) = page else {
            return Err(CliError::new(
                Status::Usage,
                format!("there is no command `{}`", args.command.join(" ")),
                "see `secretfs --help`",
            ));
        };
        return print(page.text);
    };
    let count = pages.len();
    for page in pages {
        let file = format!("{}.{}", page.name, page.section);
        write(&folder.join(file), &page.text)?;
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

struct Page {
    name: String,
    section: &'static str,
    text: Vec<u8>,
}

/// The pages of every command, and of what mount(8) starts.
fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    for (mut command, section) in [
        (Cli::command(), "1"),
        (MountHelper::command(), "8"),
        (UnmountHelper::command(), "8"),
    ] {
        command.build();
        let name = command.get_name().to_owned();
        add(&command, &name, section, &mut pages);
    }
    pages
}

fn add(command: &Command, name: &str, section: &'static str, pages: &mut Vec<Page>) {
    let page = command.clone().display_name(name.to_owned());
    let mut text = Vec::new();
    // Written to memory, which does not fail.
    let _ = Man::new(page)
        .title(name)
        .section(section)
        .manual("secretfs")
        .source(SOURCE)
        .render(&mut text);
    // What clap calls "extra" is our examples.
    let text = String::from_utf8_lossy(&text).replace(".SH EXTRA\n", ".SH EXAMPLES\n");
    pages.push(Page {
        name: name.to_owned(),
        section,
        text: text.into_bytes(),
    });
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        add(
            below,
            &format!("{name}-{}", below.get_name()),
            section,
            pages,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_its_name_its_words_and_its_example() {
        let pages = pages();
        let names: Vec<&str> = pages.iter().map(|page| page.name.as_str()).collect();
        for expected in [
            "secretfs",
            "secretfs-mount",
            "secretfs-vault-init",
            "secretfs-run",
            "mount.secretfs",
            "umount.fuse.secretfs",
        ] {
            assert!(names.contains(&expected), "{names:?}");
        }
        for page in &pages {
            let (name, section) = (&page.name, page.section);
            let page = std::str::from_utf8(&page.text).expect("text");
            assert!(page.contains(&format!(".TH {name} {section}")), "{page}");
            assert!(page.contains(".SH EXAMPLES"), "{name} shows no example");
            assert!(page.contains(".SH SYNOPSIS"), "{page}");
        }
        let usage = &pages
            .iter()
            .find(|page| page.name == "secretfs-vault-init")
            .expect("it")
            .text;
        let usage = String::from_utf8_lossy(usage);
        assert!(usage.contains("\\fBsecretfs vault init\\fR"), "{usage}");
    }
}

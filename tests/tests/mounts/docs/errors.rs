//! No error of the program is without an explanation: its text is in docs/troubleshooting.md, or somebody
//! has decided that it explains itself, together with its `help:` line.

use super::{read, root};
use secretfs_tests::{documents, messages};
use std::collections::BTreeSet;

const PAGE: &str = "docs/troubleshooting.md";

/// One text a line, sorted; lines with `#` are comments.
const LIST: &str = "tests/self-explaining.txt";

fn listed() -> Vec<String> {
    let text = read(root().join(LIST));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// Without ends of lines, and without backticks: those of a text stand within those of the page.
fn plain(text: &str) -> String {
    let text = text.replace('`', "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn page() -> String {
    plain(&documents::text(PAGE))
}

#[test]
fn every_text_of_an_error_is_explained_or_explains_itself() {
    let page = page();
    let listed: BTreeSet<_> = listed().into_iter().collect();
    let texts = messages::all();
    assert!(texts.len() > 300, "{}", texts.len());
    let mut undecided = String::new();
    for (text, files) in &texts {
        if !page.contains(&plain(text)) && !listed.contains(&plain(text)) {
            undecided.push_str(&format!("{}\n    of {}\n", plain(text), files.join(", ")));
        }
    }
    assert!(
        undecided.is_empty(),
        "explain these in {PAGE}, each with its cause and its remedy (`…` for what is put in), or, where the text \
         and its `help:` line leave no question, put them into {LIST}:\n{undecided}"
    );
}

#[test]
fn the_list_of_what_explains_itself_is_sorted_and_has_nothing_that_is_gone_or_explained() {
    let page = page();
    let listed = listed();
    assert!(listed.is_sorted(), "sort it: LC_ALL=C sort -u");
    let texts: BTreeSet<_> = messages::all().keys().map(|text| plain(text)).collect();
    for line in listed {
        assert!(texts.contains(&line), "no error says this any more: {line}");
        assert!(!page.contains(&line), "{PAGE} explains it: {line}");
    }
}

#[test]
fn every_line_of_the_page_is_one_that_the_program_says() {
    let texts: BTreeSet<_> = messages::all().keys().map(|text| plain(text)).collect();
    let is_said = |line: &str| {
        let part = |text: &String| text.len() > 10 && line.ends_with(text.as_str());
        texts.contains(line) || texts.iter().any(part)
    };
    let page = documents::text(PAGE);
    let mut within = false;
    let mut seen = 0;
    let mut gone = Vec::new();
    for row in page.lines() {
        within = row.starts_with("| the line |") || (within && row.starts_with('|'));
        let first = row.split(" | ").next().unwrap_or_default();
        if !within || !first.starts_with("| `") {
            continue;
        }
        for line in first.split('`').skip(1).step_by(2) {
            seen += 1;
            if !is_said(&plain(line)) {
                gone.push(line);
            }
        }
    }
    assert!(gone.is_empty(), "no error says this any more: {gone:#?}");
    assert!(seen > 100, "{seen}");
}

#[test]
fn every_errno_of_an_open_is_explained_with_the_words_that_a_tool_prints() {
    let page = documents::text(PAGE);
    let table = read(root().join("fs/src/error.rs"));
    let mut seen = BTreeSet::new();
    for name in table.split("Errno::").skip(1) {
        let name: String = name.chars().take_while(char::is_ascii_uppercase).collect();
        if name.is_empty() {
            continue;
        }
        let (name, number) = match name.as_str() {
            "NOENT" => ("ENOENT", libc::ENOENT),
            "ACCESS" => ("EACCES", libc::EACCES),
            "KEYREJECTED" => ("EKEYREJECTED", libc::EKEYREJECTED),
            "KEYEXPIRED" => ("EKEYEXPIRED", libc::EKEYEXPIRED),
            "NOKEY" => ("ENOKEY", libc::ENOKEY),
            "HOSTUNREACH" => ("EHOSTUNREACH", libc::EHOSTUNREACH),
            "TIMEDOUT" => ("ETIMEDOUT", libc::ETIMEDOUT),
            "BUSY" => ("EBUSY", libc::EBUSY),
            "FBIG" => ("EFBIG", libc::EFBIG),
            "NOMEM" => ("ENOMEM", libc::ENOMEM),
            "IO" => ("EIO", libc::EIO),
            "NODATA" => ("ENODATA", libc::ENODATA),
            "INTR" => ("EINTR", libc::EINTR),
            "NFILE" => ("ENFILE", libc::ENFILE),
            other => panic!("{other} is new: explain it in {PAGE}, and name it here"),
        };
        let words = std::io::Error::from_raw_os_error(number).to_string();
        let words = words.split(" (os error").next().unwrap_or_default();
        let heading = format!("### `{words}` ({name})");
        assert!(page.contains(&heading), "no heading {heading:?}");
        seen.insert(name);
    }
    assert!(seen.len() > 10, "{seen:?}");
}

//! What `op` means by what it writes to standard error (contract onepassword.md §3.2). Its exit status
//! says little, so the texts decide, by their start: names in them are whatever the user, or whoever
//! shares a vault with them, has called something.

use super::call::OpCall;
use crate::onepassword::is_id;
use serde::{Deserialize, Serialize};

/// The most ids of an ambiguous item that are told.
const MAX_IDS: usize = 16;
/// How many words in front of a diagnostic are looked past.
const MAX_STEPS: usize = 12;

/// What a failure is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Complaint {
    /// Nobody is signed in.
    SignedOut,
    /// The session is over.
    Expired,
    /// No account was added, or not the one that is meant.
    NoAccount,
    /// There are several accounts, and none was named.
    SeveralAccounts,
    /// The user has refused the prompt.
    Dismissed,
    /// The user has not answered it.
    Unanswered,
    /// The desktop app did not answer in time: once more may help.
    AppSlow,
    /// The desktop app cannot be spoken to.
    App,
    /// There is no such vault, or it may not be read.
    NoVault,
    /// There is no such item.
    NoItem,
    /// Several items are meant: these ids.
    Ambiguous(Vec<String>),
    /// There is no such field or file.
    NoField,
    /// The token is none, or is not taken any more.
    Token,
    /// It may not be read.
    Denied,
    /// Requests are limited, for that many seconds where it says so.
    Limited(Option<u64>),
    /// 1Password cannot be reached.
    Network,
    /// 1Password answered that it failed.
    Server,
    /// This `op` does not know the arguments.
    Usage,
    /// Nothing that is known.
    Unknown,
}

/// Texts that a diagnostic begins with.
const STARTS: &[(&str, Complaint)] = &[
    ("You are not currently signed in", Complaint::SignedOut),
    ("account is not signed in", Complaint::SignedOut),
    (
        "could not find session token for account",
        Complaint::SignedOut,
    ),
    ("session expired", Complaint::Expired),
    ("no account found for filter", Complaint::NoAccount),
    ("found no accounts for filter", Complaint::NoAccount),
    (
        "No accounts configured for use with 1Password CLI",
        Complaint::NoAccount,
    ),
    ("multiple accounts found", Complaint::SeveralAccounts),
    ("authorization prompt dismissed", Complaint::Dismissed),
    ("authorization timeout", Complaint::Unanswered),
    ("connecting to desktop app timed out", Complaint::AppSlow),
    ("read: context deadline exceeded", Complaint::App),
    ("RequestDelegatedSession:", Complaint::App),
    ("connecting to desktop app", Complaint::App),
    (
        "More than one item matches ",
        Complaint::Ambiguous(Vec::new()),
    ),
    ("item '", Complaint::NoField),
    ("could not find field or file ", Complaint::NoField),
    ("could not resolve item UUID for item ", Complaint::NoItem),
    ("could not find item ", Complaint::NoItem),
    ("Post \"https://", Complaint::Network),
    ("Get \"https://", Complaint::Network),
    ("dial tcp", Complaint::Network),
    ("connection refused", Complaint::Network),
    ("invalid argument ", Complaint::Usage),
    ("unknown flag", Complaint::Usage),
    ("unknown shorthand flag", Complaint::Usage),
    ("unknown command ", Complaint::Usage),
];

/// What it complains about, asked for this.
#[must_use]
pub fn classify(call: &OpCall, text: &str) -> Complaint {
    let (vault, item, reference) = call.asked();
    let mut rest = diagnostic(text);
    for _ in 0..MAX_STEPS {
        let before = rest;
        for wrapper in [
            "error initializing client: ".to_owned(),
            reference
                .as_ref()
                .map_or_else(String::new, |of| format!("could not read secret '{of}': ")),
            format!("could not get item {vault}/{item}: "),
        ] {
            if !wrapper.is_empty() {
                rest = rest.strip_prefix(wrapper.as_str()).unwrap_or(rest);
            }
        }
        if rest.len() == before.len() {
            break;
        }
    }
    if rest.trim().is_empty() || rest.trim() == "error initializing client:" {
        let has_none = text.trim_start().starts_with("No accounts configured");
        return if has_none {
            Complaint::NoAccount
        } else {
            Complaint::Unknown
        };
    }
    if rest.starts_with('"') {
        return not_found(rest, vault, item);
    }
    let known = STARTS.iter().find(|(start, _)| rest.starts_with(start));
    match known {
        Some((_, Complaint::Ambiguous(_))) => Complaint::Ambiguous(ids(rest)),
        Some((_, complaint)) => complaint.clone(),
        None => of_server(rest),
    }
}

/// What stands behind the first `[ERROR] YYYY/MM/DD HH:MM:SS`: help may be printed before it, and names
/// may hold another one.
fn diagnostic(text: &str) -> &str {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("[ERROR]") {
            let rest = text.get(at..).unwrap_or_default();
            return without_time(rest.strip_prefix("[ERROR]").unwrap_or(rest).trim_start());
        }
        at += line.len();
    }
    text.trim_start()
}

fn without_time(text: &str) -> &str {
    let is_time = |word: &str, marks: [char; 2]| {
        let plain = |c: char| c.is_ascii_digit() || "/-:.TZ+".contains(c);
        word.starts_with(|c: char| c.is_ascii_digit())
            && word.chars().all(plain)
            && word.contains(marks)
    };
    let split = |text| str::split_once(text, ' ').unwrap_or((text.trim_end(), ""));
    let (date, rest) = split(text);
    if !is_time(date, ['/', '-']) {
        return text;
    }
    let (time, after) = split(rest);
    if is_time(time, [':', ':']) {
        after
    } else {
        rest
    }
}

/// `"X" isn't a vault …`, `"X" isn't an item …`: what was asked for stands in it as it was asked, and
/// may itself hold such words. The longer of two that fit is the one that was written.
fn not_found(text: &str, vault: &str, item: &str) -> Complaint {
    let fits = |name: &str, what: &str| {
        let plain = format!("\"{name}\" isn't {what}");
        let quoted = format!("{name:?} isn't {what}");
        [plain, quoted]
            .iter()
            .filter(|start| text.starts_with(start.as_str()))
            .map(String::len)
            .max()
    };
    let (of_vault, of_item) = (fits(vault, "a vault"), fits(item, "an item"));
    match of_vault.cmp(&of_item) {
        std::cmp::Ordering::Greater => Complaint::NoVault,
        std::cmp::Ordering::Less => Complaint::NoItem,
        // Written in another way: how it ends is no name either.
        std::cmp::Ordering::Equal => {
            let text = text.trim_end();
            if text.ends_with("Specify the vault with its ID or name.") {
                Complaint::NoVault
            } else if text.ends_with("Specify the item with its UUID, name, or domain.") {
                Complaint::NoItem
            } else {
                Complaint::Unknown
            }
        }
    }
}

/// `\t* for the item "X" in vault V: <id>`, a line each.
fn ids(text: &str) -> Vec<String> {
    let listed = text.lines().skip(1).filter_map(|line| {
        let line = line.trim_start().strip_prefix("* for the item ")?;
        let (_, id) = line.trim_end().rsplit_once(": ")?;
        is_id(id).then(|| id.to_owned())
    });
    listed.take(MAX_IDS).collect()
}

/// `Word: (failed to …), Server: (403) (…), …`: what is in the brackets that a diagnostic begins with.
fn of_server(text: &str) -> Complaint {
    let mut rest = text;
    let mut status = None;
    for _ in 0..MAX_STEPS {
        rest = rest.trim_start_matches([' ', ',', ':']);
        if let Some((group, after)) = bracket(rest) {
            if group.contains("DecodeSACredentials")
                || group.contains("parseToken")
                || group.contains("Service Account Deleted")
            {
                return Complaint::Token;
            }
            if status.is_none() {
                status = group.parse::<u16>().ok();
            }
            rest = after;
        } else if let Some((_, after)) = rest.split_once(": ").filter(|(word, _)| is_label(word)) {
            rest = after;
        } else {
            break;
        }
    }
    match status {
        Some(401) => Complaint::Token,
        Some(403) => Complaint::Denied,
        Some(404) => Complaint::NoItem,
        Some(429) => Complaint::Limited(retry_in(rest)),
        Some(500..=599) => Complaint::Server,
        _ => Complaint::Unknown,
    }
}

fn is_label(word: &str) -> bool {
    !word.is_empty() && word.len() <= 32 && word.bytes().all(|b| b.is_ascii_alphabetic())
}

/// A balanced `(…)` at the start, and what follows it.
fn bracket(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('(')?;
    let mut depth = 1_u32;
    for (at, c) in inner.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((inner.get(..at)?, inner.get(at + 1..)?));
        }
    }
    None
}

/// `… Please retry in 58 minutes …`, in seconds.
fn retry_in(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("retry in ")?;
    let mut words = rest.split_whitespace();
    let number: u64 = match words.next()? {
        "a" | "an" => 1,
        number => number.parse().ok()?,
    };
    let unit = words
        .next()?
        .trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    let seconds = match unit.trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        _ => return None,
    };
    Some(number.checked_mul(seconds)?.min(24 * 3600))
}

#[cfg(test)]
mod tests;

//! The command lines of `secretfs` in a text: shell scripts, sentences, units. Each as its words, quotes
//! taken off, up to where the shell would end it.

/// The words behind each `secretfs ` of the text.
#[must_use]
pub fn command_lines(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, word) in text.match_indices("secretfs ") {
        let before = text.get(..at).unwrap_or_default();
        let part_of_a_word = |c: char| c.is_alphanumeric() || "-_./@*{…".contains(c);
        let path = before.ends_with('/')
            && before
                .rsplit(|c: char| c.is_whitespace() || c == '=')
                .next()
                .is_some_and(|folder| folder.starts_with(['/', '%']));
        // In a comment stands what somebody says about it.
        let line = before.rsplit('\n').next().unwrap_or_default();
        let comment = line.trim_start().starts_with('#') || line.contains(" # ");
        if (before.ends_with(part_of_a_word) && !path) || comment || is_an_argument(line) {
            continue;
        }
        let within = before.chars().next_back().filter(|c| "\"'".contains(*c));
        let rest = text.get(at + word.len()..).unwrap_or_default();
        found.push(words(rest, within));
    }
    found
}

/// Whether what comes next is an argument: of `use` in direnv, of `op connect server create`, of what
/// puts the executable somewhere.
fn is_an_argument(before: &str) -> bool {
    let program = before.split_whitespace().next();
    if program.is_some_and(|program| ["ln", "install", "cp"].contains(&program)) {
        return true;
    }
    let word = before
        .strip_suffix(' ')
        .and_then(|before| before.rsplit(' ').next())
        .unwrap_or_default();
    word.contains(|c: char| c.is_ascii_lowercase())
        && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        && !["exec", "sudo", "then", "do", "else", "time"].contains(&word)
}

/// The words up to what ends the command: the end of the line, `;`, `|`, `&`, `)`, a redirection, a
/// comment, or the quote that it stands within.
fn words(text: &str, within: Option<char>) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if quote == Some(c) {
            quote = None;
        } else if quote.is_some() {
            word.get_or_insert_default().push(c);
        } else if c == '\\' && chars.peek() == Some(&'\n') {
            chars.next();
        } else if within == Some(c) || "\n;|&)<>`".contains(c) || (c == '#' && word.is_none()) {
            // The number of a descriptor belongs to the redirection.
            word = word.filter(|word| !(c == '>' && word == "2"));
            break;
        } else if "\"'".contains(c) {
            quote = Some(c);
            word.get_or_insert_default();
        } else if c.is_whitespace() {
            words.extend(word.take());
        } else {
            word.get_or_insert_default().push(c);
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_end_where_a_shell_ends_them() {
        for (text, expected) in [
            ("secretfs mount", &["mount"][..]),
            ("x=1 secretfs  mount a # b", &["mount", "a"]),
            ("eval \"$(secretfs env)\"", &["env"]),
            (
                "secretfs run -- sh -c 'a; b' 2>/dev/null",
                &["run", "--", "sh", "-c", "a; b"],
            ),
            ("bind 'secretfs lock --all; slock'", &["lock", "--all"]),
            ("secretfs login a < b", &["login", "a"]),
            ("secretfs mount \\\n  --offline\nx", &["mount", "--offline"]),
            ("exec secretfs env", &["env"]),
            ("ExecStart=/usr/bin/secretfs mount", &["mount"]),
        ] {
            assert_eq!(command_lines(text), [expected], "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in [
            "# secretfs is",
            "a # secretfs mount",
            "cargo build -p secretfs-x ",
            "fuse.secretfs x",
            "ls a/secretfs b",
            "use secretfs deploy.yml",
            "ln -s /usr/bin/secretfs /sbin/mount.secretfs",
            "op connect server create secretfs --vaults Prod",
            "op connect token create laptop --server secretfs --vault Prod",
        ] {
            assert_eq!(command_lines(text), Vec::<Vec<String>>::new(), "{text}");
        }
    }
}

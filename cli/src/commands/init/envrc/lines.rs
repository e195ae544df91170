//! One line of an `.envrc`, as text. Nothing of it is run or expanded. Depends on nothing of the program, so that
//! fuzzing can include it (`tests/src/fuzzing/dotenv.rs`).

/// The variable that a line sets, and the reference that it is set to, if it is one.
pub(super) fn assignment(line: &str) -> Option<(&str, Option<&str>)> {
    let mut rest = line;
    for word in ["export", "from_op"] {
        if let Some(after) = rest.strip_prefix(word)
            && after.starts_with([' ', '\t'])
        {
            rest = after.trim_start();
        }
    }
    let (name, value) = rest.split_once('=')?;
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let is_name =
        name.starts_with(is_first) && name.chars().all(|c| is_first(c) || c.is_ascii_digit());
    if !is_name {
        return None;
    }
    Some((name, reference(value)))
}

/// The reference that is the whole value.
fn reference(value: &str) -> Option<&str> {
    if let Some((inner, rest)) = substitution(value) {
        let mut words = inner
            .strip_prefix("op")?
            .trim_start()
            .strip_prefix("read")?;
        words = words.strip_prefix([' ', '\t'])?.trim_start();
        for option in ["--no-newline", "-n"] {
            if let Some(after) = words.strip_prefix(option) {
                words = after.strip_prefix([' ', '\t'])?.trim_start();
            }
        }
        let (reference, after) = word(words)?;
        return (is_end(after) && is_end(rest)).then_some(reference);
    }
    let (reference, rest) = word(value)?;
    is_end(rest).then_some(reference)
}

/// What is between `$(` and `)`, and what comes after it.
fn substitution(value: &str) -> Option<(&str, &str)> {
    for (start, end) in [("\"$(", ")\""), ("$(", ")")] {
        if let Some((inner, rest)) = value.strip_prefix(start).and_then(|it| it.split_once(end)) {
            return Some((inner.trim(), rest));
        }
    }
    None
}

/// A reference as one word of bash's, and what comes after it.
fn word(text: &str) -> Option<(&str, &str)> {
    let (word, rest) = match text.chars().next()? {
        quote @ ('"' | '\'') => text.get(1..)?.split_once(quote)?,
        _ => {
            let end = text.find([' ', '\t', ';', '&', '|', '<', '>', '(', ')', '"', '\'']);
            text.split_at_checked(end.unwrap_or(text.len()))?
        }
    };
    // What is written otherwise than it is meant is not guessed at.
    let is_plain = !word.contains(['\\', '`']);
    (is_plain && word.starts_with("op://")).then_some((word, rest))
}

/// Whether nothing comes any more but a comment.
fn is_end(rest: &str) -> bool {
    let after = rest.strip_prefix(';').unwrap_or(rest);
    after.trim().is_empty()
        || (after.starts_with([' ', '\t']) && after.trim_start().starts_with('#'))
}

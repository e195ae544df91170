//! "Did you mean".

/// The candidate that `text` most probably meant, if any is near enough.
pub(super) fn nearest<'a>(
    text: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Beyond any name of the map: the measure is quadratic in the lengths.
    if text.chars().nth(64).is_some() {
        return None;
    }
    let wanted = normal(text);
    let allowed = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&wanted, &normal(candidate));
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= allowed && *distance < wanted.chars().count())
        // Of two that are equally near, letters in another order are likelier than one more letter.
        .min_by_key(|(distance, found)| (*distance, found.len().abs_diff(text.len())))
        .map(|(_, candidate)| candidate)
}

/// `projectId`, `Project-Id` and `project_id` are one word.
fn normal(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

/// "did you mean …?", or what there is.
pub(super) fn help(text: &str, candidates: &[&str], what: &str) -> String {
    match nearest(text, candidates.iter().copied()) {
        Some(found) => format!("did you mean `{found}`?"),
        None => format!("{what}: {}", list(candidates)),
    }
}

/// "`a`, `b`, `c`", cut where there are many.
pub(super) fn list(words: &[&str]) -> String {
    const MOST: usize = 30;
    let mut shown: Vec<_> = words.iter().take(MOST).map(|w| format!("`{w}`")).collect();
    if words.len() > MOST {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}

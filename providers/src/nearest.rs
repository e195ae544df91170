//! "Did you mean": the nearest of some names.

/// The candidate that `text` most probably meant, if any is near enough.
#[must_use]
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Beyond any name of the map: the measure is quadratic in the lengths.
    if text.chars().nth(64).is_some() {
        return None;
    }
    const LONGEST: usize = 512;
    let wanted = normal(text);
    let allowed = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        // Longer than whatever is near to a text of 64 characters, and as long as its author liked.
        .filter(|candidate| candidate.len() <= LONGEST)
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

/// "`a`, `b`, `c`", cut where there are many, and each where it is long.
#[must_use]
pub fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 30;
    const LONGEST: usize = 100;
    let mut words = words.into_iter();
    let mut shown: Vec<_> = words
        .by_ref()
        .take(MOST)
        .map(|word| match word.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("`{}…`", word.get(..end).unwrap_or_default()),
            None => format!("`{word}`"),
        })
        .collect();
    if words.next().is_some() {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_another_order_and_another_spelling_are_near_and_what_is_far_is_nothing() {
        let names = ["DATABASE_URL", "API_KEY", "KUBE_CONFIG"];
        for (text, meant) in [
            ("DATABSE_URL", Some("DATABASE_URL")),
            ("kube-config", Some("KUBE_CONFIG")),
            ("KUBECONFIG", Some("KUBE_CONFIG")),
            ("APIKYE", Some("API_KEY")),
            ("SMTP", None),
            ("", None),
        ] {
            assert_eq!(nearest(text, names), meant, "{text}");
        }
        assert_eq!(nearest(&"A".repeat(65), names), None);
    }

    #[test]
    fn a_list_of_many_words_is_cut() {
        assert_eq!(list(["a", "b"]), "`a`, `b`");
        assert_eq!(list(["a"; 30]).matches('a').count(), 30);
        assert!(list(["a"; 31]).ends_with("`a`, …"));
    }

    #[test]
    fn a_word_of_any_length_is_cut_and_near_to_nothing() {
        let long = "a".repeat(1 << 20);
        assert_eq!(list([&*"ä".repeat(100)]), format!("`{}`", "ä".repeat(100)));
        assert_eq!(list([&*long]), format!("`{}…`", "a".repeat(100)));
        assert_eq!(nearest("aaaa", [&*long]), None);
        assert_eq!(nearest("b-c", [&*"_".repeat(513), "bc"]), Some("bc"));
    }
}

//! "Did you mean".

use secretfs_providers::nearest::nearest;

/// "did you mean …?", or what there is.
pub(super) fn help(text: &str, candidates: &[&str], what: &str) -> String {
    match nearest(text, candidates.iter().copied()) {
        Some(found) => format!("did you mean `{found}`?"),
        None => format!("{what}: {}", list(candidates)),
    }
}

/// "`a`, `b`, `c`", cut where there are many.
pub(super) fn list(words: &[&str]) -> String {
    secretfs_providers::nearest::list(words.iter().copied())
}

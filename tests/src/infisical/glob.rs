//! Globs of permissions and of service tokens' scopes, as picomatch reads those that the server makes.

/// Whether `path` (or an environment's slug) is one that `glob` speaks of: `*` is a piece of a
/// component, `**` any number of components, none included.
pub(super) fn matches(glob: &str, path: &str) -> bool {
    let parts = |text: &str| -> Vec<String> { text.split('/').map(str::to_owned).collect() };
    components(&parts(glob), &parts(path))
}

fn components(glob: &[String], path: &[String]) -> bool {
    match (glob.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "**" => {
            (0..=path.len()).any(|skip| components(rest, &path[skip..]))
        }
        (Some((first, rest)), Some((head, tail))) => piece(first, head) && components(rest, tail),
        _ => false,
    }
}

fn piece(glob: &str, text: &str) -> bool {
    match glob.split_once('*') {
        None => glob == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|left| {
            left.char_indices()
                .map(|(at, _)| at)
                .chain([left.len()])
                .any(|at| piece(rest, &left[at..]))
        }),
    }
}

/// Whether it is more than one path.
pub(super) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{', '!'])
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_glob_ends_at_components() {
        for (glob, path, is) in [
            ("/backend/**", "/backend", true),
            ("/backend/**", "/backend/a/b", true),
            ("/backend/**", "/backend2", false),
            ("/backend/**", "/", false),
            ("/**", "/", true),
            ("/**", "/a/b", true),
            ("/a/*", "/a/b", true),
            ("/a/*", "/a/b/c", false),
            ("/a*c", "/abbc", true),
            ("*", "dev", true),
            ("dev", "dev2", false),
            ("/", "/", true),
        ] {
            assert_eq!(matches(glob, path), is, "{glob} {path}");
        }
    }
}

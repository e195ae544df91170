//! `name eq "…"`: the one filter that is simulated (contract §1.4). What a text holds is escaped.

/// The text of a filter on one of these attributes; `None`: it is no such filter.
pub(super) fn equals(filter: &str, attributes: &[&str]) -> Option<String> {
    let (attribute, rest) = filter.split_once(' ')?;
    if !attributes.contains(&attribute) {
        return None;
    }
    let mut characters = rest.strip_prefix("eq \"")?.chars();
    let mut text = String::new();
    loop {
        match characters.next()? {
            '"' => return characters.as_str().is_empty().then_some(text),
            '\\' => match characters.next()? {
                escaped @ ('"' | '\\') => text.push(escaped),
                _ => return None,
            },
            plain => text.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::equals;

    #[test]
    fn a_filter_is_one_comparison_with_one_quoted_text() {
        for (filter, expected) in [
            (r#"title eq "Test Login""#, Some("Test Login")),
            (r#"title eq "a\"b\\c""#, Some(r#"a"b\c"#)),
            (r#"title eq """#, Some("")),
            (r#"title eq "a" or title pr "b""#, None),
            (r#"title eq "a"#, None),
            (r#"title eq 'a'"#, None),
            (r#"title co "a""#, None),
            (r#"tag eq "a""#, None),
            (r#"title eq "a\n""#, None),
            ("", None),
        ] {
            assert_eq!(equals(filter, &["title"]).as_deref(), expected, "{filter}");
        }
    }
}

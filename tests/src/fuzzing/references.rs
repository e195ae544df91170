//! References as a map writes them: `op://…`, spelled out, and the names of Infisical and of local vaults. The
//! input is lines: each stands for one part.

use super::is_hostile;
use super::map::parsed;
use secretfs_fs::map::Source;
use secretfs_providers::{Reference, onepassword};

/// One input.
///
/// # Panics
/// A property does not hold.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let lines: Vec<&str> = text.split('\n').take(8).collect();
    for line in &lines {
        shorthand(line);
    }
    let part = |at: usize| lines.get(at).copied().unwrap_or_default();
    spelled(part(0), part(1), part(2), part(3));
    named(part(0), part(1), part(2));
    places(&lines);
}

fn shorthand(text: &str) {
    let of_map = in_map(
        "o: {type: onepassword, backend: op}",
        &format!("ref: {}", quoted(text)),
    );
    match onepassword::Reference::parse(text) {
        Ok(reference) => {
            let printed = reference.to_string();
            assert_eq!(
                onepassword::Reference::parse(&printed).as_ref(),
                Ok(&reference),
                "{printed}"
            );
            let found = of_map.expect("a good reference in a map");
            assert_eq!(found, Reference::OnePassword(reference));
        }
        Err(error) => {
            assert!(
                of_map.is_none(),
                "{text:?} is refused alone and taken in a map"
            );
            assert!(
                !error.message.contains(is_hostile) && !error.help.is_empty(),
                "{error:?}"
            );
            assert!(
                error.at <= text.chars().count() && error.len <= text.chars().count().max(1),
                "{error:?} of {text:?}"
            );
        }
    }
}

fn spelled(vault: &str, item: &str, section: &str, field: &str) {
    let mut keys = format!(
        "vault: {}, item: {}, field: {}",
        quoted(vault),
        quoted(item),
        quoted(field)
    );
    if !section.is_empty() {
        keys.push_str(&format!(", section: {}", quoted(section)));
    }
    if let Some(Reference::OnePassword(found)) =
        in_map("o: {type: onepassword, backend: op}", &keys)
    {
        // Nothing is trimmed, folded or normalised: it is what was written.
        assert_eq!(
            (
                found.vault.as_str(),
                found.item.as_str(),
                found.field.as_str()
            ),
            (vault, item, field)
        );
        assert_eq!(
            found.section.as_deref(),
            (!section.is_empty()).then_some(section)
        );
        let shown = found.to_string();
        assert!(!shown.contains(char::is_control), "{shown:?}");
    }
}

fn named(name: &str, path: &str, environment: &str) {
    let keys = format!("name: {}", quoted(name));
    if let Some(found) = in_map("v: {type: local}", &keys) {
        let Reference::Local(found) = found else {
            panic!("{found:?}");
        };
        assert_eq!(found.name, name);
    }
    let keys = format!(
        "{keys}, path: {}, environment: {}",
        quoted(path),
        quoted(environment)
    );
    if let Some(found) = in_map("i: {type: infisical, project_id: p}", &keys) {
        let Reference::Infisical(found) = found else {
            panic!("{found:?}");
        };
        assert_eq!(
            (found.name.as_str(), found.environment.as_str()),
            (name, environment)
        );
        assert!(
            found.path.starts_with('/') && !found.path.contains("/../"),
            "{found:?}"
        );
    }
}

/// Two items are one place only where they are one item.
fn places(lines: &[&str]) {
    for (a, b) in lines.iter().zip(lines.iter().skip(1)) {
        for (c, d) in lines.iter().zip(lines.iter().rev()) {
            assert_eq!(
                onepassword::place(a, c) == onepassword::place(b, d),
                (a, c) == (b, d),
                "{a:?} {c:?} {b:?} {d:?}"
            );
        }
    }
}

/// What the only entry of a map refers to; `None`: the map is refused.
fn in_map(provider: &str, keys: &str) -> Option<Reference> {
    let text = format!("providers:\n  {provider}\nsecrets:\n- {{{keys}, file: a}}\n");
    let map = parsed(&text).ok()?;
    match &map.entries().first()?.source {
        Source::Secret(reference) => Some(reference.clone()),
        other => panic!("{other:?}"),
    }
}

/// A text as YAML in double quotes, which JSON's are.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text")
}

//! `file:` and `dir:`: paths below the mountpoint.

use super::Broken;
use crate::map::units::quote;

/// What a path of the kernel may be long, the mountpoint not counted.
const LONGEST: usize = 4_000;
const LONGEST_NAME: usize = 255;
/// A bound for what one line of a hostile map costs.
const DEEPEST: usize = 32;

/// Checks a path: relative, no `.`, `..` or empty component, no NUL or control character, each
/// component at most 255 bytes.
pub(in crate::map) fn check(key: &str, path: &str) -> Result<(), Broken> {
    let broken = |what: &str, help: String| {
        Err(Broken::new(format!("`{key}` {} {what}", quote(path)), help))
    };
    if path.starts_with('/') {
        let relative = path.trim_start_matches('/');
        return broken(
            "is not relative",
            format!("paths begin at the mountpoint: write {}", quote(relative)),
        );
    }
    if path == "~" || path.starts_with("~/") {
        let relative = path.trim_start_matches(['~', '/']);
        return broken(
            "is not relative",
            format!("paths begin at the mountpoint: write {}", quote(relative)),
        );
    }
    if let Some(c) = path.chars().find(|c| c.is_control()) {
        let what = format!("contains the control character {}", quote(&c.to_string()));
        return broken(&what, "remove it".to_owned());
    }
    if path.len() > LONGEST {
        return broken("is too long", format!("at most {LONGEST} bytes"));
    }
    if path.split('/').nth(DEEPEST).is_some() {
        return broken("is nested too deeply", format!("at most {DEEPEST} levels"));
    }
    for name in path.split('/') {
        match name {
            "" if path.ends_with('/') => {
                let cut = path.trim_end_matches('/');
                return broken("ends with `/`", format!("write {}", quote(cut)));
            }
            "" => return broken("has an empty component", "write one `/`".to_owned()),
            "." | ".." => {
                return broken(
                    &format!("has the component `{name}`"),
                    "write the path without it: a file cannot leave the mount".to_owned(),
                );
            }
            _ if name.len() > LONGEST_NAME => {
                return broken(
                    "has a component that is too long",
                    format!("at most {LONGEST_NAME} bytes between two `/`"),
                );
            }
            _ => {}
        }
    }
    Ok(())
}

//! Names inside providers: folders, environments, programs of `allow`.

use super::Broken;
use crate::map::units::quote;

/// A folder of a provider: absolute, without `.`, `..` and empty components. A final `/` is cut.
pub(in crate::map) fn folder(key: &str, text: &str) -> Result<String, Broken> {
    let broken = |what: &str, help: String| {
        Err(Broken::new(format!("`{key}` {} {what}", quote(text)), help))
    };
    let Some(rest) = text.strip_prefix('/') else {
        let absolute = format!("/{text}");
        return broken(
            "does not begin with `/`",
            format!("write {}", quote(&absolute)),
        );
    };
    if rest.is_empty() {
        return Ok("/".to_owned());
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return broken(
            "has an empty component, `.` or `..`",
            "write the folder as the provider shows it, for example `/backend`".to_owned(),
        );
    }
    Ok(format!("/{rest}"))
}

/// An environment's slug.
pub(in crate::map) fn environment(text: &str) -> Result<(), Broken> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if text.chars().all(plain) && text.len() <= 64 {
        return Ok(());
    }
    Err(Broken::new(
        format!("`environment` {} is not a slug", quote(text)),
        "write the environment's slug, for example `dev` or `prod`, not its name",
    ))
}

/// An executable of `allow`: a bare name, or an absolute path.
pub(in crate::map) fn program(text: &str) -> Result<(), Broken> {
    let bare = !text.contains('/');
    let components_fine = text
        .split('/')
        .skip(1)
        .all(|part| !matches!(part, "" | "." | ".."));
    if matches!(text, "." | "..") || (bare && text.starts_with('~')) {
        return Err(Broken::new(
            format!("`allow` {} is not a program", quote(text)),
            "write a bare name, or an absolute path",
        ));
    }
    if bare || (text.starts_with('/') && components_fine) {
        return Ok(());
    }
    Err(Broken::new(
        format!(
            "`allow` {} is neither a bare name nor an absolute path",
            quote(text)
        ),
        "write the program's name alone, or its path beginning with `/`, without `.` and `..`",
    ))
}

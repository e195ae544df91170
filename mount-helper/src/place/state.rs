//! The state folder: `${XDG_STATE_HOME:-~/.local/state}/secretfs`, with log and audit.

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The log's name in the state folder.
pub const LOG: &str = "secretfs.log";
/// The audit's name in the state folder.
pub const AUDIT: &str = "audit.jsonl";

/// The state folder, from the environment. `None`: the user has no home.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    folder_in(
        std::env::var_os("XDG_STATE_HOME").as_deref(),
        std::env::var_os("HOME").as_deref(),
    )
}

fn folder_in(state_home: Option<&OsStr>, home: Option<&OsStr>) -> Option<PathBuf> {
    let absolute = |value: Option<&OsStr>| {
        let path = Path::new(value?);
        path.is_absolute().then(|| path.to_owned())
    };
    let base = absolute(state_home).or_else(|| Some(absolute(home)?.join(".local/state")))?;
    Some(base.join("secretfs"))
}

/// Makes the state folder, for its user alone.
///
/// # Errors
/// It cannot be made.
pub fn create(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_folder_follows_the_environment() {
        let os = |text: &'static str| Some(OsStr::new(text));
        assert_eq!(
            folder_in(os("/state"), os("/home/me")),
            Some("/state/secretfs".into())
        );
        for unset in [None, os(""), os("relative")] {
            assert_eq!(
                folder_in(unset, os("/home/me")),
                Some("/home/me/.local/state/secretfs".into())
            );
        }
        assert_eq!(folder_in(None, None), None);
    }
}

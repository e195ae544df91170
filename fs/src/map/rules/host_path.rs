//! Paths outside the mount: `mountpoint:`, vault files, CA bundles, token files.

use super::Broken;
use crate::map::units::quote;
use std::path::{Component, Path, PathBuf};

/// What relative paths and `~` are relative to.
#[derive(Debug, Clone, Copy)]
pub(in crate::map) struct Base<'a> {
    /// The folder of the map.
    pub(in crate::map) folder: &'a Path,
    /// The home folder.
    pub(in crate::map) home: Option<&'a Path>,
}

impl Base<'_> {
    /// The absolute path that `text` means: absolute, below the home folder with `~/`, else below
    /// the folder of the map.
    pub(in crate::map) fn resolve(self, key: &str, text: &str) -> Result<String, Broken> {
        let broken = |what: &str, help: &str| {
            Err(Broken::new(format!("`{key}` {} {what}", quote(text)), help))
        };
        let path = if text == "~" || text.starts_with("~/") {
            let Some(home) = self.home else {
                return broken("needs a home folder", "set HOME, or write an absolute path");
            };
            home.join(text.trim_start_matches('~').trim_start_matches('/'))
        } else if text.starts_with('~') {
            return broken("names another user's home", "write an absolute path");
        } else if text.contains('$') {
            return broken(
                "contains a `$`, and variables are not replaced",
                "write `~/` for the home folder, or an absolute path",
            );
        } else {
            self.folder.join(text)
        };
        match clean(&path).into_os_string().into_string() {
            Ok(path) if Path::new(&path).is_absolute() => Ok(path),
            Ok(_) => broken("is not absolute", "write an absolute path"),
            Err(_) => broken("is not valid UTF-8 below its folder", "move the folder"),
        }
    }
}

/// Without `.` and doubled `/`; `..` stays, because what it means depends on symlinks.
fn clean(path: &Path) -> PathBuf {
    path.components().collect()
}

/// Whether `path` is `folder` or below it, as far as names tell.
pub(in crate::map) fn is_below(path: &Path, folder: &Path) -> bool {
    lexical(path).starts_with(lexical(folder))
}

fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

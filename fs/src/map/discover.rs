//! Which map a command means: `--map`, `$SECRETFS_MAP`, `secrets.yml` or `secrets.yaml` from the
//! working folder upwards, `~/.config/secretfs/secrets.yml`.

use super::Defaults;
use super::problem::MapErrors;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The names that are looked for in folders.
const NAMES: [&str; 2] = ["secrets.yml", "secrets.yaml"];

/// What the search looks at; passed in, so that tests need no real home.
#[derive(Debug, Clone)]
pub struct World {
    /// The working folder, absolute.
    pub folder: PathBuf,
    /// The home folder.
    pub home: Option<PathBuf>,
    /// `$SECRETFS_MAP`.
    pub map: Option<OsString>,
    /// `$XDG_CONFIG_HOME`.
    pub config_home: Option<OsString>,
    /// The effective user, who must own the map.
    pub uid: u32,
    /// What stands in for what a map leaves out, of the environment.
    pub defaults: Defaults,
}

impl World {
    /// Of this process. Without a readable working folder, nothing is looked for there.
    #[must_use]
    pub fn from_process() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            folder: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            home: variable("HOME")
                .map(PathBuf::from)
                .filter(|home| home.is_absolute()),
            map: variable("SECRETFS_MAP"),
            config_home: variable("XDG_CONFIG_HOME"),
            uid: rustix::process::geteuid().as_raw(),
            defaults: Defaults::from_variables(|name| std::env::var(name).ok()),
        }
    }

    /// What stands in for what the map at `path` leaves out.
    #[must_use]
    pub fn defaults_of(&self, path: &Path) -> Defaults {
        let home = self.home.as_deref();
        self.defaults.clone().beside(path, home, self.uid)
    }
}

/// Finds the map, as an absolute path. `named` is `--map`. `exists` says whether there is such a
/// file; a map that is named is not looked for, [`super::load()`] says what is wrong with it.
///
/// # Errors
/// No map anywhere; the help says where it was looked for.
pub fn discover(
    named: Option<&Path>,
    world: &World,
    exists: impl Fn(&Path) -> bool,
) -> Result<PathBuf, MapErrors> {
    let variable = world.map.as_deref().filter(|map| !map.is_empty());
    if let Some(path) = named.or(variable.map(Path::new)) {
        return Ok(world.folder.join(path));
    }
    candidates(world)
        .into_iter()
        .find(|candidate| exists(candidate))
        .ok_or_else(|| {
            MapErrors::of_file(
                Path::new("secrets.yml"),
                format!("there is no map in {} or above it", world.folder.display()),
                Some("write one, or name one with `--map`".to_owned()),
            )
        })
}

/// Every place, in order.
fn candidates(world: &World) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in world.folder.ancestors() {
        found.extend(NAMES.map(|name| folder.join(name)));
        if world.home.as_deref() == Some(folder) {
            break;
        }
    }
    let xdg = world.config_home.as_ref().map(PathBuf::from);
    let own = world.home.as_ref().map(|home| home.join(".config"));
    for folder in [xdg.filter(|xdg| xdg.is_absolute()), own]
        .into_iter()
        .flatten()
    {
        found.extend(NAMES.map(|name| folder.join("secretfs").join(name)));
    }
    found
}

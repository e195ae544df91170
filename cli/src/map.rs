//! The map as commands need it: found, loaded, and where it is mounted.

use crate::env::Export;
use crate::error::{CliError, Status};
use crate::mounts::Discovered;
use crate::output::show;
use secretfs_fs::map::ready::{ReadyError, TextDigest};
use secretfs_fs::map::{
    self, CompiledMap, Defaults, EntryPlan, MapErrors, Part, ProviderSpec, Ready, World,
};
use secretfs_mount_helper::launch::LaunchRequest;
use secretfs_mount_helper::place::mountpoint::normalise;
use std::path::{Path, PathBuf};

/// Where a map is mounted that does not say so, below the home folder.
const DEFAULT_MOUNTPOINT: &str = "secrets";

/// A good map.
pub(crate) struct Map {
    /// Where it is, absolute.
    pub(crate) path: PathBuf,
    world: World,
    map: map::Map,
    text: TextDigest,
}

impl Map {
    /// The named map, else the one that is found from the working folder.
    pub(crate) fn find(named: Option<&Path>) -> Result<Self, CliError> {
        let world = World::from_process();
        Ok(Self::open(locate(named, &world)?, world)?)
    }

    /// The map of a mount, as it was mounted: in the environment of then.
    pub(crate) fn of_mount(request: &LaunchRequest) -> Result<Self, CliError> {
        let map = Self::of_then(&request.map, request.defaults.clone())?;
        Ok(match &request.part {
            Some(part) => map.part(part),
            None => map,
        })
    }

    /// The part of it that is mounted for one command.
    pub(crate) fn part(self, part: &Part) -> Self {
        Self {
            map: part.of(self.map),
            ..self
        }
    }

    /// The names of a part that no entry has.
    pub(crate) fn unknown<'a>(&self, part: &'a Part) -> Vec<&'a str> {
        part.unknown(&self.map)
    }

    /// The exported variables, with the paths that they have when it is mounted there.
    pub(crate) fn exports(&self, mountpoint: &Path) -> Vec<Export> {
        let exports = self.map.exports();
        exports
            .map(|(name, path)| Export {
                name: name.to_owned(),
                path: mountpoint.join(path),
            })
            .collect()
    }

    /// The same, by what stood in for what the map left out.
    pub(crate) fn of_then(path: &Path, defaults: Defaults) -> Result<Self, CliError> {
        let world = World {
            defaults,
            ..World::from_process()
        };
        Ok(Self::open(path.to_owned(), world)?)
    }

    /// The map of a text that is not in a file yet.
    pub(crate) fn of_text(text: &str, path: &Path) -> Result<Self, CliError> {
        let world = World::from_process();
        let defaults = world.defaults_of(path);
        let map = map::parse_with(text, path, world.home.as_deref(), &defaults)?;
        Ok(Self {
            path: path.to_owned(),
            world,
            map,
            text: map::ready::digest(text),
        })
    }

    fn open(path: PathBuf, world: World) -> Result<Self, MapErrors> {
        let (map, text) = map::load::with_digest(&path, &world)?;
        Ok(Self {
            path,
            world,
            map,
            text,
        })
    }

    /// The compiled map, for the mount-helper.
    pub(crate) fn ready(&self) -> Result<Ready, CliError> {
        Ready::new(&self.map, self.text).map_err(|error| {
            let status = match error {
                ReadyError::Compile(_) => Status::Map,
                ReadyError::Memory(_) => Status::Other,
            };
            CliError::new(
                status,
                format!("cannot compile the map {}: {error}", show(&self.path)),
                "",
            )
        })
    }

    /// The compiled map, for this process.
    pub(crate) fn compiled(&self) -> Result<CompiledMap, CliError> {
        let archive = self.ready()?.archive;
        CompiledMap::open(archive).map_err(|error| {
            let message = format!("cannot use the map {}: {error}", show(&self.path));
            CliError::new(Status::Other, message, "")
        })
    }

    /// Where it is mounted, unless a place is named. Absolute.
    pub(crate) fn mountpoint(&self, named: Option<&Path>) -> Result<PathBuf, CliError> {
        let of_map = self.map.settings().mountpoint.as_deref();
        mountpoint(named, of_map, &self.world)
    }

    /// What stood in for what the map leaves out.
    pub(crate) fn defaults(&self) -> Defaults {
        self.world.defaults.clone()
    }

    /// The providers; an entry's `provider` is an index in this list.
    pub(crate) fn providers(&self) -> &[ProviderSpec] {
        self.map.providers()
    }

    /// The entries, in the map's order.
    pub(crate) fn entries(&self) -> &[EntryPlan] {
        self.map.entries()
    }
}

/// Where the map is: with a plain path, so that one map has one name.
fn locate(named: Option<&Path>, world: &World) -> Result<PathBuf, MapErrors> {
    let found = map::discover(named, world, Path::is_file)?;
    Ok(normalise(&found).unwrap_or(found))
}

/// Where to mount: what was named, else the map's, else `~/secrets`. Absolute.
fn mountpoint(
    named: Option<&Path>,
    of_map: Option<&str>,
    world: &World,
) -> Result<PathBuf, CliError> {
    if let Some(named) = named {
        if named.as_os_str().is_empty() {
            return Err(CliError::new(
                Status::Usage,
                "the mountpoint is an empty word",
                "name a folder",
            ));
        }
        return std::path::absolute(world.folder.join(named)).map_err(|error| {
            CliError::new(
                Status::Mount,
                format!("cannot tell where {} is: {error}", show(named)),
                "name it by its absolute path",
            )
        });
    }
    match (of_map, &world.home) {
        (Some(of_map), _) => Ok(PathBuf::from(of_map)),
        (None, Some(home)) => Ok(home.join(DEFAULT_MOUNTPOINT)),
        (None, None) => Err(CliError::new(
            Status::Mount,
            "cannot tell where ~/secrets is: HOME is not set to an absolute path",
            "set HOME, or name the mountpoint",
        )),
    }
}

/// The exported variables of a map, with the paths that they have once it is mounted.
pub(crate) fn exports(map: Option<&Path>, named: Option<&Path>) -> Result<Vec<Export>, CliError> {
    let map = Map::find(map)?;
    let mountpoint = map.mountpoint(named)?;
    Ok(map.exports(&mountpoint))
}

/// Whether there is a map to be found from here, a good one or not.
pub(crate) fn is_there() -> bool {
    locate(None, &World::from_process()).is_ok_and(|map| map.exists())
}

/// The map that is found from here, if any, for commands that need to know only which one it is.
pub(crate) fn discovered() -> Option<Discovered> {
    let world = World::from_process();
    let path = locate(None, &world).ok()?;
    let mountpoint = Map::open(path.clone(), world)
        .ok()
        .and_then(|map| map.mountpoint(None).ok())
        .and_then(|place| normalise(&place).ok());
    Some(Discovered {
        map: path,
        mountpoint,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(home: Option<&str>) -> World {
        World {
            folder: "/work".into(),
            home: home.map(PathBuf::from),
            map: None,
            config_home: None,
            uid: 0,
            defaults: Defaults::default(),
        }
    }

    fn place(
        named: Option<&str>,
        of_map: Option<&str>,
        home: Option<&str>,
    ) -> Result<PathBuf, CliError> {
        mountpoint(named.map(Path::new), of_map, &world(home))
    }

    #[test]
    fn the_named_mountpoint_comes_before_the_map_s_and_that_before_the_default() {
        let at = |named, of_map| place(named, of_map, Some("/home/u")).expect("a place");
        assert_eq!(at(Some("/a"), Some("/b")), Path::new("/a"));
        assert_eq!(at(Some("a/b"), Some("/b")), Path::new("/work/a/b"));
        assert_eq!(at(None, Some("/b")), Path::new("/b"));
        assert_eq!(at(None, None), Path::new("/home/u/secrets"));
    }

    #[test]
    fn without_a_home_the_default_is_an_error_and_not_a_relative_path() {
        let error = place(None, None, None).expect_err("nowhere");
        assert_eq!(error.status(), Status::Mount);
        assert!(place(None, Some("/b"), None).is_ok());
    }

    #[test]
    fn an_empty_mountpoint_is_an_error_of_usage() {
        let error = place(Some(""), None, Some("/home/u")).expect_err("empty");
        assert_eq!(error.status(), Status::Usage);
    }
}

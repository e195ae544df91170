//! The generations of the compiled map. A daemon that has not seen a reload yet asks with the
//! positions of the map that it has, so the last few are kept.

use crate::error::{HelperError, MAP, OTHER};
use secretfs_fs::map::ready::{ReadyError, digest};
use secretfs_fs::map::{self, CompiledMap, Defaults, MapErrors, Part, Ready, World};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::timeout;

/// How long reading and compiling may take: the map may lie on a network's disk.
const LIMIT: Duration = Duration::from_secs(15);
/// How many generations are kept.
const KEPT: usize = 4;

/// A map that was read, compiled and published.
#[derive(Debug)]
pub(super) struct Published {
    /// For the daemon.
    pub(super) fd: OwnedFd,
    map: CompiledMap,
}

/// Reads, checks and compiles a map, off the loop. `ready`: what the command has compiled; it is
/// used if the text is still the same.
///
/// # Errors
/// Status 3, with everything that is wrong with it; 1 if memory cannot be had.
pub(super) async fn publish(
    path: PathBuf,
    defaults: Defaults,
    part: Option<Part>,
    ready: Option<Ready>,
) -> Result<Published, HelperError> {
    let shown = path.display().to_string();
    let work =
        tokio::task::spawn_blocking(move || publish_now(&path, defaults, part.as_ref(), ready));
    match timeout(LIMIT, work).await {
        Ok(Ok(published)) => published,
        Ok(Err(_)) => Err(HelperError::new(
            MAP,
            format!("cannot read the map {shown}: an internal error"),
            "please report this, with the map",
        )),
        Err(_) => Err(HelperError::new(
            MAP,
            format!("cannot read the map {shown} within {} s", LIMIT.as_secs()),
            "see that the disk it lies on answers",
        )),
    }
}

fn publish_now(
    path: &Path,
    defaults: Defaults,
    part: Option<&Part>,
    ready: Option<Ready>,
) -> Result<Published, HelperError> {
    // Not of this process's environment, which is not the command's.
    let world = World {
        defaults,
        ..World::from_process()
    };
    let text = map::load::read(path, world.uid).map_err(|errors| bad(&errors))?;
    let fd = match ready {
        Some(ready) if ready.text == digest(&text) => ready.archive,
        // Saved since the command read it.
        _ => compile(&text, path, &world, part)?,
    };
    let failed = |error: std::io::Error| {
        HelperError::other(
            format!("cannot share the map {}: {error}", path.display()),
            "",
        )
    };
    let map = CompiledMap::open(fd.try_clone().map_err(failed)?).map_err(failed)?;
    Ok(Published { fd, map })
}

fn compile(
    text: &str,
    path: &Path,
    world: &World,
    part: Option<&Part>,
) -> Result<OwnedFd, HelperError> {
    let (home, defaults) = (world.home.as_deref(), world.defaults_of(path));
    let map = map::parse_with(text, path, home, &defaults).map_err(|errors| bad(&errors))?;
    let map = match part {
        Some(part) => part.of(map),
        None => map,
    };
    let ready = Ready::new(&map, digest(text)).map_err(|error| {
        let status = match error {
            ReadyError::Compile(_) => MAP,
            ReadyError::Memory(_) => OTHER,
        };
        let message = format!("cannot compile the map {}: {error}", path.display());
        HelperError::new(status, message, "")
    })?;
    Ok(ready.archive)
}

fn bad(errors: &MapErrors) -> HelperError {
    let help = "run `secretfs check` for every problem with its place";
    HelperError::new(MAP, clip(&errors.summary()), help)
}

/// As much of a message as a frame to the command certainly takes.
fn clip(message: &str) -> String {
    message.chars().take(4096).collect()
}

/// See the module.
#[derive(Debug)]
pub(super) struct Maps {
    kept: VecDeque<(u64, CompiledMap)>,
    current: CompiledMap,
    generation: u64,
    /// Why the map on disk is not the one in use.
    pub(super) error: Option<String>,
}

impl Maps {
    /// The first generation; the descriptor goes to the daemon.
    pub(super) fn first(published: Published) -> (Self, OwnedFd) {
        let maps = Self {
            kept: VecDeque::from([(1, published.map.clone())]),
            current: published.map,
            generation: 1,
            error: None,
        };
        (maps, published.fd)
    }

    /// The next generation and its descriptor; `None` if nothing that matters has changed.
    pub(super) fn next(&mut self, published: Published) -> Option<(u64, OwnedFd)> {
        self.error = None;
        if published.map.is_same(&self.current) {
            return None;
        }
        self.generation += 1;
        self.current = published.map.clone();
        self.kept.push_back((self.generation, published.map));
        while self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        Some((self.generation, published.fd))
    }

    /// The map in use.
    pub(super) fn current(&self) -> &CompiledMap {
        &self.current
    }

    /// Its generation.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The map of a generation, if it is kept.
    pub(super) fn of(&self, generation: u64) -> Option<&CompiledMap> {
        self.kept
            .iter()
            .find(|(kept, _)| *kept == generation)
            .map(|(_, map)| map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secretfs_fs::map::{EntryId, MountSettings, compile};

    fn published(on_lock: bool) -> Published {
        let settings = MountSettings {
            mountpoint: None,
            seal_on_lock: on_lock,
            remount_on_unlock: false,
            idle_ms: 0,
            audit: true,
        };
        let bytes = compile(&settings, &[], &[]).unwrap();
        Published {
            fd: tempfile::tempfile().unwrap().into(),
            map: CompiledMap::from_bytes(&bytes).unwrap(),
        }
    }

    /// A map file of one entry, and another map that is ready, with the digest of `text`.
    fn file_and_ready(text: &str) -> (tempfile::NamedTempFile, Ready) {
        let world = World::from_process();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, yaml("one")).unwrap();
        let other = map::parse(&yaml("other"), file.path(), world.home.as_deref()).unwrap();
        let ready = Ready::new(&other, digest(text)).unwrap();
        (file, ready)
    }

    fn yaml(file: &str) -> String {
        format!(
            "providers: {{v: {{type: local, file: /v}}}}\nsecrets: [{{name: A, file: {file}}}]\n"
        )
    }

    fn path_of_the_entry(published: &Published) -> String {
        published.map.entry(EntryId(0)).unwrap().path
    }

    #[test]
    fn what_the_command_compiled_is_not_compiled_again() {
        let (file, ready) = file_and_ready(&yaml("one"));
        let published = publish_now(file.path(), Defaults::default(), None, Some(ready)).unwrap();
        // The archive of another map shows which one was taken.
        assert_eq!(path_of_the_entry(&published), "other");
    }

    #[test]
    fn a_map_that_was_saved_since_the_command_read_it_is_compiled_anew() {
        let (file, ready) = file_and_ready(&yaml("before"));
        let published = publish_now(file.path(), Defaults::default(), None, Some(ready)).unwrap();
        assert_eq!(path_of_the_entry(&published), "one");
    }

    #[test]
    fn a_map_that_is_read_again_for_one_command_is_the_same_part_of_it() {
        let (file, _) = file_and_ready(&yaml("one"));
        let both = format!(
            "{}  - {{name: B, file: two}}\n",
            yaml("one").replace("[{", "\n  - {").replace("}]", "}")
        );
        std::fs::write(file.path(), both).unwrap();
        let part = Part {
            only: vec!["two".to_owned()],
        };
        let published = publish_now(file.path(), Defaults::default(), Some(&part), None).unwrap();
        assert_eq!(published.map.entry_count(), 1);
        assert_eq!(path_of_the_entry(&published), "two");
        assert!(published.map.settings().seal_on_lock);
    }

    #[test]
    fn an_unchanged_map_is_no_new_generation() {
        let (mut maps, _) = Maps::first(published(false));
        maps.error = Some("was bad".into());
        assert!(maps.next(published(false)).is_none());
        assert_eq!((maps.generation(), &maps.error), (1, &None));
    }

    #[test]
    fn earlier_generations_are_found_for_a_while() {
        let (mut maps, _) = Maps::first(published(false));
        for n in 0..5 {
            assert!(maps.next(published(n % 2 == 0)).is_some());
        }
        assert_eq!(maps.generation(), 6);
        assert!(maps.current().settings().seal_on_lock);
        assert!(!maps.of(5).unwrap().settings().seal_on_lock);
        assert!(maps.of(3).is_some());
        assert!(maps.of(2).is_none());
    }
}

//! When the map is saved. Editors replace files, so the folders are watched, not the file; where
//! they cannot be, the file is looked at once in a second.

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

/// How long after the last event the map is read: an editor writes in several steps.
const QUIET: Duration = Duration::from_millis(60);
/// How long after the first event at the latest. The promise is one second.
const LATEST: Duration = Duration::from_millis(400);
/// How often a file whose folder cannot be watched is looked at.
const POLL: Duration = Duration::from_millis(700);

/// Watches one file.
pub(super) struct MapWatch {
    path: PathBuf,
    events: mpsc::Receiver<()>,
    // Held for its thread.
    _watcher: Option<RecommendedWatcher>,
    polled: Option<Stamp>,
    /// A change that was seen and not told yet. Kept here, because [`MapWatch::changed`] is dropped
    /// whenever something else happens first.
    due: Option<Due>,
}

/// When a change is told: after a quiet moment, and not long after the first event.
#[derive(Debug, Clone, Copy)]
struct Due {
    quiet: Instant,
    latest: Instant,
}

/// What changes when a file is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl MapWatch {
    /// Starts watching. Must be called before the map is read, or a change between is missed.
    pub(super) fn start(path: &Path) -> Self {
        let (tell, events) = mpsc::channel(1);
        let watcher = watch(path, tell).ok();
        let polled = if watcher.is_none() { stamp(path) } else { None };
        Self {
            path: path.to_owned(),
            events,
            _watcher: watcher,
            polled,
            due: None,
        }
    }

    /// Completes when the map may have changed and has been quiet since. May be dropped and called
    /// again.
    pub(super) async fn changed(&mut self) {
        if self._watcher.is_none() {
            return self.poll().await;
        }
        loop {
            let Some(due) = self.due else {
                if self.events.recv().await.is_none() {
                    return std::future::pending().await;
                }
                let now = Instant::now();
                self.due = Some(Due {
                    quiet: now + QUIET,
                    latest: now + LATEST,
                });
                continue;
            };
            tokio::select! {
                biased;
                () = sleep_until(due.quiet.min(due.latest)) => {
                    self.due = None;
                    return;
                }
                event = self.events.recv() => {
                    if event.is_none() {
                        self.due = None;
                        return;
                    }
                    self.due = Some(Due { quiet: Instant::now() + QUIET, ..due });
                }
            }
        }
    }

    async fn poll(&mut self) {
        let mut ticks = interval(POLL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = stamp(&self.path);
            if now.is_some() && now != self.polled {
                self.polled = now;
                return;
            }
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(Stamp {
        inode: metadata.ino(),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    })
}

fn watch(path: &Path, tell: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    // The name that was given, and where it leads if it is a link: both may be replaced.
    let mut watched: Vec<PathBuf> = vec![path.to_owned()];
    if let Ok(target) = path.canonicalize()
        && target != path
    {
        watched.push(target);
    }
    let names: Vec<OsString> = watched
        .iter()
        .filter_map(|path| path.file_name().map(OsString::from))
        .collect();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        let matters = event.is_ok_and(|event| {
            !matches!(event.kind, EventKind::Access(_))
                && (event.paths.is_empty()
                    || event.paths.iter().any(|path| {
                        path.file_name()
                            .is_some_and(|name| names.iter().any(|ours| ours == name))
                    }))
        });
        if matters {
            // Full: one is waiting already.
            let _ = tell.try_send(());
        }
    })?;
    let mut folders: Vec<&Path> = watched.iter().filter_map(|path| path.parent()).collect();
    folders.dedup();
    for folder in folders {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    const PROMISE: Duration = Duration::from_secs(1);

    async fn is_seen(watch: &mut MapWatch) -> bool {
        timeout(PROMISE, watch.changed()).await.is_ok()
    }

    #[tokio::test]
    async fn a_write_and_a_rename_are_seen_within_a_second() {
        let dir = tempfile::tempdir().unwrap();
        let map = dir.path().join("secrets.yml");
        std::fs::write(&map, b"a").unwrap();
        let mut watch = MapWatch::start(&map);
        std::fs::write(&map, b"b").unwrap();
        assert!(is_seen(&mut watch).await);
        let new = dir.path().join(".secrets.yml.swp");
        std::fs::write(&new, b"c").unwrap();
        std::fs::rename(&new, &map).unwrap();
        assert!(is_seen(&mut watch).await);
        // The file is another one now, and is still watched.
        std::fs::write(&map, b"d").unwrap();
        assert!(is_seen(&mut watch).await);
    }

    #[tokio::test]
    async fn a_change_is_seen_by_a_loop_that_is_busy_with_other_things() {
        let dir = tempfile::tempdir().unwrap();
        let map = dir.path().join("secrets.yml");
        std::fs::write(&map, b"a").unwrap();
        let mut watch = MapWatch::start(&map);
        std::fs::write(&map, b"b").unwrap();
        let busy = async {
            // Something else happens first, again and again: each time the wait is dropped.
            while timeout(QUIET / 4, watch.changed()).await.is_err() {}
        };
        assert!(timeout(PROMISE, busy).await.is_ok());
    }

    #[tokio::test]
    async fn a_map_behind_a_link_is_watched_where_it_lies() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("repository");
        std::fs::create_dir(&real).unwrap();
        std::fs::write(real.join("map.yml"), b"a").unwrap();
        let link = dir.path().join("secrets.yml");
        std::os::unix::fs::symlink(real.join("map.yml"), &link).unwrap();
        let mut watch = MapWatch::start(&link);
        std::fs::write(real.join("map.yml"), b"b").unwrap();
        assert!(is_seen(&mut watch).await);
    }

    #[tokio::test]
    async fn where_nothing_can_be_watched_the_file_is_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let map = dir.path().join("secrets.yml");
        std::fs::write(&map, b"a").unwrap();
        let mut watch = MapWatch {
            path: map.clone(),
            events: mpsc::channel(1).1,
            _watcher: None,
            polled: stamp(&map),
            due: None,
        };
        std::fs::write(&map, b"longer").unwrap();
        assert!(is_seen(&mut watch).await);
    }
}

//! The text of a map.

use super::is_hostile;
use secretfs_fs::map::{CompiledMap, EntryPlan, Map, NodeKind, ValueKey, parse, print};
use secretfs_fs::map::{EntryId, MapErrors};
use std::path::Path;

/// One text.
///
/// # Panics
/// A property does not hold.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match parsed(text) {
        Err(errors) => refused(&errors, text),
        Ok(map) => {
            again(&map);
            compiled(&map);
        }
    }
}

pub(super) fn parsed(text: &str) -> Result<Map, MapErrors> {
    let home = Path::new("/home/u");
    parse(text, &home.join("secrets.yml"), Some(home))
}

fn refused(errors: &MapErrors, text: &str) {
    assert!(!errors.problems.is_empty());
    for line in errors.lines() {
        assert!(!line.contains(is_hostile), "{line:?}");
    }
    assert!(errors.problems.iter().all(|it| it.help.is_some()));
    let summary = errors.summary();
    assert!(
        !summary.contains('\n') && !summary.contains(is_hostile),
        "{summary:?}"
    );
    // Every problem is shown with its lines: what is shown is not more than so many times the text.
    let lines: usize = errors.lines().iter().map(String::len).sum();
    assert!(
        lines <= 4096 + 1024 * text.len(),
        "{lines} bytes for {}",
        text.len()
    );
}

/// Entries without their lines and keys: a map that is printed anew is the same map elsewhere.
fn plain(map: &Map) -> Vec<EntryPlan> {
    let entries = map.entries().iter().cloned();
    entries
        .map(|entry| EntryPlan {
            line: 0,
            key: ValueKey(0),
            ..entry
        })
        .collect()
}

fn again(map: &Map) {
    let printed = print(map);
    let second =
        parsed(&printed).unwrap_or_else(|errors| panic!("{printed}\n{:?}", errors.lines()));
    assert_eq!(second.source(), map.source(), "{printed}");
    assert_eq!(second.settings(), map.settings());
    assert_eq!(second.providers(), map.providers());
    assert_eq!(plain(&second), plain(map));
    assert_eq!(print(&second), printed);
}

fn compiled(map: &Map) {
    let bytes = map.compile().expect("a map of this size");
    let opened = CompiledMap::from_bytes(&bytes).expect("our own archive");
    assert_eq!(opened.settings(), *map.settings());
    assert_eq!(opened.providers(), map.providers());
    assert_eq!(opened.entry_count() as usize, map.entries().len());
    for (id, planned) in (0..).map(EntryId).zip(map.entries()) {
        let entry = opened.entry(id).expect("an entry");
        let key = entry.key;
        assert_eq!(
            EntryPlan {
                key: planned.key,
                ..entry
            },
            *planned
        );
        assert_eq!(opened.entry_key(id), Some(key));
        inside(&planned.path);
        let node = opened.node_by_path(&planned.path).expect("its node");
        match opened.node_kind(node).expect("its kind") {
            NodeKind::File(of) | NodeKind::Listed { entry: of, .. } => assert_eq!(of, id),
            NodeKind::Folder { .. } => panic!("{} is a folder", planned.path),
        }
    }
    for (name, _) in map.exports() {
        assert!(secretfs_fs::map::refused_as_env(name).is_none(), "{name}");
    }
    super::archive::walk(&opened);
}

/// No path leads out of the mount, or onto a terminal.
fn inside(path: &str) {
    assert!(
        !path.starts_with('/') && !path.contains(char::is_control),
        "{path:?}"
    );
    for part in path.split('/') {
        assert!(
            !matches!(part, "" | "." | "..") && part.len() <= 255,
            "{path:?}"
        );
    }
}

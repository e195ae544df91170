//! A compiled map. The daemon maps what the helper hands it, and checks it once: whatever the bytes are, it is
//! refused or it can be walked to its end.

use secretfs_fs::map::{CompiledMap, EntryId, NodeId, NodeKind, compile};
use std::sync::OnceLock;

/// Maps whose archives are changed.
const MAPS: [&str; 3] = [
    "config:\n  infisical_project_id: p\nsecrets:\n- {name: A, file: a, env: A_FILE}\n- {name: B, file: d/e/b, ttl: 1m, allow: [x]}\n",
    "providers:\n  v: {type: local}\n  i: {type: infisical, project_id: p}\nconfig: {provider: i, on_lock: seal, idle: 5m}\nsecrets:\n\
     - {folder: /x, dir: x}\n- {name: A, file: x/a, fallback: v, fallback_name: B}\n- {folder: /x, file: f.env, format: dotenv}\n",
    "providers:\n  o: {type: onepassword, backend: op}\nsecrets:\n- {ref: op://a/b/c/d, file: a, decode: base64, mode: '0400'}\n\
     - {vault: v, item: i, field: f, file: b/c, ttl: 1m}\n",
];

/// The first byte says whose archive is changed, and each four after it where and how; 0: the rest is the archive.
///
/// # Panics
/// A property does not hold.
pub fn run(data: &[u8]) {
    static ARCHIVES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let Some((which, rest)) = data.split_first() else {
        return;
    };
    let bytes = match usize::from(*which).checked_sub(1) {
        None => rest.to_vec(),
        Some(which) => {
            let all = ARCHIVES.get_or_init(|| MAPS.iter().map(|text| archive(text)).collect());
            let mut bytes = all[which % all.len()].clone();
            for change in rest.chunks_exact(4) {
                let at = usize::from(u16::from_le_bytes([change[0], change[1]]));
                match change[3] {
                    // Cut short, and otherwise a byte of it.
                    255 => bytes.truncate(bytes.len() - at % bytes.len().clamp(1, 64)),
                    _ if bytes.is_empty() => {}
                    _ => {
                        let at = at % bytes.len();
                        bytes[at] ^= change[2];
                    }
                }
            }
            bytes
        }
    };
    let first = CompiledMap::from_bytes(&bytes);
    let second = CompiledMap::from_bytes(&bytes);
    match (first, second) {
        (Ok(map), Ok(again)) => {
            assert!(map.is_same(&again));
            walk(&map);
        }
        (Err(_), Err(_)) => {}
        _ => panic!("the same bytes are an archive and are none"),
    }
}

fn archive(text: &str) -> Vec<u8> {
    let map =
        super::map::parsed(text).unwrap_or_else(|errors| panic!("{text}\n{:?}", errors.lines()));
    compile(map.settings(), map.providers(), map.entries()).expect("a small map")
}

/// Asks a map everything.
pub(super) fn walk(map: &CompiledMap) {
    let _ = (map.settings(), map.providers(), map.provider_name(u16::MAX));
    nodes(map);
    entries(map);
}

/// Every node is reached once from the root, whatever the archive says.
fn nodes(map: &CompiledMap) {
    let mut ways = vec![NodeId(0)];
    let mut steps = 0_u64;
    while let Some(node) = ways.pop() {
        steps += 1;
        // Two folders may claim the same children; a loop would never end.
        assert!(steps < 1 << 22, "a loop");
        if steps > 4096 {
            return;
        }
        let (first, count) = match map.node_kind(node) {
            Some(NodeKind::Folder { first, count } | NodeKind::Listed { first, count, .. }) => {
                (first, count)
            }
            Some(NodeKind::File(_)) | None => continue,
        };
        for child in (first..first.saturating_add(count)).map(NodeId) {
            assert!(child.0 > node.0 && child.0 < map.node_count());
            ways.push(child);
        }
    }
    for node in (0..map.node_count().min(256)).map(NodeId) {
        let _ = map.node_hash(node).and_then(|hash| map.node_by_hash(hash));
        if let Some(parent) = map.node_parent(node) {
            assert!(parent.0 < node.0);
            let _ = map.node_name(node).and_then(|name| map.child(parent, name));
        }
    }
    assert_eq!(map.node_kind(NodeId(map.node_count())), None);
}

fn entries(map: &CompiledMap) {
    for id in (0..map.entry_count().min(64)).map(EntryId) {
        let _ = (
            map.entry_path(id),
            map.entry_env(id),
            map.entry_mode(id),
            map.entry_key(id),
        );
        let _ = (map.entry_ttl_ms(id), map.entry_has_allow(id));
        let provider = map.entry_provider(id).unwrap_or_default();
        let _ = map.provider_name(provider);
        let Some(entry) = map.entry(id) else {
            continue;
        };
        if let secretfs_fs::map::Source::Secret(reference) = &entry.source {
            let place = reference.place();
            let _ = map.entries_of_place(provider, &place);
            let _ = map.names_place(provider, &place);
            let _ = map.names_reference(provider, reference);
        }
    }
    assert!(map.entry(EntryId(map.entry_count())).is_none());
}

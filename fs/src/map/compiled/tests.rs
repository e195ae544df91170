use super::*;
use crate::map::plan::{Decode, ProviderSettings, ValueKey};
use proptest::prelude::*;
use secretfs_providers::{FolderReference, Reference, infisical, local, onepassword};

fn settings() -> MountSettings {
    MountSettings {
        mountpoint: Some("/home/u/secrets".into()),
        seal_on_lock: true,
        remount_on_unlock: false,
        idle_ms: 7,
        audit: true,
    }
}

fn vault(name: &str) -> ProviderSpec {
    ProviderSpec {
        name: name.into(),
        settings: ProviderSettings::Local {
            file: "/home/u/vault.age".into(),
        },
    }
}

fn plan(path: &str, reference: Reference) -> EntryPlan {
    EntryPlan {
        id: 0,
        path: path.into(),
        key: ValueKey(0),
        provider: 0,
        source: Source::Secret(reference),
        env: None,
        ttl_ms: 300_000,
        stale_ms: 3_600_000,
        open_timeout_ms: 10_000,
        max_size: 1 << 20,
        decode: Decode::None,
        mode: 0o600,
        allow: Vec::new(),
        allow_empty: false,
        fallback: None,
        line: 3,
    }
}

fn secret(name: &str) -> Reference {
    Reference::Local(local::Reference { name: name.into() })
}

fn remote(name: &str, path: &str) -> Reference {
    Reference::Infisical(infisical::Reference {
        name: name.into(),
        path: path.into(),
        environment: "dev".into(),
        expand_references: true,
    })
}

fn listed(path: &str) -> EntryPlan {
    EntryPlan {
        source: Source::Listed {
            folder: FolderReference {
                path: "/backend".into(),
                environment: Some("dev".into()),
                expand_references: None,
            },
        },
        ..plan(path, secret(""))
    }
}

fn built(entries: &[EntryPlan]) -> CompiledMap {
    let bytes = compile(&settings(), &[vault("a"), vault("b")], entries).unwrap();
    CompiledMap::from_bytes(&bytes).unwrap()
}

fn all_kinds() -> Vec<EntryPlan> {
    let mut entries = vec![
        plan("kubeconfig", secret("KUBE")),
        plan("openai/api-key", remote("KEY", "/")),
        plan("openai/backend/extra", remote("EXTRA", "/")),
        listed("openai/backend"),
        EntryPlan {
            source: Source::Rendered {
                folder: FolderReference {
                    path: "/compose".into(),
                    environment: None,
                    expand_references: Some(false),
                },
                format: crate::map::Format::Json,
            },
            ..plan("compose.json", secret(""))
        },
        plan(
            "router",
            Reference::OnePassword(onepassword::Reference {
                vault: "Prod DB (main)".into(),
                item: "50% / router".into(),
                section: Some("login".into()),
                field: "password".into(),
                attribute: None,
            }),
        ),
    ];
    if let Some(entry) = entries.first_mut() {
        entry.env = Some("KUBECONFIG".into());
        entry.allow = vec!["kubectl".into(), "/usr/bin/helm".into()];
        entry.mode = 0o400;
        entry.decode = Decode::Base64;
        entry.provider = 1;
        entry.fallback = Some(Fallback {
            provider: 0,
            reference: secret("OTHER"),
        });
    }
    entries
}

#[test]
fn what_was_compiled_is_read_back() {
    let entries = all_kinds();
    let map = built(&entries);
    assert_eq!(map.settings(), settings());
    assert_eq!(map.providers(), [vault("a"), vault("b")]);
    assert_eq!(map.provider_name(1), "b");
    assert_eq!(map.provider_name(2), "");
    assert_eq!(map.entry_count(), 6);
    for (id, entry) in (0..).zip(&entries) {
        let id = EntryId(id);
        let key = map.entry_key(id).unwrap();
        let expected = EntryPlan {
            id: id.0,
            key,
            ..entry.clone()
        };
        assert_eq!(map.entry(id).unwrap(), expected);
        assert_eq!(map.entry_path(id), Some(entry.path.as_str()));
        assert_eq!(map.entry_env(id), entry.env.as_deref());
        assert_eq!(map.entry_mode(id), Some(entry.mode));
        assert_eq!(map.entry_has_allow(id), !entry.allow.is_empty());
    }
    assert_eq!(map.entry(EntryId(6)), None);
}

#[test]
fn the_tree_has_sorted_children_and_finds_them() {
    let map = built(&all_kinds());
    let names = |node| match map.node_kind(node).unwrap() {
        NodeKind::Folder { first, count } | NodeKind::Listed { first, count, .. } => (first
            ..first + count)
            .map(|child| {
                assert_eq!(map.node_parent(NodeId(child)), Some(node));
                map.node_name(NodeId(child)).unwrap()
            })
            .collect::<Vec<_>>(),
        NodeKind::File(_) => panic!("a file"),
    };
    let root = NodeId(0);
    assert_eq!(map.node_parent(root), None);
    assert_eq!(map.node_name(root), Some(""));
    assert_eq!(
        names(root),
        ["compose.json", "kubeconfig", "openai", "router"]
    );
    let openai = map.child(root, "openai").unwrap();
    assert_eq!(names(openai), ["api-key", "backend"]);
    let backend = map.node_by_path("openai/backend").unwrap();
    assert_eq!(names(backend), ["extra"]);
    assert!(matches!(
        map.node_kind(backend),
        Some(NodeKind::Listed {
            entry: EntryId(3),
            count: 1,
            ..
        })
    ));
    let file = map.child(root, "kubeconfig").unwrap();
    assert_eq!(map.node_kind(file), Some(NodeKind::File(EntryId(0))));
    assert_eq!(map.child(root, "kube"), None);
    assert_eq!(map.child(file, "x"), None);
}

#[test]
fn node_hashes_are_unique_and_equal_over_reloads() {
    let map = built(&all_kinds());
    let mut more = vec![plan("another", secret("X"))];
    more.extend(all_kinds());
    let reloaded = built(&more);
    for node in (0..map.node_count()).map(NodeId) {
        let hash = map.node_hash(node).unwrap();
        assert!(hash > 1 && hash < 1 << 63);
        assert_eq!(map.node_by_hash(hash), Some(node));
        let same = reloaded.node_by_hash(hash).unwrap();
        assert_eq!(reloaded.node_name(same), map.node_name(node));
    }
    assert_eq!(map.node_by_hash(12345), None);
}

#[test]
fn a_value_key_names_what_changes_the_answer_and_nothing_else() {
    let base = plan("a", secret("X"));
    let key = |entry: EntryPlan| built(&[entry]).entry_key(EntryId(0)).unwrap();
    let same = key(base.clone());
    let with = |change: fn(&mut EntryPlan)| {
        let mut entry = base.clone();
        change(&mut entry);
        key(entry)
    };
    assert_eq!(with(|e| e.path = "b".into()), same);
    assert_eq!(with(|e| e.env = Some("E".into())), same);
    assert_eq!(with(|e| e.mode = 0o400), same);
    assert_eq!(with(|e| e.allow = vec!["x".into()]), same);
    assert_eq!(with(|e| e.line = 9), same);
    assert_ne!(with(|e| e.source = Source::Secret(secret("Y"))), same);
    assert_ne!(with(|e| e.provider = 1), same);
    assert_ne!(with(|e| e.decode = Decode::Base64), same);
    assert_ne!(with(|e| e.allow_empty = true), same);
    assert_ne!(with(|e| e.max_size = 1), same);
    assert_ne!(with(|e| e.ttl_ms = 1), same);
}

#[test]
fn entries_of_one_place_are_found_together() {
    let mut entries = vec![
        plan("1", remote("A", "/x")),
        plan("2", remote("B", "/y")),
        plan("3", remote("C", "/x")),
        plan("4", remote("D", "/x")),
        listed("5"),
    ];
    entries.get_mut(3).unwrap().provider = 1;
    let map = built(&entries);
    let place = remote("A", "/x").place();
    assert_eq!(map.entries_of_place(0, &place), [EntryId(0), EntryId(2)]);
    assert_eq!(map.entries_of_place(1, &place), [EntryId(3)]);
    assert_eq!(map.entries_of_place(2, &place), []);
    assert_eq!(map.entries_of_place(0, &Place("nowhere".into())), []);
}

#[test]
fn conflicts_and_unknown_providers_do_not_compile() {
    let refused = |entries: &[EntryPlan]| compile(&settings(), &[vault("a")], entries).unwrap_err();
    let conflict = |path: &str| CompileError::Conflict { path: path.into() };
    let a = plan("a", secret("X"));
    assert_eq!(refused(&[a.clone(), a.clone()]), conflict("a"));
    assert_eq!(
        refused(&[a.clone(), plan("a/b", secret("Y"))]),
        conflict("a")
    );
    assert_eq!(
        refused(&[plan("a/b", secret("Y")), a.clone()]),
        conflict("a")
    );
    assert_eq!(refused(&[a.clone(), listed("a")]), conflict("a"));
    assert_eq!(refused(&[plan("a//b", secret("X"))]), conflict("a//b"));
    let stranger = EntryPlan { provider: 1, ..a };
    assert_eq!(
        refused(&[stranger]),
        CompileError::NoProvider { path: "a".into() }
    );
}

#[test]
fn an_empty_map_has_an_empty_root() {
    let map = built(&[]);
    assert_eq!(map.node_count(), 1);
    assert_eq!(map.child(NodeId(0), "x"), None);
    assert_eq!(
        map.node_kind(NodeId(0)),
        Some(NodeKind::Folder { first: 1, count: 0 })
    );
}

#[test]
fn an_entry_takes_less_than_300_bytes() {
    let entries: Vec<_> = (0..10_000)
        .map(|n| EntryPlan {
            env: Some(format!("SERVICE_{n}_CREDENTIALS_FILE")),
            fallback: Some(Fallback {
                provider: 1,
                reference: secret(&format!("SERVICE_{n}_CREDENTIALS")),
            }),
            ..plan(
                &format!("team-{}/service-{n}/credentials.json", n % 100),
                remote(&format!("SERVICE_{n}_CREDENTIALS"), "/backend/services"),
            )
        })
        .collect();
    let bytes = compile(&settings(), &[vault("a"), vault("b")], &entries).unwrap();
    let each = bytes.len() / entries.len();
    assert!(each <= 300, "{each} bytes an entry");
}

#[test]
fn an_archive_of_another_version_is_refused() {
    let map = compile(&settings(), &[vault("a")], &[]).unwrap();
    for cut in [0, 1, map.len() / 2, map.len() - 1] {
        assert!(CompiledMap::from_bytes(&map[..cut]).is_err());
    }
}

/// Calls everything on a map that may be nonsense.
fn walk(map: &CompiledMap) {
    let _ = (map.settings(), map.providers(), map.provider_name(0));
    for id in (0..map.entry_count().min(50) + 2).map(EntryId) {
        let _ = (map.entry(id), map.entry_path(id), map.entry_env(id));
        let _ = (
            map.entry_mode(id),
            map.entry_key(id),
            map.entry_has_allow(id),
        );
    }
    for node in (0..map.node_count().min(50) + 2).map(NodeId) {
        let _ = (
            map.node_kind(node),
            map.node_name(node),
            map.node_parent(node),
        );
        let _ = (map.child(node, "openai"), map.child(node, ""));
        let _ = map.node_hash(node).and_then(|hash| map.node_by_hash(hash));
    }
    let _ = map.entries_of_place(0, &secret("x").place());
}

proptest! {
    #[test]
    fn a_damaged_archive_is_an_error_or_harmless(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
    ) {
        let mut bytes = compile(&settings(), &[vault("a"), vault("b")], &all_kinds()).unwrap();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(map) = CompiledMap::from_bytes(&bytes) {
            walk(&map);
        }
    }
}

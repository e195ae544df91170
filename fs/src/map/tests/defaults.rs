//! Defaults, and what values mean that are written in more than one way.

use super::{accepted, refused};
use crate::map::*;
use secretfs_providers::{FolderReference, Reference};

#[test]
fn without_providers_there_is_the_local_vault() {
    let map = accepted("secrets:\n- {name: A, file: a}\n");
    assert_eq!(
        map.providers(),
        [ProviderSpec {
            name: "vault".into(),
            settings: ProviderSettings::Local {
                file: "/home/u/.local/share/secretfs/vault.age".into()
            }
        }]
    );
}

#[test]
fn op_waits_longer_unless_the_map_says_otherwise() {
    let timeout = |config: &str, own: &str| {
        let text = format!(
            "{config}\nproviders: {{w: {{type: onepassword{own}}}}}\nsecrets:\n- {{ref: op://a/b/c, file: a}}\n"
        );
        accepted(&text).entries()[0].open_timeout_ms
    };
    assert_eq!(timeout("", ""), 60_000);
    assert_eq!(timeout("", ", backend: op"), 60_000);
    let connect = ", backend: connect, connect_host: 'https://c'";
    assert_eq!(timeout("", connect), 10_000);
    assert_eq!(timeout("", ", connect_host: 'https://c'"), 10_000);
    assert_eq!(
        timeout("config: {open_timeout: 5s}", ", backend: op"),
        5_000
    );
    assert_eq!(
        timeout("config: {open_timeout: 5s}", ", open_timeout: 7s"),
        7_000
    );
}

#[test]
fn an_entry_finds_its_provider_in_the_order_of_the_rules() {
    let provider = |config: &str, entry: &str| {
        let text = format!(
            "{config}\nproviders:\n  a: {{type: local}}\n  b: {{type: local, file: b}}\n  \
             w: {{type: onepassword}}\nsecrets:\n- {{{entry}, file: a}}\n"
        );
        let map = accepted(&text);
        map.providers()[usize::from(map.entries()[0].provider)]
            .name
            .clone()
    };
    assert_eq!(provider("config: {provider: a}", "name: X"), "a");
    assert_eq!(
        provider("config: {provider: a}", "name: X, provider: b"),
        "b"
    );
    assert_eq!(provider("config: {provider: a}", "ref: op://a/b/c"), "w");
    assert_eq!(provider("", "vault: v, item: i, field: f"), "w");
    let two = "config: {provider: y}\nproviders:\n  x: {type: onepassword}\n  y: {type: onepassword}\n\
               secrets:\n- {ref: op://a/b/c, file: a}\n";
    assert_eq!(accepted(two).entries()[0].provider, 1);
}

#[test]
fn plain_http_reaches_this_machine_alone_unless_allowed() {
    for (url, insecure) in [
        ("http://localhost:8080", false),
        ("http://LOCALHOST", false),
        ("http://127.3.2.1:80/x", false),
        ("http://[::1]:8080", false),
        ("http://vault.example", true),
        ("https://xn--bcher-kva.example:8443/a/b", false),
        ("https://[2001:db8::1]", false),
    ] {
        let text = format!(
            "providers:\n  i: {{type: infisical, project_id: x, site_url: '{url}', \
             allow_insecure_http: {insecure}}}\nsecrets:\n- {{name: A, file: a}}\n"
        );
        let map = accepted(&text);
        let ProviderSettings::Infisical { site_url, .. } = &map.providers()[0].settings else {
            panic!()
        };
        assert_eq!(site_url, url);
    }
}

#[test]
fn values_stay_as_they_are_written() {
    let map = accepted(
        "config: {mountpoint: 007, idle: off, stale: 0, ttl: 1h30m, max_size: 64 KiB, on_lock: seal}\n\
         secrets:\n- {name: 1.10, file: 0x1F}\n- {name: yes, file: \"true\", mode: 0400}\n\
         - {name: ' a b ', file: ' c d '}\n- {name: ä🔑, file: ü/🔑}\n",
    );
    assert_eq!(map.settings().mountpoint.as_deref(), Some("/home/u/007"));
    assert!(map.settings().seal_on_lock);
    let shown: Vec<_> = map
        .entries()
        .iter()
        .map(|e| match &e.source {
            Source::Secret(Reference::Local(r)) => (r.name.as_str(), e.path.as_str(), e.mode),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("1.10", "0x1F", 0o600),
            ("yes", "true", 0o400),
            (" a b ", " c d ", 0o600),
            ("ä🔑", "ü/🔑", 0o600)
        ]
    );
    let first = &map.entries()[0];
    assert_eq!((first.ttl_ms, first.stale_ms), (5_400_000, 0));
    assert_eq!(first.max_size, 64 << 10);
}

#[test]
fn a_rendered_folder_takes_its_format_from_the_extension() {
    for (file, format) in [
        ("a.env", Format::Dotenv),
        (".env", Format::Dotenv),
        ("x/a.json", Format::Json),
        ("a.yaml", Format::Yaml),
        ("a.yml", Format::Yaml),
    ] {
        let map = accepted(&format!("secrets:\n- {{folder: /x/, file: {file}}}\n"));
        let folder = FolderReference {
            path: "/x".into(),
            environment: None,
            expand_references: None,
        };
        assert_eq!(map.entries()[0].source, Source::Rendered { folder, format });
    }
}

#[test]
fn explicit_files_may_stand_in_a_listed_folder() {
    accepted(
        "secrets:\n- {folder: /x, dir: a, env: A}\n- {name: B, file: a/b}\n- {folder: /y, dir: a/c}\n",
    );
}

#[test]
fn the_only_project_may_come_from_the_short_form() {
    let map = accepted(
        "config: {infisical_project_id: p}\nproviders:\n  infisical: {type: infisical, path: /x}\n\
         secrets:\n- {name: A, file: a}\n",
    );
    assert!(matches!(
        &map.providers()[0].settings,
        ProviderSettings::Infisical { project_id: Some(id), path, .. } if id == "p" && path == "/x"
    ));
}

#[test]
fn a_fallback_has_the_same_name_where_no_other_is_given() {
    let map = accepted(
        "config: {infisical_project_id: p, provider: infisical}\nproviders:\n  v: {type: local}\n  \
         w: {type: onepassword}\nsecrets:\n- {name: A, file: a, fallback: v}\n\
         - {name: B, file: b, fallback: w, fallback_name: op://x/y/z}\n\
         - {ref: op://a/b/c, file: c, fallback: infisical, fallback_name: C, ttl: 0}\n",
    );
    let names: Vec<_> = map
        .entries()
        .iter()
        .map(|e| match &e.fallback.as_ref().unwrap().reference {
            Reference::Local(r) => r.name.clone(),
            Reference::Infisical(r) => format!("{} {}", r.name, r.path),
            Reference::OnePassword(r) => format!("{}/{}/{}", r.vault, r.item, r.field),
            #[cfg(feature = "test-hooks")]
            other @ Reference::Scripted(_) => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["A", "x/y/z", "C /"]);
}

#[cfg(feature = "test-hooks")]
#[test]
fn the_scripted_provider_is_there_in_test_builds() {
    let map = accepted(
        "providers:\n  s: {type: scripted, socket: /run/s.sock}\nsecrets:\n- {name: a/b, file: a}\n\
         - {folder: /a, dir: d}\n",
    );
    assert!(matches!(
        &map.providers()[0].settings,
        ProviderSettings::Scripted { socket } if socket == "/run/s.sock"
    ));
}

#[cfg(not(feature = "test-hooks"))]
#[test]
fn the_scripted_provider_is_unknown_in_other_builds() {
    let text = "providers:\n  s: {type: scripted, socket: /s}\nsecrets:\n- {name: a, file: a}\n";
    let line = "2:13: unknown provider type `scripted` (write one of: `infisical`, `onepassword`, `local`)";
    assert_eq!(refused(text), [line]);
}

#[test]
fn a_map_may_begin_with_a_byte_order_mark_and_have_other_line_ends() {
    let text = "\u{feff}secrets:\r\n- name: A\r\n  file: a\r\n- {name: B, fle: b}\r\n";
    let line = "4:13: unknown key `fle` in an entry (did you mean `file`?)";
    assert_eq!(refused(text), [line]);
    accepted(&text.replace("fle", "file"));
}

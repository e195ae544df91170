//! What valid maps mean.

use super::{accepted, refused};
use crate::map::source::ProviderSource;
use crate::map::*;
use secretfs_providers::{FolderReference, Reference, infisical, local, onepassword};

/// The form of existing maps.
const SHORT: &str = r#"
config:
  infisical_project_id: "your-project-id"

secrets:
  - name: KUBE_CONFIG      # the secret's name in Infisical
    file: kubeconfig       # becomes ~/secrets/kubeconfig
    env: KUBECONFIG        # `secretfs env` exports KUBECONFIG=~/secrets/kubeconfig
"#;

/// Every key that there is.
pub(super) const FULL: &str = r#"
config:
  provider: infisical            # used by entries that name none
  mountpoint: ~/secrets
  ttl: 5m
  stale: 1h
  open_timeout: 10s
  max_size: 1MiB
  on_lock: unmount
  remount_on_unlock: false
  idle: off
  audit: true
  infisical_project_id: 73c7
providers:
  infisical:
    type: infisical
    site_url: https://app.infisical.com/prefix/
    project_id: 73c7
    environment: dev
    path: /
    auth: universal
    identity_id: x
    jwt_file: /var/run/token
    expand_references: true
    include_imports: true
    personal: false
    events: false
    ca_file: ~/corp-ca.pem
    allow_insecure_http: false
    open_timeout: 20s
  work:
    type: onepassword
    backend: connect
    connect_host: https://connect.example.internal
    account: my.1password.com
    ca_file: ca.pem
    allow_insecure_http: false
  vault:
    type: local
    file: ~/.local/share/secretfs/vault.age
secrets:
  - name: KUBE_CONFIG
    file: kubeconfig
    env: KUBECONFIG
    provider: infisical
    path: /backend
    environment: prod
    expand_references: false
    ttl: 10m
    mode: "0400"
    decode: base64
    allow: [kubectl, /usr/bin/helm]
    allow_empty: true
    fallback: vault
    fallback_name: KUBE
  - ref: op://AgentVault/openai/api-key
    file: openai/api-key
    env: OPENAI_API_KEY_FILE
  - vault: Prod DB (main)
    item: "50% / router"
    section: login
    field: password
    file: router-password
  - folder: /compose
    file: compose.env
    format: dotenv
    env: COMPOSE_ENV_FILES
  - folder: /backend
    dir: backend
"#;

#[test]
fn the_short_form_declares_infisical() {
    let map = accepted(SHORT);
    let [provider] = map.providers() else {
        panic!("{:?}", map.providers())
    };
    assert_eq!(provider.name, "infisical");
    let ProviderSettings::Infisical {
        project_id,
        environment,
        path,
        site_url,
        expand_references: true,
        include_imports: true,
        personal: false,
        events: false,
        auth: None,
        allow_insecure_http: false,
        ..
    } = &provider.settings
    else {
        panic!("{provider:?}")
    };
    assert_eq!(project_id.as_deref(), Some("your-project-id"));
    assert_eq!((environment.as_str(), path.as_str()), ("dev", "/"));
    assert_eq!(site_url, "https://app.infisical.com");
    let exports: Vec<_> = map.exports().collect();
    assert_eq!(exports, [("KUBECONFIG", "kubeconfig")]);
    let [entry] = map.entries() else {
        panic!("{:?}", map.entries())
    };
    assert_eq!(
        entry.source,
        Source::Secret(Reference::Infisical(infisical::Reference {
            name: "KUBE_CONFIG".into(),
            path: "/".into(),
            environment: "dev".into(),
            expand_references: true,
        }))
    );
    assert_eq!(
        (entry.ttl_ms, entry.stale_ms, entry.open_timeout_ms),
        (300_000, 3_600_000, 10_000)
    );
    assert_eq!((entry.max_size, entry.mode), (1 << 20, 0o600));
    assert_eq!((entry.decode, entry.allow_empty), (Decode::None, false));
    assert_eq!((&entry.allow, &entry.fallback), (&Vec::new(), &None));
    assert_eq!(entry.line, 6);
    assert_eq!(
        map.settings(),
        &MountSettings {
            mountpoint: None,
            seal_on_lock: false,
            remount_on_unlock: false,
            idle_ms: 0,
            audit: true,
        }
    );
}

#[test]
fn the_full_form_is_read_with_every_key() {
    let map = accepted(FULL);
    assert_eq!(
        map.settings().mountpoint.as_deref(),
        Some("/home/u/secrets")
    );
    let names: Vec<_> = map.providers().iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["infisical", "vault", "work"]);
    let ProviderSettings::Infisical {
        site_url,
        auth,
        jwt_file,
        ca_file,
        ..
    } = &map.providers()[0].settings
    else {
        panic!()
    };
    assert_eq!(site_url, "https://app.infisical.com/prefix");
    assert_eq!(auth.as_deref(), Some("universal"));
    assert_eq!(jwt_file.as_deref(), Some("/var/run/token"));
    assert_eq!(ca_file.as_deref(), Some("/home/u/corp-ca.pem"));
    assert_eq!(
        map.providers()[1].settings,
        ProviderSettings::Local {
            file: "/home/u/.local/share/secretfs/vault.age".into()
        }
    );
    assert_eq!(
        map.providers()[2].settings,
        ProviderSettings::OnePassword {
            op: false,
            connect_host: Some("https://connect.example.internal".into()),
            account: Some("my.1password.com".into()),
            ca_file: Some("/home/u/ca.pem".into()),
            allow_insecure_http: false,
        }
    );
    let [kube, openai, router, compose, backend] = map.entries() else {
        panic!("{:?}", map.entries())
    };
    assert_eq!(
        kube.source,
        Source::Secret(Reference::Infisical(infisical::Reference {
            name: "KUBE_CONFIG".into(),
            path: "/backend".into(),
            environment: "prod".into(),
            expand_references: false,
        }))
    );
    assert_eq!((kube.ttl_ms, kube.mode), (600_000, 0o400));
    assert_eq!((kube.decode, kube.allow_empty), (Decode::Base64, true));
    assert_eq!(kube.allow, ["kubectl", "/usr/bin/helm"]);
    assert_eq!(kube.open_timeout_ms, 20_000);
    assert_eq!(
        kube.fallback,
        Some(Fallback {
            provider: 1,
            reference: Reference::Local(local::Reference {
                name: "KUBE".into()
            }),
        })
    );
    let op = |vault: &str, item: &str, section: Option<&str>, field: &str| {
        Source::Secret(Reference::OnePassword(onepassword::Reference {
            vault: vault.into(),
            item: item.into(),
            section: section.map(str::to_owned),
            field: field.into(),
            attribute: None,
        }))
    };
    assert_eq!(openai.source, op("AgentVault", "openai", None, "api-key"));
    assert_eq!((openai.provider, openai.open_timeout_ms), (2, 10_000));
    assert_eq!(
        router.source,
        op("Prod DB (main)", "50% / router", Some("login"), "password")
    );
    let folder = |path: &str| FolderReference {
        path: path.into(),
        environment: Some("dev".into()),
        expand_references: Some(true),
    };
    assert_eq!(
        compose.source,
        Source::Rendered {
            folder: folder("/compose"),
            format: Format::Dotenv
        }
    );
    assert_eq!(
        backend.source,
        Source::Listed {
            folder: folder("/backend")
        }
    );
    let exports: Vec<_> = map.exports().collect();
    assert_eq!(
        exports,
        [
            ("KUBECONFIG", "kubeconfig"),
            ("OPENAI_API_KEY_FILE", "openai/api-key"),
            ("COMPOSE_ENV_FILES", "compose.env")
        ]
    );
    assert!(map.compile().is_ok());
}

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
    assert_eq!(timeout("", ", backend: connect"), 10_000);
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
            other => panic!("{other:?}"),
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

#[test]
fn the_map_is_kept_as_it_is_written() {
    let map = accepted(FULL);
    assert_eq!(map.source().providers.len(), 3);
    assert!(matches!(
        map.source().providers["vault"].value,
        ProviderSource::Local(_)
    ));
}

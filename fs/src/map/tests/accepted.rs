//! What valid maps mean.

use super::accepted;
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
fn the_map_is_kept_as_it_is_written() {
    let map = accepted(FULL);
    assert_eq!(map.source().providers.len(), 3);
    assert!(matches!(
        map.source().providers["vault"].value,
        ProviderSource::Local(_)
    ));
}

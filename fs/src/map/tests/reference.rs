//! docs/map.md, written from the types: every key, its type, default and meaning are the schema's, which
//! is the types'; the words around the tables and an example for each key are here. Each example is
//! checked.

use super::accepted;
use crate::map::schema;
use serde_json::{Map, Value};
use std::fmt::Write;

/// What stands before the tables.
const BEFORE: &str = r##"# The map: every key

<!-- Written from the types by `SECRETFS_UPDATE=1 cargo test -p secretfs-fs the_page_of_the_map_is_current`; the words are in fs/src/map/tests/reference.rs. -->

`secrets.yml` says which secret becomes which file. It holds no secret, so it can be committed. [getting-started.md](getting-started.md) has a first one; the same as a JSON Schema, with which editors complete and check, is
[secrets.schema.json](secrets.schema.json).

```yaml
config:
  mountpoint: ~/secrets
  ttl: 5m
providers:
  vault:
    type: local
secrets:
  - name: KUBE_CONFIG
    file: kubeconfig
    env: KUBECONFIG
```

* It is found by `--map`, then `$SECRETFS_MAP`, then `secrets.yml` or `secrets.yaml` in the working folder and above it (up to the home folder, or to the root), then `~/.config/secretfs/secrets.yml`.
* It must be a regular file of yours or root's that nobody else can write.
* Unknown keys, and whatever else is wrong, are refused, all of it in one go, each with its line and what to write instead: `secretfs check` shows them. Nothing is mounted from a bad map. A running mount
  follows the file when it is saved, and keeps its last good map otherwise.
* Times are a number and a unit, `30s`, `5m`, `1h30m`; `off` where a time may be none. Sizes are bytes, or a number and `KiB`, `MiB`.
* Only `secrets` is needed. Without `providers` there is one: `vault`, the local vault in its default place.
"##;

/// What stands behind them.
const AFTER: &str = r##"
## Which provider an entry has

Its `provider:`; else, for `ref` and `item`, the only 1Password provider; else `config.provider`; else the only provider. More than one that could be meant is an error of the map.

## What is refused in names

* `file` and `dir` are relative, without `.`, `..`, empty parts, NUL or control characters; each part has 255 bytes at most. Two entries cannot have the same file or variable, and no file can be a folder of another.
* `env` is a name as shells have it (letters, digits, `_`), and none that changes which code programs load: `PATH`, `LD_*`, `BASH_ENV`, `ENV`, `IFS`, `PYTHONPATH`, `NODE_OPTIONS`, `PERL5LIB`, `RUBYOPT`, `GIT_SSH_COMMAND`,
  `PROMPT_COMMAND`, and others like them.

## What `allow` does

A bare name is the last part of the path of the program that opens the file; an absolute path is compared by device and inode. For a script it is the interpreter. A program that was deleted, or that cannot be looked at, does
not match. It keeps curious programs out, not you: whoever is the same user, with intent, can be called `kubectl` too.

## Folders

A rendered folder keeps empty values. Names that the format cannot express, or that cannot be file names in a `dir`, are left out and shown in `secretfs status`. An explicit `file:` wins over a file of a `dir:`.
"##;

/// A table: its heading, where its keys are in the schema, and an example for each key.
struct Table {
    heading: &'static str,
    words: &'static str,
    pointer: &'static str,
    examples: &'static [(&'static str, &'static str)],
}

const TABLES: &[Table] = &[
    Table {
        heading: "`config`",
        words: "Settings of the whole mount, and defaults of its entries.",
        pointer: "/$defs/Config",
        examples: &[
            ("audit", "audit: false"),
            ("idle", "idle: 30m"),
            ("infisical_project_id", "infisical_project_id: 73c7a1f0"),
            ("max_size", "max_size: 4MiB"),
            ("mountpoint", "mountpoint: ~/.secrets"),
            ("on_lock", "on_lock: seal"),
            ("open_timeout", "open_timeout: 30s"),
            ("provider", "provider: vault"),
            ("remount_on_unlock", "remount_on_unlock: true"),
            ("stale", "stale: 0"),
            ("ttl", "ttl: 10m"),
        ],
    },
    Table {
        heading: "`providers`: `type: infisical`",
        words: "In the cloud or self-hosted; [infisical.md](infisical.md) and [infisical-auth.md](infisical-auth.md) have more.",
        pointer: "/$defs/Provider/oneOf/0",
        examples: &[
            ("type", "type: infisical"),
            ("allow_insecure_http", "allow_insecure_http: true"),
            ("auth", "auth: kubernetes"),
            ("ca_file", "ca_file: ~/corp-ca.pem"),
            ("environment", "environment: prod"),
            ("events", "events: true"),
            ("expand_references", "expand_references: false"),
            ("identity_id", "identity_id: 1f2e3d4c"),
            ("include_imports", "include_imports: false"),
            ("jwt_file", "jwt_file: /run/secrets/token"),
            ("open_timeout", "open_timeout: 30s"),
            ("path", "path: /backend"),
            ("personal", "personal: true"),
            ("project_id", "project_id: 73c7a1f0"),
            ("project_slug", "project_slug: my-app"),
            ("site_url", "site_url: https://eu.infisical.com"),
        ],
    },
    Table {
        heading: "`providers`: `type: onepassword`",
        words: "Through a Connect server or the `op` program; [onepassword.md](onepassword.md) has more.",
        pointer: "/$defs/Provider/oneOf/1",
        examples: &[
            ("type", "type: onepassword"),
            ("account", "account: my.1password.com"),
            ("allow_insecure_http", "allow_insecure_http: true"),
            ("backend", "backend: op"),
            ("ca_file", "ca_file: ~/corp-ca.pem"),
            (
                "connect_host",
                "connect_host: https://connect.example.internal",
            ),
            ("open_timeout", "open_timeout: 30s"),
        ],
    },
    Table {
        heading: "`providers`: `type: local`",
        words: "A file that is encrypted with age: no account and no network. `secretfs vault` makes and fills it.",
        pointer: "/$defs/Provider/oneOf/2",
        examples: &[
            ("type", "type: local"),
            ("file", "file: ~/vaults/work.age"),
            ("open_timeout", "open_timeout: 5s"),
        ],
    },
    Table {
        heading: "`secrets`",
        words: "Each entry says where its bytes come from, by one of `name`, `ref`, `vault` with `item` and `field`, or `folder`; and which `file` or `dir` shows them.",
        pointer: "/$defs/Entry",
        examples: &[
            (
                "allow",
                "{name: A, file: a, allow: [kubectl, /usr/bin/helm]}",
            ),
            ("allow_empty", "{name: A, file: a, allow_empty: true}"),
            ("decode", "{name: A, file: a, decode: base64}"),
            ("dir", "{folder: /backend, dir: backend}"),
            ("env", "{name: A, file: a, env: A_FILE}"),
            ("environment", "{name: A, file: a, environment: prod}"),
            (
                "expand_references",
                "{name: A, file: a, expand_references: false}",
            ),
            ("fallback", "{name: A, file: a, fallback: vault}"),
            (
                "fallback_name",
                "{name: A, file: a, fallback: vault, fallback_name: B}",
            ),
            (
                "field",
                "{vault: Prod, item: db, field: password, file: db}",
            ),
            ("file", "{name: A, file: openai/api-key}"),
            ("folder", "{folder: /compose, file: compose.env}"),
            ("format", "{folder: /compose, file: env, format: dotenv}"),
            (
                "item",
                "{vault: Prod, item: \"50% / router\", field: password, file: router}",
            ),
            ("mode", "{name: A, file: a, mode: \"0400\"}"),
            ("name", "{name: KUBE_CONFIG, file: kubeconfig}"),
            ("path", "{name: A, file: a, path: /backend}"),
            ("provider", "{name: A, file: a, provider: vault}"),
            ("ref", "{ref: op://Prod/db/password, file: db}"),
            (
                "section",
                "{vault: Prod, item: db, section: login, field: password, file: db}",
            ),
            ("ttl", "{name: A, file: a, ttl: 10m}"),
            (
                "vault",
                "{vault: Prod DB (main), item: db, field: password, file: db}",
            ),
        ],
    },
];

impl Table {
    fn properties(&self, schema: &Value) -> Map<String, Value> {
        schema.pointer(self.pointer).unwrap()["properties"]
            .as_object()
            .unwrap()
            .clone()
    }

    /// A whole map that has the example.
    fn map(&self, key: &str, example: &str) -> String {
        const SECRETS: &str = "secrets: [{name: A, file: a}]\n";
        let with =
            |provider: &str| format!("providers:\n  p:\n    {provider}\n    {example}\n{SECRETS}");
        match self.pointer {
            "/$defs/Config" if key == "infisical_project_id" => {
                format!("config:\n  {example}\n{SECRETS}")
            }
            "/$defs/Config" => {
                format!("config:\n  {example}\nproviders: {{vault: {{type: local}}}}\n{SECRETS}")
            }
            "/$defs/Entry" => format!(
                "config: {{provider: p}}\nproviders:\n  p: {{type: infisical, project_id: x}}\n  \
                 work: {{type: onepassword, backend: op}}\n  vault: {{type: local}}\nsecrets:\n  - {example}\n"
            ),
            _ if key == "type" => match example {
                "type: infisical" => with("project_id: x"),
                "type: onepassword" => {
                    with("backend: op").replace(SECRETS, "secrets: [{ref: op://a/b/c, file: a}]\n")
                }
                _ => with("open_timeout: 5s"),
            },
            "/$defs/Provider/oneOf/0" if key.starts_with("project_") => with("type: infisical"),
            "/$defs/Provider/oneOf/0" => with("type: infisical\n    project_id: x"),
            "/$defs/Provider/oneOf/1" => {
                let backend = match key {
                    "backend" | "connect_host" => "type: onepassword",
                    "account" => "type: onepassword\n    backend: op",
                    _ => "type: onepassword\n    connect_host: https://c.example",
                };
                with(backend).replace(SECRETS, "secrets: [{ref: op://a/b/c, file: a}]\n")
            }
            _ => with("type: local"),
        }
    }
}

/// A key's description in two: what it means, and its default; `–` where there is none.
fn meaning_and_default(property: &Value) -> (String, String) {
    let text = property["description"]
        .as_str()
        .unwrap_or_default()
        .replace('\n', " ");
    if let Some((before, after)) = text.split_once("Default: ") {
        // Up to the end of its sentence.
        let (default, rest) = after
            .split_once(". ")
            .unwrap_or((after.trim_end_matches('.'), ""));
        let meaning = format!("{} {rest}", before.trim_end());
        return (meaning.trim().to_owned(), default.to_owned());
    }
    let default = text.split_once("` (default)").map(|(before, _)| {
        let word = before.rsplit('`').next().unwrap_or_default();
        format!("`{word}`")
    });
    (
        text.replace(" (default)", ""),
        default.unwrap_or_else(|| "–".to_owned()),
    )
}

/// What a key takes, in words.
fn kind(property: &Value) -> String {
    if let Some(word) = property["const"].as_str() {
        return format!("`{word}`");
    }
    if let Some(words) = property["oneOf"].as_array() {
        let words: Vec<_> = words.iter().filter_map(|w| w["const"].as_str()).collect();
        return words
            .iter()
            .map(|w| format!("`{w}`"))
            .collect::<Vec<_>>()
            .join(", ");
    }
    if property["anyOf"].is_array() {
        return "time".to_owned();
    }
    match &property["type"] {
        Value::Array(_) => "size",
        Value::String(kind) => match kind.as_str() {
            "boolean" => "true, false",
            "array" => "list of text",
            "string" => "text",
            other => panic!("{other} has no word"),
        },
        other => panic!("{other} has no word"),
    }
    .to_owned()
}

/// The page.
fn page() -> String {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let mut page = BEFORE.to_owned();
    for table in TABLES {
        let _ = write!(
            page,
            "\n## {}\n\n{}\n\n| key | takes | default | meaning | example |\n|---|---|---|---|---|\n",
            table.heading, table.words
        );
        let properties = table.properties(&schema);
        for (key, example) in table.examples {
            let property = &properties[*key];
            let (mut meaning, default) = meaning_and_default(property);
            if *key == "type" {
                meaning = "which kind of provider it is".to_owned();
            }
            let _ = writeln!(
                page,
                "| `{key}` | {} | {default} | {meaning} | `{example}` |",
                kind(property)
            );
        }
    }
    page.push_str(AFTER);
    page
}

#[test]
fn every_key_has_an_example_that_is_accepted() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    for table in TABLES {
        let mut keys: Vec<_> = table.examples.iter().map(|(key, _)| *key).collect();
        let properties = table.properties(&schema);
        keys.sort_unstable();
        assert_eq!(
            keys,
            properties.keys().collect::<Vec<_>>(),
            "{}",
            table.heading
        );
        for (key, example) in table.examples {
            assert!(
                example.contains(&format!("{key}: ")),
                "{example} shows no {key}"
            );
            accepted(&table.map(key, example));
        }
    }
}

/// `SECRETFS_UPDATE=1 cargo test -p secretfs-fs the_page_of_the_map_is_current` writes it.
#[test]
fn the_page_of_the_map_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/map.md");
    if std::env::var_os("SECRETFS_UPDATE").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    let shipped = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        shipped == page(),
        "docs/map.md is not what the types say; write it with \
         `SECRETFS_UPDATE=1 cargo test -p secretfs-fs the_page_of_the_map_is_current`"
    );
}

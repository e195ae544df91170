//! parse → print → parse is the identity; and the types, the keys and the schema are one.

use super::{accepted, parsed};
use crate::map::source::*;
use crate::map::span::Spanned;
use crate::map::units::{Bytes, Millis};
use crate::map::*;
use proptest::option::of;
use proptest::prelude::*;

fn some<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Maybe<T>> {
    of(value.prop_map(Spanned::from))
}

/// Texts that YAML would read as something else, and any other printable ones.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(
            &[
                "true",
                "no",
                "off",
                "~",
                "null",
                "007",
                "1.10",
                "1e3",
                "0x1F",
                "- a",
                "a: b",
                "#",
                "a #b",
                "&a",
                "*a",
                "!t",
                "%",
                "@",
                "`",
                "'",
                "\"",
                "{",
                "[",
                "|",
                ">",
                "?",
                ":",
                ",",
                "a\\b",
                " a",
                "a ",
                "--- ",
                "...",
                "=",
                "<<",
                "2020-01-01",
                "\u{feff}a",
                "a\u{2028}b",
                "ä🔑",
                "\u{a0}",
            ][..]
        )
        .prop_map(str::to_owned),
        "[ -~]{1,12}",
        "\\PC{1,8}",
    ]
    .prop_filter("blank", |text| !text.trim().is_empty())
    .prop_filter("control", |text| {
        !text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    let slug = "[a-zA-Z0-9_-]{1,8}";
    let folder = "(/[a-z0-9 -]{1,5}){1,3}/?";
    let shared = (
        some("[A-Z_][A-Z0-9_]{0,8}Z_FILE"),
        some((0u64..100_000).prop_map(Millis)),
        some(prop::sample::select(vec![Mode::ReadWrite, Mode::Read])),
        of(prop::collection::vec(
            "(/usr/bin/)?[a-z][a-z .#:-]{0,6}".prop_map(Spanned::from),
            1..3,
        )),
        some(any::<bool>()),
    );
    let single = (
        text(),
        some(folder),
        some(slug),
        some(any::<bool>()),
        some(prop::sample::select(vec![Decode::None, Decode::Base64])),
        of(some(text())),
    )
        .prop_map(
            |(name, path, environment, expand, decode, fallback)| Entry {
                name: Some(name.into()),
                path,
                environment,
                expand_references: expand,
                decode,
                fallback: fallback.is_some().then(|| "local".to_owned().into()),
                fallback_name: fallback.flatten(),
                ..Entry::default()
            },
        );
    let reference =
        "op://[a-zA-Z0-9_.-]{1,6}/[a-z]{1,3}( [a-z]{1,3})?/[a-z]{1,6}(\\?attribute=otp)?";
    let other = prop_oneof![
        reference.prop_map(|reference| Entry {
            reference: Some(reference.into()),
            ..Entry::default()
        }),
        (text(), text(), some(text()), text()).prop_map(|(vault, item, section, field)| Entry {
            vault: Some(vault.into()),
            item: Some(item.into()),
            section,
            field: Some(field.into()),
            ..Entry::default()
        }),
        (
            folder,
            prop::sample::select(vec![Format::Dotenv, Format::Json, Format::Yaml])
        )
            .prop_map(|(folder, format)| Entry {
                folder: Some(folder.into()),
                format: Some(format.into()),
                ..Entry::default()
            }),
    ];
    (prop_oneof![single, other], shared).prop_map(
        |(entry, (env, ttl, mode, allow, allow_empty))| Entry {
            env,
            ttl,
            mode,
            allow,
            allow_empty,
            ..entry
        },
    )
}

fn config() -> impl Strategy<Value = Config> {
    (
        some("/[a-z ]{1,8}/[a-z #:]{1,8}x"),
        some((0u64..3_000_000).prop_map(Millis)),
        some((100u64..600_000).prop_map(Millis)),
        some((1u64..1 << 30).prop_map(Bytes)),
        some(prop::sample::select(vec![OnLock::Unmount, OnLock::Seal])),
        some(any::<bool>()),
        some(prop_oneof![
            Just(Millis(0)),
            (1_000u64..9_999_999).prop_map(Millis)
        ]),
    )
        .prop_map(
            |(mountpoint, stale, open_timeout, max_size, on_lock, audit, idle)| Config {
                provider: Some("inf".to_owned().into()),
                mountpoint,
                stale,
                open_timeout,
                max_size,
                on_lock,
                remount_on_unlock: audit,
                idle,
                audit,
                ..Config::default()
            },
        )
}

fn map_file() -> impl Strategy<Value = MapFile> {
    let infisical = (
        text(),
        some("[a-z0-9-]{1,8}"),
        some(prop::sample::select(
            Auth::WORDS
                .iter()
                .map(|(_, auth)| *auth)
                .collect::<Vec<_>>(),
        )),
    )
        .prop_map(|(project, environment, auth)| InfisicalSource {
            project_id: Some(project.into()),
            environment,
            auth,
            site_url: Some("https://x.example:8443/a".to_owned().into()),
            ..InfisicalSource::default()
        });
    let onepassword = (
        some(text()),
        some(prop::sample::select(vec![Backend::Op, Backend::Connect])),
    )
        .prop_map(|(account, backend)| OnePasswordSource {
            account,
            connect_host: (backend.as_ref().map(|b| b.value) == Some(Backend::Connect))
                .then(|| "https://c.example:8443/a".to_owned().into()),
            backend,
            ..OnePasswordSource::default()
        });
    (
        config(),
        infisical,
        onepassword,
        prop::collection::vec(entry(), 1..6),
    )
        .prop_map(|(config, infisical, onepassword, mut entries)| {
            // Paths and variables that differ, whatever else they are.
            for (entry, n) in entries.iter_mut().zip(0..) {
                entry.file = Some(format!("d {n}/#f{n}: x").into());
                if let Some(env) = &mut entry.env {
                    env.value = format!("E{n}_{}", env.value);
                }
            }
            let providers = [
                ("inf", ProviderSource::Infisical(Box::new(infisical))),
                ("one", ProviderSource::OnePassword(onepassword)),
                ("local", ProviderSource::Local(LocalSource::default())),
            ];
            MapFile {
                config,
                providers: providers
                    .into_iter()
                    .map(|(name, provider)| (name.to_owned(), provider.into()))
                    .collect(),
                secrets: entries.into_iter().map(Spanned::from).collect(),
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_printed_is_read_back(file in map_file()) {
        let text = serde_yaml::to_string(&file).unwrap();
        let map = match parsed(&text) {
            Ok(map) => map,
            Err(errors) => return Err(TestCaseError::fail(format!("{text}\n{}", errors.lines().join("\n")))),
        };
        prop_assert_eq!(map.source(), &file);
        prop_assert_eq!(&print(&map), &text);
        // The types say the same to serde, which knows nothing of the decoder.
        prop_assert_eq!(&serde_yaml::from_str::<MapFile>(&text).unwrap(), &file);
        let compiled = CompiledMap::from_bytes(&map.compile().unwrap()).unwrap();
        prop_assert_eq!(compiled.entry_count() as usize, file.secrets.len());
        for plan in map.entries() {
            let copy = compiled.entry(EntryId(plan.id)).unwrap();
            prop_assert_eq!(&EntryPlan { key: plan.key, ..copy }, plan);
        }
    }

    #[test]
    fn what_is_parsed_survives_printing(
        cut in any::<prop::sample::Index>(), len in 0usize..12, with in "[ -~]{0,4}"
    ) {
        let text = super::accepted::FULL;
        let from = cut.index(text.len());
        let to = (from + len).min(text.len());
        let mut changed = text.to_owned();
        changed.replace_range(from..to, &with);
        if let Ok(map) = parsed(&changed) {
            let again = accepted(&print(&map));
            prop_assert_eq!(again.source(), map.source());
        }
    }

    #[test]
    fn times_and_sizes_are_read_as_they_are_printed(ms in 0u64..=30 * 86_400_000, size in 1u64..=1 << 30) {
        prop_assert_eq!(Millis(ms).to_string().parse::<Millis>().unwrap(), Millis(ms));
        prop_assert_eq!(Bytes(size).to_string().parse::<Bytes>().unwrap(), Bytes(size));
    }
}

/// The property names of a definition of the schema.
fn keys(schema: &serde_json::Value) -> Vec<String> {
    let mut keys: Vec<_> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    keys.sort();
    keys
}

/// What the decoder offers as "the keys are", for a text with an unknown key.
fn known(text: &str) -> Vec<String> {
    let lines = super::refused(text);
    let list = lines
        .iter()
        .find_map(|line| line.split_once("the keys are: "))
        .unwrap()
        .1;
    let mut keys: Vec<_> = list
        .trim_end_matches(')')
        .split(", ")
        .map(|key| key.trim_matches('`').to_owned())
        .collect();
    keys.sort();
    keys
}

#[test]
fn the_decoder_and_the_schema_know_the_same_keys() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    assert_eq!(keys(&schema), known("qqqqqqqq: 1\n"));
    let of = |name: &str| keys(&schema["$defs"][name]);
    assert_eq!(of("Config"), known("config: {qqqqqqqq: 1}\nsecrets: []\n"));
    assert_eq!(of("Entry"), known("secrets:\n- {qqqqqqqq: 1}\n"));
    let variants = schema["$defs"]["Provider"]["oneOf"].as_array().unwrap();
    for (variant, kind) in variants.iter().zip(["infisical", "onepassword", "local"]) {
        assert_eq!(variant["properties"]["type"]["const"], kind);
        assert_eq!(variant["additionalProperties"], false);
        let text = format!("providers:\n  p: {{type: {kind}, qqqqqqqq: 1}}\nsecrets: []\n");
        assert_eq!(keys(variant), known(&text), "{kind}");
    }
}

#[test]
fn every_key_of_the_schema_is_described() {
    fn walk(value: &serde_json::Value, path: &str, missing: &mut Vec<String>) {
        if let Some(properties) = value.get("properties").and_then(|p| p.as_object()) {
            for (key, property) in properties {
                if property.get("description").is_none() && key != "type" {
                    missing.push(format!("{path}/{key}"));
                }
            }
        }
        if let Some(object) = value.as_object() {
            object
                .iter()
                .for_each(|(key, v)| walk(v, &format!("{path}/{key}"), missing));
        }
    }
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let mut missing = Vec::new();
    walk(&schema, "", &mut missing);
    assert_eq!(missing, [""; 0]);
}

/// `SECRETFS_UPDATE=1 cargo test -p secretfs-fs the_shipped_schema_is_current` writes it.
#[test]
fn the_shipped_schema_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/secrets.schema.json");
    if std::env::var_os("SECRETFS_UPDATE").is_some() {
        std::fs::write(path, schema()).unwrap();
    }
    let shipped = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        shipped == schema(),
        "docs/secrets.schema.json is not what the types say; write it with \
         `SECRETFS_UPDATE=1 cargo test -p secretfs-fs the_shipped_schema_is_current`"
    );
}

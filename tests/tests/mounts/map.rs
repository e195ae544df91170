//! A representative map on a real mount. Every rule by itself is a table test in `fs/src/map`.

use crate::scripted::Scripted;
use secretfs_tests::fixture::{Fixture, value};

#[test]
fn a_map_with_every_kind_of_entry_is_shown() {
    let mount = Scripted::new();
    let sim = &mount.sim;
    sim.set("PLAIN", value("plain", 64));
    sim.set("ENCODED", "AAEC/w==\n");
    sim.set("app/URL", "postgres://u:p@h/db?x=1");
    sim.set(
        "app/MULTI",
        "one\ntwo \"three\" $four `five` 'six' \\seven\n",
    );
    sim.set("app/EMPTY", "");
    mount.set_map(
        "ttl: 10m",
        &[
            "{name: PLAIN, file: plain, env: PLAIN_FILE}",
            "{name: PLAIN, file: deep/er/copy, mode: '0400', ttl: 1m}",
            "{name: ENCODED, file: decoded, decode: base64}",
            "{folder: /app, file: app.env, format: dotenv, env: COMPOSE_ENV_FILES}",
            "{folder: /app, file: app.json, format: json}",
            "{folder: /app, file: app.yaml, format: yaml}",
            "{folder: /app, dir: app}",
            "{name: PLAIN, file: app/URL}",
        ],
    );
    mount.mount();
    let mut probe = mount.probe();
    let names = [
        "app", "app.env", "app.json", "app.yaml", "decoded", "deep", "plain",
    ];
    assert_eq!(probe.list(mount.mountpoint()), names);
    assert_eq!(probe.list(mount.file("deep")), ["er"]);
    assert_eq!(probe.slurp(mount.file("plain")), Ok(value("plain", 64)));
    assert_eq!(
        probe.slurp(mount.file("deep/er/copy")),
        Ok(value("plain", 64))
    );
    assert_eq!(probe.slurp(mount.file("decoded")), Ok(vec![0, 1, 2, 255]));

    let expected = [
        ("EMPTY", ""),
        ("MULTI", "one\ntwo \"three\" $four `five` 'six' \\seven\n"),
        ("URL", "postgres://u:p@h/db?x=1"),
    ];
    let json = probe.slurp(mount.file("app.json")).expect("the folder");
    let json: std::collections::BTreeMap<String, String> =
        serde_json::from_slice(&json).expect("JSON");
    assert!(
        json.iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .eq(expected),
        "{json:?}"
    );

    // Read back by a shell, which is what dotenv is for.
    let output = mount
        .command("bash")
        .args([
            "-c",
            "set -a; . \"$0\"; printf '%s|%s|%s' \"$EMPTY\" \"$MULTI\" \"$URL\"",
        ])
        .arg(mount.file("app.env"))
        .output()
        .expect("bash");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        said,
        expected.map(|(_, value)| value).join("|"),
        "{output:?}"
    );

    let yaml = probe.slurp(mount.file("app.yaml")).expect("the folder");
    let yaml: std::collections::BTreeMap<String, String> =
        serde_yaml::from_slice(&yaml).expect("YAML");
    assert_eq!(yaml, json);

    assert_eq!(probe.list(mount.file("app")), ["EMPTY", "MULTI", "URL"]);
    let wins = probe.slurp(mount.file("app/URL"));
    assert_eq!(wins, Ok(value("plain", 64)), "explicit file: entries win");
    assert_eq!(
        probe.slurp(mount.file("app/MULTI")),
        Ok(expected[1].1.as_bytes().to_vec())
    );
    assert_eq!(probe.try_open(mount.file("app/nothing")), Err(libc::ENOENT));
}

#[test]
fn nothing_is_mounted_from_a_bad_map_and_everything_wrong_with_it_is_said_at_once() {
    let fixture = Fixture::new();
    fixture.write_map(
        "config:\n  ttl: soon\nproviders:\n  v: {type: locl}\nsecrets:\n\
         \x20 - {name: A, file: a}\n  - {name: B, file: a}\n  - {name: C, flie: c}\n\
         \x20 - {name: D, file: ../d}\n  - {name: E, file: e, env: LD_PRELOAD}\n",
    );
    let mut args = fixture.mount_args();
    let said = fixture.fails(3, &args);
    for part in [
        "soon",
        "locl",
        "local",
        "flie",
        "file",
        "../d",
        "LD_PRELOAD",
        "secrets.yml",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!fixture.is_mounted());
    args[0] = "check".into();
    let said = fixture.fails(3, ["check"]);
    assert!(said.contains("LD_PRELOAD"));
    fixture.wait_for_no_process();
}

#[test]
fn a_map_of_somebody_else_or_one_that_others_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let mount = Scripted::new();
    mount.set_map("", &["{name: A, file: a}"]);
    std::fs::set_permissions(mount.map(), PermissionsExt::from_mode(0o602)).expect("chmod");
    let said = mount.fails(3, mount.mount_args());
    assert!(
        said.contains("secrets.yml") && said.contains("help:"),
        "{said}"
    );
    assert!(!mount.is_mounted());
}

#[test]
fn the_schema_that_is_shipped_is_the_one_of_the_code() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/secrets.schema.json");
    let text = std::fs::read_to_string(shipped).expect("docs/secrets.schema.json");
    let schema: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for key in ["config", "providers", "secrets"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
}

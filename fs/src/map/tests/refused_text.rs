//! What is refused before anything is understood, and keys that there are not.

use super::{accepted, entries, refused, table};

#[test]
fn what_is_no_map_is_refused() {
    table(&[
        (
            "",
            &[
                "1:1: the map is empty (write a list `secrets:` with a `name:` and a `file:` for each file)",
            ],
        ),
        (
            "# nothing\n",
            &[
                "1:1: the map is empty (write a list `secrets:` with a `name:` and a `file:` for each file)",
            ],
        ),
        (
            "~",
            &["1:1: the map has no `secrets` (write a `name:` and a `file:` for each file)"],
        ),
        (
            "hello",
            &["1:1: the map is a single value (write `key: value` lines)"],
        ),
        (
            "- name: A\n  file: a\n",
            &["1:3: the map is a list (write `key: value` lines)"],
        ),
        (
            "config: {ttl: 5m}\n",
            &["1:1: the map has no `secrets` (write a `name:` and a `file:` for each file)"],
        ),
        (
            "secrets:\n",
            &["1:1: `secrets` is empty (write a `name:` and a `file:` for each file)"],
        ),
        (
            "secrets: []\n",
            &["1:1: `secrets` is empty (write a `name:` and a `file:` for each file)"],
        ),
        (
            "secrets: a\n",
            &["1:10: `secrets` is a single value, not a list (write one `- ` line for each)"],
        ),
        (
            "secrets: {a: b}\n",
            &["1:11: `secrets` is a mapping, not a list (write one `- ` line for each)"],
        ),
        (
            "secrets:\n- a\n",
            &[
                "2:3: an entry is a single value (write a `name:`, and the `file:` that is to hold it)",
            ],
        ),
        (
            "secrets:\n-\n",
            &["2:2: an entry without keys (write a `name:` and a `file:`, or remove the `-`)"],
        ),
        (
            "config: []\nsecrets:\n- {name: A, file: a}\n",
            &["1:9: `config` is a list (write `key: value` lines)"],
        ),
        (
            "secrets:\n- {name: A, file: a}\n---\nsecrets: []\n",
            &["3:1: a second document (a map is one document: remove the `---`)"],
        ),
    ]);
}

#[test]
fn what_is_no_yaml_is_refused_where_it_stops() {
    table(&[
        (
            "secrets: [\n",
            &[
                "2:1: this is not YAML: while parsing a node, did not find expected node content (check the indentation, the quotes and the brackets before this place)",
            ],
        ),
        (
            "secrets:\n- name: \"A\n",
            &[
                "2:9: this is not YAML: while scanning a quoted scalar, found unexpected end of stream (check the indentation, the quotes and the brackets before this place)",
            ],
        ),
        (
            "secrets:\n  - name: A\n   file: a\n",
            &[
                "3:4: this is not YAML: while parsing a block collection, did not find expected '-' indicator (check the indentation, the quotes and the brackets before this place)",
            ],
        ),
        (
            "secrets:\n\t- name: A\n",
            &[
                "2:2: this is not YAML: tabs disallowed within this context (block indentation) (check the indentation, the quotes and the brackets before this place)",
            ],
        ),
        (
            "a: b: c\n",
            &[
                "1:5: this is not YAML: mapping values are not allowed in this context (check the indentation, the quotes and the brackets before this place)",
            ],
        ),
    ]);
}

#[test]
fn aliases_anchors_tags_and_depth_are_refused() {
    entries(&[
        (
            "- &x\n  name: B\n  file: b",
            &["4:3: an anchor (remove the `&…`: a map has no aliases)"],
        ),
        (
            "- name: &n B\n  file: *n",
            &[
                "4:3: the entry does not say where it is shown (write `file:`, the path below the mountpoint)",
                "4:9: an anchor (remove the `&…`: a map has no aliases)",
                "5:9: an alias (write the value out: a map has no aliases)",
            ],
        ),
        (
            "- name: !!str B\n  file: b",
            &["4:9: a tag (remove the `!…`: a map has no tags)"],
        ),
        (
            "- {name: B, file: b, allow: [[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]}",
            &["4:42: nested too deeply (a map has no such level)"],
        ),
        (
            "- <<: {name: B}\n  file: b",
            &[
                "4:3: unknown key `<<` in an entry (the keys are: `name`, `ref`, `vault`, `item`, `section`, `field`, `folder`, `file`, `dir`, `format`, `env`, `provider`, `path`, `environment`, `expand_references`, `ttl`, `mode`, `decode`, `allow`, `allow_empty`, `fallback`, `fallback_name`)",
            ],
        ),
    ]);
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_one() {
    table(&[
        (
            "secret:\n- {name: A, file: a}\n",
            &["1:1: unknown key `secret` in the map (did you mean `secrets`?)"],
        ),
        (
            "configs: {}\nsecrets:\n- {name: A, file: a}\n",
            &["1:1: unknown key `configs` in the map (did you mean `config`?)"],
        ),
        (
            "version: 1\nsecrets:\n- {name: A, file: a}\n",
            &[
                "1:1: unknown key `version` in the map (the keys are: `config`, `providers`, `secrets`)",
            ],
        ),
        (
            "config:\n  TTL: 5m\n  mount_point: /x\n  frobnicate: 1\nsecrets:\n- {name: A, file: a}\n",
            &[
                "2:3: unknown key `TTL` in `config` (did you mean `ttl`?)",
                "3:3: unknown key `mount_point` in `config` (did you mean `mountpoint`?)",
                "4:3: unknown key `frobnicate` in `config` (the keys are: `provider`, `mountpoint`, `ttl`, `stale`, `open_timeout`, `max_size`, `on_lock`, `remount_on_unlock`, `idle`, `audit`, `infisical_project_id`)",
            ],
        ),
        (
            "config:\n  projectId: x\nsecrets:\n- {name: A, file: a}\n",
            &[
                "2:3: unknown key `projectId` in `config` (the keys are: `provider`, `mountpoint`, `ttl`, `stale`, `open_timeout`, `max_size`, `on_lock`, `remount_on_unlock`, `idle`, `audit`, `infisical_project_id`)",
            ],
        ),
        (
            "providers:\n  v: {type: local, path: x}\nsecrets:\n- {name: A, file: a}\n",
            &[
                "2:20: unknown key `path` in the provider `v` (the keys are: `type`, `file`, `open_timeout`)",
            ],
        ),
        (
            "providers:\n  v: {type: infisical, project-id: x, project_id: y}\nsecrets:\n- {name: A, file: a}\n",
            &["2:24: unknown key `project-id` in the provider `v` (did you mean `project_id`?)"],
        ),
        (
            "providers:\n  v: {type: onepassword, host: x}\nsecrets:\n- {ref: op://a/b/c, file: a}\n",
            &[
                "2:26: unknown key `host` in the provider `v` (the keys are: `type`, `backend`, `connect_host`, `account`, `ca_file`, `allow_insecure_http`, `open_timeout`)",
            ],
        ),
    ]);
    entries(&[
        (
            "- {nmae: B, fiel: b}",
            &[
                "4:4: unknown key `nmae` in an entry (did you mean `name`?)",
                "4:13: unknown key `fiel` in an entry (did you mean `file`?)",
            ],
        ),
        (
            "- {name: B, file: b, Env: B}",
            &["4:22: unknown key `Env` in an entry (did you mean `env`?)"],
        ),
        (
            "- {name: B, file: b, 'a\\b': c}",
            &[
                "4:22: unknown key `a\\b` in an entry (the keys are: `name`, `ref`, `vault`, `item`, `section`, `field`, `folder`, `file`, `dir`, `format`, `env`, `provider`, `path`, `environment`, `expand_references`, `ttl`, `mode`, `decode`, `allow`, `allow_empty`, `fallback`, `fallback_name`)",
            ],
        ),
        (
            "- {name: B, file: b, [x]: c}",
            &[
                "4:23: a key that is not a word (write `key: value`)",
                "4:23: unknown key `` in an entry (the keys are: `name`, `ref`, `vault`, `item`, `section`, `field`, `folder`, `file`, `dir`, `format`, `env`, `provider`, `path`, `environment`, `expand_references`, `ttl`, `mode`, `decode`, `allow`, `allow_empty`, `fallback`, `fallback_name`)",
            ],
        ),
        (
            "- {name: B, file: b, \"\\e[31m\": c}",
            &[
                "4:22: unknown key `\\u{1b}[31m` in an entry (the keys are: `name`, `ref`, `vault`, `item`, `section`, `field`, `folder`, `file`, `dir`, `format`, `env`, `provider`, `path`, `environment`, `expand_references`, `ttl`, `mode`, `decode`, `allow`, `allow_empty`, `fallback`, `fallback_name`)",
            ],
        ),
    ]);
}

#[test]
fn keys_that_stand_twice_are_refused() {
    table(&[
        (
            "secrets:\n- {name: A, file: a}\nsecrets:\n- {name: B, file: b}\n",
            &["3:1: the key `secrets` stands here twice (keep one of them)"],
        ),
        (
            "config: {ttl: 5m, ttl: 6m}\nsecrets:\n- {name: A, file: a, name: B}\n",
            &[
                "1:19: the key `ttl` stands here twice (keep one of them)",
                "3:22: the key `name` stands here twice (keep one of them)",
            ],
        ),
        (
            "providers:\n  v: {type: local}\n  v: {type: local}\nsecrets:\n- {name: A, file: a}\n",
            &["3:3: the key `v` stands here twice (keep one of them)"],
        ),
    ]);
}

#[test]
fn everything_is_reported_in_one_go_in_the_order_of_the_text() {
    table(&[(
        "config:\n  ttl: 5\n  provider: valt\n  on_lock: seel\n\
         providers:\n  vault: {type: locale}\n  work: {type: onepassword, conect_host: x}\n\
         secrets:\n- {name: A, file: ../a, env: PATH}\n- {ref: 'op://a/b%/c', file: b}\n\
         - {file: c}\n- {name: D, file: /d, mode: 0644}\n",
        &[
            "2:8: `ttl`: `5` has no unit (write `5s`, `5m` or `5h`)",
            "3:13: unknown provider `valt` (did you mean `vault`?)",
            "4:12: unknown `on_lock` `seel` (did you mean `seal`?)",
            "6:17: unknown provider type `locale` (did you mean `local`?)",
            "7:29: unknown key `conect_host` in the provider `work` (did you mean `connect_host`?)",
            "9:19: `file` `../a` has the component `..` (write the path without it: a file cannot leave the mount)",
            "9:30: `env` `PATH` is refused: it changes where programs find things (choose another name, for example one that ends with `_FILE`)",
            "10:18: the character `%` (character 9) is not allowed in a 1Password reference (use the id, or spell the reference out with `vault:`, `item:`, `section:` and `field:`)",
            "11:4: the entry does not say which secret it shows (write one of `name:`, `ref:`, `item:` and `folder:`)",
            "12:19: `file` `/d` is not relative (paths begin at the mountpoint: write `d`)",
            "12:29: unknown `mode` `0644` (write one of: `0600`, `0400`)",
        ],
    )]);
}

/// What costs far more than its length is refused before it does.
#[test]
fn too_many_keys_entries_and_bytes_of_a_line_are_refused_where_they_stand() {
    let keys = |count: usize| (0..count).map(|n| format!("k{n}: x\n")).collect::<String>();
    assert!(
        refused(&keys(2_000))
            .iter()
            .all(|line| !line.contains("more than"))
    );
    assert_eq!(
        refused(&keys(2_010)),
        [
            "2002:1: more than 2000 keys of one mapping (no mapping of a map has as many: see what has written them)"
        ]
    );
    let entries = |count: usize| format!("secrets:\n{}", "- ~\n".repeat(count));
    assert_eq!(
        refused(&entries(250_010)),
        ["250003:3: more than 250000 entries (split the map)"]
    );
    let line = |bytes: usize| {
        format!(
            "# a\nsecrets:\n- {{name: A, file: a}} #{}\n",
            "x".repeat(bytes)
        )
    };
    accepted(&line(4 << 20 >> 1));
    assert_eq!(
        refused(&line(4 << 20)),
        ["3:1: a line of more than 4 MiB (write it in several lines)"]
    );
}

//! What the keys of an entry, or two entries, must not be together.

use super::{entries, table};

#[test]
fn an_entry_is_one_secret_or_one_folder() {
    entries(&[
        (
            "- {file: b}",
            &[
                "4:4: the entry does not say which secret it shows (write one of `name:`, `ref:`, `item:` and `folder:`)",
            ],
        ),
        (
            "- {name: B, ref: op://a/b/c, file: b}",
            &[
                "4:18: an entry with both `name` and `ref` (keep one of them: an entry is one secret or one folder)",
            ],
        ),
        (
            "- {name: B, folder: /x, file: b}",
            &[
                "4:21: an entry with both `name` and `folder` (keep one of them: an entry is one secret or one folder)",
            ],
        ),
        (
            "- {name: B, folder: /x, item: y, file: b}",
            &[
                "4:31: an entry with both `name` and `item` (keep one of them: an entry is one secret or one folder)",
            ],
        ),
        (
            "- {vault: V, field: f, file: b}",
            &[
                "4:11: `vault` without `item` (write `item:` as well, or a `ref: op://…`)",
                "4:21: `field` without `item` (write `item:` as well, or a `ref: op://…`)",
            ],
        ),
        (
            "- {name: B, section: s, file: b}",
            &["4:22: `section` without `item` (remove it: it belongs to `item:`)"],
        ),
        (
            "- {name: B}",
            &[
                "4:4: the entry does not say where it is shown (write `file:`, the path below the mountpoint)",
            ],
        ),
        (
            "- {folder: /x}",
            &[
                "4:4: the entry does not say where it is shown (write `file:` for one rendered file, or `dir:` for one file each)",
            ],
        ),
        (
            "- {folder: /x, file: b.env, dir: b}",
            &[
                "4:34: an entry with both `file` and `dir` (keep one of them: `file` renders the folder into one file, `dir` shows one file each)",
            ],
        ),
        (
            "- {name: B, dir: b}",
            &[
                "4:18: `dir` without `folder` (write `file:` for one secret, or `folder:` instead of its name)",
            ],
        ),
        (
            "- {dir: b}",
            &[
                "4:4: the entry does not say which secret it shows (write one of `name:`, `ref:`, `item:` and `folder:`)",
            ],
        ),
        (
            "- {}",
            &[
                "4:3: the entry does not say which secret it shows (write one of `name:`, `ref:`, `item:` and `folder:`)",
                "4:3: the entry does not say where it is shown (write `file:`, the path below the mountpoint)",
            ],
        ),
    ]);
    table(&[
        (
            "providers: {w: {type: onepassword}}\nsecrets:\n- {item: i, file: a}\n",
            &[
                "3:10: `item` without `vault` (write `vault:` as well)",
                "3:10: `item` without `field` (write `field:` as well)",
            ],
        ),
        (
            "providers: {w: {type: onepassword}}\nsecrets:\n- {vault: v, item: i, file: a}\n",
            &["3:20: `item` without `field` (write `field:` as well)"],
        ),
    ]);
}

#[test]
fn folders_have_their_own_keys() {
    entries(&[
        (
            "- {folder: x, file: b.env}",
            &["4:12: `folder` `x` does not begin with `/` (write `/x`)"],
        ),
        (
            "- {folder: /x/../y, file: b.env}",
            &[
                "4:12: `folder` `/x/../y` has an empty component, `.` or `..` (write the folder as the provider shows it, for example `/backend`)",
            ],
        ),
        (
            "- {folder: //, file: b.env}",
            &[
                "4:12: `folder` `//` has an empty component, `.` or `..` (write the folder as the provider shows it, for example `/backend`)",
            ],
        ),
        (
            "- {folder: /x, file: b}",
            &[
                "4:22: the folder's `format` is not clear from `b` (write `format: dotenv`, `json` or `yaml`)",
            ],
        ),
        (
            "- {folder: /x, file: b.txt}",
            &[
                "4:22: the folder's `format` is not clear from `b.txt` (write `format: dotenv`, `json` or `yaml`)",
            ],
        ),
        (
            "- {folder: /x, file: b.env, decode: base64}",
            &[
                "4:37: `decode` with a rendered folder (remove it: the format says how values are written)",
            ],
        ),
        (
            "- {folder: /x, dir: b, format: json}",
            &["4:32: `format` without `file` (write `file:` as well, or remove `format`)"],
        ),
        (
            "- {name: B, file: b, format: json}",
            &["4:30: `format` without `folder` (write `folder:` as well, or remove `format`)"],
        ),
        (
            "- {folder: /x, file: b.env, path: /y}",
            &["4:35: `path` with `folder` (remove it: `folder` is the path)"],
        ),
    ]);
    table(&[(
        "providers: {w: {type: onepassword}}\nsecrets:\n- {folder: /x, file: b.env}\n",
        &[
            "3:12: `folder` with a 1Password provider (name the secrets one by one with `ref:`: 1Password has no folders)",
        ],
    )]);
}

#[test]
fn files_folders_and_variables_are_claimed_once() {
    entries(&[
        (
            "- {name: B, file: a}",
            &["4:19: two entries show `a` (give one of them another path)"],
        ),
        (
            "- {name: B, file: a/b}",
            &["4:19: `a` is a file, and also the folder of `a/b` (give one of them another path)"],
        ),
        (
            "- {name: B, file: b/c/d}\n- {name: C, file: b/c}\n- {name: D, file: b}",
            &[
                "4:19: `b` is a file, and also the folder of `b/c/d` (give one of them another path)",
                "4:19: `b/c` is a file, and also the folder of `b/c/d` (give one of them another path)",
                "5:19: `b` is a file, and also the folder of `b/c` (give one of them another path)",
            ],
        ),
        (
            "- {folder: /x, dir: a}",
            &["4:21: two entries show `a` (give one of them another path)"],
        ),
        (
            "- {folder: /x, dir: a/b}",
            &["4:21: `a` is a file, and also the folder of `a/b` (give one of them another path)"],
        ),
        (
            "- {folder: /x, dir: b}\n- {folder: /y, dir: b}",
            &["5:21: two entries show `b` (give one of them another path)"],
        ),
        (
            "- {name: B, file: b, env: E}\n- {name: C, file: c, env: E}",
            &["5:27: two entries export `E` (give one of them another name)"],
        ),
    ]);
}

#[test]
fn fallbacks_are_another_provider_for_one_secret() {
    let config = "config: {provider: a}\nproviders:\n  a: {type: local}\n  b: {type: local, file: b}\n  \
                  w: {type: onepassword}\nsecrets:\n";
    let with = |entry: &str| format!("{config}{entry}\n");
    table(&[
        (
            &with("- {name: A, file: a, fallback: c}"),
            &["7:32: unknown provider `c` (the providers are: `a`, `b`, `w`)"],
        ),
        (
            &with("- {name: A, file: a, fallback: a}"),
            &[
                "7:32: the fallback is the provider itself (name another provider, or remove `fallback`)",
            ],
        ),
        (
            &with("- {name: A, file: a, fallback_name: X}"),
            &[
                "7:37: `fallback_name` without `fallback` (write `fallback:` as well, or remove `fallback_name`)",
            ],
        ),
        (
            &with("- {folder: /x, dir: a, fallback: b}"),
            &["7:34: `fallback` with `folder` (remove it: only a single secret has a fallback)"],
        ),
        (
            &with("- {ref: op://a/b/c, file: a, fallback: b}"),
            &[
                "7:40: `fallback` without `fallback_name` (write `fallback_name:`, the secret's name in the fallback)",
            ],
        ),
        (
            &with("- {name: A, file: a, fallback: w}"),
            &[
                "7:32: `fallback` without `fallback_name` (write `fallback_name: op://vault/item/field`)",
            ],
        ),
        (
            &with("- {name: A, file: a, fallback: w, fallback_name: op://a/b/c%}"),
            &[
                "7:60: the character `%` (character 11) is not allowed in a 1Password reference (use the id, or spell the reference out with `vault:`, `item:`, `section:` and `field:`)",
            ],
        ),
    ]);
}

//! Rules of single values.

use super::{entries, table};

#[test]
fn files_are_relative_paths_of_plain_components() {
    let long = "x".repeat(256);
    entries(&[
        (
            "- {name: B, file: /etc/passwd}",
            &[
                "4:19: `file` `/etc/passwd` is not relative (paths begin at the mountpoint: write `etc/passwd`)",
            ],
        ),
        (
            "- {name: B, file: ~/b}",
            &["4:19: `file` `~/b` is not relative (paths begin at the mountpoint: write `b`)"],
        ),
        (
            "- {name: B, file: ../b}",
            &[
                "4:19: `file` `../b` has the component `..` (write the path without it: a file cannot leave the mount)",
            ],
        ),
        (
            "- {name: B, file: b/./c}",
            &[
                "4:19: `file` `b/./c` has the component `.` (write the path without it: a file cannot leave the mount)",
            ],
        ),
        (
            "- {name: B, file: b//c}",
            &["4:19: `file` `b//c` has an empty component (write one `/`)"],
        ),
        (
            "- {name: B, file: b/}",
            &["4:19: `file` `b/` ends with `/` (write `b`)"],
        ),
        (
            "- {name: B, file: .}",
            &[
                "4:19: `file` `.` has the component `.` (write the path without it: a file cannot leave the mount)",
            ],
        ),
        (
            "- {name: B, file: \"b\\0c\"}",
            &["4:19: `file` contains the control character `\\u{0}` (remove it)"],
        ),
        (
            "- {name: B, file: \"b\\nc\"}",
            &["4:19: `file` contains the control character `\\n` (remove it)"],
        ),
        (
            "- {name: B, file: \"b\\u0085c\"}",
            &["4:19: `file` contains the control character `\\u{85}` (remove it)"],
        ),
        (
            "- {name: B, file: ''}",
            &["4:19: `file` is empty (write a value, or remove `file`)"],
        ),
        (
            "- {name: B, file: [b]}",
            &["4:20: `file` is a list, not a single value (write `file: value`)"],
        ),
        (
            "- {name: B, file: }",
            &["4:17: `file` has no value (write one, or remove `file`)"],
        ),
        (
            "- {folder: /x, dir: ../b}",
            &[
                "4:21: `dir` `../b` has the component `..` (write the path without it: a file cannot leave the mount)",
            ],
        ),
        (
            &format!("- {{name: B, file: a/{long}}}"),
            &[
                "4:19: `file` `a/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…` has a component that is too long (at most 255 bytes between two `/`)",
            ],
        ),
        (
            &format!("- {{name: B, file: {}b}}", "a/".repeat(32)),
            &[
                "4:19: `file` `a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/…` is nested too deeply (at most 32 levels)",
            ],
        ),
        (
            &format!(
                "- {{name: B, file: {}}}",
                "abcdefghi/".repeat(30).repeat(14) + "b"
            ),
            &[
                "4:19: `file` `abcdefghi/abcdefghi/abcdefghi/abcdefghi/abcdefghi/abcdefghi/…` is too long (at most 4000 bytes)",
            ],
        ),
    ]);
}

#[test]
fn variables_have_plain_names_that_change_no_code() {
    entries(&[
        (
            "- {name: B, file: b, env: 1B}",
            &[
                "4:27: `env` `1B` is not the name of a variable (use letters, digits and `_`, not beginning with a digit)",
            ],
        ),
        (
            "- {name: B, file: b, env: A-B}",
            &[
                "4:27: `env` `A-B` is not the name of a variable (use letters, digits and `_`, not beginning with a digit)",
            ],
        ),
        (
            "- {name: B, file: b, env: 'A;id'}",
            &[
                "4:27: `env` `A;id` is not the name of a variable (use letters, digits and `_`, not beginning with a digit)",
            ],
        ),
        (
            "- {name: B, file: b, env: \"A\\nB\"}",
            &["4:27: `env` contains the control character `\\n` (remove it)"],
        ),
        (
            "- {name: B, file: b, env: Ä}",
            &[
                "4:27: `env` `Ä` is not the name of a variable (use letters, digits and `_`, not beginning with a digit)",
            ],
        ),
        (
            "- {name: B, file: b, env: LD_PRELOAD}",
            &[
                "4:27: `env` `LD_PRELOAD` is refused: it changes the dynamic linker (choose another name, for example one that ends with `_FILE`)",
            ],
        ),
        (
            "- {name: B, file: b, env: PATH}",
            &[
                "4:27: `env` `PATH` is refused: it changes where programs find things (choose another name, for example one that ends with `_FILE`)",
            ],
        ),
        (
            "- {name: B, file: b, env: SECRETFS_MAP}",
            &[
                "4:27: `env` `SECRETFS_MAP` is refused: it changes secretfs itself (choose another name, for example one that ends with `_FILE`)",
            ],
        ),
    ]);
}

#[test]
fn every_variable_that_changes_code_is_refused() {
    let refused = "LD_LIBRARY_PATH LD_AUDIT BASH_ENV ENV PATH IFS PYTHONPATH PYTHONSTARTUP PYTHONHOME \
        NODE_OPTIONS NODE_PATH PERL5LIB PERL5OPT RUBYOPT RUBYLIB GIT_SSH_COMMAND GIT_EXEC_PATH \
        GIT_CONFIG_COUNT GIT_EXTERNAL_DIFF PROMPT_COMMAND SHELLOPTS BASHOPTS PS4 HOME SHELL EDITOR \
        PAGER VISUAL BROWSER JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS GLIBC_TUNABLES \
        GCONV_PATH DYLD_INSERT_LIBRARIES ZDOTDIR CDPATH GLOBIGNORE SECRETFS_X BASH_FUNC_x";
    for name in refused.split_whitespace() {
        assert!(crate::map::rules::env::check(name).is_err(), "{name}");
    }
    let fine = "KUBECONFIG OPENAI_API_KEY_FILE GOOGLE_APPLICATION_CREDENTIALS COMPOSE_ENV_FILES _x \
        AWS_SHARED_CREDENTIALS_FILE NETRC NPM_CONFIG_USERCONFIG DOCKER_CONFIG SSL_CERT_FILE PGPASSFILE \
        NODE_EXTRA_CA_CERTS GITHUB_TOKEN_FILE TF_CLI_CONFIG_FILE PATH_TO_KEY ENVIRONMENT";
    for name in fine.split_whitespace() {
        assert_eq!(crate::map::rules::env::check(name), Ok(()), "{name}");
    }
}

#[test]
fn times_sizes_modes_and_words_are_exact() {
    entries(&[
        (
            "- {name: B, file: b, ttl: 5}",
            &["4:27: `ttl`: `5` has no unit (write `5s`, `5m` or `5h`)"],
        ),
        (
            "- {name: B, file: b, ttl: 5 m}",
            &["4:27: `ttl`: `5 m` is not a time (write a number and a unit: `30s`, `5m`, `1h`)"],
        ),
        (
            "- {name: B, file: b, ttl: -5m}",
            &["4:27: `ttl`: `-5m` is not a time (write a number and a unit: `30s`, `5m`, `1h`)"],
        ),
        (
            "- {name: B, file: b, ttl: soon}",
            &["4:27: `ttl`: `soon` is not a time (write a number and a unit: `30s`, `5m`, `1h`)"],
        ),
        (
            "- {name: B, file: b, ttl: 31d}",
            &["4:27: `ttl`: `31d` is too long (at most `30d`)"],
        ),
        (
            "- {name: B, file: b, ttl: 99999999999999999999s}",
            &[
                "4:27: `ttl`: `99999999999999999999s` is not a time (write a number and a unit: `30s`, `5m`, `1h`)",
            ],
        ),
        (
            "- {name: B, file: b, ttl: }",
            &["4:25: `ttl` has no value (write one, or remove `ttl`)"],
        ),
        (
            "- {name: B, file: b, ttl: [5m]}",
            &["4:28: `ttl` is a list, not a single value (write `ttl: value`)"],
        ),
        (
            "- {name: B, file: b, mode: 0644}",
            &["4:28: unknown `mode` `0644` (write one of: `0600`, `0400`)"],
        ),
        (
            "- {name: B, file: b, mode: 600}",
            &["4:28: unknown `mode` `600` (did you mean `0600`?)"],
        ),
        (
            "- {name: B, file: b, decode: bas64}",
            &["4:30: unknown `decode` `bas64` (did you mean `base64`?)"],
        ),
        (
            "- {name: B, file: b, decode: rot13}",
            &["4:30: unknown `decode` `rot13` (write one of: `none`, `base64`)"],
        ),
        (
            "- {folder: /x, file: b, format: jsn}",
            &["4:33: unknown `format` `jsn` (did you mean `json`?)"],
        ),
        (
            "- {name: B, file: b, allow_empty: yes}",
            &["4:35: `allow_empty` is `yes`, not `true` or `false` (write `true`)"],
        ),
        (
            "- {name: B, file: b, allow_empty: off}",
            &["4:35: `allow_empty` is `off`, not `true` or `false` (write `false`)"],
        ),
        (
            "- {name: B, file: b, allow_empty: maybe}",
            &["4:35: `allow_empty` is `maybe`, not `true` or `false` (write `true` or `false`)"],
        ),
    ]);
    table(&[
        (
            "config: {max_size: 1MB}\nsecrets:\n- {name: A, file: a}\n",
            &[
                "1:20: `max_size`: `1MB` is not a size (write a number of bytes with `KiB`, `MiB` or no unit: `64KiB`, `1MiB`)",
            ],
        ),
        (
            "config: {max_size: 0}\nsecrets:\n- {name: A, file: a}\n",
            &["1:20: `max_size`: the size `0` is out of range (from 1 to `1GiB`)"],
        ),
        (
            "config: {max_size: 2GiB}\nsecrets:\n- {name: A, file: a}\n",
            &["1:20: `max_size`: the size `2GiB` is out of range (from 1 to `1GiB`)"],
        ),
        (
            "config: {max_size: big}\nsecrets:\n- {name: A, file: a}\n",
            &[
                "1:20: `max_size`: `big` is not a size (write a number of bytes with `KiB`, `MiB` or no unit: `64KiB`, `1MiB`)",
            ],
        ),
        (
            "config: {open_timeout: 0}\nsecrets:\n- {name: A, file: a}\n",
            &["1:24: `open_timeout` is out of range (from `100ms` to `10m`)"],
        ),
        (
            "config: {open_timeout: 1h}\nsecrets:\n- {name: A, file: a}\n",
            &["1:24: `open_timeout` is out of range (from `100ms` to `10m`)"],
        ),
        (
            "config: {idle: 10ms}\nsecrets:\n- {name: A, file: a}\n",
            &["1:16: `idle` is too short (at least `1s`, or `off`)"],
        ),
        (
            "config: {on_lock: unmont}\nsecrets:\n- {name: A, file: a}\n",
            &["1:19: unknown `on_lock` `unmont` (did you mean `unmount`?)"],
        ),
        (
            "config: {audit: 1, remount_on_unlock: x}\nsecrets:\n- {name: A, file: a}\n",
            &[
                "1:17: `audit` is `1`, not `true` or `false` (write `true`)",
                "1:39: `remount_on_unlock` is `x`, not `true` or `false` (write `true` or `false`)",
            ],
        ),
    ]);
}

#[test]
fn allow_names_programs() {
    entries(&[
        (
            "- {name: B, file: b, allow: []}",
            &[
                "4:29: `allow` is empty: nothing could open the file (name the programs, or remove `allow`)",
            ],
        ),
        (
            "- {name: B, file: b, allow: kubectl}",
            &["4:29: `allow` is a single value, not a list (write one `- ` line for each)"],
        ),
        (
            "- {name: B, file: b, allow: [bin/x]}",
            &[
                "4:30: `allow` `bin/x` is neither a bare name nor an absolute path (write the program's name alone, or its path beginning with `/`, without `.` and `..`)",
            ],
        ),
        (
            "- {name: B, file: b, allow: [./x]}",
            &[
                "4:30: `allow` `./x` is neither a bare name nor an absolute path (write the program's name alone, or its path beginning with `/`, without `.` and `..`)",
            ],
        ),
        (
            "- {name: B, file: b, allow: [/usr/../x]}",
            &[
                "4:30: `allow` `/usr/../x` is neither a bare name nor an absolute path (write the program's name alone, or its path beginning with `/`, without `.` and `..`)",
            ],
        ),
        (
            "- {name: B, file: b, allow: [~/x]}",
            &[
                "4:30: `allow` `~/x` is neither a bare name nor an absolute path (write the program's name alone, or its path beginning with `/`, without `.` and `..`)",
            ],
        ),
        (
            "- {name: B, file: b, allow: [..]}",
            &["4:30: `allow` `..` is not a program (write a bare name, or an absolute path)"],
        ),
        (
            "- {name: B, file: b, allow: [kubectl, '']}",
            &["4:39: `allow` is empty (write a value, or remove `allow`)"],
        ),
    ]);
}

#[test]
fn references_are_refused_at_the_character() {
    table(&[
        (
            "providers: {w: {type: onepassword}}\nsecrets:\n- ref: op://AgentVault/50% router/pw\n  file: a\n",
            &[
                "3:26: the character `%` (character 19) is not allowed in a 1Password reference (use the id, or spell the reference out with `vault:`, `item:`, `section:` and `field:`)",
            ],
        ),
        (
            "providers: {w: {type: onepassword}}\nsecrets:\n- ref: \"op://a/b/c(d)\"\n  file: a\n",
            &[
                "3:19: the character `(` (character 11) is not allowed in a 1Password reference (use the id, or spell the reference out with `vault:`, `item:`, `section:` and `field:`)",
            ],
        ),
        (
            "providers: {w: {type: onepassword}}\nsecrets:\n- {ref: op://a/b, file: a}\n",
            &[
                "3:9: too few `/`: a 1Password reference has at least vault, item and field (write `op://vault/item/[section/]field`)",
            ],
        ),
        (
            "providers: {w: {type: onepassword}}\nsecrets:\n- {ref: op://a/b/c/d/e, file: a}\n",
            &[
                "3:9: too many `/`: a 1Password reference has at most vault, item, section and field (write `op://vault/item/[section/]field`)",
            ],
        ),
        (
            "providers: {w: {type: onepassword}}\nsecrets:\n- {ref: op://a//c, file: a}\n",
            &[
                "3:16: the item of a 1Password reference is empty (write `op://vault/item/[section/]field`)",
            ],
        ),
        (
            "providers: {w: {type: onepassword}}\nsecrets:\n- {ref: 'op://a/b/c?attribute=type', file: a}\n",
            &[
                "3:21: the value `type` of the reference's query is not known (write `?attribute=otp` or `?ssh-format=openssh`, or leave it out)",
            ],
        ),
        (
            "providers: {w: {type: onepassword}}\nsecrets:\n- {ref: a/b/c, file: a}\n",
            &[
                "3:9: a 1Password reference begins with `op://` (write `op://vault/item/[section/]field`)",
            ],
        ),
    ]);
}

//! Providers, and which of them an entry has.

use super::{refused, table};

#[test]
fn providers_have_a_type_and_its_keys() {
    table(&[
        (
            "providers: []\nsecrets:\n- {name: A, file: a}\n",
            &["1:12: `providers` is a list (write `key: value` lines)"],
        ),
        (
            "providers:\n  v:\nsecrets:\n- {name: A, file: a}\n",
            &[
                "2:3: the provider `v` has no `type` (write `type: ` and one of `infisical`, `onepassword`, `local`, `scripted`)",
            ],
        ),
        (
            "providers:\n  v: {file: x}\nsecrets:\n- {name: A, file: a}\n",
            &[
                "2:3: the provider `v` has no `type` (write `type: ` and one of `infisical`, `onepassword`, `local`, `scripted`)",
            ],
        ),
        (
            "providers:\n  v: {type: [local]}\nsecrets:\n- {name: A, file: a}\n",
            &[
                "2:14: `type` is a list, not a single value (write one of `infisical`, `onepassword`, `local`, `scripted`)",
            ],
        ),
        (
            "providers:\n  v: {type: 1password}\nsecrets:\n- {name: A, file: a}\n",
            &["2:13: unknown provider type `1password` (did you mean `onepassword`?)"],
        ),
        (
            "providers:\n  v: {type: vaultwarden}\nsecrets:\n- {name: A, file: a}\n",
            &[
                "2:13: unknown provider type `vaultwarden` (write one of: `infisical`, `onepassword`, `local`, `scripted`)",
            ],
        ),
        (
            "providers:\n  a b: {type: local}\nsecrets:\n- {name: A, file: a}\n",
            &[
                "2:3: the provider name `a b` cannot be used (use letters, digits, `-` and `_`, at most 64 of them)",
            ],
        ),
        (
            "providers:\n  ../x: {type: local}\nsecrets:\n- {name: A, file: a}\n",
            &[
                "2:3: the provider name `../x` cannot be used (use letters, digits, `-` and `_`, at most 64 of them)",
            ],
        ),
    ]);
}

#[test]
fn infisical_has_one_project() {
    table(&[
        (
            "providers:\n  i: {type: infisical}\nsecrets:\n- {name: A, file: a}\n",
            &[
                "2:3: the provider `i` has no project (write `project_id:` (the settings of the project show it) or `project_slug:`)",
            ],
        ),
        (
            "providers:\n  i: {type: infisical, project_id: a, project_slug: b}\nsecrets:\n- {name: A, file: a}\n",
            &["2:53: both `project_id` and `project_slug` (keep one of them)"],
        ),
        (
            "config: {infisical_project_id: a}\nproviders:\n  infisical: {type: infisical, project_id: b}\nsecrets:\n- {name: A, file: a}\n",
            &[
                "1:32: `infisical_project_id` and the provider's `project_id` differ (keep one of them)",
            ],
        ),
        (
            "providers:\n  i: {type: infisical, project_id: a, auth: univeral, path: x, environment: a b}\nsecrets:\n- {name: A, file: a}\n",
            &[
                "2:45: unknown `auth` `univeral` (did you mean `universal`?)",
                "2:61: `path` `x` does not begin with `/` (write `/x`)",
                "2:77: `environment` `a b` is not a slug (write the environment's slug, for example `dev` or `prod`, not its name)",
            ],
        ),
        (
            "config: {infisical_project_id: a}\nsecrets:\n- {name: A, file: a, path: x, environment: Prod!, expand_references: nope}\n",
            &[
                "3:28: `path` `x` does not begin with `/` (write `/x`)",
                "3:44: `environment` `Prod!` is not a slug (write the environment's slug, for example `dev` or `prod`, not its name)",
                "3:70: `expand_references` is `nope`, not `true` or `false` (write `true` or `false`)",
            ],
        ),
        (
            "secrets:\n- {name: A, file: a, path: /x, environment: dev, expand_references: false}\n",
            &[
                "2:28: `path` with a provider that is not Infisical (remove it, or name a provider of type `infisical`)",
                "2:45: `environment` with a provider that is not Infisical (remove it, or name a provider of type `infisical`)",
                "2:69: `expand_references` with a provider that is not Infisical (remove it, or name a provider of type `infisical`)",
            ],
        ),
    ]);
}

#[test]
fn addresses_are_encrypted_or_local() {
    let url = |url: &str| {
        format!(
            "providers:\n  i: {{type: infisical, project_id: x, site_url: '{url}'}}\nsecrets:\n- {{name: A, file: a}}\n"
        )
    };
    table(&[
        (
            &url("app.infisical.com"),
            &[
                "2:49: `site_url` `app.infisical.com` has no scheme (write `https://app.infisical.com`)",
            ],
        ),
        (
            &url("ftp://x"),
            &[
                "2:49: `site_url` `ftp://x` is neither https nor http (write `https://host`, with `:port` and a path where needed)",
            ],
        ),
        (
            &url("http://vault.example"),
            &[
                "2:49: `site_url` `http://vault.example` is not encrypted (write `https://`, or set `allow_insecure_http: true` if the network is trusted)",
            ],
        ),
        (
            &url("http://127.0.0.1.example"),
            &[
                "2:49: `site_url` `http://127.0.0.1.example` is not encrypted (write `https://`, or set `allow_insecure_http: true` if the network is trusted)",
            ],
        ),
        (
            &url("https://user:pw@x"),
            &[
                "2:49: `site_url` contains a user name (remove what stands before the `@`: credentials do not belong into a map)",
            ],
        ),
        (
            &url("https://"),
            &[
                "2:49: `site_url` `https://` has no valid host and port (write `https://host`, with `:port` and a path where needed)",
            ],
        ),
        (
            &url("https://x:99999"),
            &[
                "2:49: `site_url` `https://x:99999` has no valid host and port (write `https://host`, with `:port` and a path where needed)",
            ],
        ),
        (
            &url("https://x:"),
            &[
                "2:49: `site_url` `https://x:` has no valid host and port (write `https://host`, with `:port` and a path where needed)",
            ],
        ),
        (
            &url("https://x/?a=b"),
            &[
                "2:49: `site_url` `https://x/?a=b` has a query or a fragment (write `https://host`, with `:port` and a path where needed)",
            ],
        ),
        (
            &url("https://x/#a"),
            &[
                "2:49: `site_url` `https://x/#a` has a query or a fragment (write `https://host`, with `:port` and a path where needed)",
            ],
        ),
        (
            &url("https://a b"),
            &[
                "2:49: `site_url` `https://a b` contains ` ` (write `https://host`, with `:port` and a path where needed)",
            ],
        ),
        (
            &url("https://[::g]"),
            &[
                "2:49: `site_url` `https://[::g]` has no valid host and port (write `https://host`, with `:port` and a path where needed)",
            ],
        ),
        (
            &url("https://x/../y"),
            &[
                "2:49: `site_url` `https://x/../y` has a path with `.` or `..` (write `https://host`, with `:port` and a path where needed)",
            ],
        ),
        (
            "providers:\n  w: {type: onepassword, backend: connect}\nsecrets:\n- {ref: op://a/b/c, file: a}\n",
            &[
                "2:35: `backend: connect` without `connect_host` (write `connect_host: https://…`, the address of the Connect server)",
            ],
        ),
        (
            "providers:\n  w: {type: onepassword, connect_host: 'http://connect.example'}\nsecrets:\n- {ref: op://a/b/c, file: a}\n",
            &[
                "2:40: `connect_host` `http://connect.example` is not encrypted (write `https://`, or set `allow_insecure_http: true` if the network is trusted)",
            ],
        ),
    ]);
}

#[test]
fn an_entry_has_exactly_one_provider() {
    let two = "providers:\n  a: {type: local}\n  b: {type: local, file: b}\n";
    let ones =
        "providers:\n  v: {type: local}\n  w: {type: onepassword}\n  x: {type: onepassword}\n";
    table(&[
        (
            &format!("{two}secrets:\n- {{name: A, file: a}}\n"),
            &[
                "5:4: more than one provider could have this secret (write `provider:` here or in `config`, one of `a`, `b`)",
            ],
        ),
        (
            &format!("{two}secrets:\n- {{name: A, file: a, provider: c}}\n"),
            &["5:32: unknown provider `c` (the providers are: `a`, `b`)"],
        ),
        (
            &format!(
                "{two}config: {{provider: aa}}\nsecrets:\n- {{name: A, file: a}}\n- {{name: B, file: b}}\n"
            ),
            &["4:20: unknown provider `aa` (did you mean `a`?)"],
        ),
        (
            &format!("{ones}secrets:\n- {{ref: op://a/b/c, file: a}}\n"),
            &[
                "6:4: more than one provider could have this secret (write `provider:` here or in `config`, one of `v`, `w`, `x`)",
            ],
        ),
        (
            &format!("{ones}config: {{provider: v}}\nsecrets:\n- {{ref: op://a/b/c, file: a}}\n"),
            &[
                "7:4: the provider `v` is not 1Password (name a provider of type `onepassword`, or write `name:`)",
            ],
        ),
        (
            &format!("{ones}config: {{provider: w}}\nsecrets:\n- {{name: A, file: a}}\n"),
            &[
                "7:10: `name` with the 1Password provider `w` (write `ref: op://vault/item/field`, or `vault:`, `item:` and `field:`)",
            ],
        ),
        (
            "secrets:\n- {ref: op://a/b/c, file: a}\n",
            &[
                "2:9: a 1Password reference, but no provider of type `onepassword` (declare one under `providers:` with `type: onepassword`)",
            ],
        ),
        (
            "providers:\n  v: {type: local}\nsecrets:\n- {vault: v, item: i, field: f, file: a}\n",
            &[
                "4:20: a 1Password reference, but no provider of type `onepassword` (declare one under `providers:` with `type: onepassword`)",
            ],
        ),
        (
            "providers:\n  v: {type: local}\n  w: {type: onepassword}\nsecrets:\n- {ref: op://a/b/c, file: a, provider: v}\n",
            &[
                "5:40: the provider `v` is not 1Password (name a provider of type `onepassword`, or write `name:`)",
            ],
        ),
        (
            "providers:\n  v: {type: lcal}\nsecrets:\n- {name: A, file: a, provider: v}\n",
            &["2:13: unknown provider type `lcal` (did you mean `local`?)"],
        ),
    ]);
}

#[test]
fn what_a_mount_needs_does_not_lie_in_it() {
    table(&[
        (
            "config: {mountpoint: ~/s}\nproviders:\n  v: {type: local, file: ~/s/vault.age}\nsecrets:\n- {name: A, file: a}\n",
            &[
                "3:26: the vault `/home/u/s/vault.age` lies inside the mountpoint (move it elsewhere: what a mount needs to work cannot be in the mount)",
            ],
        ),
        (
            "config: {mountpoint: ~/s}\nproviders:\n  i: {type: infisical, project_id: x, ca_file: /home/u/x/../s/ca.pem, jwt_file: s/jwt}\nsecrets:\n- {name: A, file: a}\n",
            &[
                "3:48: the CA bundle `/home/u/x/../s/ca.pem` lies inside the mountpoint (move it elsewhere: what a mount needs to work cannot be in the mount)",
                "3:81: the token file `/home/u/s/jwt` lies inside the mountpoint (move it elsewhere: what a mount needs to work cannot be in the mount)",
            ],
        ),
        (
            "config: {mountpoint: /home}\nproviders:\n  v: {type: local, file: /srv/v}\nsecrets:\n- {name: A, file: a}\n",
            &[
                "1:22: the map itself lies inside the mountpoint `/home` (choose another mountpoint, for example `~/secrets`)",
            ],
        ),
        (
            "config: {mountpoint: $HOME/s}\nsecrets:\n- {name: A, file: a}\n",
            &[
                "1:22: `mountpoint` `$HOME/s` contains a `$`, and variables are not replaced (write `~/` for the home folder, or an absolute path)",
            ],
        ),
        (
            "config: {mountpoint: ~bob/s}\nsecrets:\n- {name: A, file: a}\n",
            &["1:22: `mountpoint` `~bob/s` names another user's home (write an absolute path)"],
        ),
        (
            "config: {mountpoint: ''}\nsecrets:\n- {name: A, file: a}\n",
            &["1:22: `mountpoint` is empty (write a value, or remove `mountpoint`)"],
        ),
    ]);
}

/// A map comes with a repository: its author does not write to the terminal of who reads what is wrong.
#[test]
fn what_a_hostile_name_would_do_to_a_terminal_is_shown_and_not_done() {
    let (clears, turns) = (r#""a\e[2Jb""#, r#""a\u202eb""#);
    let (cleared, turned) = (r"`a\u{1b}[2Jb`", r"`a\u{202e}b`");
    let rows = [
        (
            format!("{clears}: {{type: infisical}}\n  v: {{type: local}}"),
            "{name: A, file: a, provider: v}".to_owned(),
            cleared,
            format!(
                "2:3: the provider {cleared} has no project (write `project_id:` (the settings of the project show it) or `project_slug:`)"
            ),
        ),
        (
            format!("{turns}: {{type: local}}"),
            format!("{{ref: \"op://a/b/c\", file: a, provider: {turns}}}"),
            turned,
            format!(
                "4:42: the provider {turned} is not 1Password (name a provider of type `onepassword`, or write `name:`)"
            ),
        ),
        (
            format!("{clears}: {{type: onepassword}}"),
            "{name: A, file: a}".to_owned(),
            cleared,
            format!(
                "4:10: `name` with the 1Password provider {cleared} (write `ref: op://vault/item/field`, or `vault:`, `item:` and `field:`)"
            ),
        ),
        (
            format!("{clears}: {{type: local}}"),
            "{name: A, file: a, provider: else}".to_owned(),
            cleared,
            format!("4:32: unknown provider `else` (the providers are: {cleared})"),
        ),
        (
            format!("{clears}: {{type: local}}"),
            "{name: A, file: a, provider: 'a[2Jb'}".to_owned(),
            cleared,
            format!("4:32: unknown provider `a[2Jb` (did you mean {cleared}?)"),
        ),
        (
            format!("{clears}: {{type: local}}\n  v: {{type: local}}"),
            "{name: A, file: a}".to_owned(),
            cleared,
            format!(
                "5:4: more than one provider could have this secret (write `provider:` here or in `config`, one of {cleared}, `v`)"
            ),
        ),
    ];
    for (providers, entry, name, line) in rows {
        let text = format!("providers:\n  {providers}\nsecrets:\n- {entry}\n");
        let cannot = format!(
            "2:3: the provider name {name} cannot be used (use letters, digits, `-` and `_`, at most 64 of them)"
        );
        assert_eq!(refused(&text), [cannot, line], "{text}");
    }
}

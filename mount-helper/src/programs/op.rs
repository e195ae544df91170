//! `op`: items and files of 1Password (contract onepassword.md §3).

use super::{Complaints, Spec};
use secretfs_fs::map::{CompiledMap, ProviderSettings};
use secretfs_providers::Reference;
use secretfs_providers::http::ProxySettings;
use secretfs_providers::onepassword::op::OpCall;
use secretfs_providers::onepassword::{is_id, place};
use std::ffi::OsString;
use std::time::Duration;

/// Its name.
pub(super) const PROGRAM: &str = "op";

/// It may be asking the user for a fingerprint.
const LIMIT: Duration = Duration::from_secs(60);

/// What it is given of the environment beside what every program is: where its configuration is, and
/// what the desktop app's integration goes by. Never `OP_CONNECT_*`, which would win over what the map
/// says; nor `OP_SESSION_*`, a stale one of which hides the desktop app.
const ENVIRONMENT: &[&str] = &[
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
    "XDG_SESSION_ID",
    "OP_CONFIG_DIR",
    "OP_BIOMETRIC_UNLOCK_ENABLED",
    ACCOUNT,
];
/// Of no use to a service account, whose token names its account.
const ACCOUNT: &str = "OP_ACCOUNT";

/// Whether the map names what is asked for, or it is asked for by ids alone. `provider`: whose map it is.
pub fn is_named(map: &CompiledMap, provider: u16, call: &OpCall) -> bool {
    match call {
        OpCall::Item { vault, item } => {
            (is_id(vault) && is_id(item)) || map.names_place(provider, &place(vault, item))
        }
        // What a map does not name, a daemon has no business to know.
        OpCall::Items { .. } => false,
        OpCall::Read { of, .. } => {
            let reference = Reference::OnePassword(of.clone());
            map.names_reference(provider, &reference)
        }
    }
}

/// How it is run for a provider of the map; `None`: it is none that uses it, or cannot be asked so.
#[must_use]
pub fn spec(
    call: OpCall,
    settings: &ProviderSettings,
    with_token: bool,
    proxies: &ProxySettings,
) -> Option<Spec> {
    let ProviderSettings::OnePassword {
        op: true, account, ..
    } = settings
    else {
        return None;
    };
    let account = account.as_deref().filter(|_| !with_token);
    let args = call.args(account)?.into_iter().map(OsString::from);
    // Nothing of it stays behind: its cache is kept by a process of its own.
    let mut environment = vec![("OP_CACHE", OsString::from("false"))];
    if with_token {
        // It is not to ask the desktop app first.
        environment.push(("OP_BIOMETRIC_UNLOCK_ENABLED", "false".into()));
        environment.push(("OP_LOAD_DESKTOP_APP_SETTINGS", "false".into()));
    }
    let proxies = proxies.environment().into_iter();
    environment.extend(proxies.map(|(name, value)| (name, value.into())));
    Some(Spec {
        program: PROGRAM,
        args: args.collect(),
        inherits: ENVIRONMENT
            .iter()
            .copied()
            .filter(|name| !(with_token && *name == ACCOUNT))
            .collect(),
        environment,
        limit: LIMIT,
        complaints: Complaints::Op(Box::new(call)),
    })
}

/// All that any of its runs inherits.
pub(super) fn environment() -> impl Iterator<Item = &'static str> {
    ENVIRONMENT.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secretfs_fs::map::compile_text;
    use secretfs_providers::http::Proxy;
    use secretfs_providers::onepassword;

    const V: &str = "ytrfte14kw1uex5txaore1emkz";
    const I: &str = "wepiqdxdzncjtnvmv5fegud4qy";

    fn item(vault: &str, item: &str) -> OpCall {
        OpCall::Item {
            vault: vault.into(),
            item: item.into(),
        }
    }

    fn read(reference: &str) -> OpCall {
        OpCall::Read {
            of: onepassword::Reference::parse(reference).unwrap(),
            vault: V.into(),
            item: I.into(),
            file: None,
        }
    }

    #[test]
    fn what_the_map_names_and_ids_may_be_asked_for_and_nothing_else() {
        let map = compile_text(
            "providers:\n  l: {type: local, file: /v.age}\n  w: {type: onepassword, backend: op}\n  \
             x: {type: onepassword, backend: op}\nsecrets:\n\
             - {ref: op://Prod/db/password, file: a, provider: w}\n\
             - {vault: -v, item: --help, field: f, file: b, provider: w}\n\
             - {name: N, file: c, provider: l, fallback: w, fallback_name: op://Spare/key/f}\n",
        )
        .unwrap();
        let may = |provider, call: OpCall| is_named(&map, provider, &call);
        for call in [
            item("Prod", "db"),
            item("-v", "--help"),
            item("Spare", "key"),
            item(V, I),
            read("op://Prod/db/password"),
            read("op://Spare/key/f"),
        ] {
            assert!(may(1, call.clone()), "{call:?}");
        }
        for call in [
            OpCall::Items {
                vault: "Prod".into(),
            },
            OpCall::Items { vault: V.into() },
            item("Prod", "other"),
            item("Other", "db"),
            item(V, "db"),
            item("Prod", I),
            read("op://Prod/db/other"),
            read("op://Prod/db/password?attribute=otp"),
        ] {
            assert!(!may(1, call.clone()), "{call:?}");
        }
        // Another provider's.
        assert!(!may(2, item("Prod", "db")));
        assert!(!may(0, read("op://Prod/db/password")));
    }

    fn settings(account: Option<&str>) -> ProviderSettings {
        ProviderSettings::OnePassword {
            op: true,
            connect_host: None,
            account: account.map(str::to_owned),
            ca_file: None,
            allow_insecure_http: false,
        }
    }

    #[test]
    fn a_service_account_is_told_no_account_and_asks_no_desktop_app() {
        let of = settings(Some("my.1password.com"));
        let none = ProxySettings::default();
        let plain = spec(item("Prod", "db"), &of, false, &none).unwrap();
        assert_eq!(
            plain.args,
            [
                "item",
                "get",
                "--format=json",
                "--account=my.1password.com",
                "--vault=Prod",
                "db"
            ]
        );
        assert!(plain.inherits.contains(&"OP_ACCOUNT"));
        assert_eq!(plain.environment, [("OP_CACHE", "false".into())]);
        let with = spec(item("Prod", "db"), &of, true, &none).unwrap();
        assert_eq!(
            with.args,
            ["item", "get", "--format=json", "--vault=Prod", "db"]
        );
        assert!(!with.inherits.contains(&"OP_ACCOUNT"));
        assert_eq!(with.environment.len(), 3);
        let other = ProviderSettings::Local { file: "/v".into() };
        assert!(spec(item("Prod", "db"), &other, false, &none).is_none());
        assert!(spec(item("", "db"), &of, false, &none).is_none());
    }

    #[test]
    fn it_is_told_of_the_proxy_that_1password_is_reached_through() {
        let (proxy, _) = Proxy::parse("http://me:hunter2@proxy.example:3128").unwrap();
        let proxies = ProxySettings::new(Some(proxy), None, "localhost").unwrap();
        let spec = spec(item("Prod", "db"), &settings(None), false, &proxies).unwrap();
        assert_eq!(
            spec.environment,
            [
                ("OP_CACHE", "false".into()),
                ("HTTPS_PROXY", "http://proxy.example:3128".into()),
                ("NO_PROXY", "localhost".into()),
            ]
        );
    }
}

//! From root's process to the user's, by an exec: with the user's environment and no descriptor of
//! root's. From there on nothing of a mount runs as root.

use super::account::Account;
use crate::error::{CliError, Status};
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// What is passed on of root's environment: how to talk, and the way to the network. Everything else is
/// root's: its folders, its sessions, its credentials.
const KEPT: [&str; 14] = [
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "TERM",
    "NO_COLOR",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// Where programs are, for a user who has not logged in.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// Goes on as this user, under this name and with these arguments. It returns where that fails.
pub(super) fn go_on_as(account: &Account, name: &str, args: Vec<OsString>) -> CliError {
    let failed = |error: &std::io::Error| {
        CliError::new(
            Status::Other,
            format!("cannot become {}: {error}", account.name.display()),
            "see that this runs as root, outside of containers that forbid it",
        )
    };
    let mut command = Command::new("/proc/self/exe");
    command.arg0(name).args(args).env_clear();
    command.envs(environment(account, |name| std::env::var_os(name)));
    // Here, because the working folder may be one that the user cannot enter; the paths are absolute.
    if let Err(error) = std::env::set_current_dir("/") {
        return failed(&error);
    }
    if let Err(error) = account.assume() {
        return failed(&error);
    }
    failed(&command.exec())
}

/// What a login would have set, as far as it matters here.
fn environment(
    account: &Account,
    ours: impl Fn(&str) -> Option<OsString>,
) -> Vec<(&'static str, OsString)> {
    let mut environment: Vec<(&str, OsString)> = KEPT
        .into_iter()
        .filter_map(|name| Some((name, ours(name)?)))
        .collect();
    environment.extend([
        ("HOME", account.home.clone()),
        ("USER", account.name.clone()),
        ("LOGNAME", account.name.clone()),
        ("SHELL", account.shell.clone()),
        ("PATH", PATH.into()),
    ]);
    let runtime = PathBuf::from(format!("/run/user/{}", account.uid));
    let is_the_users = |path: &PathBuf| {
        std::fs::symlink_metadata(path).is_ok_and(|found| found.uid() == account.uid)
    };
    if is_the_users(&runtime) {
        let bus = runtime.join("bus");
        if is_the_users(&bus) {
            let mut address = OsString::from("unix:path=");
            address.push(OsStr::new(&bus));
            environment.push(("DBUS_SESSION_BUS_ADDRESS", address));
        }
        environment.push(("XDG_RUNTIME_DIR", runtime.into()));
    }
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_gets_a_users_environment_and_nothing_that_opens_anything() {
        let account = Account {
            name: "alice".into(),
            uid: 4_294_967_293,
            gid: 7,
            home: "/home/alice".into(),
            shell: "/bin/sh".into(),
        };
        let ours = |name: &str| {
            Some(match name {
                "LANG" => "de_DE.UTF-8".into(),
                name => OsString::from(format!("root's {name}")),
            })
        };
        let environment = environment(&account, ours);
        let get = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.to_str().unwrap())
        };
        assert_eq!(get("HOME"), Some("/home/alice"));
        assert_eq!(
            (get("USER"), get("LANG")),
            (Some("alice"), Some("de_DE.UTF-8"))
        );
        assert_eq!(get("XDG_RUNTIME_DIR"), None, "there is none");
        for (name, value) in &environment {
            let is_roots = value.to_str().unwrap().starts_with("root's");
            assert!(!is_roots || KEPT.contains(name), "{name}");
        }
        for word in [
            "TOKEN",
            "SECRET",
            "OP_",
            "INFISICAL",
            "AWS",
            "CREDENTIALS",
            "XDG",
            "DBUS",
        ] {
            assert!(!KEPT.iter().any(|kept| kept.contains(word)), "{word}");
        }
    }
}

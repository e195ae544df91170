//! `secretfs hook`: a shell's prompt sets the variables of the map that is found from the working folder,
//! while that map is mounted, and gives back what was there before when it is left. As direnv does, but
//! nothing of a folder is ever run: a folder that somebody else made does nothing until its map is mounted.

mod state;

use super::{Export, fish, is_name, path_bytes, posix};
use crate::args::HookArgs;
use crate::error::CliError;
use secretfs_mount_helper::control::client;
use state::Set;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// The shells that have a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum HookShell {
    /// `eval "$(secretfs hook bash)"` in ~/.bashrc
    Bash,
    /// `eval "$(secretfs hook zsh)"` in ~/.zshrc
    Zsh,
    /// `secretfs hook fish | source` in ~/.config/fish/config.fish
    Fish,
}

/// Runs the command.
pub(crate) fn run(args: &HookArgs) -> Result<(), CliError> {
    if !args.changes {
        return crate::output::print(match args.shell {
            HookShell::Bash => include_str!("bash.sh"),
            HookShell::Zsh => include_str!("zsh.zsh"),
            HookShell::Fish => include_str!("fish.fish"),
        });
    }
    let variable = |name: &str| std::env::var_os(name).map(OsStringExt::into_vec);
    let kept = std::env::var(state::VARIABLE).unwrap_or_default();
    // A map that is bad for a moment changes nothing, and a prompt is no place to say so.
    let Some(wanted) = wanted() else {
        return Ok(());
    };
    let (changes, after) = plan(&wanted, &state::parse(&kept), variable);
    crate::output::print(render(args.shell, &changes, &kept, &after))
}

/// The exports of the map that is found from here, if it is mounted; `None`: it cannot be told.
fn wanted() -> Option<Vec<Export>> {
    let mut running = client::all();
    running.retain(client::Found::is_running);
    if running.is_empty() {
        return Some(Vec::new());
    }
    let Some(found) = crate::map::discovered() else {
        return Some(Vec::new());
    };
    running.retain(|one| one.record.request.map == found.map);
    let places: Vec<PathBuf> = running
        .iter()
        .map(|it| it.mountpoint().to_owned())
        .collect();
    let usual = places
        .iter()
        .find(|place| found.mountpoint.as_ref() == Some(*place));
    let place = match (usual, places.as_slice()) {
        (Some(place), _) => place,
        (None, [only]) => only,
        // Not mounted, or at several places of which none is its own.
        _ => return Some(Vec::new()),
    };
    let exports = crate::map::exports(Some(&found.map), Some(place)).ok()?;
    let is_good = |export: &Export| is_name(&export.name) && export.path.is_absolute();
    exports.iter().all(is_good).then_some(exports)
}

/// A line for the shell.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    Set(String, Vec<u8>),
    Unset(String),
}

/// What has to change, and what is set then. A variable that the user has changed since is the user's.
fn plan(
    wanted: &[Export],
    kept: &[Set],
    variable: impl Fn(&str) -> Option<Vec<u8>>,
) -> (Vec<Change>, Vec<Set>) {
    let mut changes = Vec::new();
    let mut after = Vec::new();
    for set in kept {
        let is_ours = variable(&set.name).as_ref() == Some(&set.value);
        match wanted.iter().find(|export| export.name == set.name) {
            None if is_ours => changes.push(match &set.before {
                Some(before) => Change::Set(set.name.clone(), before.clone()),
                None => Change::Unset(set.name.clone()),
            }),
            None => {}
            Some(export) if is_ours => {
                let value = path_bytes(&export.path).to_vec();
                if value != set.value {
                    changes.push(Change::Set(set.name.clone(), value.clone()));
                }
                after.push(Set {
                    value,
                    ..set.clone()
                });
            }
            Some(_) => after.push(set.clone()),
        }
    }
    for export in wanted {
        if after.iter().any(|set| set.name == export.name) {
            continue;
        }
        let value = path_bytes(&export.path).to_vec();
        let before = variable(&export.name);
        if before.as_ref() != Some(&value) {
            changes.push(Change::Set(export.name.clone(), value.clone()));
        }
        after.push(Set {
            name: export.name.clone(),
            value,
            before,
        });
    }
    (changes, after)
}

/// All lines, or none where one cannot be written.
fn render(shell: HookShell, changes: &[Change], kept: &str, after: &[Set]) -> Vec<u8> {
    let mut out = Vec::new();
    let set = match shell {
        HookShell::Bash | HookShell::Zsh => posix::line,
        HookShell::Fish => fish::line,
    };
    let unset = |name: &str| match shell {
        HookShell::Bash | HookShell::Zsh => format!("unset {name}\n"),
        HookShell::Fish => format!("set -eg {name}\n"),
    };
    for change in changes {
        match change {
            Change::Set(name, value) => {
                if set(&mut out, name, value).is_err() {
                    return Vec::new();
                }
            }
            Change::Unset(name) => out.extend_from_slice(unset(name).as_bytes()),
        }
    }
    let text = state::print(after);
    if text != kept {
        if text.is_empty() {
            out.extend_from_slice(unset(state::VARIABLE).as_bytes());
        } else if set(&mut out, state::VARIABLE, text.as_bytes()).is_err() {
            return Vec::new();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// A shell that obeys.
    #[derive(Default)]
    struct Simulated {
        variables: BTreeMap<String, Vec<u8>>,
        kept: Vec<Set>,
    }

    impl Simulated {
        fn prompt(&mut self, wanted: &[(&str, &str)]) -> usize {
            let wanted: Vec<_> = wanted
                .iter()
                .map(|(name, path)| Export {
                    name: (*name).to_owned(),
                    path: (*path).into(),
                })
                .collect();
            let (changes, after) = plan(&wanted, &self.kept, |name| {
                self.variables.get(name).cloned()
            });
            for change in &changes {
                match change {
                    Change::Set(name, value) => self.variables.insert(name.clone(), value.clone()),
                    Change::Unset(name) => self.variables.remove(name),
                };
            }
            self.kept = after;
            changes.len()
        }

        fn put(&mut self, name: &str, value: &str) {
            self.variables.insert(name.to_owned(), value.into());
        }

        fn get(&self, name: &str) -> Option<&str> {
            self.variables
                .get(name)
                .map(|it| std::str::from_utf8(it).expect("text"))
        }
    }

    #[test]
    fn what_was_there_comes_back_and_nothing_is_said_where_nothing_changes() {
        let mut shell = Simulated::default();
        shell.put("A", "mine");
        assert_eq!(shell.prompt(&[("A", "/m/a"), ("B", "/m/b")]), 2);
        assert_eq!(
            (shell.get("A"), shell.get("B")),
            (Some("/m/a"), Some("/m/b"))
        );
        assert_eq!(shell.prompt(&[("A", "/m/a"), ("B", "/m/b")]), 0);
        // Into another map's folder at once.
        assert_eq!(shell.prompt(&[("A", "/n/a")]), 2);
        assert_eq!((shell.get("A"), shell.get("B")), (Some("/n/a"), None));
        assert_eq!(shell.prompt(&[]), 1);
        assert_eq!(shell.get("A"), Some("mine"));
        assert!(shell.kept.is_empty());
    }

    #[test]
    fn what_the_user_has_changed_since_is_the_user_s() {
        let mut shell = Simulated::default();
        shell.prompt(&[("A", "/m/a")]);
        shell.put("A", "own");
        assert_eq!(shell.prompt(&[("A", "/m/a")]), 0);
        assert_eq!(shell.prompt(&[]), 0);
        assert_eq!(shell.get("A"), Some("own"));
        // Exported by other means before: it stays after.
        shell.put("A", "/m/a");
        assert_eq!(shell.prompt(&[("A", "/m/a")]), 0);
        assert_eq!(shell.prompt(&[]), 1);
        assert_eq!(shell.get("A"), Some("/m/a"));
    }

    #[test]
    fn a_shell_is_told_in_its_own_words() {
        let changes = [
            Change::Set("A".into(), b"/m/a b'".to_vec()),
            Change::Unset("B".into()),
        ];
        let after = [Set {
            name: "A".into(),
            value: b"/x".to_vec(),
            before: None,
        }];
        let told = |shell| String::from_utf8(render(shell, &changes, "", &after)).expect("text");
        assert_eq!(
            told(HookShell::Bash),
            "export A='/m/a b'\\'''\nunset B\nexport __SECRETFS_HOOK='A=2f78.-'\n"
        );
        assert_eq!(
            told(HookShell::Fish),
            "set -gx A '/m/a b\\''\nset -eg B\nset -gx __SECRETFS_HOOK 'A=2f78.-'\n"
        );
        assert_eq!(render(HookShell::Zsh, &[], "A=2f78.-", &after), b"");
        assert_eq!(
            render(HookShell::Zsh, &[], "A=2f78.-", &[]),
            b"unset __SECRETFS_HOOK\n"
        );
    }
}

//! From the names of secrets to entries of a map: a file name for each, and the variable that tools
//! look for where a secret is plainly one of their files.

use super::entry::Entry;
use std::collections::BTreeSet;

/// Secrets that are the files of well-known tools: name, file, variable. What stands in them between
/// `${` and `}` is the tool's own, so references are not expanded.
const KNOWN: [(&str, &str, &str); 8] = [
    ("KUBECONFIG", "kubeconfig", "KUBECONFIG"),
    ("KUBE_CONFIG", "kubeconfig", "KUBECONFIG"),
    (
        "GOOGLE_APPLICATION_CREDENTIALS",
        "google-credentials.json",
        "GOOGLE_APPLICATION_CREDENTIALS",
    ),
    (
        "AWS_SHARED_CREDENTIALS_FILE",
        "aws-credentials",
        "AWS_SHARED_CREDENTIALS_FILE",
    ),
    ("NPMRC", "npmrc", "NPM_CONFIG_USERCONFIG"),
    ("PGPASS", "pgpass", "PGPASSFILE"),
    ("PGPASSFILE", "pgpass", "PGPASSFILE"),
    ("NETRC", "netrc", "NETRC"),
];

/// All of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) entries: Vec<Entry>,
    /// Names that no file can have.
    pub(super) left_out: Vec<String>,
}

/// Entries for secrets, each a folder and a name; files are placed below `base`. `fits`: whether the map
/// takes such an entry, which nobody knows better than the map.
pub(super) fn of(secrets: &[(String, String)], base: &str, fits: impl Fn(&Entry) -> bool) -> Draft {
    let mut draft = Draft::default();
    let mut folders = BTreeSet::new();
    for (path, _) in secrets {
        let mut at = below(path, base);
        while !at.is_empty() {
            folders.insert(at.to_owned());
            at = at.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }
    let mut files = BTreeSet::new();
    let mut variables = BTreeSet::new();
    for (path, name) in secrets {
        let folder = below(path, base);
        // No folder can be made of a name, or two secrets could want one place.
        if name.contains('/') {
            draft.left_out.push(name.clone());
            continue;
        }
        let known = KNOWN.iter().find(|(known, ..)| known == name);
        let known = known.filter(|(_, _, env)| variables.insert(*env));
        let component = known.map_or(name.as_str(), |(_, file, _)| file);
        let mut file = match folder {
            "" => component.to_owned(),
            folder => format!("{folder}/{component}"),
        };
        // A secret may have the name of a folder beside it; a file may not.
        while folders.contains(&file) || files.contains(&file) {
            file.push_str(".value");
        }
        let env = known.map(|(_, _, env)| (*env).to_owned());
        let entry = Entry {
            is_literal: env.is_some(),
            env,
            ..Entry::secret(name, path, file)
        };
        if fits(&entry) {
            files.insert(entry.file.clone());
            draft.entries.push(entry);
        } else {
            draft.left_out.push(name.clone());
        }
    }
    draft
}

/// Whether tools take a path from the variable of this name.
pub(super) fn is_path_variable(name: &str) -> bool {
    let is_known = KNOWN.iter().any(|(_, _, env)| *env == name);
    is_known || name.ends_with("_FILE") || name.ends_with("_PATH")
}

fn below<'a>(path: &'a str, base: &str) -> &'a str {
    let rest = path.strip_prefix(base.trim_end_matches('/'));
    rest.unwrap_or(path).trim_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secretfs_fs::map::Source;
    use secretfs_providers::Reference;
    use std::path::Path;

    fn secrets(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter()
            .map(|(path, name)| ((*path).to_owned(), (*name).to_owned()))
            .collect()
    }

    const HEAD: &str = "providers:\n  i: {type: infisical, project_id: p}\nsecrets:\n";

    fn of(secrets: &[(String, String)], base: &str) -> Draft {
        super::of(secrets, base, |entry| {
            let text = format!("{HEAD}{}", entry.yaml());
            secretfs_fs::map::parse(&text, Path::new("/m.yml"), None).is_ok()
        })
    }

    fn yaml(draft: &Draft) -> String {
        draft.entries.iter().map(Entry::yaml).collect()
    }

    #[test]
    fn a_secret_becomes_a_file_of_its_name_below_the_folder_that_was_asked_for() {
        let draft = of(
            &secrets(&[("/a", "A"), ("/a/b", "B"), ("/a/b", "KUBE_CONFIG")]),
            "/a",
        );
        assert_eq!(
            yaml(&draft),
            "  - name: A\n    path: /a\n    file: A\n\
             \x20 - name: B\n    path: /a/b\n    file: b/B\n\
             \x20 - name: KUBE_CONFIG\n    path: /a/b\n    file: b/kubeconfig\n    \
             env: KUBECONFIG\n    expand_references: false\n"
        );
    }

    #[test]
    fn two_that_would_be_one_file_or_one_variable_are_told_apart() {
        let draft = of(
            &secrets(&[
                ("/", "KUBECONFIG"),
                ("/", "KUBE_CONFIG"),
                ("/", "a"),
                ("/a", "X"),
            ]),
            "/",
        );
        let files: Vec<_> = draft
            .entries
            .iter()
            .map(|entry| entry.file.as_str())
            .collect();
        assert_eq!(files, ["kubeconfig", "KUBE_CONFIG", "a.value", "a/X"]);
        let variables: Vec<_> = draft
            .entries
            .iter()
            .map(|entry| entry.env.as_deref())
            .collect();
        assert_eq!(variables, [Some("KUBECONFIG"), None, None, None]);
    }

    #[test]
    fn what_no_file_can_be_called_is_left_out_and_told() {
        let draft = of(&secrets(&[("/", ".."), ("/", "a\nb"), ("/", "B")]), "/");
        assert_eq!(draft.left_out, ["..", "a\nb"]);
        assert_eq!(draft.entries.len(), 1);
    }

    proptest! {
        #[test]
        fn whatever_names_there_are_the_draft_is_a_good_map_of_them(
            found in prop::collection::btree_set(("(/[a-z]{1,3}){0,2}", "\\PC{1,12}|[ -~]{1,8}"), 1..12)
        ) {
            let found: Vec<(String, String)> = found
                .into_iter()
                .map(|(path, name)| (if path.is_empty() { "/".to_owned() } else { path }, name))
                .collect();
            let draft = of(&found, "/");
            prop_assume!(!draft.entries.is_empty());
            let text = format!("{HEAD}{}", yaml(&draft));
            let map = secretfs_fs::map::parse(&text, Path::new("/m.yml"), None);
            let map = map.map_err(|error| TestCaseError::fail(format!("{error:?}\n{text}")))?;
            let named: Vec<_> = map
                .entries()
                .iter()
                .map(|entry| match &entry.source {
                    Source::Secret(Reference::Infisical(of)) => (of.path.clone(), of.name.clone()),
                    other => panic!("{other:?}"),
                })
                .collect();
            let kept: Vec<_> = found
                .into_iter()
                .filter(|(_, name)| !draft.left_out.contains(name))
                .collect();
            prop_assert_eq!(named, kept);
        }
    }
}

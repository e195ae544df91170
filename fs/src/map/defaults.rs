//! What a map of Infisical may leave out, because the `infisical` program would find it elsewhere
//! (contract infisical.md §7): in the environment of the command, and in the `.infisical.json` that
//! `infisical init` has written beside the map or above it. The environment comes first, as there.
//!
//! The file comes with a repository, like the map, and says no more than a map may: its `domain` is
//! not read at all, because a credential follows it.

use super::load;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The file that is looked for.
const FILE: &str = ".infisical.json";
/// The most bytes of it, and of what git says of its branch.
const LONGEST: u64 = 64 << 10;

/// What stands in for what the map does not say. No secret is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Defaults {
    /// INFISICAL_DOMAIN, or INFISICAL_API_URL: for `site_url:`.
    pub site_url: Option<String>,
    /// INFISICAL_PROJECT_ID: for `project_id:`.
    pub project_id: Option<String>,
    /// INFISICAL_ENVIRONMENT: for `environment:`.
    pub environment: Option<String>,
    /// INFISICAL_SECRET_PATH: for `path:`.
    pub path: Option<String>,
    /// INFISICAL_MACHINE_IDENTITY_ID: for `identity_id:`.
    pub identity_id: Option<String>,
    /// INFISICAL_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH: for `jwt_file:`.
    pub jwt_file: Option<String>,
    /// Of the file, looked for anew whenever the map is read.
    #[serde(skip)]
    pub(super) project: Option<Project>,
}

/// What an `.infisical.json` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Project {
    pub(super) id: String,
    pub(super) environment: Option<String>,
    pub(super) path: Option<String>,
}

impl Defaults {
    /// From variables; empty ones are none.
    #[must_use]
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&str]| {
            let texts = names.iter().filter_map(|name| variable(name));
            texts
                .map(|text| text.trim().to_owned())
                .find(|text| !text.is_empty())
        };
        let site = first(&["INFISICAL_DOMAIN", "INFISICAL_API_URL"]);
        // The API below it is ours to add.
        let site = site.map(|site| {
            let site = site.trim_end_matches('/');
            site.strip_suffix("/api").unwrap_or(site).to_owned()
        });
        Self {
            site_url: site,
            project_id: first(&["INFISICAL_PROJECT_ID"]),
            environment: first(&["INFISICAL_ENVIRONMENT"]),
            path: first(&["INFISICAL_SECRET_PATH"]),
            identity_id: first(&["INFISICAL_MACHINE_IDENTITY_ID"]),
            jwt_file: first(&["INFISICAL_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH"]),
            project: None,
        }
    }

    /// With what the file nearest to the map says. It has to be somebody's that the map could be of;
    /// one that is not, or that cannot be read, says nothing.
    #[must_use]
    pub fn beside(mut self, map: &Path, home: Option<&Path>, uid: u32) -> Self {
        let folder = map.parent().unwrap_or(Path::new("/"));
        self.project = nearest(folder, home, |folder| folder.join(FILE))
            .and_then(|file| Some((load::small(&file, uid, LONGEST)?, file)))
            .and_then(|(text, file)| read(&text, file.parent()?, home));
        self
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(default)]
    workspace_id: String,
    #[serde(default)]
    default_environment: Option<String>,
    #[serde(default)]
    default_secret_path: Option<String>,
    #[serde(default)]
    git_branch_to_environment_mapping: Option<BTreeMap<String, String>>,
}

fn read(text: &str, folder: &Path, home: Option<&Path>) -> Option<Project> {
    let file: File = serde_json::from_str(text).ok()?;
    let set = |text: Option<String>| text.filter(|text| !text.is_empty());
    // The branch's environment comes before the default one.
    let of_branch = file
        .git_branch_to_environment_mapping
        .filter(|mapping| !mapping.is_empty())
        .and_then(|mut mapping| mapping.remove(&branch(folder, home)?));
    (!file.workspace_id.is_empty()).then(|| Project {
        id: file.workspace_id,
        environment: set(of_branch).or(set(file.default_environment)),
        path: set(file.default_secret_path),
    })
}

/// The branch that is checked out, without asking git: a repository can say which program that runs.
fn branch(folder: &Path, home: Option<&Path>) -> Option<String> {
    let git = nearest(folder, home, |folder| folder.join(".git"))?;
    let head = match text(&git) {
        // Of a work tree: `gitdir: PATH`.
        Some(link) => {
            let folder = PathBuf::from(link.strip_prefix("gitdir:")?.trim());
            git.parent()?.join(folder).join("HEAD")
        }
        None => git.join("HEAD"),
    };
    let branch = text(&head)?;
    let branch = branch.trim().strip_prefix("ref: refs/heads/")?;
    Some(branch.to_owned())
}

/// The short text of a regular file.
fn text(file: &Path) -> Option<String> {
    let is_file = std::fs::metadata(file).is_ok_and(|about| about.is_file());
    let file = is_file.then(|| std::fs::File::open(file).ok())??;
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The first of these that is there, upwards to the home folder or the root.
fn nearest(folder: &Path, home: Option<&Path>, of: impl Fn(&Path) -> PathBuf) -> Option<PathBuf> {
    for folder in folder.ancestors() {
        let file = of(folder);
        if file.exists() {
            return Some(file);
        }
        if home == Some(folder) {
            break;
        }
    }
    None
}

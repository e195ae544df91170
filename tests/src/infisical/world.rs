//! What the server holds: projects, environments, folders, secrets.

use super::ids::Ids;
use std::collections::BTreeMap;
use std::time::Duration;

/// Everything.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) projects: Vec<Project>,
}

#[derive(Debug)]
pub(super) struct Project {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) environments: Vec<Environment>,
}

#[derive(Debug)]
pub(super) struct Environment {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) slug: String,
    /// By path; `/` is always there.
    pub(super) folders: BTreeMap<String, Folder>,
}

#[derive(Debug)]
pub(super) struct Folder {
    pub(super) id: String,
    pub(super) updated: Duration,
    /// In the order of their ids: "unspecified, not alphabetical, but stable" (contract §3).
    pub(super) secrets: Vec<Secret>,
    /// In the order of their positions: the last wins (contract §4).
    pub(super) imports: Vec<Import>,
}

/// A folder that another one shows as its own.
#[derive(Debug, Clone)]
pub(super) struct Import {
    pub(super) id: String,
    pub(super) environment: String,
    pub(super) path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Shared,
    Personal,
}

#[derive(Debug, Clone)]
pub(super) struct Secret {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) kind: Kind,
    pub(super) comment: String,
    pub(super) created: Duration,
    /// All of its versions, the first is number 1.
    pub(super) versions: Vec<Version>,
    /// Shown as `<hidden-by-infisical>` whatever is asked for.
    pub(super) is_hidden: bool,
    pub(super) skips_multiline_encoding: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) value: String,
    pub(super) updated: Duration,
}

impl World {
    pub(super) fn project(&self, id: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.id == id)
    }

    pub(super) fn project_by_slug(&self, slug: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.slug == slug)
    }

    pub(super) fn environment_mut(
        &mut self,
        project: &str,
        slug: &str,
    ) -> Option<&mut Environment> {
        let project = self.projects.iter_mut().find(|p| p.id == project)?;
        project.environments.iter_mut().find(|e| e.slug == slug)
    }
}

impl Project {
    pub(super) fn environment(&self, slug: &str) -> Option<&Environment> {
        self.environments.iter().find(|e| e.slug == slug)
    }

    pub(super) fn folder(&self, environment: &str, path: &str) -> Option<&Folder> {
        self.environment(environment)?.folders.get(path)
    }

    /// Adds an environment with its root folder.
    pub(super) fn add_environment(&mut self, slug: &str, ids: &mut Ids, now: Duration) {
        let mut environment = Environment {
            id: ids.next(),
            name: slug.to_owned(),
            slug: slug.to_owned(),
            folders: BTreeMap::new(),
        };
        environment.make("/", ids, now);
        self.environments.push(environment);
    }
}

impl Environment {
    /// The folder of that path, made with those above it where it is missing.
    pub(super) fn make(&mut self, path: &str, ids: &mut Ids, now: Duration) -> &mut Folder {
        assert!(path.starts_with('/'), "{path:?}: a folder starts with /");
        if let Some((above, _)) = path.rsplit_once('/').filter(|_| path != "/") {
            self.make(if above.is_empty() { "/" } else { above }, ids, now);
        }
        self.folders
            .entry(path.to_owned())
            .or_insert_with(|| Folder {
                id: ids.next(),
                updated: now,
                secrets: Vec::new(),
                imports: Vec::new(),
            })
    }
}

impl Folder {
    pub(super) fn secret(&self, key: &str, kind: Kind) -> Option<&Secret> {
        let is = |secret: &&Secret| secret.key == key && secret.kind == kind;
        self.secrets.iter().find(is)
    }

    pub(super) fn secret_mut(&mut self, key: &str, kind: Kind) -> Option<&mut Secret> {
        let is = |secret: &&mut Secret| secret.key == key && secret.kind == kind;
        self.secrets.iter_mut().find(is)
    }

    /// Creates, or makes another version, as a write through the API does.
    pub(super) fn write(
        &mut self,
        key: &str,
        kind: Kind,
        value: &str,
        ids: &mut Ids,
        now: Duration,
    ) -> &mut Secret {
        let version = Version {
            value: trimmed(value),
            updated: now,
        };
        self.updated = now;
        let at = match self
            .secrets
            .iter()
            .position(|s| s.key == key && s.kind == kind)
        {
            // Another version even of the same value (contract §4).
            Some(at) => at,
            None => {
                let id = ids.next();
                let at = self.secrets.partition_point(|secret| secret.id < id);
                let fresh = Secret {
                    id,
                    key: key.to_owned(),
                    kind,
                    comment: String::new(),
                    created: now,
                    versions: Vec::new(),
                    is_hidden: false,
                    skips_multiline_encoding: false,
                };
                self.secrets.insert(at, fresh);
                at
            }
        };
        let secret = &mut self.secrets[at];
        secret.versions.push(version);
        secret
    }

    pub(super) fn delete(&mut self, key: &str, now: Duration) -> bool {
        let before = self.secrets.len();
        self.secrets.retain(|secret| secret.key != key);
        self.updated = now;
        self.secrets.len() < before
    }
}

impl Secret {
    pub(super) fn latest(&self) -> &Version {
        self.versions.last().expect("a secret has a version")
    }
}

/// The rule of every write (contract §4): leading blanks never survive, one final newline does.
fn trimmed(value: &str) -> String {
    let trimmed = value.trim();
    if value.ends_with('\n') {
        format!("{trimmed}\n")
    } else {
        trimmed.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::trimmed;

    #[test]
    fn values_are_trimmed_when_they_are_written_as_captured() {
        for (written, read) in [
            ("", ""),
            ("h\u{e9}llo \u{1f511}\n", "h\u{e9}llo \u{1f511}\n"),
            ("two newlines\n\n", "two newlines\n"),
            ("   x   ", "x"),
            ("line1\r\nline2\r\n", "line1\r\nline2\n"),
            ("a\0b", "a\0b"),
        ] {
            assert_eq!(trimmed(written), read);
        }
    }
}

//! The routes of both versions. Every boolean is written out: v3 and v4 have different defaults, and
//! two routers of v4 call the same thing `include_imports` and `includeImports` (contract §3).

use super::Reference;
use super::provider::Settings;
use crate::reference::FolderReference;

/// Which routes a server has. Found out once, by asking for v4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// `/api/v3/secrets/raw`
    V3,
    /// `/api/v4/secrets`
    V4,
}

impl Version {
    fn secrets(self) -> Vec<&'static str> {
        match self {
            Self::V3 => vec!["api", "v3", "secrets", "raw"],
            Self::V4 => vec!["api", "v4", "secrets"],
        }
    }
}

/// The most bytes of an encoded name that goes into a path. Fastify answers longer parameters with
/// "Route … not found" (its `maxParamLength` of 100), as if the server were another one.
const MAX_PATH_NAME: usize = 100;

/// A request's place and query.
#[derive(Debug)]
pub(super) struct Route<'a> {
    pub(super) path: Vec<&'a str>,
    pub(super) query: Vec<(&'static str, &'a str)>,
}

/// Whether a name can be asked for by itself. The others are in the list alone: `..` is normalised
/// away by every client, encoded or not.
pub(super) fn has_route(name: &str) -> bool {
    let encoded: usize = name
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { 1 } else { 3 })
        .sum();
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0']) && encoded <= MAX_PATH_NAME
}

fn truth(is: bool) -> &'static str {
    if is { "true" } else { "false" }
}

/// Where secrets are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folder<'a> {
    pub(super) environment: &'a str,
    pub(super) path: &'a str,
    /// Whether references inside values are expanded.
    pub(super) expand: bool,
}

impl<'a> Folder<'a> {
    /// The folder that a secret is in.
    pub(super) fn of(secret: &'a Reference) -> Self {
        Self {
            environment: &secret.environment,
            path: &secret.path,
            expand: secret.expand_references,
        }
    }
}

/// Whose value of a secret is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Everybody's.
    Shared,
    /// The user's own.
    Personal,
}

/// Whether a list is one of values, or of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Values,
    Names,
}

impl Settings {
    /// A folder of the map, with what the map leaves to the provider.
    pub(super) fn folder<'a>(&'a self, of: &'a FolderReference) -> Folder<'a> {
        Folder {
            environment: of.environment.as_deref().unwrap_or(&self.environment),
            path: &of.path,
            expand: of.expand_references.unwrap_or(self.expand_references),
        }
    }

    /// One secret.
    pub(super) fn single<'a>(
        &'a self,
        version: Version,
        of: Folder<'a>,
        name: &'a str,
        whose: Whose,
    ) -> Route<'a> {
        let mut path = version.secrets();
        path.push(name);
        let mut query = self.place(version, of.environment, of.path);
        let whose = match whose {
            Whose::Shared => "shared",
            Whose::Personal => "personal",
        };
        query.push(("type", whose));
        query.push(("viewSecretValue", "true"));
        query.extend(self.view(of.expand));
        Route { path, query }
    }

    /// The secrets of one folder; never of those below it: a recursive list does not say which of
    /// them has an import (contract §4).
    pub(super) fn list<'a>(&'a self, version: Version, of: Folder<'a>, what: What) -> Route<'a> {
        let mut query = self.place(version, of.environment, of.path);
        query.push(("recursive", "false"));
        query.push(("viewSecretValue", truth(what == What::Values)));
        query.extend(self.view(of.expand && what == What::Values));
        if version == Version::V4 {
            query.push(("includePersonalOverrides", truth(self.personal)));
        }
        Route {
            path: version.secrets(),
            query,
        }
    }

    /// Project, environment and folder.
    fn place<'a>(
        &'a self,
        version: Version,
        environment: &'a str,
        path: &'a str,
    ) -> Vec<(&'static str, &'a str)> {
        let project = match (version, &self.project_id, &self.project_slug) {
            (Version::V4, Some(id), _) => ("projectId", id.as_str()),
            (_, Some(id), _) => ("workspaceId", id.as_str()),
            (_, None, Some(slug)) => ("workspaceSlug", slug.as_str()),
            (_, None, None) => ("workspaceId", ""),
        };
        vec![project, ("environment", environment), ("secretPath", path)]
    }

    fn view(&self, expand: bool) -> [(&'static str, &'static str); 3] {
        let imports = truth(self.include_imports);
        [
            ("expandSecretReferences", truth(expand)),
            ("include_imports", imports),
            ("includeImports", imports),
        ]
    }

    /// What is asked for first: v4 knows projects by their id alone, and v3 is still there.
    pub(super) fn first_version(&self) -> Version {
        match self.project_id {
            Some(_) => Version::V4,
            None => Version::V3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_path_can_carry_are_left_to_the_list() {
        for name in [
            "A",
            "a-b_c",
            "-rf",
            "$x",
            "h\u{e9}llo",
            "a\nb",
            &"N".repeat(100),
        ] {
            assert!(has_route(name), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "a\0b",
            &"N".repeat(101),
            &"\u{1f511}".repeat(9),
        ] {
            assert!(!has_route(name), "{name}");
        }
    }
}

//! The routes of both versions. Every boolean is written out: v3 and v4 have different defaults, and
//! two routers of v4 call the same thing `include_imports` and `includeImports` (contract §3).

use super::Reference;
use super::provider::Settings;

/// Which routes a server has. Found out once, by asking for v4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// `/api/v3/secrets/raw`
    V3,
    /// `/api/v4/secrets`
    V4,
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

impl Settings {
    /// The one secret.
    pub(super) fn single<'a>(&'a self, version: Version, of: &'a Reference) -> Route<'a> {
        let mut path = match version {
            Version::V3 => vec!["api", "v3", "secrets", "raw"],
            Version::V4 => vec!["api", "v4", "secrets"],
        };
        path.push(&of.name);
        let mut query = self.place(version, &of.environment, &of.path);
        query.push(("type", "shared"));
        query.extend(self.view(of.expand_references));
        Route { path, query }
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

    fn view(&self, expand: bool) -> [(&'static str, &'static str); 4] {
        let imports = truth(self.include_imports);
        [
            ("viewSecretValue", "true"),
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

//! What there is instead of what is missing: the nearest name, the folders, the environments. Asked for
//! a person who runs `check --online`, never while a file is opened.

use super::api::Folder;
use super::call::Call;
use super::refusal::Refusal;
use crate::error::{ErrorKind, ProviderError};
use crate::nearest::{list, nearest};
use serde::Deserialize;

/// The most bytes of an answer about projects or folders.
const MAX_BODY: usize = 256 << 10;

/// A project, by id or by slug; the envelope differs between routes (contract §3).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Project {
    id: Option<String>,
    environments: Vec<Named>,
}

#[derive(Debug, Deserialize)]
struct Enveloped {
    #[serde(alias = "project")]
    workspace: Project,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
    slug: String,
}

#[derive(Debug, Deserialize)]
struct Folders {
    folders: Vec<Named>,
}

impl Call<'_> {
    /// Instead of a secret that is missing.
    pub(super) async fn instead_of_secret(&self, name: &str, folder: Folder<'_>) -> Option<String> {
        match Box::pin(self.names(folder)).await {
            Ok(names) if names.is_empty() => Some("the folder is empty".to_owned()),
            Ok(names) => {
                let names = names.iter().map(String::as_str);
                Some(match nearest(name, names.clone()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the folder has {}", list(names)),
                })
            }
            Err(error) if error.kind == ErrorKind::Missing => self.instead_of_folder(folder).await,
            Err(_) => None,
        }
    }

    /// Instead of a folder that is missing, or of its environment.
    pub(super) async fn instead_of_folder(&self, folder: Folder<'_>) -> Option<String> {
        let project = self.project().await.ok()??;
        let slugs = project.environments.iter().map(|it| it.slug.as_str());
        if !slugs.clone().any(|slug| slug == folder.environment) {
            let there = list(slugs.clone());
            return Some(match nearest(folder.environment, slugs) {
                Some(near) => format!(
                    "there is no environment `{}`; did you mean `{near}`? There are {there}",
                    folder.environment
                ),
                None => format!(
                    "there is no environment `{}`; there are {there}",
                    folder.environment
                ),
            });
        }
        let id = project.id.or_else(|| self.of.settings.project_id.clone())?;
        self.missing_part(&id, folder).await
    }

    /// Walks down to the first part of the path that is not there.
    async fn missing_part(&self, id: &str, folder: Folder<'_>) -> Option<String> {
        if !folder.path.starts_with('/') {
            return Some("a path starts with `/`".to_owned());
        }
        let mut above = String::from("/");
        for part in folder.path.split('/').filter(|part| !part.is_empty()) {
            let query = [
                ("workspaceId", id),
                ("environment", folder.environment),
                ("path", above.as_str()),
            ];
            let path = ["api", "v1", "folders"];
            let found: Folders = self.small(&path, &query).await.ok()??;
            let names = found.folders.iter().map(|it| it.name.as_str());
            if !names.clone().any(|name| name == part) {
                return Some(match (nearest(part, names.clone()), found.folders.len()) {
                    (Some(near), _) => {
                        format!("`{above}` has no folder `{part}`; did you mean `{near}`?")
                    }
                    (None, 0) => format!("`{above}` has no folders"),
                    (None, _) => format!("`{above}` has no folder `{part}`, but {}", list(names)),
                });
            }
            if !above.ends_with('/') {
                above.push('/');
            }
            above.push_str(part);
        }
        None
    }

    /// The names of the folders in a folder; of one that is not there, none (contract §3).
    pub(super) async fn folders(&self, of: Folder<'_>) -> Result<Vec<String>, ProviderError> {
        let id = match self.of.settings.project_id.clone() {
            Some(id) => id,
            None => {
                let project = self.project().await?.and_then(|project| project.id);
                project.ok_or_else(|| self.about_folder(&Refusal::Missing, of))?
            }
        };
        let query = [
            ("workspaceId", id.as_str()),
            ("environment", of.environment),
            ("path", of.path),
        ];
        let found: Option<Folders> = self.small(&["api", "v1", "folders"], &query).await?;
        let found = found.map_or_else(Vec::new, |found| found.folders);
        Ok(found.into_iter().map(|it| it.name).collect())
    }

    async fn project(&self) -> Result<Option<Project>, ProviderError> {
        let settings = &self.of.settings;
        let Some(id) = &settings.project_id else {
            let slug = settings.project_slug.as_deref().unwrap_or_default();
            return self.small(&["api", "v2", "workspace", slug], &[]).await;
        };
        // Servers are about to call it a project.
        for route in ["workspace", "projects"] {
            let found: Option<Enveloped> = self.small(&["api", "v1", route, id], &[]).await?;
            if let Some(found) = found {
                return Ok(Some(found.workspace));
            }
        }
        Ok(None)
    }

    /// A small answer; `None`: it is not there, or may not be seen.
    async fn small<T: serde::de::DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<T>, ProviderError> {
        match Box::pin(self.get(path, query, None)).await? {
            Ok(mut response) => {
                let body = response.small(MAX_BODY).await?;
                Ok(serde_json::from_slice(&body).ok())
            }
            Err(
                Refusal::NoRoute
                | Refusal::Missing
                | Refusal::MissingSecret
                | Refusal::MissingFolder
                | Refusal::Denied,
            ) => Ok(None),
            Err(refusal) => Err(self.failed(&refusal, "look at folders")),
        }
    }
}

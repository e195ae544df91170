//! Folders, and what they import. Names of folders are shown to every member (contract §3).

use super::accounts::Actor;
use super::asked::Asked;
use super::place::{checked_path, no_project};
use super::refusal::{Refusal, required};
use super::site::Site;
use super::time::iso;
use super::world::{Folder, Project};
use crate::http_sim::Answer;
use serde::Serialize;

#[derive(Serialize)]
struct Folders {
    folders: Vec<Shown>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    id: String,
    name: String,
    version: u32,
    parent_id: Option<String>,
    updated_at: String,
    last_secret_modified: String,
    description: Option<String>,
    is_reserved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    relative_path: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Imports {
    message: &'static str,
    secret_imports: Vec<Imported>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Imported {
    id: String,
    version: u32,
    import_path: String,
    import_env: ImportEnvironment,
    position: usize,
}

#[derive(Serialize)]
struct ImportEnvironment {
    name: String,
    slug: String,
    id: String,
}

impl Site {
    pub(super) fn folders(
        &mut self,
        asked: &mut Asked<'_>,
        actor: &Actor,
    ) -> Result<Answer, Refusal> {
        asked.knows_only(&["workspaceId", "environment", "path", "recursive"]);
        let is_recursive = match asked.request.parameter("recursive") {
            Some(_) => asked.truth("recursive", false)?,
            None => false,
        };
        let (project, environment, path) = self.folder_of(asked)?;
        self.role(actor, &project.id)?;
        let found = project.environment(&environment);
        let environment = found.ok_or_else(|| {
            Refusal::not_found(format!(
                "Environment with slug '{environment}' in project with ID {} not found",
                project.id
            ))
        })?;
        let parent = environment.folders.get(&path).map(|folder| &folder.id);
        let start = if path == "/" { "" } else { path.as_str() };
        let mut folders = Vec::new();
        for (at, folder) in &environment.folders {
            // An unknown folder has nothing below it: an empty list, and no error.
            let below = at
                .strip_prefix(start)
                .and_then(|rest| rest.strip_prefix('/'));
            let Some(relative) = below.filter(|name| !name.is_empty()) else {
                continue;
            };
            let (above, name) = at.rsplit_once('/').unwrap_or(("", at));
            if relative == name {
                folders.push(shown(folder, name, parent.cloned(), is_recursive, relative));
            } else if is_recursive {
                let above = environment
                    .folders
                    .get(above)
                    .map(|folder| folder.id.clone());
                folders.push(shown(folder, name, above, is_recursive, relative));
            }
        }
        Ok(Answer::json(200, &Folders { folders }))
    }

    pub(super) fn imports(
        &mut self,
        asked: &mut Asked<'_>,
        actor: &Actor,
    ) -> Result<Answer, Refusal> {
        asked.knows_only(&["workspaceId", "environment", "path"]);
        let (project, environment, path) = self.folder_of(asked)?;
        let role = self.role(actor, &project.id)?;
        if !role.may_read(&environment, "/") {
            let message = "You are not allowed to read on secret-imports";
            let refusal = Refusal::new(403, "PermissionDenied", message);
            return Err(refusal.with_details(role.details()));
        }
        let Some(folder) = project.folder(&environment, &path) else {
            return Err(Refusal::not_found(format!(
                "Folder with path '{path}' in environment with slug '{environment}' not found"
            )));
        };
        let imports = folder.imports.iter().zip(1..).map(|(import, position)| {
            let environment = project.environment(&import.environment);
            Imported {
                id: import.id.clone(),
                version: 1,
                import_path: import.path.clone(),
                import_env: ImportEnvironment {
                    name: environment.map(|e| e.name.clone()).unwrap_or_default(),
                    slug: import.environment.clone(),
                    id: environment.map(|e| e.id.clone()).unwrap_or_default(),
                },
                position,
            }
        });
        let body = Imports {
            message: "Successfully fetched secret imports",
            secret_imports: imports.collect(),
        };
        Ok(Answer::json(200, &body))
    }

    fn folder_of(&self, asked: &mut Asked<'_>) -> Result<(&Project, String, String), Refusal> {
        let missing = |name: &str| Refusal::invalid(vec![required(name)]);
        let id = asked.needed("workspaceId", missing("workspaceId"))?;
        let environment = asked.needed("environment", missing("environment"))?;
        let path = checked_path(asked.text("path").unwrap_or("/"))?;
        let project = self.world.project(id).ok_or_else(|| no_project(id))?;
        Ok((project, environment.to_owned(), path))
    }
}

fn shown(
    folder: &Folder,
    name: &str,
    parent_id: Option<String>,
    is_recursive: bool,
    relative: &str,
) -> Shown {
    Shown {
        id: folder.id.clone(),
        name: name.to_owned(),
        version: 1,
        parent_id,
        updated_at: iso(folder.updated),
        last_secret_modified: iso(folder.updated),
        description: None,
        is_reserved: false,
        relative_path: is_recursive.then(|| format!("/{relative}")),
    }
}

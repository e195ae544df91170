//! All secrets of a folder, or of it and those below. Everything in one body, and what is wrong is
//! mostly silent: an empty list may be an empty folder, a mistyped one, or a lost permission.

use super::accounts::Actor;
use super::asked::Asked;
use super::place::{Place, Shape};
use super::read::View;
use super::refusal::Refusal;
use super::route::is_v4;
use super::shape::Shown;
use super::site::Site;
use super::world::{Folder, Import, Kind, Secret};
use crate::http_sim::Answer;
use serde::Serialize;

#[derive(Serialize)]
struct Body {
    secrets: Vec<Shown>,
    /// Not there when it was not asked for: the schema says optional, no capture shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    imports: Option<Vec<Imported>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Imported {
    secret_path: String,
    environment: String,
    folder_id: String,
    secrets: Vec<Shown>,
}

const V3: [&str; 11] = [
    "workspaceId",
    "workspaceSlug",
    "environment",
    "secretPath",
    "viewSecretValue",
    "expandSecretReferences",
    "include_imports",
    "includeImports",
    "recursive",
    "tagSlugs",
    "metadataFilter",
];
const V4: [&str; 11] = [
    "projectId",
    "environment",
    "secretPath",
    "viewSecretValue",
    "expandSecretReferences",
    "include_imports",
    "includeImports",
    "includePersonalOverrides",
    "recursive",
    "tagSlugs",
    "metadataFilter",
];

impl Site {
    pub(super) fn list(&mut self, asked: &mut Asked<'_>, actor: &Actor) -> Result<Answer, Refusal> {
        let v4 = is_v4(asked.request);
        asked.knows_only(if v4 { &V4[..] } else { &V3[..] });
        let view = View::of(asked)?;
        let is_recursive = asked.truth("recursive", v4)?;
        // Identities never see personal secrets; v3 shows a user both entries.
        let shows_personal = !v4 || asked.truth("includePersonalOverrides", true)?;
        let place = self.place(asked, actor, Shape::List)?;
        let folders = place.folders(is_recursive)?;
        let mut body = Body {
            secrets: Vec::new(),
            imports: Some(Vec::new()),
        };
        if folders.is_empty() {
            return Ok(Answer::json(200, &body));
        }
        for (path, folder) in folders {
            if !place.role.may_describe(&place.environment, path) {
                continue;
            }
            let environment = place.environment.as_str();
            if view.values && !place.role.may_read(environment, path) {
                if path == place.path && !folder.secrets.is_empty() {
                    return Err(forbidden(&place));
                }
                continue;
            }
            for secret in &folder.secrets {
                if secret.kind == Kind::Personal && !(place.is_user && shows_personal) {
                    continue;
                }
                let shown = listed(view, secret, &place, environment, path);
                body.secrets.push(shown.listed(path));
            }
            let imports = folder.imports.iter().map(|i| place.import(i, view));
            body.imports.get_or_insert_default().extend(imports);
        }
        if !view.imports {
            body.imports = None;
        }
        Ok(Answer::json(200, &body))
    }
}

/// One denied value is a 403 for the whole list (contract §5).
fn forbidden(place: &Place<'_>) -> Refusal {
    let message = "You are not allowed to readValue on secrets";
    let refusal = Refusal::new(403, "PermissionDenied", message);
    refusal.with_details(place.role.details())
}

/// With a value whose reference fails kept as it is: the list swallows what the single route says
/// (contract §4).
fn listed(view: View, secret: &Secret, place: &Place<'_>, environment: &str, path: &str) -> Shown {
    let raw = View {
        expands: false,
        ..view
    };
    view.show(secret, place, environment, path)
        .or_else(|_| raw.show(secret, place, environment, path))
        .expect("a value without expansion")
}

impl<'a> Place<'a> {
    /// The folder, with those below it; none where it is not there.
    fn folders(&self, is_recursive: bool) -> Result<Vec<(&'a str, &'a Folder)>, Refusal> {
        let slug = &self.environment;
        let Some(environment) = self.project.environment(slug) else {
            if is_recursive {
                let message = format!("Environment with slug '{slug}' not found");
                return Err(Refusal::not_found(message));
            }
            return Ok(Vec::new());
        };
        let below = match self.path.as_str() {
            "/" => "/".to_owned(),
            path => format!("{path}/"),
        };
        let is_wanted =
            |path: &str| path == self.path || (is_recursive && path.starts_with(&below));
        let folders = environment.folders.iter();
        Ok(folders
            .filter(|(path, _)| is_wanted(path))
            .map(|(path, folder)| (path.as_str(), folder))
            .collect())
    }

    /// An import that the caller may not read is shown, and empty (contract §4).
    fn import(&self, import: &Import, view: View) -> Imported {
        let (environment, path) = (&import.environment, &import.path);
        let folder = self.project.folder(environment, path);
        let secrets = folder.map_or(&[][..], |folder| &folder.secrets);
        let visible =
            |secret: &&Secret| secret.kind == Kind::Shared && self.role.may_read(environment, path);
        let shown = |secret| listed(view, secret, self, environment, path).imported();
        Imported {
            secret_path: path.clone(),
            environment: environment.clone(),
            folder_id: folder.map(|folder| folder.id.clone()).unwrap_or_default(),
            secrets: secrets.iter().filter(visible).map(shown).collect(),
        }
    }
}

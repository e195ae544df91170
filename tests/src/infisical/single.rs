//! One secret by its name, or by its id.

use super::accounts::Actor;
use super::asked::Asked;
use super::place::{Place, Shape};
use super::read::View;
use super::refusal::Refusal;
use super::route::is_v4;
use super::shape::Shown;
use super::site::Site;
use super::world::{Kind, Secret};
use crate::http_sim::Answer;
use serde::Serialize;

#[derive(Serialize)]
struct Body {
    secret: Shown,
}

const V3: [&str; 10] = [
    "workspaceId",
    "workspaceSlug",
    "environment",
    "secretPath",
    "version",
    "type",
    "viewSecretValue",
    "expandSecretReferences",
    "include_imports",
    "includeImports",
];
const V4: [&str; 9] = [
    "projectId",
    "environment",
    "secretPath",
    "version",
    "type",
    "viewSecretValue",
    "expandSecretReferences",
    "include_imports",
    "includeImports",
];

/// Where a secret was found: in its folder, or in an import of it.
struct Found<'a> {
    secret: &'a Secret,
    environment: String,
    path: String,
}

impl Site {
    pub(super) fn single(
        &mut self,
        asked: &mut Asked<'_>,
        actor: &Actor,
    ) -> Result<Answer, Refusal> {
        let v4 = is_v4(asked.request);
        asked.knows_only(if v4 { &V4[..] } else { &V3[..] });
        let name = asked.request.segments().pop().unwrap_or_default();
        if name.contains('\0') {
            return Err(Refusal::internal());
        }
        let kind = match asked.request.parameter("type") {
            None | Some("shared") => Kind::Shared,
            Some("personal") => Kind::Personal,
            Some(other) => {
                asked.wrong("`type` is neither shared nor personal");
                let issue = super::refusal::no_boolean("type", other);
                return Err(Refusal::invalid(vec![issue]));
            }
        };
        let view = View::of(asked)?;
        let version = version(asked)?;
        let place = self.place(asked, actor, Shape::Single)?;
        let found = place.find(&name, kind, view)?;
        let shown = found.show(&place, view, version)?;
        let shown = if v4 {
            shown.with_path(&found.path)
        } else {
            shown
        };
        Ok(Answer::json(200, &Body { secret: shown }))
    }

    pub(super) fn by_id(
        &mut self,
        asked: &mut Asked<'_>,
        actor: &Actor,
    ) -> Result<Answer, Refusal> {
        asked.knows_only(&[]);
        let id = asked.request.segments().pop().unwrap_or_default();
        for project in &self.world.projects {
            for environment in &project.environments {
                for (path, folder) in &environment.folders {
                    let Some(secret) = folder.secrets.iter().find(|s| s.id == id) else {
                        continue;
                    };
                    let place = Place {
                        project,
                        environment: environment.slug.clone(),
                        path: path.clone(),
                        role: self.role(actor, &project.id)?,
                        is_user: matches!(actor, Actor::User),
                    };
                    place.judge(&secret.key, &environment.slug, path, true)?;
                    let view = View {
                        values: true,
                        expands: false,
                        imports: false,
                    };
                    let shown = view.show(secret, &place, &environment.slug, path)?;
                    let secret = shown.with_path(path);
                    return Ok(Answer::json(200, &Body { secret }));
                }
            }
        }
        Err(Refusal::not_found(format!(
            "Secret with ID '{id}' not found"
        )))
    }
}

fn version(asked: &mut Asked<'_>) -> Result<Option<usize>, Refusal> {
    let Some(text) = asked.text("version") else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        asked.wrong("`version` is no number");
        Refusal::invalid(vec![super::refusal::required("version")])
    })
}

impl<'a> Place<'a> {
    /// In its folder, else in the imports, of which the last wins (contract §4).
    fn find(&self, name: &str, kind: Kind, view: View) -> Result<Found<'a>, Refusal> {
        let project = self.project;
        let Some(folder) = project.folder(&self.environment, &self.path) else {
            let (path, environment) = (&self.path, &self.environment);
            return Err(Refusal::new(
                404,
                "GetSecretByName",
                format!(
                    "Folder with path '{path}' in environment with slug '{environment}' not found"
                ),
            ));
        };
        self.judge(name, &self.environment, &self.path, false)?;
        let visible = kind == Kind::Shared || self.is_user;
        let own = folder.secret(name, kind).filter(|_| visible);
        if let Some(secret) = own {
            self.judge(name, &self.environment, &self.path, view.values)?;
            return Ok(Found {
                secret,
                environment: self.environment.clone(),
                path: self.path.clone(),
            });
        }
        let imports = folder.imports.iter().rev().filter(|_| view.imports);
        for import in imports {
            let (environment, path) = (&import.environment, &import.path);
            let source = project.folder(environment, path);
            if let Some(secret) = source.and_then(|source| source.secret(name, kind))
                && self.role.may_read(environment, path)
            {
                return Ok(Found {
                    secret,
                    environment: environment.clone(),
                    path: path.clone(),
                });
            }
        }
        Err(missing(name))
    }

    /// Whether the caller may know of a secret, and read it.
    fn judge(&self, name: &str, environment: &str, path: &str, reads: bool) -> Result<(), Refusal> {
        if !self.role.may_describe(environment, path) {
            let message = "You are not allowed to describeSecret on secrets";
            let refusal = Refusal::new(403, "PermissionDenied", message);
            return Err(refusal.with_details(self.role.details()));
        }
        if reads && !self.role.may_read(environment, path) {
            return Err(Refusal::new(
                403,
                "ForbiddenReadSecretError",
                format!(
                    "You do not have permission to view secret value on secret with name '{name}'"
                ),
            ));
        }
        Ok(())
    }
}

fn missing(name: &str) -> Refusal {
    Refusal::not_found(format!("Secret with name '{name}' not found"))
}

impl Found<'_> {
    fn show(
        &self,
        place: &Place<'_>,
        view: View,
        version: Option<usize>,
    ) -> Result<Shown, Refusal> {
        let (secret, environment, path) = (self.secret, &self.environment, &self.path);
        let Some(number) = version else {
            return Ok(view.show(secret, place, environment, path)?);
        };
        let old = number.checked_sub(1).and_then(|at| secret.versions.get(at));
        let old = old.ok_or_else(|| missing(&secret.key))?;
        let value = view.value(secret, &old.value, place, environment, path)?;
        let project = &place.project.id;
        Ok(Shown::own(secret, number, old, value, project, environment))
    }
}

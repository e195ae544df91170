//! Where a read looks: project, environment and folder of the query, checked as the server does.

use super::access::Role;
use super::accounts::Actor;
use super::asked::Asked;
use super::glob;
use super::refusal::{Refusal, required};
use super::route::is_v4;
use super::site::Site;
use super::world::Project;

/// A folder that may or may not be there, and what the caller may do in its project.
pub(super) struct Place<'a> {
    pub(super) project: &'a Project,
    pub(super) environment: String,
    pub(super) path: String,
    pub(super) role: Role,
    /// Whether personal secrets are seen: by users alone.
    pub(super) is_user: bool,
}

/// What a query is missing is said differently by each route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Single,
    List,
}

impl Site {
    pub(super) fn place(
        &self,
        asked: &mut Asked<'_>,
        actor: &Actor,
        shape: Shape,
    ) -> Result<Place<'_>, Refusal> {
        let v4 = is_v4(asked.request);
        if let Some(of) = overriding_scope(actor) {
            // The token decides, whatever the query says (contract §2).
            return self.scoped(actor, &of.0, &of.1, &of.2);
        }
        let missing = |what: &str| match (shape, v4) {
            (Shape::List, false) => Refusal::bad_request("Missing workspace id or environment"),
            (Shape::List, true) => Refusal::bad_request("Missing project id or environment"),
            (Shape::Single, true) if what == "projectId" => {
                Refusal::invalid(vec![required("projectId")])
            }
            (Shape::Single, _) if what == "environment" => {
                Refusal::bad_request("Missing environment")
            }
            (Shape::Single, _) => {
                Refusal::bad_request("You must provide workspaceSlug or workspaceId")
            }
        };
        let slug = asked.text("workspaceSlug").filter(|_| !v4);
        let id = if v4 { "projectId" } else { "workspaceId" };
        let project = match slug {
            Some(slug) => self
                .world
                .project_by_slug(slug)
                .ok_or_else(|| Refusal::not_found(format!("Project with slug '{slug}' not found"))),
            None => {
                let id = asked.needed(id, missing(id))?;
                self.world.project(id).ok_or_else(|| no_project(id))
            }
        };
        let environment = asked.needed("environment", missing("environment"))?;
        let path = checked_path(asked.text("secretPath").unwrap_or("/"))?;
        let project = project?;
        let role = self.role(actor, &project.id)?;
        Ok(Place {
            project,
            environment: environment.to_owned(),
            path,
            role,
            is_user: matches!(actor, Actor::User),
        })
    }

    fn scoped(
        &self,
        actor: &Actor,
        project: &str,
        environment: &str,
        path: &str,
    ) -> Result<Place<'_>, Refusal> {
        let found = self.world.project(project);
        let project = found.ok_or_else(|| no_project(project))?;
        Ok(Place {
            project,
            environment: environment.to_owned(),
            path: path.to_owned(),
            role: self.role(actor, &project.id)?,
            is_user: false,
        })
    }

    /// What the caller may do in a project; 403 for one who is no member.
    pub(super) fn role(&self, actor: &Actor, project: &str) -> Result<Role, Refusal> {
        let role = match actor {
            Actor::User => Role::Admin,
            Actor::Identity(id) => {
                let identity = self.accounts.identity(id);
                identity.map_or(Role::Stranger, |identity| identity.role.clone())
            }
            Actor::Service(token) if token.project == project => {
                let scopes = token.scopes.iter();
                Role::Rules(
                    scopes
                        .map(|(environment, path)| super::Rule::read(environment, path))
                        .collect(),
                )
            }
            Actor::Service(_) => Role::Stranger,
        };
        if role != Role::Stranger {
            return Ok(role);
        }
        // `error` is free text here (contract §2).
        let error =
            format!("Identity is not a member of the specified project with ID '{project}'");
        Err(Refusal::new(
            403,
            &error,
            "You are not allowed to access this resource",
        ))
    }
}

/// Project, environment and folder of a service token with exactly one scope that is no glob.
fn overriding_scope(actor: &Actor) -> Option<(String, String, String)> {
    let Actor::Service(token) = actor else {
        return None;
    };
    let [(environment, path)] = &token.scopes[..] else {
        return None;
    };
    let is_one = !glob::is_glob(path);
    is_one.then(|| (token.project.clone(), environment.clone(), path.clone()))
}

pub(super) fn no_project(id: &str) -> Refusal {
    Refusal::not_found(format!(
        "Project with ID '{id}' not found during bot lookup. Are you sure you are using the correct project ID?"
    ))
}

/// Without a final slash. A path without a leading one passes, and is no folder (contract §5).
pub(super) fn checked_path(path: &str) -> Result<String, Refusal> {
    let path = match path.strip_suffix('/') {
        Some("") | None => path,
        Some(shorter) => shorter,
    };
    let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if path.split('/').all(|part| part.chars().all(is_fine)) {
        return Ok(path.to_owned());
    }
    Err(Refusal::bad_request(
        "Invalid secret path. Only alphanumeric characters, dashes, and underscores are allowed.",
    ))
}

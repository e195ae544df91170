//! Projects and their environments: what a client looks at before it believes an empty list.

use super::accounts::Actor;
use super::asked::Asked;
use super::place::no_project;
use super::refusal::Refusal;
use super::site::Site;
use super::world::Project;
use crate::http_sim::Answer;
use serde_json::{Value, json};

impl Site {
    /// Those that the caller is a member of.
    pub(super) fn projects(&mut self, asked: &mut Asked<'_>, actor: &Actor) -> Answer {
        asked.knows_only(&[]);
        let member = |project: &&Project| self.role(actor, &project.id).is_ok();
        let all: Vec<Value> = self
            .world
            .projects
            .iter()
            .filter(member)
            .map(shown)
            .collect();
        let key = match asked.request.path.ends_with("/projects") {
            true => "projects",
            false => "workspaces",
        };
        Answer::json(200, &json!({ key: all }))
    }

    pub(super) fn project(
        &mut self,
        asked: &mut Asked<'_>,
        actor: &Actor,
    ) -> Result<Answer, Refusal> {
        asked.knows_only(&[]);
        let segments = asked.request.segments();
        let name = segments.last().map(String::as_str).unwrap_or_default();
        let by_slug = segments.get(1).is_some_and(|v| v == "v2") || segments.len() == 5;
        let project = if by_slug {
            self.world.project_by_slug(name)
        } else {
            self.world.project(name)
        };
        let project = project.ok_or_else(|| no_project(name))?;
        self.role(actor, &project.id)?;
        let shown = shown(project);
        // By id it is wrapped, by slug it is not.
        let body = match (by_slug, segments.get(2).map(String::as_str)) {
            (true, _) => shown,
            (false, Some("projects")) => json!({ "project": shown }),
            (false, _) => json!({ "workspace": shown }),
        };
        Ok(Answer::json(200, &body))
    }
}

fn shown(project: &Project) -> Value {
    let environments: Vec<Value> = project
        .environments
        .iter()
        .map(|e| json!({"name": e.name, "slug": e.slug, "id": e.id}))
        .collect();
    json!({"id": project.id, "_id": project.id, "name": project.slug, "slug": project.slug,
           "environments": environments})
}

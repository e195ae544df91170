//! Projects and their environments (contract §3).

use super::super::PROJECT_SLUG;
use super::*;

#[test]
fn a_project_is_found_by_id_and_by_slug_with_its_environments() {
    let rig = Rig::both(|sim| sim.project("other-id", "other"));
    for (target, at) in [
        (format!("/api/v1/workspace/{PROJECT_ID}"), "/workspace"),
        (format!("/api/v2/workspace/{PROJECT_SLUG}"), ""),
        (format!("/api/v1/projects/{PROJECT_ID}"), "/project"),
        (format!("/api/v1/projects/slug/{PROJECT_SLUG}"), ""),
        ("/api/v1/workspace".to_owned(), "/workspaces/0"),
        ("/api/v1/projects".to_owned(), "/projects/0"),
    ] {
        let got = rig.get(&target);
        assert_eq!(got.status, 200, "{target}");
        let body = got.json();
        assert_eq!(text(&body, &format!("{at}/id")), PROJECT_ID);
        let slugs: Vec<_> = (0..3)
            .map(|n| text(&body, &format!("{at}/environments/{n}/slug")))
            .collect();
        assert_eq!(slugs, ["dev", "staging", "prod"]);
    }
    let got = rig.get("/api/v1/workspace/nope");
    refused(&got, 404, "NotFound", "Project with ID 'nope' not found");
}

//! What a valid token may not do (contract §2 and §5), row by row.

use super::*;
use crate::infisical::{HIDDEN, Role, Rule};

fn backend_only(sim: Infisical) -> Infisical {
    sim.secret("/", "ROOT", "1")
        .secret("/backend", "A", "2")
        .role(Role::Rules(vec![Rule::read("dev", "/backend/**")]))
}

#[test]
fn row_not_a_project_member() {
    let rig = Rig::new(|sim| sim.secret("/", "A", "1").role(Role::Stranger));
    let error = format!("Identity is not a member of the specified project with ID '{PROJECT_ID}'");
    let message = "You are not allowed to access this resource";
    refused(&rig.single("/", "A"), 403, &error, message);
    refused(&rig.list("/"), 403, &error, message);
}

#[test]
fn row_path_outside_the_permitted_glob() {
    let rig = Rig::new(backend_only);
    assert_eq!(rig.value("/backend", "A"), "2");
    let got = rig.single("/", "ROOT");
    refused(
        &got,
        403,
        "PermissionDenied",
        "You are not allowed to describeSecret on secrets",
    );
    assert_eq!(
        got.json()["details"][0]["conditions"]["secretPath"]["$glob"],
        "/backend/**"
    );
    assert_eq!(rig.list("/").text(), r#"{"secrets":[],"imports":[]}"#);
    // The recursive list shows what is allowed, and does not say that there is more.
    let all = rig.get(&list("/", "recursive=true"));
    assert_eq!(keys(&all), ["A"]);
}

#[test]
fn row_describe_yes_read_value_no() {
    let rig = Rig::new(|sim| {
        sim.secret("/", "A", "1")
            .role(Role::Rules(vec![Rule::describe("dev", "/**")]))
    });
    refused(
        &rig.single("/", "A"),
        403,
        "ForbiddenReadSecretError",
        "You do not have permission to view secret value on secret with name 'A'",
    );
    let message = "You are not allowed to readValue on secrets";
    refused(&rig.list("/"), 403, "PermissionDenied", message);
    for target in [
        list("/", "viewSecretValue=false"),
        single("A", "/", "viewSecretValue=false"),
    ] {
        let got = rig.get(&target);
        assert_eq!(got.status, 200);
        assert!(got.text().contains(HIDDEN));
        assert!(got.text().contains(r#""secretValueHidden":true"#));
    }
}

#[test]
fn row_describe_without_read_value_is_dropped_in_subfolders() {
    let rig = Rig::new(|sim| {
        let rules = vec![Rule::read("dev", "/"), Rule::describe("dev", "/sub")];
        sim.secret("/", "A", "1")
            .secret("/sub", "B", "2")
            .role(Role::Rules(rules))
    });
    assert_eq!(keys(&rig.get(&list("/", "recursive=true"))), ["A"]);
}

#[test]
fn folder_names_and_the_project_are_shown_to_everyone_and_imports_are_not() {
    let rig = Rig::new(backend_only);
    let of = format!("workspaceId={PROJECT_ID}&environment=dev&path=/");
    let folders = rig.get(&format!("/api/v1/folders?{of}"));
    assert_eq!(text(&folders.json(), "/folders/0/name"), "backend");
    let imports = rig.get(&format!("/api/v1/secret-imports?{of}"));
    assert_eq!(imports.status, 403);
    assert_eq!(
        rig.get(&format!("/api/v1/workspace/{PROJECT_ID}")).status,
        200
    );
}

#[test]
fn a_hidden_value_is_a_literal_with_a_flag() {
    let rig = Rig::new(|sim| sim.secret("/", "A", "1"));
    rig.sim.hide("/", "A", true);
    let body = rig.single("/", "A").json();
    assert_eq!(text(&body, "/secret/secretValue"), "<hidden-by-infisical>");
    assert_eq!(body["secret"]["secretValueHidden"], true);
    rig.sim.hide("/", "A", false);
    assert_eq!(rig.value("/", "A"), "1");
}

#[test]
fn personal_overrides_are_for_users_alone() {
    let rig = Rig::new(|sim| sim.secret("/", "A", "shared"));
    rig.sim.set_personal("/", "A", "mine");
    assert_eq!(keys(&rig.list("/")), ["A"]);
    assert_eq!(rig.value("/", "A"), "shared");
    assert_eq!(rig.get(&single("A", "/", "type=personal")).status, 404);
    let user = rig.sim.user_token();
    let got = rig.client.get(&list("/", ""), &user);
    assert_eq!(keys(&got), ["A", "A"]);
    let got = rig.client.get(&single("A", "/", ""), &user);
    assert_eq!(text(&got.json(), "/secret/secretValue"), "shared");
    let got = rig.client.get(&single("A", "/", "type=personal"), &user);
    assert_eq!(text(&got.json(), "/secret/secretValue"), "mine");
}

//! Imports (contract §4).

use super::*;
use crate::infisical::{Role, Rule};

fn build(sim: Infisical) -> Infisical {
    sim.secret("/app", "OWN", "own")
        .secret("/one", "OWN", "of one")
        .secret("/one", "BOTH", "of one")
        .secret("/two", "BOTH", "of two")
        .secret_in("prod", "/", "PROD", "of prod")
        .import("/app", "dev", "/one")
        .import("/app", "dev", "/two")
        .import("/app", "prod", "/")
}

#[test]
fn own_secrets_win_and_the_last_import_wins_over_the_others() {
    let rig = Rig::new(build);
    assert_eq!(rig.value("/app", "OWN"), "own");
    assert_eq!(rig.value("/app", "BOTH"), "of two");
    let got = rig.single("/app", "PROD").json();
    assert_eq!(text(&got, "/secret/environment"), "prod");
    let without = rig.get(&single("BOTH", "/app", "include_imports=false"));
    assert_eq!(without.status, 404);
}

#[test]
fn a_list_shows_imports_beside_its_own_in_their_order_and_with_less() {
    let rig = Rig::new(build);
    let body = rig.list("/app").json();
    assert_eq!(body["secrets"].as_array().unwrap().len(), 1);
    let imports = body["imports"].as_array().unwrap();
    let paths: Vec<_> = imports.iter().map(|i| text(i, "/secretPath")).collect();
    assert_eq!(paths, ["/one", "/two", "/"]);
    assert_eq!(text(&imports[2], "/environment"), "prod");
    let item = imports[1]["secrets"][0].as_object().unwrap();
    assert_eq!(item["workspace"], "");
    for absent in ["createdAt", "updatedAt", "secretPath", "tags"] {
        assert!(!item.contains_key(absent), "{absent}");
    }
    let without = rig.get(&list("/app", "include_imports=false")).json();
    assert_eq!(without["imports"], Value::Null);
}

#[test]
fn an_import_that_may_not_be_read_is_shown_empty() {
    let rig = Rig::new(|sim| build(sim).role(Role::Rules(vec![Rule::read("dev", "/app")])));
    let body = rig.list("/app").json();
    assert_eq!(body["imports"].as_array().unwrap().len(), 3);
    assert_eq!(body["imports"][0]["secrets"], serde_json::json!([]));
    assert_eq!(rig.single("/app", "BOTH").status, 404);
}

#[test]
fn a_recursive_list_does_not_say_whose_imports_they_are() {
    let rig = Rig::new(|sim| {
        build(sim)
            .secret("/other", "X", "1")
            .import("/other", "dev", "/two")
    });
    let body = rig.get(&list("/", "recursive=true")).json();
    assert_eq!(body["imports"].as_array().unwrap().len(), 4);
    let of = format!("workspaceId={PROJECT_ID}&environment=dev&path=/app");
    let body = rig.get(&format!("/api/v1/secret-imports?{of}")).json();
    assert_eq!(text(&body, "/secretImports/1/importPath"), "/two");
    assert_eq!(text(&body, "/secretImports/2/importEnv/slug"), "prod");
    assert_eq!(body["secretImports"][2]["position"], 3);
}

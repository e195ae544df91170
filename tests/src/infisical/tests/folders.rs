//! Folders (contract §3).

use super::*;

fn folders(rig: &Rig, path: &str, more: &str) -> Value {
    let query = format!("workspaceId={PROJECT_ID}&environment=dev&path={path}{more}");
    let got = rig.get(&format!("/api/v1/folders?{query}"));
    assert_eq!(got.status, 200, "{}", got.text());
    got.json()
}

#[test]
fn folders_are_listed_one_level_or_all() {
    let rig = Rig::new(|sim| sim.secret("/a/b", "X", "1").folder("/empty"));
    let body = folders(&rig, "/", "");
    let names: Vec<_> = (0..2)
        .map(|at| text(&body, &format!("/folders/{at}/name")))
        .collect();
    assert_eq!(names, ["a", "empty"]);
    let first = body["folders"][0].as_object().unwrap();
    assert!(!first.contains_key("relativePath"));
    for known in [
        "id",
        "version",
        "parentId",
        "updatedAt",
        "lastSecretModified",
        "description",
    ] {
        assert!(first.contains_key(known), "{known}");
    }
    let all = folders(&rig, "/", "&recursive=true");
    let paths: Vec<_> = (0..3)
        .map(|at| text(&all, &format!("/folders/{at}/relativePath")))
        .collect();
    assert_eq!(paths, ["/a", "/a/b", "/empty"]);
    assert_eq!(text(&folders(&rig, "/a", ""), "/folders/0/name"), "b");
}

#[test]
fn an_unknown_path_has_no_folders_and_is_no_error() {
    let rig = Rig::new(|sim| sim.folder("/a"));
    assert_eq!(folders(&rig, "/nope", "").to_string(), r#"{"folders":[]}"#);
    assert_eq!(folders(&rig, "/a", "").to_string(), r#"{"folders":[]}"#);
}

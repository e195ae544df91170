//! What is not there (contract §5, "Not-found and permission shapes of reads"), row by row.

use super::*;

fn rig() -> Rig {
    Rig::new(|sim| sim.secret("/", "A", "1").folder("/empty"))
}

const EMPTY: &str = r#"{"secrets":[],"imports":[]}"#;

#[test]
fn row_unknown_secret() {
    let rig = rig();
    let message = "Secret with name 'NOPE' not found";
    refused(&rig.single("/", "NOPE"), 404, "NotFound", message);
    assert_eq!(keys(&rig.list("/")), ["A"]);
}

#[test]
fn row_unknown_environment() {
    let rig = rig();
    refused(
        &rig.get(&single("A", "/", "environment=nope")),
        404,
        "GetSecretByName",
        "Folder with path '/' in environment with slug 'nope' not found",
    );
    assert_eq!(rig.get(&list("/", "environment=nope")).text(), EMPTY);
    let recursive = rig.get(&list("/", "environment=nope&recursive=true"));
    refused(&recursive, 404, "NotFound", "Environment with slug 'nope'");
}

#[test]
fn row_unknown_folder_or_path_without_a_leading_slash() {
    let rig = rig();
    for path in ["/nope", "empty"] {
        let got = rig.single(path, "A");
        refused(
            &got,
            404,
            "GetSecretByName",
            &format!("Folder with path '{path}'"),
        );
        assert_eq!(rig.list(path).text(), EMPTY);
    }
    assert_eq!(rig.list("/empty").text(), EMPTY);
    // A final slash is taken off.
    assert_eq!(rig.single("/empty/", "A").status, 404);
    refused(
        &rig.single("/empty/", "A"),
        404,
        "NotFound",
        "Secret with name 'A'",
    );
}

#[test]
fn row_unknown_or_malformed_project_id() {
    let rig = rig();
    let message = "Project with ID 'nope' not found during bot lookup";
    for target in [
        single("A", "/", "workspaceId=nope"),
        list("/", "workspaceId=nope"),
    ] {
        refused(&rig.get(&target), 404, "NotFound", message);
    }
}

#[test]
fn row_missing_parameters() {
    let rig = rig();
    let message = "Missing workspace id or environment";
    for more in ["workspaceId=-", "environment=-"] {
        refused(&rig.get(&list("/", more)), 400, "BadRequest", message);
        refused(&rig.get(&single("A", "/", more)), 400, "BadRequest", "");
    }
    assert_eq!(rig.sim.take_violations().len(), 4);
}

#[test]
fn row_bad_path_characters() {
    let rig = rig();
    for path in ["/a%20b", "."] {
        refused(
            &rig.single(path, "A"),
            400,
            "BadRequest",
            "Invalid secret path",
        );
        refused(&rig.list(path), 400, "BadRequest", "Invalid secret path");
    }
}

#[test]
fn names_of_more_than_100_characters_are_in_the_list_alone() {
    let (long, most) = ("N".repeat(101), "M".repeat(100));
    let rig = Rig::new(|sim| sim.secret("/", &long, "1").secret("/", &most, "2"));
    assert_eq!(rig.value("/", &most), "2");
    let got = rig.single("/", &long);
    assert_eq!(got.status, 404);
    assert_eq!(text(&got.json(), "/error"), "Not Found");
    assert_eq!(got.json()["reqId"], Value::Null);
    assert_eq!(keys(&rig.list("/")), [most, long]);
}

#[test]
fn strange_names_are_served_as_they_are() {
    let names = ["..", "-rf", "a\nb", "$x", "'\"", "h\u{e9}", "a", "empty"];
    let rig = Rig::new(|sim| {
        let sim = sim.folder("/empty").secret("/", "A", "0");
        names
            .iter()
            .fold(sim, |sim, name| sim.secret("/", name, name.trim()))
    });
    for (encoded, name) in [
        ("..", ".."),
        ("%2e%2e", ".."),
        ("a%0Ab", "a\nb"),
        ("%24x", "$x"),
        ("%27%22", "'\""),
        ("h%C3%A9", "h\u{e9}"),
        ("a", "a"),
        ("empty", "empty"),
    ] {
        assert_eq!(rig.value("/", encoded), name);
    }
    assert_eq!(keys(&rig.list("/")).len(), 9);
    assert_eq!(rig.single("/", "a%00b").status, 500);
}

//! The shapes of single, list and v4 (contract §3).

use super::*;
use crate::infisical::Route;

#[test]
fn a_single_secret_has_its_fields_in_the_order_of_the_capture() {
    let rig = Rig::new(|sim| sim.secret("/", "DATABASE_URL", "postgres://x"));
    let got = rig.single("/", "DATABASE_URL");
    let body = got.json();
    let part = |name: &str| text(&body, &format!("/secret/{name}"));
    let (id, created) = (part("id"), part("createdAt"));
    assert_eq!(
        got.text(),
        format!(
            r#"{{"secret":{{"id":"{id}","_id":"{id}","workspace":"{PROJECT_ID}","environment":"dev","version":1,"type":"shared","secretKey":"DATABASE_URL","secretValue":"postgres://x","secretComment":"","secretReminderNote":null,"secretReminderRepeatDays":null,"skipMultilineEncoding":false,"createdAt":"{created}","updatedAt":"{created}","secretValueHidden":false,"tags":[],"secretMetadata":[]}}}}"#
        )
    );
    assert_eq!(id.len(), 36);
    let by_id = rig.get(&format!("/api/v3/secrets/raw/id/{id}"));
    assert_eq!(text(&by_id.json(), "/secret/secretPath"), "/");
    assert_eq!(text(&by_id.json(), "/secret/secretKey"), "DATABASE_URL");
}

#[test]
fn a_project_may_be_named_by_its_slug_in_v3() {
    let rig = Rig::new(|sim| sim.secret("/", "A", "1"));
    let slug = super::super::PROJECT_SLUG;
    let by_slug = |slug: &str| single("A", "/", &format!("workspaceId=-&workspaceSlug={slug}"));
    assert_eq!(rig.get(&by_slug(slug)).status, 200);
    assert_eq!(rig.get(&by_slug("nope")).status, 404);
}

#[test]
fn head_answers_with_the_headers_alone() {
    let rig = Rig::new(|sim| sim.secret("/", "A", "1"));
    let whole = rig.single("/", "A");
    let authorization = format!("Bearer {}", rig.token);
    let headers = [("authorization", authorization.as_str())];
    let got = rig
        .client
        .ask("HEAD", &single("A", "/", ""), &headers, "")
        .unwrap();
    assert_eq!((got.status, got.body.len()), (200, 0));
    assert_eq!(got.header("etag"), whole.header("etag"));
    assert_eq!(got.header("content-length"), whole.header("content-length"));
}

#[test]
fn a_list_adds_the_path_and_is_neither_sorted_nor_changing() {
    let rig = Rig::new(|sim| {
        let sim = sim.secret("/sub", "DEEP", "x");
        (0..20).fold(sim, |sim, n| sim.secret("/", &format!("K{n:02}"), "v"))
    });
    let got = rig.list("/");
    let body = got.json();
    let order: Vec<_> = (0..20)
        .map(|at| text(&body, &format!("/secrets/{at}/secretKey")))
        .collect();
    assert!(!order.is_sorted());
    assert_eq!(got.body, rig.list("/").body);
    let first = &body["secrets"][0];
    assert_eq!(text(first, "/secretPath"), "/");
    assert_eq!(first["isRotatedSecret"], false);
    assert_eq!(first["rotationId"], Value::Null);
    assert!(first.as_object().unwrap().contains_key("rotationId"));
    let all = rig.get(&list("/", "recursive=true"));
    assert_eq!(keys(&all).len(), 21);
    assert!(all.text().contains(r#""secretPath":"/sub""#));
}

#[test]
fn a_server_of_v3_alone_has_no_route_for_v4_and_says_so_its_own_way() {
    let rig = Rig::new(|sim| sim.secret("/", "A", "1"));
    for target in [v4(&single("A", "/", "")), v4(&list("/", ""))] {
        let got = rig.get(&target);
        assert_eq!(got.status, 404);
        assert_eq!(
            got.text(),
            format!(
                r#"{{"message":"Route GET:{target} not found","error":"Not Found","statusCode":404}}"#
            )
        );
    }
    assert_eq!(rig.sim.count(Route::Absent), 2);
    assert_eq!(rig.sim.count(Route::SecretSingle), 0);
}

#[test]
fn a_newer_server_has_both_and_v4_adds_the_path_to_a_single_one() {
    let rig = Rig::both(|sim| sim.secret("/sub", "A", "1"));
    let single = single("A", "/sub", "");
    assert!(!rig.get(&single).text().contains("secretPath"));
    let body = rig.get(&v4(&single)).json();
    assert_eq!(text(&body, "/secret/secretPath"), "/sub");
    assert_eq!(keys(&rig.get(&v4(&list("/sub", "")))), ["A"]);
    assert_eq!(rig.sim.count(Route::SecretSingle), 2);
    assert_eq!(rig.sim.count(Route::SecretList), 1);
}

#[test]
fn v4_says_what_is_missing_in_its_own_words() {
    let rig = Rig::both(|sim| sim.secret("/", "A", "1"));
    let got = rig.get(&v4(&list("/", "workspaceId=-")));
    refused(&got, 400, "BadRequest", "Missing project id or environment");
    let got = rig.get(&v4(&single("A", "/", "workspaceId=-")));
    assert_eq!(
        (got.status, text(&got.json(), "/error")),
        (422, "ValidationFailure".into())
    );
    let got = rig.get(&v4(&single("A", "/", "environment=-")));
    refused(&got, 400, "BadRequest", "Missing environment");
    assert_eq!(rig.sim.take_violations().len(), 3);
}

#[test]
fn a_server_of_v4_alone_has_no_route_for_v3() {
    let rig = Rig::of(Infisical::start_as(Generation::V4Only, Tls::No).secret("/", "A", "1"));
    assert_eq!(rig.single("/", "A").status, 404);
    assert_eq!(rig.get(&v4(&single("A", "/", ""))).status, 200);
}

#[test]
fn an_answer_is_json_without_compression_or_pages() {
    let rig = Rig::new(|sim| (0..1020).fold(sim, |sim, n| sim.secret("/", &format!("K{n}"), "v")));
    let got = rig.list("/");
    assert_eq!(keys(&got).len(), 1020);
    assert_eq!(
        got.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(got.header("content-encoding"), None);
    assert_eq!(got.header("x-ratelimit-limit"), None);
}

//! Shapes, filters and refusals.

use super::*;
use crate::http_sim::Fault;

#[test]
fn vaults_are_found_by_name_and_by_id() {
    let rig = Rig::new();
    let list = rig.get("/v1/vaults?filter=name%20eq%20%22Prod%20DB%22");
    let all = list.json();
    assert_eq!((list.status, all.as_array().unwrap().len()), (200, 1));
    assert_eq!(all[0]["id"], rig.vault.as_str());
    assert_eq!(list.header("1password-connect-version"), Some("1.7.1"));
    let one = rig.get(&format!("/v1/vaults/{}", rig.vault)).json();
    assert_eq!(one["contentVersion"], 197);
    let folded = rig.get("/v1/vaults?filter=title+eq+%22prod+db%22").json();
    assert_eq!(folded.as_array().unwrap().len(), 1);
    let none = rig.get("/v1/vaults?filter=name%20eq%20%22x%22").json();
    assert_eq!(none.as_array().unwrap().len(), 0);
}

#[test]
fn a_list_of_items_has_no_values_and_an_item_leaves_empty_ones_out() {
    let rig = Rig::new();
    let list = rig.get(&format!("/v1/vaults/{}/items", rig.vault)).json();
    assert_eq!(list[0]["title"], "Test Login");
    assert!(list[0].get("fields").is_none() && list[0].get("files").is_none());
    let item = rig.get(&rig.item()).json();
    assert_eq!(item["version"], 1);
    assert_eq!(item["fields"][0]["value"], "wendy");
    assert!(item["fields"][1].get("value").is_none());
    assert_eq!(item["fields"][2]["section"]["id"], "Section_47DC");
    assert_eq!(item["fields"][3]["totp"], rig.sim.code(30).as_str());
    assert_eq!(item["files"][0]["size"], 4);
    assert!(item.get("state").is_none());
}

#[test]
fn a_change_raises_both_versions() {
    let rig = Rig::new();
    rig.sim.change(&rig.vault, &rig.item, |item| {
        item.set("username", "other");
        item.archive();
    });
    let item = rig.get(&rig.item()).json();
    assert_eq!(
        (&item["version"], &item["state"]),
        (&2.into(), &"ARCHIVED".into())
    );
    let vault = rig.get(&format!("/v1/vaults/{}", rig.vault)).json();
    assert_eq!(vault["contentVersion"], 198);
}

#[test]
fn a_file_comes_as_bytes_and_inline_only_where_it_is_small() {
    let rig = Rig::new();
    let id = rig.sim.file_id(&rig.vault, &rig.item, "foo.txt");
    let got = rig.get(&format!("{}/files/{id}/content", rig.item()));
    assert_eq!((got.status, got.body.as_slice()), (200, &b"\0\xff\r\n"[..]));
    assert_eq!(got.header("content-type"), Some("application/octet-stream"));
    let name = got.header("content-disposition").unwrap();
    assert_eq!(name, "attachment; filename=\"foo.txt\"");
    let inline = format!("{}/files?inline_files=true", rig.item());
    assert_eq!(rig.get(&inline).status, 200);
    rig.sim.change(&rig.vault, &rig.item, |item| {
        item.set_file("foo.txt", &[0; 2000]);
    });
    assert_eq!(rig.get(&inline).status, 413);
    let missing = format!("{}/files/{}/content", rig.item(), rig.vault);
    refused(
        &rig.get(&missing),
        404,
        &format!("file {} not found", rig.vault),
    );
}

#[test]
fn refusals_are_those_of_the_contract() {
    let rig = Rig::new();
    refused(
        &rig.client.get("/v1/vaults", "wrong"),
        401,
        "Invalid bearer token",
    );
    let unknown = &rig.item;
    refused(
        &rig.get(&format!("/v1/vaults/{unknown}")),
        403,
        &format!("Authorization: token does not have access to vault {unknown}"),
    );
    let (vault, other) = (&rig.vault, &rig.vault);
    refused(
        &rig.get(&format!("/v1/vaults/{vault}/items/{other}")),
        404,
        &format!("item {other} not found"),
    );
    rig.sim.allow(&[]);
    assert_eq!(rig.get(&rig.item()).status, 403);
    let all = rig.get("/v1/vaults").json();
    assert_eq!(all.as_array().unwrap().len(), 0);
    for status in [408, 500, 503] {
        rig.sim.fault_next(Route::Vaults, 1, Fault::Status(status));
        assert_eq!(rig.get("/v1/vaults").json()["status"], status);
    }
    rig.sim.retry_after(7);
    rig.sim.fault_next(Route::Vaults, 1, Fault::Status(429));
    assert_eq!(rig.get("/v1/vaults").header("retry-after"), Some("7"));
}

#[test]
fn health_and_heartbeat_need_no_token() {
    let rig = Rig::new();
    let got = rig.client.ask("GET", "/heartbeat", &[], "").unwrap();
    assert_eq!((got.status, got.text()), (200, "."));
    let got = rig.client.ask("GET", "/health", &[], "").unwrap();
    assert_eq!(got.json()["dependencies"][0]["status"], "ACTIVE");
}

#[test]
fn a_lie_is_about_another_one() {
    let rig = Rig::new();
    rig.sim.fault_next(Route::Item, 1, Fault::WrongSecret);
    let lie = rig.get(&rig.item()).json();
    assert_ne!(lie["id"], rig.item.as_str());
    assert_eq!(lie["fields"][0]["value"], super::super::LIE);
}

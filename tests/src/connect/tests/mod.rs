//! That the simulator answers as the contract says.

mod answers;
mod strict;

use super::{Connect, Field, Item, Route, TOKEN};
use crate::http_sim::Tls;
use crate::http_sim::client::{Client, Got};

/// A simulator with one vault and one item, and a client.
struct Rig {
    sim: Connect,
    client: Client,
    vault: String,
    item: String,
}

impl Rig {
    fn new() -> Self {
        let sim = Connect::start(Tls::No);
        let vault = sim.vault("Prod DB");
        let item = Item::new("Test Login")
            .section("add more", None)
            .section("Section_47DC", Some("database"))
            .field(Field::new("username").value("wendy"))
            .field(Field::new("notesPlain"))
            .field(Field::new("token").value("abc").section("Section_47DC"))
            .field(Field::otp("one-time password", 30).section("add more"))
            .file("foo.txt", b"\0\xff\r\n");
        let item = sim.item(&vault, item);
        let client = Client::of(&sim);
        Self {
            sim,
            client,
            vault,
            item,
        }
    }

    fn get(&self, target: &str) -> Got {
        self.client.get(target, TOKEN)
    }

    fn item(&self) -> String {
        format!("/v1/vaults/{}/items/{}", self.vault, self.item)
    }
}

#[track_caller]
fn refused(got: &Got, status: u16, message: &str) {
    let body = got.json();
    assert_eq!((got.status, &body["status"]), (status, &status.into()));
    assert_eq!(body["message"], message);
}

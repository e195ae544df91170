//! A strict simulator of a 1Password Connect server: status by status and shape by shape
//! (`contracts/onepassword.md` §1; "contract" below).
//!
//! ```no_run
//! use secretfs_tests::connect::{Connect, Field, Item, Route};
//! use secretfs_tests::http_sim::{Fault, Tls};
//!
//! let sim = Connect::start(Tls::Yes);
//! let vault = sim.vault("Prod");
//! let item = sim.item(&vault, Item::new("db").field(Field::new("password").value("s3cret")));
//! let map = format!("providers:\n  w: {}\n", sim.provider());
//! // … mount `map` with OP_CONNECT_HOST and OP_CONNECT_TOKEN, read a file …
//! assert_eq!(sim.count(Route::Item), 1);
//! sim.change(&vault, &item, |item| item.set("password", "rotated"));
//! sim.fault_next(Route::Item, 1, Fault::Status(408));
//! ```
//!
//! * [`Connect`] derefs to [`Server`], which has the faults, the counts and the waits.
//! * A fresh one has no vault, and one token, [`TOKEN`], which may read all of them.
//! * Strict: anything but a GET, a name where an id belongs, a filter that is no `eq` of one quoted
//!   text, an unknown or second parameter, a body, a missing or second Authorization header, a request
//!   for JSON that asks for something else: each is recorded, and fails the test when the simulator is
//!   dropped. What a user may get wrong (names, ids, tokens) is answered as the contract says.
//!
//! Not simulated: writes, `/v1/activity`, filters other than `eq`.

mod asked;
mod build;
mod filter;
mod ids;
mod lie;
mod refusal;
mod route;
mod shape;
mod site;
#[cfg(test)]
mod tests;
mod world;

pub use build::{Field, Item};
pub use lie::LIE;
pub use route::Route;
pub use site::Site;

use crate::http_sim::{Server, Tls};
use std::ops::Deref;

/// The token of a fresh simulator.
pub const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.c2VjcmV0ZnMgc2ltdWxhdG9y.c2lnbmF0dXJl";

/// A running simulator. Dropping it ends it, and panics when it saw what it should not have seen.
#[derive(Debug)]
pub struct Connect {
    server: Server<Site>,
}

impl Connect {
    /// A server of version 1.7.1, synchronised and well.
    #[must_use]
    pub fn start(tls: Tls) -> Self {
        Self {
            server: Server::start(Site::new(), tls),
        }
    }

    /// The variables of somebody who has a token for it.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("OP_CONNECT_HOST", self.url()),
            ("OP_CONNECT_TOKEN", TOKEN.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// The provider's definition for a map, as a YAML flow mapping.
    #[must_use]
    pub fn provider(&self) -> String {
        let url = self.url();
        let mut text = format!("{{type: onepassword, connect_host: {url:?}");
        if let Some(ca) = self.ca_file() {
            text.push_str(&format!(", ca_file: {:?}", ca.display().to_string()));
        }
        text.push('}');
        text
    }
}

impl Deref for Connect {
    type Target = Server<Site>;

    fn deref(&self) -> &Server<Site> {
        &self.server
    }
}

//! A 1Password Connect server with the values, spoken to over TLS: fields of one item, and an attached
//! file; and what opens it.

use secretfs_tests::connect::{Connect, Field, Item};
use secretfs_tests::http_sim::Tls;
use secretfs_tests::memory::marker::{Marker, Pattern};

/// The value of this name is a file.
const FILE: &str = "V65536";

/// The server.
pub(crate) struct OnePassword {
    sim: Connect,
    token: Marker,
}

impl OnePassword {
    pub(crate) fn with(values: &[(String, Vec<u8>)]) -> Self {
        let token = Marker::new("the token");
        let sim = Connect::start(Tls::Yes);
        sim.set_token(&jwt(&token));
        let vault = sim.vault("Prod");
        let mut item = Item::new("memory");
        for (name, value) in values {
            item = if name == FILE {
                item.file(name, value)
            } else {
                let value = std::str::from_utf8(value).expect("text");
                item.field(Field::new(name).value(value))
            };
        }
        sim.item(&vault, item);
        Self { sim, token }
    }

    /// Its definition in a map.
    pub(crate) fn provider(&self) -> String {
        self.sim.provider()
    }

    /// What the commands that deliver the token are given.
    pub(crate) fn environment(&self) -> [(&'static str, String); 2] {
        [
            ("OP_CONNECT_HOST", self.sim.url()),
            ("OP_CONNECT_TOKEN", jwt(&self.token)),
        ]
    }

    /// The token.
    pub(crate) fn token(&self) -> String {
        jwt(&self.token)
    }

    /// Every form of the token.
    pub(crate) fn credentials(&self) -> Vec<Pattern> {
        self.token.patterns()
    }
}

fn jwt(marker: &Marker) -> String {
    format!("eyJhbGciOiJFUzI1NiJ9.{}.c2lnbmF0dXJl", marker.core())
}

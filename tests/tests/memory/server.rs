//! A server with the values, spoken to over TLS, and what opens it: a client secret, and the tokens
//! that it gives out for that.

use secretfs_tests::http_sim::Tls;
use secretfs_tests::infisical::{CLIENT_ID, Identity, Infisical};
use secretfs_tests::memory::marker::{Marker, Pattern, patterns};
use std::ops::Deref;

/// As long as every window of a token that is looked for.
const WINDOW: usize = 20;

/// The server.
pub(crate) struct Server {
    sim: Infisical,
    secret: Marker,
}

impl Server {
    pub(crate) fn with(values: &[(String, Vec<u8>)]) -> Self {
        let secret = Marker::new("the client secret");
        let identity = Identity::new(CLIENT_ID, &client_secret(&secret));
        let sim = Infisical::start(Tls::Yes).only_identity(identity);
        for (name, value) in values {
            sim.set("/", name, std::str::from_utf8(value).expect("text"));
        }
        Self { sim, secret }
    }

    /// What the commands that sign in are given.
    pub(crate) fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("INFISICAL_DOMAIN", self.sim.url()),
            ("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID", CLIENT_ID.to_owned()),
            (
                "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET",
                client_secret(&self.secret),
            ),
        ]
    }

    /// What is typed to sign in: client id and client secret, a line each.
    pub(crate) fn fields(&self) -> String {
        format!("{CLIENT_ID}\n{}\n", client_secret(&self.secret))
    }

    /// Every form of the client secret and of the tokens that are good now.
    pub(crate) fn credentials(&self) -> Vec<Pattern> {
        let mut all = self.secret.patterns();
        for token in self.sim.tokens() {
            let (_, parts) = token.split_once('.').expect("a JWT");
            let (claims, signature) = parts.split_once('.').expect("a JWT");
            // Any piece of it as it is; of the rest every form of the part that nobody can guess.
            let pieces = claims.as_bytes().chunks_exact(WINDOW);
            all.extend(pieces.map(|piece| Pattern {
                name: "a token's claims, as they are".to_owned(),
                bytes: piece.to_vec(),
            }));
            let middle = &signature.as_bytes()[4..4 + WINDOW];
            all.extend(patterns("a token's signature", middle));
        }
        all
    }

    /// Connections to it that are open, whoever has them.
    pub(crate) fn connections(&self) -> usize {
        let port = self.sim.address().port();
        let remote = format!(":{port:04X}");
        let table = std::fs::read_to_string("/proc/net/tcp").expect("sockets");
        let is_open = |line: &&str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            // Remote address, and 01: established.
            fields.get(2).is_some_and(|to| to.ends_with(&remote)) && fields.get(3) == Some(&"01")
        };
        table.lines().filter(is_open).count()
    }
}

fn client_secret(marker: &Marker) -> String {
    format!("cs-{}", marker.core())
}

impl Deref for Server {
    type Target = Infisical;

    fn deref(&self) -> &Infisical {
        &self.sim
    }
}

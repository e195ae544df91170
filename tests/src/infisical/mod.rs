//! A strict simulator of Infisical: status by status, body by body, header by header as a real server
//! answered (`contracts/infisical.md`; "contract" below).
//!
//! ```no_run
//! use secretfs_tests::http_sim::{Fault, Tls};
//! use secretfs_tests::infisical::{Infisical, Route};
//!
//! let sim = Infisical::start(Tls::Yes)
//!     .secret("/backend", "API_KEY", "one")
//!     .import("/backend", "dev", "/common");
//! let map = format!("providers:\n  i: {}\n", sim.provider());
//! // … mount `map` with the credential CLIENT_ID and CLIENT_SECRET, read a file …
//! assert_eq!(sim.count(Route::Login), 1);
//! sim.set("/backend", "API_KEY", "two");             // another version, at once
//! sim.fault_next(Route::SecretSingle, 2, Fault::Status(500));
//! sim.revoke_tokens();                               // 401 "No identity access token found"
//! ```
//!
//! * [`Infisical`] derefs to [`Server`], which has the faults, the counts and the waits.
//! * A fresh one has the project [`PROJECT_ID`] (slug [`PROJECT_SLUG`]) with the environments dev,
//!   staging and prod, and one identity, [`CLIENT_ID`] with [`CLIENT_SECRET`], which may read it all.
//!   What names no environment is about dev.
//! * Strict: an unexpected route, a missing or unknown parameter, a boolean that is not told or not
//!   "true" or "false", a body or an Authorization header that does not belong, an If-None-Match that
//!   the server does not understand: each is recorded, and fails the test when the simulator is dropped.
//!   What a user may get wrong (names, paths, credentials) is answered as captured and is no violation.
//!
//! Not simulated: writes through the API (a reader has none), imports of imports, tags and metadata,
//! several projects' roles for one identity.

mod access;
mod accounts;
mod asked;
mod aws;
mod build;
mod change;
mod etag;
mod events;
mod expand;
mod folders;
mod glob;
mod ids;
mod jwt;
mod lie;
mod limiter;
mod list;
mod login;
mod place;
mod projects;
mod read;
mod refusal;
mod route;
mod shape;
mod single;
mod site;
#[cfg(test)]
mod tests;
mod time;
mod world;

pub use access::{Role, Rule};
pub use accounts::Identity;
pub use events::Subscriptions;
pub use lie::LIE;
pub use limiter::Limits;
pub use route::Route;
pub use shape::HIDDEN;
pub use site::Site;

use crate::http_sim::{Server, Tls};
use std::ops::Deref;

/// The id of the project of a fresh simulator.
pub const PROJECT_ID: &str = "73c7a1f0-5d2e-4b6a-9c3d-0e1f2a3b4c5d";
/// Its slug.
pub const PROJECT_SLUG: &str = "example-x1-y2";
/// The client id of the identity of a fresh simulator.
pub const CLIENT_ID: &str = "0d9d8f1e-3a5b-4c7d-8e9f-a0b1c2d3e4f5";
/// Its secret.
pub const CLIENT_SECRET: &str = "cs-5f2b7c1d9e8a4036b1c2d3e4f5a60718";

/// Which routes a server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// The captured one: v4 is "Route … not found".
    V3Only,
    /// A newer one, with both.
    Both,
    /// One that has dropped v3.
    V4Only,
}

impl Generation {
    fn is_newer(self) -> bool {
        self != Self::V3Only
    }
}

/// A running simulator. Dropping it ends it, and panics when it saw what it should not have seen.
#[derive(Debug)]
pub struct Infisical {
    server: Server<Site>,
}

impl Infisical {
    /// The captured server: v3 only.
    #[must_use]
    pub fn start(tls: Tls) -> Self {
        Self::start_as(Generation::V3Only, tls)
    }

    /// A server of some generation.
    #[must_use]
    pub fn start_as(generation: Generation, tls: Tls) -> Self {
        let server = Server::start(Site::new(generation), tls);
        Self { server }
            .project(PROJECT_ID, PROJECT_SLUG)
            .identity(Identity::new(CLIENT_ID, CLIENT_SECRET))
    }

    /// The variables of somebody who has a machine identity on it.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("INFISICAL_DOMAIN", self.url()),
            ("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID", CLIENT_ID.to_owned()),
            (
                "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET",
                CLIENT_SECRET.to_owned(),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// The provider's definition for a map, as a YAML flow mapping.
    #[must_use]
    pub fn provider(&self) -> String {
        self.provider_with("")
    }

    /// The same, with further settings: `provider_with("path: /backend")`.
    #[must_use]
    pub fn provider_with(&self, settings: &str) -> String {
        let url = self.url();
        let mut text = format!("{{type: infisical, site_url: {url:?}, project_id: {PROJECT_ID:?}");
        if let Some(ca) = self.ca_file() {
            text.push_str(&format!(", ca_file: {:?}", ca.display().to_string()));
        }
        if !settings.contains("environment:") {
            text.push_str(", environment: dev");
        }
        if !settings.is_empty() {
            text.push_str(&format!(", {settings}"));
        }
        text.push('}');
        text
    }
}

impl Deref for Infisical {
    type Target = Server<Site>;

    fn deref(&self) -> &Server<Site> {
        &self.server
    }
}

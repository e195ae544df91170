//! Ways to sign in, each with the real commands, helper and daemon: what is in the environment or on
//! the machine, a map, a mount, and a value that is read through it.

mod ahead;
mod elsewhere;
mod machine;
mod session;
mod token;

use super::{Mount, secret};
use secretfs_tests::fixture::{Fixture, told};
use secretfs_tests::http_sim::Tls;
use secretfs_tests::infisical::{Generation, Identity, Infisical, Route};

/// A server of which nothing is known yet.
fn server() -> Infisical {
    let sim = Infisical::start_as(Generation::Both, Tls::Yes);
    sim.set("/", "A", &secret("a"));
    sim
}

/// A fixture in front of it, with these variables and no others.
fn with(sim: Infisical, variables: &[(&str, String)]) -> Mount {
    let mut fixture = Fixture::new();
    let variables = variables.iter();
    fixture.environment = variables
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    Mount { fixture, sim }
}

impl Mount {
    fn with_variable(mut self, name: &str, value: &str) -> Self {
        let variable = (name.to_owned(), value.to_owned());
        self.fixture.environment.push(variable);
        self
    }

    /// The environment says that its credentials are for this server.
    fn of_its_server(self) -> Self {
        let url = self.sim.url();
        self.with_variable("INFISICAL_DOMAIN", &url)
    }

    /// Writes a map with one file `a`, and these settings of the provider.
    fn map_with(&self, settings: &str) {
        let provider = self.sim.provider_with(settings);
        self.write_map(&format!(
            "providers:\n  i: {provider}\nsecrets: [{{name: A, file: a}}]\n"
        ));
    }

    /// Mounts, and says what it was warned of.
    fn mount_warned(&self) -> String {
        let output = self.secretfs(self.mount_args()).output().expect("secretfs");
        assert!(output.status.success(), "{}", told(&output));
        String::from_utf8(output.stderr).expect("text")
    }

    /// A map with these settings, mounted without a warning.
    fn mounted_with(self, settings: &str) -> Self {
        self.map_with(settings);
        assert_eq!(self.mount_warned(), "");
        self
    }

    fn reads_a(&self) {
        assert_eq!(self.read("a"), Ok(secret("a").into_bytes()));
    }

    /// The routes of all sign-ins so far.
    fn sign_ins(&self) -> Vec<String> {
        let seen = self.sim.requests().into_iter();
        let logins = seen.filter(|seen| matches!(seen.route, Route::Login | Route::MachineLogin));
        logins.map(|seen| seen.path).collect()
    }

    /// Both clocks go on.
    fn goes_on(&self, by: std::time::Duration) {
        self.sim.advance(by);
        self.advance(by);
    }
}

/// A JWT as far as this side looks at one.
fn jwt(tag: &str) -> String {
    format!("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.{tag}")
}

/// An identity that signs in with a JWT, and its id.
fn of_jwt(tag: &str) -> (Identity, String) {
    let identity = Identity::new("a machine", "no secret").jwt(&jwt(tag));
    let id = identity.id().to_owned();
    (identity, id)
}

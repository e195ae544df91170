//! What the simulators of HTTP services share: a strict server on a loopback port that counts what it
//! is asked, and goes wrong in every way a test asks for.
//!
//! A service is a [`Site`]: it names the route of a request and makes the answer. The rest is here.
//!
//! | file | what it does |
//! |---|---|
//! | [`site`] | what a service says of itself |
//! | [`feed`] | an answer without an end |
//! | [`fault`] | how an answer goes wrong, and which one |
//! | [`record`] | what was asked, without secrets |
//! | [`request`], [`answer`] | one exchange, parsed and to be written |
//! | `wire`, `serve`, `listen` | bytes of a connection; its requests in order; the thread, the port, outages |
//! | [`tls`] | a CA of its own for every simulator |
//! | [`proxy`] | a proxy in front of a simulator |
//! | [`far`] | a simulator that is far away |
//! | [`clock`] | the server's time, which a test moves |
//!
//! The bytes are written here and not by an HTTP library, because a right answer and a broken one have
//! to be the same bytes up to the place where it breaks.

pub mod answer;
#[cfg(test)]
pub(crate) mod client;
pub mod clock;
pub mod far;
pub mod fault;
pub mod feed;
mod listen;
pub mod proxy;
#[cfg(test)]
mod proxy_tests;
pub mod record;
pub mod request;
mod serve;
mod shared;
pub mod site;
#[cfg(test)]
mod tests;
pub mod tls;
mod wire;

pub use answer::Answer;
pub use far::Far;
pub use fault::Fault;
pub use listen::Outage;
pub(crate) use listen::socket;
pub use proxy::{Proxy, ProxyFault};
pub use record::Seen;
pub use request::Request;
pub use site::{Reply, Site};
pub use tls::Tls;

use shared::Shared;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A running simulator. Dropping it ends it, and panics when it saw what it should not have seen.
#[derive(Debug)]
pub struct Server<S: Site> {
    shared: Arc<Shared<S>>,
    listening: listen::Listening,
    certificates: Option<tls::Certificates>,
}

impl<S: Site> Server<S> {
    /// Listens on a fresh loopback port.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn start(site: S, tls: Tls) -> Self {
        let shared = Arc::new(Shared::new(site));
        let certificates = tls::Certificates::make(tls);
        let config = certificates.as_ref().map(tls::Certificates::server);
        let listening = listen::Listening::start(Arc::clone(&shared), config);
        Self {
            shared,
            listening,
            certificates,
        }
    }

    /// `https://127.0.0.1:PORT`, or `http://…`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.certificates.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address())
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// The CA's certificate, readable by every user; `None` without TLS.
    #[must_use]
    pub fn ca_file(&self) -> Option<&Path> {
        self.certificates.as_ref().map(tls::Certificates::ca_file)
    }

    /// Looks at the service, or changes it.
    pub fn site<T>(&self, with: impl FnOnce(&mut S) -> T) -> T {
        with(&mut self.shared.site())
    }

    /// Moves the server's clock.
    pub fn advance(&self, by: Duration) {
        self.site(|site| site.clock().advance(by));
    }

    // How it goes wrong.

    /// Every answer of `route` goes wrong like this, until [`Server::mend`].
    pub fn fault(&self, route: S::Route, fault: Fault) {
        self.script(Some(route), None, fault);
    }

    /// The next `times` answers of `route` that no earlier line speaks of go wrong like this.
    /// [`Fault::None`] lets some through before others go wrong.
    pub fn fault_next(&self, route: S::Route, times: usize, fault: Fault) {
        self.script(Some(route), Some(times), fault);
    }

    /// Every answer goes wrong like this, until [`Server::mend_all`].
    pub fn fault_all(&self, fault: Fault) {
        self.script(None, None, fault);
    }

    /// The next `times` answers, whatever their route.
    pub fn fault_next_any(&self, times: usize, fault: Fault) {
        self.script(None, Some(times), fault);
    }

    fn script(&self, route: Option<S::Route>, times: Option<usize>, fault: Fault) {
        self.shared
            .change(|state| state.faults.add(route, times, fault));
    }

    /// Ends the faults of `route`, and lets go on what waits.
    pub fn mend(&self, route: S::Route) {
        self.shared
            .change(|state| state.faults.remove(|of| of == Some(route)));
        self.release(route);
    }

    /// Ends every fault, and lets go on what waits.
    pub fn mend_all(&self) {
        self.shared.change(|state| {
            state.faults.remove(|_| true);
            state.released_all();
        });
    }

    /// Lets the requests of `route` that wait go on; later ones wait as before.
    pub fn release(&self, route: S::Route) {
        self.shared.change(|state| state.released(route));
    }

    /// The port refuses, or is mute; `None`: it works again. Connections that are open end.
    pub fn outage(&self, outage: Option<Outage>) {
        self.listening.outage(outage);
    }

    // What was asked.

    /// All requests so far, in order, without secrets.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen<S::Route>> {
        self.shared.state().log.clone()
    }

    /// How many requests there were of one route.
    #[must_use]
    pub fn count(&self, route: S::Route) -> usize {
        let state = self.shared.state();
        state.log.iter().filter(|seen| seen.route == route).count()
    }

    /// How many requests there were in all.
    #[must_use]
    pub fn total(&self) -> usize {
        self.shared.state().log.len()
    }

    /// Forgets what was asked so far, so that a test can count from here.
    pub fn forget_requests(&self) {
        self.shared.change(|state| {
            state.forgotten += state.log.len();
            state.log.clear();
        });
    }

    /// How many connections were accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// The most requests that were under way at one time.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.shared.state().peak
    }

    /// How many requests the client gave up before they were answered.
    #[must_use]
    pub fn cancelled(&self) -> usize {
        self.shared.state().cancelled
    }

    /// Waits until there were `n` requests of `route`.
    ///
    /// # Panics
    /// There were not, within ten seconds; as do all that wait.
    pub fn wait_count(&self, route: S::Route, n: usize) {
        self.shared
            .wait(&format!("{n} requests of {route:?}"), |state| {
                state.log.iter().filter(|seen| seen.route == route).count() >= n
            });
    }

    /// How many requests of `route` wait at a hang.
    #[must_use]
    pub fn held(&self, route: S::Route) -> usize {
        self.shared.state().held.get(&route).copied().unwrap_or(0)
    }

    /// Waits until `n` requests of `route` wait at a hang.
    pub fn wait_held(&self, route: S::Route, n: usize) {
        self.shared
            .wait(&format!("{n} requests of {route:?} that hang"), |state| {
                state.held.get(&route).is_some_and(|held| *held >= n)
            });
    }

    /// Waits until the client gave `n` requests up.
    pub fn wait_cancelled(&self, n: usize) {
        self.shared
            .wait(&format!("{n} requests given up"), |state| {
                state.cancelled >= n
            });
    }

    /// Waits until no request is under way.
    pub fn wait_idle(&self) {
        self.shared
            .wait("no request under way", |state| state.in_flight == 0);
    }

    // What it should not have been asked.

    /// What broke the contract so far; it no longer fails the test.
    #[must_use]
    pub fn take_violations(&self) -> Vec<String> {
        self.shared
            .change(|state| std::mem::take(&mut state.violations))
    }

    /// Panics when something broke the contract.
    ///
    /// # Panics
    /// Something did.
    pub fn assert_clean(&self) {
        let violations = self.take_violations();
        assert!(
            violations.is_empty(),
            "the simulator was asked what no client should ask: {violations:#?}"
        );
    }
}

impl<S: Site> Drop for Server<S> {
    fn drop(&mut self) {
        self.shared.change(|state| state.closed = true);
        self.listening.stop();
        if !std::thread::panicking() {
            self.assert_clean();
        }
    }
}

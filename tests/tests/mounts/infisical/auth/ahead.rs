//! The end of a token on a real mount: foretold by the clock, or come in the middle of many opens.

use super::super::{Mount, secret};
use secretfs_tests::http_sim::Tls;
use secretfs_tests::infisical::{CLIENT_ID, CLIENT_SECRET, Generation, Identity, Infisical, Route};
use secretfs_tests::script::{Outcome, Step};
use secretfs_tests::wait;
use std::time::Duration;

fn with(identity: Identity) -> Infisical {
    Infisical::start_as(Generation::Both, Tls::Yes).only_identity(identity)
}

#[test]
fn an_open_in_the_last_fifth_of_a_tokens_life_has_the_next_one_fetched_beside_it() {
    let sim = with(Identity::new(CLIENT_ID, CLIENT_SECRET).ttl(1000, 1000));
    sim.set("/", "A", &secret("a"));
    let mount = Mount::over(sim).mounted("ttl: 10s", &["{name: A, file: a}".to_owned()]);
    mount.reads_a();
    mount.goes_on(Duration::from_secs(850));
    mount.reads_a();
    wait::until("a second sign-in", || {
        (mount.sign_ins().len() == 2).then_some(())
    });
    mount.sim.wait_idle();
    // Long after the end of the first token no open signs in.
    mount.sim.forget_requests();
    mount.goes_on(Duration::from_secs(700));
    mount.reads_a();
    assert_eq!(mount.sim.count(Route::Login), 0);
}

#[test]
fn a_token_that_ends_in_the_middle_of_a_hundred_opens_costs_one_more_sign_in() {
    // It is good for sixty requests, and then the server knows it no more.
    let sim = with(Identity::new(CLIENT_ID, CLIENT_SECRET).token_uses(60));
    let mut entries = Vec::new();
    for at in 0..100 {
        sim.set(&format!("/f{at}"), "A", &secret("a"));
        entries.push(format!("{{name: A, file: a{at}, path: /f{at}}}"));
    }
    let mount = Mount::over(sim).mounted("open_timeout: 60s", &entries);
    let paths = (0..100).map(|at| mount.file(&format!("a{at}")).display().to_string());
    let outcome = mount.probe().run(&Step::SlurpEach {
        paths: paths.collect(),
    });
    let Outcome::Each(outcomes) = outcome else {
        panic!("{outcome:?}");
    };
    for outcome in &outcomes {
        assert!(matches!(outcome, Outcome::Bytes(_)), "{outcome:?}");
    }
    assert_eq!(outcomes.len(), 100);
    assert_eq!(mount.sim.count(Route::Login), 2);
}

//! Server-sent events: a hint that something has changed, and nothing else.

use super::Networked;
use secretfs_tests::http_sim::proxy::Proxy;
use secretfs_tests::http_sim::tls::BEHIND_A_PROXY;
use secretfs_tests::http_sim::{Fault, Outage, Tls};
use secretfs_tests::infisical::{Generation, Infisical, Route, Subscriptions};
use secretfs_tests::wait;
use std::time::Duration;

const LONG: &str = "ttl: 1h, stale: 1h";

/// A server with events, and a mount that listens; nothing is fetched yet.
fn listening(config: &str, plan: Subscriptions) -> Networked {
    let sim = Infisical::start_as(Generation::Both, Tls::Yes);
    sim.events(plan);
    let mount = Networked::of(sim, config);
    let provider = mount.sim.provider_with("events: true");
    mount.set_map(config, &provider);
    mount.mount_with(&[]);
    mount
}

/// The same, with `a` fetched, the stream open, and what that hinted at done.
fn settled(config: &str) -> Networked {
    let mount = listening(config, Subscriptions::Open);
    assert_eq!(mount.read("a").expect("the value"), b"the value of A");
    wait::until("it listens", || {
        (mount.sim.subscriptions() == 1).then_some(())
    });
    // The connection is a hint itself: there is no replay.
    wait::until("what is cached is checked once more", || {
        mount.read("a").expect("the value");
        (mount.sim.count(Route::SecretSingle) >= 2).then_some(())
    });
    mount.sim.forget_requests();
    mount
}

/// Reads `a` until it is this.
fn becomes(mount: &Networked, value: &str) {
    wait::until("the event arrives", || {
        let read = mount.read("a").expect("a value");
        (read == value.as_bytes()).then_some(())
    });
}

#[test]
fn a_change_is_seen_by_the_next_open_long_before_its_ttl() {
    let mount = settled(LONG);
    for _ in 0..5 {
        mount.read("a").expect("the value");
    }
    assert_eq!(
        mount.sim.count(Route::SecretSingle),
        0,
        "nothing has changed"
    );
    mount.sim.set("/", "A", "rotated");
    becomes(&mount, "rotated");
    // One request told it, and no other is made.
    let asked = mount.sim.count(Route::SecretSingle);
    for _ in 0..5 {
        assert_eq!(mount.read("a").expect("the value"), b"rotated");
    }
    assert_eq!(mount.sim.count(Route::SecretSingle), asked);
    assert_eq!(mount.sim.count(Route::Events), 0, "it is the same stream");
}

#[test]
fn an_event_fetches_nothing_by_itself() {
    let mount = settled(LONG);
    mount.sim.set("/", "A", "rotated");
    mount.sim.set("/other", "B", "rotated");
    // Seen, when the second file is opened for the first time.
    assert_eq!(mount.read("b").expect("the value"), b"rotated");
    assert_eq!(mount.sim.count(Route::SecretSingle), 1);
    assert_eq!(mount.sim.count(Route::SecretList), 0);
}

#[test]
fn whatever_an_event_says_it_is_a_hint_and_nothing_of_it_is_believed() {
    let mount = settled(LONG);
    for text in [
        "event: secret:update\ndata: {\"data\":{\"payload\":[{\"secretKey\":\"A\",\"secretValue\":\"forged\"}]}}\n\n",
        "data: no json\n\n",
        "event: import-mutation\r\ndata: {\"payload\":{}}\r\n\r\n",
    ] {
        let before = mount.sim.count(Route::SecretSingle);
        mount.sim.tell(text);
        wait::until("it is checked again", || {
            assert_eq!(mount.read("a").expect("the value"), b"the value of A");
            (mount.sim.count(Route::SecretSingle) > before).then_some(())
        });
    }
}

#[test]
fn a_stream_that_ends_is_opened_anew_and_what_was_missed_is_found() {
    let mount = settled(LONG);
    mount.sim.fault(Route::Events, Fault::Status(503));
    mount.sim.end_subscriptions();
    // Nobody is told of this.
    mount.sim.set("/", "A", "missed");
    mount.sim.wait_count(Route::Events, 1);
    assert_eq!(mount.read("a").expect("the value"), b"the value of A");
    mount.sim.mend_all();
    wait::until("it listens again", || {
        (mount.sim.subscriptions() == 1).then_some(())
    });
    becomes(&mount, "missed");
    assert_eq!(mount.sim.count(Route::Login), 0);
}

#[test]
fn a_server_without_events_is_said_once_and_works_as_without() {
    for (plan, says) in [
        (Subscriptions::NotInPlan, "plan"),
        (Subscriptions::Forbidden, "permission"),
    ] {
        let mount = listening("ttl: 10m", plan);
        for _ in 0..3 {
            assert_eq!(mount.read("a").expect("the value"), b"the value of A");
            mount.run(["refresh"]);
        }
        let note = wait::until("it is said", || {
            let provider = &mount.status()["providers"][0];
            assert_eq!(provider["health"], "good", "{provider}");
            provider["note"].as_str().map(str::to_owned)
        });
        assert!(
            note.contains("events are off") && note.contains(says),
            "{note}"
        );
        assert!(mount.run(["status"]).contains(&note));
        assert_eq!(mount.read("b").expect("the value"), b"the value of B");
        assert_eq!(mount.sim.count(Route::Events), 1, "it is not asked again");
    }
}

#[test]
fn an_old_server_without_the_route_is_said_as_well() {
    let mount = Networked::new("ttl: 10m");
    mount.set_map("ttl: 10m", &mount.sim.provider_with("events: true"));
    mount.mount_with(&[]);
    assert_eq!(mount.read("a").expect("the value"), b"the value of A");
    wait::until("it is said", || {
        let note = mount.status()["providers"][0]["note"].as_str()?.to_owned();
        note.contains("too old").then_some(())
    });
}

#[test]
fn without_the_setting_nobody_subscribes() {
    let sim = Infisical::start_as(Generation::Both, Tls::Yes);
    sim.events(Subscriptions::Open);
    let mount = Networked::of(sim, LONG);
    mount.mount_with(&[]);
    assert_eq!(mount.read("a").expect("the value"), b"the value of A");
    mount.run(["refresh"]);
    assert_eq!(mount.read("a").expect("the value"), b"the value of A");
    assert_eq!(mount.sim.count(Route::Events), 0);
    assert_eq!(mount.status()["providers"][0].get("note"), None);
}

#[test]
fn check_online_subscribes_to_nothing() {
    let mount = listening(LONG, Subscriptions::Open);
    let output = mount
        .opening(["check", "--online"])
        .output()
        .expect("secretfs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(mount.sim.count(Route::Events), 0);
}

#[test]
fn a_lock_ends_the_stream_and_after_an_unlock_the_first_open_starts_another() {
    let mount = settled("ttl: 1h, on_lock: seal");
    mount.run(["lock"]);
    wait::until("the stream ends", || {
        (mount.sim.subscriptions() == 0).then_some(())
    });
    let output = mount.opening(["unlock"]).output().expect("secretfs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(mount.sim.count(Route::Events), 0, "no open, no connection");
    assert_eq!(mount.read("a").expect("the value"), b"the value of A");
    wait::until("it listens again", || {
        (mount.sim.subscriptions() == 1).then_some(())
    });
    mount.unmount();
    wait::until("the stream ends", || {
        (mount.sim.subscriptions() == 0).then_some(())
    });
}

#[test]
fn a_stream_takes_no_connection_from_those_who_fetch() {
    let mount = settled("ttl: 1h, open_timeout: 20s");
    // A subscription that is never answered, for good measure.
    mount.sim.fault(Route::Events, Fault::Hang);
    mount.sim.end_subscriptions();
    mount.sim.wait_held(Route::Events, 1);
    for n in 0..10 {
        mount.sim.set("/", "A", &format!("value {n}"));
        mount.run(["refresh"]);
        assert_eq!(
            mount.read("a").expect("the value"),
            format!("value {n}").as_bytes()
        );
    }
    mount.sim.mend_all();
}

#[test]
fn a_subscription_is_not_led_elsewhere_and_signs_nobody_in() {
    let another = Infisical::start_as(Generation::Both, Tls::Yes);
    let mount = listening(LONG, Subscriptions::Open);
    mount
        .sim
        .fault(Route::Events, Fault::Redirect(another.url()));
    assert_eq!(mount.read("a").expect("the value"), b"the value of A");
    mount.sim.wait_count(Route::Events, 2);
    assert_eq!(another.total(), 0);
    mount.sim.mend_all();
    // The token is gone: those who fetch sign in, the stream waits for them.
    mount.sim.revoke_tokens();
    let before = mount.sim.count(Route::Events);
    mount.sim.wait_count(Route::Events, before + 1);
    assert_eq!(mount.sim.count(Route::Login), 1);
    mount.run(["refresh"]);
    assert_eq!(mount.read("a").expect("the value"), b"the value of A");
    assert_eq!(mount.sim.count(Route::Login), 2);
}

#[test]
fn an_outage_ends_stream_and_server_alike_and_both_come_back() {
    let mount = settled("ttl: 1h, open_timeout: 5s");
    mount.sim.outage(Some(Outage::Refuse));
    assert_eq!(
        mount.read("a").expect("the cached value"),
        b"the value of A"
    );
    mount.sim.set("/", "A", "rotated");
    mount.sim.outage(None);
    wait::until("it listens again", || {
        (mount.sim.subscriptions() == 1).then_some(())
    });
    becomes(&mount, "rotated");
}

#[test]
fn a_stream_goes_through_the_proxy() {
    let sim = Infisical::start_as(Generation::Both, Tls::Yes);
    sim.events(Subscriptions::Open);
    let proxy = Proxy::start(sim.address(), Tls::No);
    let url = sim.url().replace("127.0.0.1", BEHIND_A_PROXY);
    let mount = Networked::of(sim, LONG).at(LONG, &url);
    let provider = mount.sim.provider_with("events: true");
    mount.set_map(LONG, &provider.replace(&mount.sim.url(), &url));
    mount.mount_with(&[("HTTPS_PROXY", &proxy.url())]);
    assert_eq!(mount.read("a").expect("the value"), b"the value of A");
    wait::until("it listens", || {
        (mount.sim.subscriptions() == 1).then_some(())
    });
    mount.sim.set("/", "A", "rotated");
    becomes(&mount, "rotated");
    mount.advance(Duration::from_secs(1));
}

//! Outages (contract infisical.md §6), on a real mount: what a program sees, and that it passes by
//! itself. What each of them costs in requests is in `tests/infisical/outages.rs`.

use super::Networked;
use secretfs_tests::fixture::{MARKER, value};
use secretfs_tests::http_sim::{Fault, Outage, Tls};
use secretfs_tests::infisical::{Infisical, Limits, Route};
use secretfs_tests::script::Step;
use secretfs_tests::wait;
use std::time::{Duration, Instant};

const A: &[u8] = b"the value of A";

/// Fetches `a`, and makes it old.
fn with_an_old_value(config: &str) -> Networked {
    let mount = Networked::mounted(config);
    assert_eq!(mount.read("a").expect("the value"), A);
    mount.advance(Duration::from_secs(2));
    mount
}

fn limited(secrets: u32) -> Infisical {
    let limits = Limits {
        secrets,
        ..Limits::default()
    };
    Infisical::start(Tls::Yes).limits(limits)
}

#[test]
fn row_rate_limit_that_ends_within_the_open_is_waited_for() {
    let mount = Networked::of(limited(2), "open_timeout: 20s");
    mount.mount_with(&[]);
    // The probe for v4 is a route of no group.
    assert_eq!(mount.read("a").expect("the value"), A);
    mount.run(["refresh"]);
    assert_eq!(mount.read("a").expect("the value"), A);
    mount.run(["refresh"]);
    // Almost at the end of its window of a minute.
    mount.sim.advance(Duration::from_secs(57));
    let before = mount.sim.count(Route::SecretSingle);
    assert_eq!(mount.read("a").expect("the value"), A);
    let after = mount.sim.count(Route::SecretSingle);
    assert_eq!(
        after,
        before + 2,
        "429, and once more at the end of the wait"
    );
}

#[test]
fn row_rate_limit_beyond_the_open_is_ebusy_at_once_and_asks_nobody() {
    let mount = Networked::of(limited(1), "open_timeout: 20s");
    mount.mount_with(&[]);
    assert_eq!(mount.read("a").expect("the value"), A);
    mount.run(["refresh"]);
    let asked = Instant::now();
    for _ in 0..3 {
        let (errno, told) = mount.refused("a");
        assert_eq!(errno, libc::EBUSY, "{told}");
        assert!(told.contains("rate limit"), "{told}");
    }
    assert!(asked.elapsed() < Duration::from_secs(20));
    assert_eq!(mount.sim.count(Route::SecretSingle), 2);
}

#[test]
fn row_rate_limit_serves_what_is_stale() {
    let mount = Networked::of(limited(1), "ttl: 1s, stale: 1h");
    mount.mount_with(&[]);
    assert_eq!(mount.read("a").expect("the value"), A);
    mount.advance(Duration::from_secs(2));
    for _ in 0..3 {
        assert_eq!(mount.read("a").expect("the stale value"), A);
    }
    assert_eq!(mount.sim.count(Route::SecretSingle), 2);
    assert_eq!(mount.status_of("a")["stale"], true);
}

#[test]
fn row_backend_restart_is_ehostunreach_and_passes_with_the_same_token() {
    let mount = Networked::mounted("open_timeout: 5s");
    assert_eq!(mount.read("b").expect("the value"), b"the value of B");
    mount.sim.outage(Some(Outage::Refuse));
    let (errno, told) = mount.refused("a");
    assert_eq!(errno, libc::EHOSTUNREACH, "{told}");
    assert!(told.contains("refuses connections"), "{told}");
    assert_eq!(
        mount.read("b").expect("the cached value"),
        b"the value of B"
    );
    mount.sim.outage(None);
    assert_eq!(mount.read("a").expect("the value"), A);
    assert_eq!(mount.sim.count(Route::Login), 1, "tokens survive it");
}

#[test]
fn row_backend_restart_in_the_middle_of_an_open_is_not_seen() {
    let mount = Networked::mounted("open_timeout: 20s");
    assert_eq!(mount.read("b").expect("the value"), b"the value of B");
    // Two connections break, and the next one finds it back.
    mount.sim.fault_next_any(2, Fault::ResetAfter(0));
    assert_eq!(mount.read("a").expect("the value"), A);
}

#[test]
fn row_postgres_down_is_eio_or_the_stale_value_and_no_sign_in() {
    let mount = with_an_old_value("ttl: 1s, stale: 1h");
    mount.sim.database_down(true);
    assert_eq!(mount.read("a").expect("the stale value"), A);
    let (errno, told) = mount.refused("b");
    assert_eq!(errno, libc::EIO, "{told}");
    assert!(told.contains("id of the request"), "{told}");
    assert_eq!(mount.sim.count(Route::Login), 1);
    mount.sim.database_down(false);
    assert_eq!(mount.read("b").expect("the value"), b"the value of B");
    assert_eq!(mount.sim.count(Route::Login), 1);
}

#[test]
fn row_redis_hung_ends_the_open_in_time_and_passes() {
    let mount = Networked::mounted("open_timeout: 1s, stale: 0");
    mount.sim.fault_all(Fault::Hang);
    let asked = Instant::now();
    let (errno, told) = mount.refused("a");
    assert_eq!(errno, libc::ETIMEDOUT, "{told}");
    assert!(asked.elapsed() < Duration::from_secs(10));
    mount.sim.mend_all();
    let value = wait::until("it is well again", || mount.read("a").ok());
    assert_eq!(value, A);
}

#[test]
fn row_redis_hung_serves_what_is_stale_in_time() {
    let mount = with_an_old_value("ttl: 1s, stale: 1h, open_timeout: 1s");
    mount.sim.fault_all(Fault::Hang);
    let asked = Instant::now();
    assert_eq!(mount.read("a").expect("the stale value"), A);
    assert!(asked.elapsed() < Duration::from_secs(10));
    mount.sim.mend_all();
}

#[test]
fn row_a_server_that_takes_connections_and_says_nothing_ends_the_open_in_time() {
    let mount = Networked::mounted("open_timeout: 1s");
    mount.sim.outage(Some(Outage::Mute));
    let asked = Instant::now();
    let (errno, told) = mount.refused("a");
    assert_eq!(errno, libc::ETIMEDOUT, "{told}");
    assert!(asked.elapsed() < Duration::from_secs(10));
    mount.sim.outage(None);
    let value = wait::until("it is well again", || mount.read("a").ok());
    assert_eq!(value, A);
}

#[test]
fn row_redis_flushed_and_maintenance_are_not_seen() {
    let mount = with_an_old_value("ttl: 1s, stale: 0");
    mount.sim.maintenance(true);
    mount.sim.set("/", "A", "rotated");
    assert_eq!(mount.read("a").expect("the value"), b"rotated");
}

#[test]
fn row_keep_alive_connections_that_the_server_closed_are_not_seen() {
    let mount = with_an_old_value("ttl: 1s, stale: 0");
    for n in 0..5 {
        mount.sim.set("/", "A", &format!("rotated {n}"));
        // Every connection that is open ends, as after the 72 s of the real server.
        mount.sim.outage(Some(Outage::Refuse));
        mount.sim.outage(None);
        let read = mount.read("a").expect("the value");
        assert_eq!(read, format!("rotated {n}").as_bytes());
        mount.advance(Duration::from_secs(2));
    }
}

#[test]
fn row_latency_is_waited_for_within_the_open() {
    let mount = Networked::mounted("open_timeout: 20s");
    let slow = Fault::Slow {
        bytes: 64,
        every: Duration::from_millis(5),
    };
    mount.sim.fault(Route::SecretSingle, slow);
    mount
        .sim
        .fault(Route::Login, Fault::Delay(Duration::from_millis(80)));
    assert_eq!(mount.read("a").expect("the value"), A);
}

#[test]
fn row_stale_is_served_as_long_as_the_map_says_and_then_the_errno() {
    let mount = with_an_old_value("ttl: 1s, stale: 1m");
    mount.sim.outage(Some(Outage::Refuse));
    assert_eq!(mount.read("a").expect("the stale value"), A);
    mount.advance(Duration::from_secs(50));
    assert_eq!(mount.read("a").expect("the stale value"), A);
    mount.advance(Duration::from_secs(20));
    let (errno, told) = mount.refused("a");
    assert_eq!(errno, libc::EHOSTUNREACH, "{told}");
    mount.sim.outage(None);
    assert_eq!(mount.read("a").expect("the value"), A);
}

/// An answer that goes wrong is its errno, never a part of a value, and is over with the next open.
#[test]
fn row_by_row_a_broken_answer_is_its_errno_and_never_a_part_of_a_value() {
    let whole = value("whole", 3000);
    let mount = Networked::new("open_timeout: 10s, stale: 0");
    mount
        .sim
        .set("/", "A", std::str::from_utf8(&whole).expect("text"));
    mount.mount_with(&[]);
    assert_eq!(mount.read("b").expect("the value"), b"the value of B");
    let another = Infisical::start(Tls::Yes);
    let unreachable = libc::EHOSTUNREACH;
    for (fault, errno, says) in [
        (Fault::Status(500), libc::EIO, "the server failed"),
        (Fault::Status(503), libc::EIO, "the server failed"),
        (Fault::Truncate(0), unreachable, "broke its answer off"),
        (Fault::Truncate(500), unreachable, "broke its answer off"),
        (
            Fault::ResetAfter(0),
            unreachable,
            "broke the connection off",
        ),
        (
            Fault::ResetAfter(40),
            unreachable,
            "broke the connection off",
        ),
        (Fault::ResetAfter(1500), unreachable, "broke its answer off"),
        (Fault::Garbage, unreachable, "broke the connection off"),
        (Fault::Html(200), unreachable, "no Infisical"),
        (Fault::Html(403), unreachable, "no Infisical"),
        (Fault::Html(404), unreachable, "no Infisical"),
        (Fault::Html(502), unreachable, "no Infisical"),
        (
            Fault::Redirect("/elsewhere".into()),
            unreachable,
            "redirects",
        ),
        (Fault::Redirect(another.url()), unreachable, "redirects"),
        (Fault::BadJson, libc::EIO, "makes no sense"),
        (Fault::WrongSecret, libc::EIO, "another secret"),
        (Fault::Padded(20 << 20), libc::EFBIG, "larger than"),
        (Fault::Endless, libc::EFBIG, "larger than"),
    ] {
        mount.sim.fault(Route::SecretSingle, fault.clone());
        let (got, told) = mount.refused("a");
        assert_eq!(got, errno, "{fault:?}: {told}");
        assert!(told.contains(says), "{fault:?}: {told}");
        assert!(!told.contains(MARKER), "{fault:?}: {told}");
        mount.sim.mend_all();
        // What is believed for a moment is over.
        mount.advance(Duration::from_secs(6));
        assert!(mount.read("a").expect("the value") == whole, "{fault:?}");
        mount.run(["refresh"]);
    }
    assert_eq!(another.total(), 0, "a credential followed a redirect");
    assert_eq!(mount.sim.count(Route::Login), 1);
}

#[test]
fn row_a_certificate_that_is_not_the_servers_is_ehostunreach_and_no_request() {
    for (tls, says) in [
        (Tls::WrongHost, "for another name"),
        (Tls::Expired, "has expired"),
    ] {
        let mount = Networked::of(Infisical::start(tls), "open_timeout: 5s");
        mount.mount_with(&[]);
        let (errno, told) = mount.refused("a");
        assert_eq!(errno, libc::EHOSTUNREACH, "{told}");
        assert!(told.contains(says), "{told}");
        assert_eq!(mount.sim.total(), 0);
    }
}

#[test]
fn row_a_custom_ca_is_trusted_only_where_the_map_names_it() {
    let mount = Networked::new("open_timeout: 5s");
    let ca = mount.sim.ca_file().expect("a CA").display().to_string();
    let without = mount
        .sim
        .provider()
        .replace(&format!(", ca_file: {ca:?}"), "");
    assert!(!without.contains("ca_file"), "{without}");
    mount.set_map("open_timeout: 5s", &without);
    mount.mount_with(&[]);
    let (errno, told) = mount.refused("a");
    assert_eq!(errno, libc::EHOSTUNREACH, "{told}");
    assert!(told.contains("ca_file"), "{told}");
    assert_eq!(mount.sim.total(), 0);
    mount.unmount();
    mount.set_map("", &mount.sim.provider());
    mount.mount_with(&[]);
    assert_eq!(mount.read("a").expect("the value"), A);
}

#[test]
fn bodies_are_never_logged_and_the_id_of_the_request_is() {
    let mount = Networked::new("open_timeout: 5s");
    // What the server's text might quote.
    mount.sim.set(
        "/",
        "A",
        std::str::from_utf8(&value("in a body", 64)).expect("text"),
    );
    mount.mount_with(&[]);
    mount.sim.fault(Route::SecretSingle, Fault::Status(500));
    let (errno, _) = mount.refused("a");
    assert_eq!(errno, libc::EIO);
    mount.sim.mend_all();
    mount.sim.fault(Route::SecretSingle, Fault::Html(502));
    mount.refused("b");
    mount.sim.mend_all();
    mount.read("a").expect("the value");
    let log = mount.path("state/secretfs/secretfs.log");
    let text = wait::until("the log", || {
        let text = std::fs::read_to_string(&log).ok()?;
        text.contains("status=502").then_some(text)
    });
    let ids: Vec<_> = text
        .lines()
        .filter(|line| line.contains("status=500"))
        .filter_map(|line| line.split("req_id=").nth(1))
        .filter_map(|rest| rest.split_whitespace().next())
        .collect();
    assert!(!ids.is_empty(), "{text}");
    assert!(
        ids.iter().all(|id| id.len() > 4 && *id != "none"),
        "{ids:?}"
    );
    for word in [
        MARKER,
        "Something went wrong",
        "<html>",
        "simulator of a proxy",
    ] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[test]
fn a_hung_server_holds_nobody_but_those_who_wait_for_it() {
    let mount = Networked::mounted("open_timeout: 30s");
    assert_eq!(mount.read("b").expect("the value"), b"the value of B");
    mount.sim.fault(Route::SecretSingle, Fault::Hang);
    let mut waiting = mount.probe();
    let path = mount.file("a").to_str().expect("UTF-8").to_owned();
    waiting.begin(&Step::Slurp { path });
    mount.sim.wait_held(Route::SecretSingle, 1);
    assert_eq!(mount.read("b").expect("the value"), b"the value of B");
    mount.sim.mend_all();
    assert_eq!(secretfs_tests::probe::bytes(waiting.finish()), A);
}

//! Whatever goes wrong: the right value or an error, in time, and right again afterwards.

use super::rig::{Rig, bytes};
use secretfs_providers::{Answer, ErrorKind, Provider};
use secretfs_tests::connect::{Connect, Field, Item, LIE, Route};
use secretfs_tests::http_sim::{Fault, Outage, Tls};
use std::time::{Duration, Instant};

fn rig(tls: Tls) -> (Rig, String) {
    let rig = Rig::with(Connect::start(tls), "");
    let vault = rig.sim.vault("Prod");
    let item = Item::new("db")
        .field(Field::new("f").value("the value"))
        .file("a", b"the file");
    rig.sim.item(&vault, item);
    (rig, vault)
}

fn all() -> Vec<Fault> {
    let mut all = vec![
        Fault::Garbage,
        Fault::BadJson,
        Fault::Padded(100_000),
        Fault::Padded(5 << 20),
        Fault::WrongSecret,
        Fault::Redirect("http://127.0.0.1:1/".into()),
        Fault::Slow {
            bytes: 50,
            every: Duration::from_millis(1),
        },
    ];
    all.extend([0, 1, 10, 100, 300].map(Fault::Truncate));
    all.extend([0, 1, 10, 100, 300, 500].map(Fault::ResetAfter));
    all.extend([200, 401, 403, 404, 500, 502].map(Fault::Html));
    all.extend([400, 401, 403, 404, 408, 413, 500, 502, 503, 504, 418].map(Fault::Status));
    all
}

#[test]
fn any_fault_of_any_request_gives_the_value_or_an_error_and_passes() {
    for tls in [Tls::No, Tls::Yes] {
        let (rig, _) = rig(tls);
        for route in [Route::Vaults, Route::Items, Route::Item, Route::Content] {
            for fault in all() {
                // Nothing is known, and no refusal is remembered.
                rig.client.forget();
                rig.give(secretfs_tests::connect::TOKEN);
                rig.sim.fault_next(route, 1, fault.clone());
                for (reference, expected) in [
                    ("op://Prod/db/f", "the value"),
                    ("op://Prod/db/a", "the file"),
                ] {
                    match rig.fetch(reference) {
                        Ok(fetched) => {
                            assert_eq!(bytes(&fetched), expected.as_bytes(), "{route:?} {fault:?}");
                        }
                        Err(error) => {
                            let shown = format!("{error:?}");
                            assert!(
                                !shown.contains("the value") && !shown.contains(LIE),
                                "{shown}"
                            );
                        }
                    }
                }
                rig.sim.mend_all();
                rig.client.forget();
                rig.give(secretfs_tests::connect::TOKEN);
                assert_eq!(rig.read("op://Prod/db/f").unwrap(), "the value");
            }
        }
    }
}

#[test]
fn an_answer_about_another_item_or_vault_is_no_answer() {
    let (rig, vault) = rig(Tls::No);
    let first = rig.fetch("op://Prod/db/f").unwrap();
    rig.sim.fault_next(Route::Item, 1, Fault::WrongSecret);
    let error = rig.read("op://Prod/db/f").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    // Of a vault that was to be checked: not that nothing has changed.
    rig.sim.touch(&vault);
    rig.pass(Duration::from_secs(300));
    rig.sim.fault_next(Route::Vault, 1, Fault::WrongSecret);
    let error = rig.again("op://Prod/db/f", &first).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(matches!(
        rig.again("op://Prod/db/f", &first),
        Ok(Answer::Unchanged)
    ));
}

#[test]
fn a_server_that_hangs_ends_the_call_in_its_time() {
    let (mut rig, _) = rig(Tls::No);
    rig.patience = Duration::from_millis(300);
    for (route, fault) in [
        (Route::Vaults, Fault::Hang),
        (Route::Items, Fault::Hang),
        (Route::Item, Fault::Hang),
        (Route::Item, Fault::HangAfter(20)),
        (Route::Content, Fault::HangAfter(3)),
    ] {
        rig.client.forget();
        rig.give(secretfs_tests::connect::TOKEN);
        rig.sim.fault(route, fault);
        let start = Instant::now();
        let error = rig.fetch("op://Prod/db/a").unwrap_err();
        assert_eq!(error.kind, ErrorKind::TimedOut, "{error}");
        // Ten times what is promised.
        assert!(start.elapsed() < Duration::from_secs(3));
        rig.sim.mend_all();
    }
}

#[test]
fn an_endless_answer_is_too_large_and_nothing_is_kept_of_it() {
    let (rig, _) = rig(Tls::No);
    rig.read("op://Prod/db/f").unwrap();
    rig.sim.fault_next(Route::Item, 1, Fault::Endless);
    let used = rig.pool.used();
    let error = rig.read("op://Prod/db/f").unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
    assert_eq!(rig.pool.used(), used);
}

#[test]
fn a_server_that_is_gone_is_unreachable_and_found_again() {
    let (rig, _) = rig(Tls::Yes);
    assert_eq!(rig.read("op://Prod/db/f").unwrap(), "the value");
    rig.sim.outage(Some(Outage::Refuse));
    let error = rig.read("op://Prod/db/f").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    rig.sim.outage(None);
    assert_eq!(rig.read("op://Prod/db/f").unwrap(), "the value");
}

#[test]
fn a_redirect_is_not_followed_wherever_it_leads() {
    let (rig, _) = rig(Tls::No);
    let (elsewhere, _) = self::rig(Tls::No);
    let target = format!("{}/v1/vaults", elsewhere.sim.url());
    rig.sim.fault(Route::Vaults, Fault::Redirect(target));
    let error = rig.read("op://Prod/db/f").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert_eq!(elsewhere.sim.total(), 0);
}

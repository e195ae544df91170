//! One secret: bytes, versions of the API, freshness (contract §3, §4).

use super::rig::*;
use secretfs_providers::{Answer, ErrorKind};
use secretfs_tests::http_sim::Fault;
use secretfs_tests::infisical::{Generation, PROJECT_SLUG, Route};

#[test]
fn values_are_served_as_the_server_keeps_them_byte_by_byte() {
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| sim);
        for (at, (written, kept)) in [
            ("h\u{e9}llo .. \u{1f511}\n", "h\u{e9}llo .. \u{1f511}\n"),
            ("two newlines\n\n", "two newlines\n"),
            ("   x   ", "x"),
            ("line1\r\nline2\r\n", "line1\r\nline2\n"),
            ("a\0b", "a\0b"),
            ("", ""),
            ("\"quoted\" \\ back\\nslash", "\"quoted\" \\ back\\nslash"),
        ]
        .into_iter()
        .enumerate()
        {
            let name = format!("V{at}");
            rig.sim.set("/", &name, written);
            assert_eq!(rig.read("/", &name), Ok(kept.to_owned()));
            let together = rig.read_many("/", &[&name]).unwrap();
            assert_eq!(together, [Got::value(kept)]);
        }
    }
}

#[test]
fn the_largest_value_that_a_server_keeps_is_served() {
    let large = "x".repeat(1_000_000);
    let rig = Rig::new(Generation::V3Only, |sim| sim.secret("/", "LARGE", &large));
    assert_eq!(rig.read("/", "LARGE"), Ok(large));
}

#[test]
fn one_cold_secret_is_one_request_with_a_token_and_one_more_without() {
    let rig = Rig::new(Generation::Both, |sim| {
        sim.secret("/", "A", "1").secret("/", "B", "2")
    });
    assert_eq!(rig.read("/", "A"), Ok("1".into()));
    assert_eq!((rig.sim.count(Route::Login), rig.sim.total()), (1, 2));
    rig.sim.forget_requests();
    assert_eq!(rig.read("/", "B"), Ok("2".into()));
    assert_eq!(rig.sim.total(), 1);
}

#[test]
fn the_version_of_the_api_is_found_out_once_by_a_list_too() {
    let rig = Rig::new(Generation::V3Only, |sim| {
        sim.secret("/", "A", "1").secret("/", "B", "2")
    });
    for _ in 0..2 {
        rig.read_many("/", &["A", "B"]).unwrap();
        assert_eq!(rig.read("/", "A"), Ok("1".into()));
    }
    assert_eq!(rig.sim.count(Route::Absent), 1);
    assert_eq!(rig.counts(), (2, 2));
}

#[test]
fn a_project_may_be_named_by_its_slug() {
    for generation in BOTH {
        let rig = Rig::with(
            generation,
            |sim| sim.secret("/", "A", "1"),
            |settings| {
                settings.project_id = None;
                settings.project_slug = Some(PROJECT_SLUG.into());
            },
        );
        assert_eq!(rig.read("/", "A"), Ok("1".into()));
        assert_eq!(rig.read_many("/", &["A"]).unwrap(), [Got::value("1")]);
        assert_eq!(rig.sim.count(Route::Absent), 0);
    }
}

#[test]
fn an_unchanged_secret_is_one_request_that_is_answered_304() {
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| sim.secret("/", "A", "1")).warmed();
        let wanted = wanted("/", "A");
        let first = fetched(rig.ask(&wanted).unwrap());
        let wanted = again(&wanted, first.validator);
        rig.sim.forget_requests();
        assert!(matches!(rig.ask(&wanted), Ok(Answer::Unchanged)));
        let requests = rig.sim.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].status, Some(304));
        // Written again with the same value it is another version, and the same bytes.
        rig.sim.set("/", "A", "1");
        let second = fetched(rig.ask(&wanted).unwrap());
        assert_eq!(text(&second.value), "1");
        rig.sim.set("/", "A", "2");
        assert_eq!(text(&fetched(rig.ask(&wanted).unwrap()).value), "2");
    }
}

#[test]
fn the_etag_of_a_list_is_never_sent_for_a_single_secret_nor_the_other_way_round() {
    let rig = Rig::new(Generation::Both, |sim| {
        sim.secret("/", "A", "1").secret("/", "B", "2")
    });
    let both = [wanted("/", "A"), wanted("/", "B")];
    let listed = rig.ask_many(&both).unwrap().remove(0).map(fetched).unwrap();
    let single = rig.fetch("/", "B").unwrap();
    assert_ne!(listed.validator, single.validator);
    let by_list = again(&both[0], listed.validator.clone());
    let by_name = again(&both[1], single.validator);
    assert_eq!(text(&fetched(rig.ask(&by_list).unwrap()).value), "1");
    // Of several that did not come with one list, all come again.
    let mixed = rig.ask_many(&[by_list.clone(), by_name]).unwrap();
    let mixed: Vec<_> = mixed.into_iter().map(Got::of).collect();
    assert_eq!(mixed, [Got::value("1"), Got::value("2")]);
    // Of those that did, none.
    let both = [by_list, again(&both[1], listed.validator)];
    let unchanged = rig.ask_many(&both).unwrap();
    let unchanged: Vec<_> = unchanged.into_iter().map(Got::of).collect();
    assert_eq!(unchanged, [Got::Unchanged, Got::Unchanged]);
    assert_eq!(rig.sim.requests().last().unwrap().status, Some(304));
    // Until anything in the folder changes.
    rig.sim.set("/", "B", "3");
    let changed = rig.ask_many(&both).unwrap();
    let changed: Vec<_> = changed.into_iter().map(Got::of).collect();
    assert_eq!(changed, [Got::value("1"), Got::value("3")]);
}

#[test]
fn an_answer_about_another_secret_or_folder_is_never_served() {
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| {
            sim.secret("/", "A", "1").secret("/", "B", "2")
        });
        let rig = rig.warmed();
        rig.sim
            .fault_next(Route::SecretSingle, 1, Fault::WrongSecret);
        assert_eq!(rig.read("/", "A"), Err(ErrorKind::Protocol));
        rig.sim.fault_next(Route::SecretList, 3, Fault::WrongSecret);
        assert_eq!(rig.read_many("/", &["A", "B"]), Err(ErrorKind::Protocol));
        assert_eq!(rig.folder("/").unwrap_err().kind, ErrorKind::Protocol);
        assert_eq!(rig.names("/").unwrap_err().kind, ErrorKind::Protocol);
    }
}

#[test]
fn a_list_that_ends_early_serves_nothing_of_itself() {
    let rig = Rig::new(Generation::V3Only, |sim| {
        sim.secret("/", "A", "1").secret("/", "B", "2")
    });
    let rig = rig.warmed();
    for fault in [Fault::Truncate(700), Fault::ResetAfter(900), Fault::BadJson] {
        rig.sim.fault(Route::SecretList, fault.clone());
        assert!(rig.read_many("/", &["A", "B"]).is_err(), "{fault:?}");
        assert!(rig.folder("/").is_err(), "{fault:?}");
        rig.sim.mend(Route::SecretList);
    }
    assert_eq!(
        rig.read_many("/", &["A", "B"]).unwrap(),
        [Got::value("1"), Got::value("2")]
    );
}

//! How often `op` is run: one prompt at a time, two with a token, none while something holds it up.

use super::rig::*;
use secretfs_providers::{Credential, CredentialOffer, ErrorKind, Health, Provider, ProviderError};
use std::time::Duration;

const DISMISSED: &str =
    "error initializing client: authorization prompt dismissed, please try again";

/// Opens that many items at once; the kinds of their failures.
fn together(rig: &Rig, count: usize) -> Vec<Result<(), ErrorKind>> {
    let wanted: Vec<_> = (0..count)
        .map(|n| wanted(&format!("op://Prod/i{n}/f")))
        .collect();
    let context = rig.context();
    rig.run(async {
        let opens = wanted.iter().map(|one| rig.client.fetch(one, &context));
        all(opens.collect()).await
    })
}

async fn all<T>(
    mut futures: Vec<secretfs_providers::BoxFuture<'_, Result<T, ProviderError>>>,
) -> Vec<Result<(), ErrorKind>> {
    let mut ended: Vec<Option<Result<(), ErrorKind>>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, ended) in futures.iter_mut().zip(&mut ended) {
            if ended.is_none()
                && let std::task::Poll::Ready(outcome) = future.as_mut().poll(cx)
            {
                *ended = Some(outcome.map(drop).map_err(|error| error.kind));
            }
        }
        match ended.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    ended.into_iter().flatten().collect()
}

#[test]
fn a_prompt_is_one_prompt_and_its_dismissal_is_everybodys() {
    let rig = Rig::new();
    rig.will([Run::complains(DISMISSED)]);
    assert_eq!(together(&rig, 20), [Err(ErrorKind::NoCredential); 20]);
    assert_eq!(rig.ran().len(), 1);
    // Nobody is asked again at once, and asked again after a while.
    rig.pass(Duration::from_secs(9));
    assert_eq!(rig.fails("op://Prod/db/a").kind, ErrorKind::NoCredential);
    assert_eq!(rig.ran().len(), 0);
    rig.pass(Duration::from_secs(2));
    rig.will([item(1, &[("a", "1")], &[])]);
    assert_eq!(rig.bytes("op://Prod/db/a").unwrap(), b"1");
}

#[test]
fn one_runs_at_a_time_where_somebody_may_be_asked_and_two_with_a_token() {
    for (token, most) in [(None, 1), (Some("ops_token"), 2)] {
        let rig = Rig::new();
        if let Some(token) = token {
            rig.give(token);
        }
        let gate = rig.hold();
        rig.will((0..6).map(|_| item(1, &[("f", "v")], &[])));
        let wanted: Vec<_> = (0..6)
            .map(|n| wanted(&format!("op://Prod/i{n}/f")))
            .collect();
        let context = rig.context();
        rig.run(async {
            let opens = wanted.iter().map(|one| rig.client.fetch(one, &context));
            let opened = all(opens.collect());
            let go = async {
                loop {
                    tokio::task::yield_now().await;
                    gate.notify_waiters();
                }
            };
            tokio::select! {
                opened = opened => assert_eq!(opened.len(), 6),
                () = go => {}
            }
        });
        assert_eq!(rig.helper.0.lock().unwrap().most, most, "{token:?}");
    }
}

#[test]
fn a_rate_limit_is_not_run_against_until_it_is_over() {
    let rig = Rig::new();
    rig.give("ops_token");
    let limit = "(429) Too Many Requests: You've reached the maximum. Please retry in 58 minutes or try other requests.";
    rig.will([Run::complains(limit)]);
    for minutes in [0, 30, 27] {
        rig.pass(Duration::from_secs(minutes * 60));
        let error = rig.fails("op://Prod/db/a");
        assert!(matches!(error.kind, ErrorKind::Limited { .. }), "{error:?}");
    }
    assert_eq!(rig.ran().len(), 1);
    assert!(matches!(rig.client.health(), Health::Failing(_)));
    rig.pass(Duration::from_secs(61));
    rig.will([item(1, &[("a", "1")], &[])]);
    assert_eq!(rig.bytes("op://Prod/db/a").unwrap(), b"1");
    assert_eq!(rig.client.health(), Health::Good);
}

#[test]
fn a_refused_token_is_not_sent_again_for_a_while_and_another_one_at_once() {
    let rig = Rig::new();
    rig.give("ops_old");
    let refused = || Run::complains("(401) Unauthorized: invalid bearer token");
    rig.will([refused()]);
    assert_eq!(rig.fails("op://Prod/db/a").kind, ErrorKind::Refused);
    assert_eq!(rig.fails("op://Prod/db/a").kind, ErrorKind::Refused);
    rig.pass(Duration::from_secs(6));
    rig.will([refused()]);
    assert_eq!(rig.fails("op://Prod/db/a").kind, ErrorKind::Refused);
    rig.pass(Duration::from_secs(6));
    assert_eq!(rig.fails("op://Prod/db/a").kind, ErrorKind::Refused);
    let old = Some("ops_old".to_owned());
    assert_eq!(rig.tokens(), [old.clone(), old]);
    rig.give("ops_new");
    rig.will([item(1, &[("a", "1")], &[])]);
    assert_eq!(rig.bytes("op://Prod/db/a").unwrap(), b"1");
    assert_eq!(rig.tokens(), [Some("ops_new".to_owned())]);
}

#[test]
fn without_a_token_none_is_handed_over_and_after_a_lock_that_wiped_one_nothing_is_read() {
    let rig = Rig::new();
    rig.will([item(1, &[("a", "1")], &[])]);
    rig.bytes("op://Prod/db/a").unwrap();
    assert_eq!(rig.tokens(), [None]);
    rig.give("ops_token");
    rig.client.forget();
    rig.pool.wipe();
    let error = rig.fails("op://Prod/db/a");
    assert_eq!(error.kind, ErrorKind::NoCredential);
    assert!(error.help.contains("secretfs unlock"));
    assert_eq!(rig.ran().len(), 0, "nobody is asked as somebody else");
}

#[test]
fn a_credential_of_another_account_or_kind_is_refused() {
    let rig = Rig::new();
    let offer = |origin: &str, credential| CredentialOffer {
        provider: "w".into(),
        origin: origin.into(),
        credential,
    };
    let token = || Credential::Token("ops_hunter2".into());
    for offer in [
        offer("https://connect.example:443", token()),
        offer("op://other.1password.com", token()),
        offer("op://", Credential::Session),
    ] {
        let error = rig.client.supply(offer, &rig.pool).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Refused);
        assert!(!error.to_string().contains("hunter2"));
    }
    assert_eq!(rig.client.origin(), "op://");
}

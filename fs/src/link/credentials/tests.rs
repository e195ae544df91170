//! Credentials arrive whole, and hostile channels are errors.

use super::*;
use crate::link::wire::{WireError, pair};
use rustix::net::{SendFlags, send};
use secrecy::ExposeSecret;
use secretfs_providers::credential::{Credential, CredentialOffer, IdentityMethod};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(10);

fn soon() -> Instant {
    Instant::now() + LIMIT
}

fn offer(credential: Credential) -> CredentialOffer {
    CredentialOffer {
        provider: "vault".into(),
        origin: "file:///home/me/vault.age".into(),
        credential,
    }
}

#[tokio::test]
async fn every_kind_arrives_and_each_is_answered() {
    let (mine, theirs) = pair().unwrap();
    let offers = vec![
        offer(Credential::AgeIdentity("AGE-SECRET-KEY-1".into())),
        offer(Credential::Token("t\0\u{e9}".into())),
        offer(Credential::ClientSecret {
            id: "id".into(),
            secret: "s".repeat(SECRET_LIMIT).into(),
        }),
        offer(Credential::Proxy("me:secret".into())),
    ];
    let command = std::thread::spawn(move || {
        let mut client = Client::new(mine);
        client.send(&offers, soon()).unwrap();
        client.outcomes(offers.len(), soon()).unwrap()
    });
    let refused = Outcome::Refused {
        message: "it is bound to another origin".into(),
        help: "run `secretfs login`".into(),
    };
    let mut server = Server::new(theirs).unwrap();
    let first = server.next(LIMIT).await.unwrap().unwrap();
    assert_eq!(first.provider, "vault");
    assert_eq!(first.origin, "file:///home/me/vault.age");
    assert!(
        matches!(&first.credential, Credential::AgeIdentity(i) if i.expose_secret() == "AGE-SECRET-KEY-1")
    );
    server.answer(&Outcome::Accepted, LIMIT).await.unwrap();
    let second = server.next(LIMIT).await.unwrap().unwrap();
    assert!(matches!(&second.credential, Credential::Token(t) if t.expose_secret() == "t\0\u{e9}"));
    server.answer(&refused, LIMIT).await.unwrap();
    let third = server.next(LIMIT).await.unwrap().unwrap();
    assert!(
        matches!(&third.credential, Credential::ClientSecret { id, secret }
            if id.expose_secret() == "id" && secret.expose_secret().len() == SECRET_LIMIT)
    );
    server.answer(&Outcome::Accepted, LIMIT).await.unwrap();
    let fourth = server.next(LIMIT).await.unwrap().unwrap();
    assert!(
        matches!(&fourth.credential, Credential::Proxy(user) if user.expose_secret() == "me:secret")
    );
    server.answer(&Outcome::Accepted, LIMIT).await.unwrap();
    assert!(server.next(LIMIT).await.unwrap().is_none());
    assert_eq!(
        command.join().unwrap(),
        [
            Outcome::Accepted,
            refused,
            Outcome::Accepted,
            Outcome::Accepted
        ]
    );
}

#[tokio::test]
async fn leave_to_use_an_identity_arrives_with_its_method_and_proof() {
    let identity = |method, proof: Option<&str>| Credential::Identity {
        method,
        id: "the-identity".into(),
        proof: proof.map(Into::into),
    };
    let mut offers = vec![offer(Credential::Session)];
    for method in IdentityMethod::ALL {
        offers.push(offer(identity(method, None)));
        offers.push(offer(identity(method, Some("a proof"))));
    }
    let (mine, theirs) = pair().unwrap();
    let command = std::thread::spawn(move || Client::new(mine).send(&offers, soon()).unwrap());
    let mut server = Server::new(theirs).unwrap();
    let mut next = async || server.next(LIMIT).await.unwrap().unwrap().credential;
    assert!(matches!(next().await, Credential::Session));
    for expected in IdentityMethod::ALL {
        for with in [None, Some("a proof")] {
            let Credential::Identity { method, id, proof } = next().await else {
                panic!("another kind");
            };
            assert_eq!((method, id.as_str()), (expected, "the-identity"));
            assert_eq!(proof.as_ref().map(|proof| proof.expose_secret()), with);
        }
    }
    command.join().unwrap();
}

#[tokio::test]
async fn a_hostile_offer_is_an_error() {
    let long = [1, 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, b'v'];
    let unknown = [99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let not_text = [2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xff];
    let cut = [2, 0, 9];
    for bytes in [&long[..], &unknown, &not_text, &cut] {
        let (raw, theirs) = pair().unwrap();
        send(&raw, bytes, SendFlags::empty()).unwrap();
        drop(raw);
        assert!(Server::new(theirs).unwrap().next(LIMIT).await.is_err());
    }
}

#[tokio::test]
async fn a_silent_command_is_given_up() {
    let (_raw, theirs) = pair().unwrap();
    assert!(matches!(
        Server::new(theirs)
            .unwrap()
            .next(Duration::from_millis(20))
            .await,
        Err(WireError::TimedOut)
    ));
}

#[test]
fn an_oversized_secret_is_not_sent() {
    let (mine, _theirs) = pair().unwrap();
    let offers = [offer(Credential::Token(
        "x".repeat(SECRET_LIMIT + 1).into(),
    ))];
    assert!(matches!(
        Client::new(mine).send(&offers, soon()),
        Err(WireError::TooLarge { .. })
    ));
}

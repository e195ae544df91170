//! Bytes on the sockets: requests and answers of the control socket, the link between helper and daemon, the
//! credential channel. The first byte says which, the second how they arrive and whether a descriptor comes along.

use super::{pieces, tells_nothing};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use secretfs_fs::link::credentials::{Client, OFFERS_LIMIT, Server};
use secretfs_fs::link::wire::{Blocking, LINK_LIMIT, WireError, pair};
use secretfs_fs::link::{FromDaemon, ToDaemon};
use secretfs_mount_helper::control::{Request, Response};
use secretfs_providers::{Credential, CredentialOffer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::io::IoSlice;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// One connection.
///
/// # Panics
/// A property does not hold.
pub fn run(data: &[u8]) {
    let [which, how, bytes @ ..] = data else {
        return;
    };
    // More would fill the socket, which nobody reads meanwhile.
    let bytes = &bytes[..bytes.len().min(16 << 10)];
    match which % 6 {
        0 => frames::<Request>(bytes, *how),
        1 => frames::<Response>(bytes, *how),
        2 => frames::<ToDaemon>(bytes, *how),
        3 => frames::<FromDaemon>(bytes, *how),
        4 => offers(bytes),
        _ => outcomes(bytes),
    }
}

/// What arrives, and how it ends.
fn frames<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8], how: u8) {
    let has_fd = how & 0x80 != 0;
    let whole = received::<T>(&pieces(bytes, 0), has_fd);
    let cut = received::<T>(&pieces(bytes, (how & 0x7f).max(1)), has_fd);
    assert_eq!(whole, cut, "whole, and cut");
    for message in &whole.0 {
        let (ours, theirs) = pair().expect("a pair");
        let mut sender = Blocking::new(ours, LINK_LIMIT, LINK_LIMIT);
        let mut receiver = Blocking::new(theirs, LINK_LIMIT, LINK_LIMIT);
        // Printed it may be longer than it was: `\u0001` for a byte.
        if sender.send(message, Vec::new(), Instant::now()).is_ok() {
            let (again, _) = receiver
                .receive::<T>(Instant::now())
                .expect("our own message");
            assert_eq!(again, *message);
        }
    }
}

fn received<T: DeserializeOwned>(pieces: &[&[u8]], has_fd: bool) -> (Vec<T>, String) {
    let (ours, theirs) = pair().expect("a pair");
    let mut reader = Blocking::new(theirs, LINK_LIMIT, LINK_LIMIT);
    let mut messages = Vec::new();
    let mut fds = 0;
    let mut drain = |reader: &mut Blocking| loop {
        match reader.receive::<T>(Instant::now()) {
            Ok((message, came)) => {
                fds += came.len();
                messages.push(message);
            }
            Err(WireError::TimedOut) => return None,
            Err(error) => return Some(error.to_string()),
        }
    };
    for (at, piece) in pieces.iter().enumerate() {
        send(&ours, piece, has_fd && at == 0);
        if let Some(error) = drain(&mut reader) {
            tells_nothing(&error);
            return (messages, error);
        }
    }
    drop(ours);
    let ended = drain(&mut reader).expect("an end");
    assert!(fds <= usize::from(has_fd));
    (messages, ended)
}

fn send(socket: &OwnedFd, bytes: &[u8], has_fd: bool) {
    if bytes.is_empty() {
        return;
    }
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let null = has_fd.then(|| std::fs::File::open("/dev/null").expect("/dev/null"));
    let fds: Vec<_> = null.iter().map(AsFd::as_fd).collect();
    if has_fd {
        assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
    }
    let sent = sendmsg(
        socket,
        &[IoSlice::new(bytes)],
        &mut control,
        SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
    );
    assert_eq!(sent, Ok(bytes.len()));
}

thread_local! {
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
}

/// What a command says on the credential channel.
fn offers(bytes: &[u8]) {
    let first = offered(bytes);
    let second = offered(&written(&first));
    assert_eq!(written(&first), written(&second));
    assert!(first.len() <= OFFERS_LIMIT);
    for offer in &first {
        // An identity's id is no secret.
        if !matches!(offer.credential, Credential::Identity { .. }) {
            tells_nothing(&format!("{:?}", offer.credential));
        }
    }
}

fn offered(bytes: &[u8]) -> Vec<CredentialOffer> {
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let (ours, theirs) = pair().expect("a pair");
            send(&ours, bytes, false);
            drop(ours);
            let mut server = Server::new(theirs).expect("a server");
            let mut offers = Vec::new();
            loop {
                // Everything is there already: it never waits so long.
                match server.next(Duration::from_secs(60)).await {
                    Ok(Some(offer)) => offers.push(offer),
                    Ok(None) => return offers,
                    Err(WireError::TimedOut) => panic!("it waits for what cannot come"),
                    Err(error) => {
                        tells_nothing(&error.to_string());
                        return offers;
                    }
                }
            }
        })
    })
}

fn written(offers: &[CredentialOffer]) -> Vec<u8> {
    let (ours, theirs) = pair().expect("a pair");
    Client::new(ours)
        .send(offers, Instant::now())
        .expect("our own offers");
    let mut all = Vec::new();
    std::io::Read::read_to_end(&mut std::fs::File::from(theirs), &mut all)
        .expect("what was written");
    all
}

/// What the daemon answers on it.
fn outcomes(bytes: &[u8]) {
    let (ours, theirs) = pair().expect("a pair");
    send(&ours, bytes, false);
    drop(ours);
    match Client::new(theirs).outcomes(OFFERS_LIMIT, Instant::now()) {
        Ok(outcomes) => assert_eq!(outcomes.len(), OFFERS_LIMIT),
        Err(WireError::TimedOut) => panic!("it waits for what cannot come"),
        Err(error) => tells_nothing(&error.to_string()),
    }
}

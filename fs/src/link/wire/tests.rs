//! Frames arrive as they were sent; whatever else arrives is an error.

use super::*;
use proptest::prelude::*;
use rustix::net::{SendFlags, send};
use std::io::{IoSlice, Read, Seek, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

fn ends(limit: usize) -> (Blocking, Blocking) {
    let (a, b) = pair().unwrap();
    (
        Blocking::new(a, limit, limit),
        Blocking::new(b, limit, limit),
    )
}

/// An end that sends raw bytes to a reader of frames, and then closes.
fn hostile(bytes: &[u8]) -> Blocking {
    let (raw, framed) = pair().unwrap();
    assert_eq!(send(&raw, bytes, SendFlags::empty()).unwrap(), bytes.len());
    Blocking::new(framed, LINK_LIMIT, LINK_LIMIT)
}

fn send_raw_with_fds(bytes: &[u8], socket: &OwnedFd, fds: usize) {
    let file = tempfile::tempfile().unwrap();
    let borrowed = vec![file.as_fd(); fds];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut control = rustix::net::SendAncillaryBuffer::new(&mut space);
    assert!(control.push(rustix::net::SendAncillaryMessage::ScmRights(&borrowed)));
    rustix::net::sendmsg(
        socket,
        &[IoSlice::new(bytes)],
        &mut control,
        SendFlags::empty(),
    )
    .unwrap();
}

#[test]
fn descriptors_arrive_beside_their_own_message() {
    let (mut a, mut b) = ends(LINK_LIMIT);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"through").unwrap();
    a.send(&"none", vec![], soon()).unwrap();
    a.send(&"one", vec![file.into()], soon()).unwrap();
    a.send(&"none again", vec![], soon()).unwrap();
    let (text, fds) = b.receive::<String>(soon()).unwrap();
    assert_eq!((text.as_str(), fds.len()), ("none", 0));
    let (text, mut fds) = b.receive::<String>(soon()).unwrap();
    assert_eq!((text.as_str(), fds.len()), ("one", 1));
    let fd = fds.remove(0);
    assert!(
        rustix::io::fcntl_getfd(&fd)
            .unwrap()
            .contains(rustix::io::FdFlags::CLOEXEC)
    );
    let mut file = std::fs::File::from(fd);
    file.rewind().unwrap();
    let mut content = String::new();
    file.read_to_string(&mut content).unwrap();
    assert_eq!(content, "through");
    let (text, fds) = b.receive::<String>(soon()).unwrap();
    assert_eq!((text.as_str(), fds.len()), ("none again", 0));
}

#[test]
fn a_message_beyond_the_limit_is_neither_sent_nor_received() {
    let (mut a, _b) = ends(16);
    assert!(matches!(
        a.send(&"x".repeat(32), vec![], soon()),
        Err(WireError::TooLarge { limit: 16 })
    ));
    let mut announced = hostile(&u32::MAX.to_be_bytes());
    assert!(matches!(
        announced.receive::<String>(soon()),
        Err(WireError::TooLarge { .. })
    ));
}

#[test]
fn a_closed_connection_tells_whether_a_message_was_cut() {
    assert!(matches!(
        hostile(b"").receive::<String>(soon()),
        Err(WireError::Closed)
    ));
    assert!(matches!(
        hostile(b"\0\0").receive::<String>(soon()),
        Err(WireError::Truncated)
    ));
    assert!(matches!(
        hostile(b"\0\0\0\x05\"ab").receive::<String>(soon()),
        Err(WireError::Truncated)
    ));
}

#[test]
fn an_empty_or_foreign_message_is_malformed() {
    for bytes in [
        &b"\0\0\0\0"[..],
        b"\0\0\0\x01{",
        b"\0\0\0\x027\n",
        b"\0\0\0\x02\xff\xfe",
    ] {
        assert!(matches!(
            hostile(bytes).receive::<String>(soon()),
            Err(WireError::Malformed)
        ));
    }
}

#[test]
fn too_many_or_misplaced_descriptors_are_refused() {
    let (raw, framed) = pair().unwrap();
    send_raw_with_fds(b"\0\0\0\x03\"a\"", &raw, MAX_FDS + 3);
    let mut framed = Blocking::new(framed, LINK_LIMIT, LINK_LIMIT);
    assert!(matches!(
        framed.receive::<String>(soon()),
        Err(WireError::BadDescriptors)
    ));

    let (raw, framed) = pair().unwrap();
    send(&raw, b"\0\0\0\x03", SendFlags::empty()).unwrap();
    send_raw_with_fds(b"\"a\"", &raw, 1);
    let mut framed = Blocking::new(framed, LINK_LIMIT, LINK_LIMIT);
    assert!(matches!(
        framed.receive::<String>(soon()),
        Err(WireError::BadDescriptors)
    ));
}

#[test]
fn a_silent_peer_is_given_up_at_the_deadline() {
    let (mut a, _b) = ends(LINK_LIMIT);
    let deadline = Instant::now() + Duration::from_millis(20);
    assert!(matches!(
        a.receive::<String>(deadline),
        Err(WireError::TimedOut)
    ));
    // Nobody reads: the socket's buffer fills.
    let (mut a, _b) = ends(CONTROL_LIMIT);
    let deadline = Instant::now() + Duration::from_millis(20);
    assert!(matches!(
        a.send(&"x".repeat(4 << 20), vec![], deadline),
        Err(WireError::TimedOut)
    ));
}

#[tokio::test]
async fn a_dropped_receive_and_a_dropped_send_lose_no_boundary() {
    let (a, b) = pair().unwrap();
    let (_, mut writer) = split(a, CONTROL_LIMIT, CONTROL_LIMIT).unwrap();
    let (mut reader, _) = split(b, CONTROL_LIMIT, CONTROL_LIMIT).unwrap();
    let long = "y".repeat(4 << 20);
    // The socket's buffer is smaller than the message: nobody reads, so a part of it stays.
    let brief = Duration::from_millis(50);
    assert!(
        tokio::time::timeout(brief, writer.send(&long, vec![]))
            .await
            .is_err()
    );
    assert!(
        tokio::time::timeout(brief, reader.receive::<String>())
            .await
            .is_err()
    );
    let next = tokio::spawn(async move { writer.send(&"next", vec![]).await });
    assert_eq!(reader.receive::<String>().await.unwrap().0, long);
    assert_eq!(reader.receive::<String>().await.unwrap().0, "next");
    next.await.unwrap().unwrap();
}

proptest! {
    #[test]
    fn any_text_travels(texts in proptest::collection::vec(".{0,200}", 1..8)) {
        let (mut a, mut b) = ends(LINK_LIMIT);
        for text in &texts {
            a.send(text, vec![], soon()).unwrap();
        }
        for text in &texts {
            prop_assert_eq!(&b.receive::<String>(soon()).unwrap().0, text);
        }
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let mut reader = hostile(&bytes);
        for _ in 0..bytes.len() + 1 {
            if reader.receive::<crate::link::ToDaemon>(soon()).is_err() {
                break;
            }
        }
    }
}

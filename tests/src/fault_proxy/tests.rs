//! The proxy breaks connections where it was told to, and nowhere else.

use super::{Act, Cut, Door, FaultProxy, Plan};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// A server that says everything it was told again, and ends after it.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            std::thread::spawn(move || {
                let mut all = Vec::new();
                let _ = stream.read_to_end(&mut all);
                let _ = stream.write_all(&all);
            });
        }
    });
    address
}

/// Says `sent`, ends, and hears what comes back; `None`: it was reset.
fn heard(proxy: &FaultProxy, sent: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(proxy.address()).ok()?;
    stream.write_all(sent).ok()?;
    stream.shutdown(Shutdown::Write).ok()?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all).ok()?;
    Some(all)
}

fn down(after: usize, act: Act) -> Plan {
    Plan {
        down: Some(Cut { after, act }),
        ..Plan::default()
    }
}

fn up(after: usize, act: Act) -> Plan {
    Plan {
        up: Some(Cut { after, act }),
        ..Plan::default()
    }
}

#[test]
fn bytes_are_carried_as_they_are_and_counted() {
    let proxy = FaultProxy::start(echo());
    assert_eq!(heard(&proxy, b"hello").as_deref(), Some(&b"hello"[..]));
    assert_eq!(proxy.carried(), (5, 5, 1));
}

#[test]
fn each_act_happens_at_its_byte_to_one_connection() {
    let proxy = FaultProxy::start(echo());
    for (plan, expected) in [
        (down(0, Act::Reset), None),
        (down(3, Act::Reset), None),
        (up(3, Act::Reset), None),
        (down(3, Act::Close), Some(&b"hel"[..])),
        (down(3, Act::HalfClose), Some(b"hel")),
        (up(3, Act::HalfClose), Some(b"hel")),
        (down(2, Act::Skip(2)), Some(b"heo")),
        (down(1, Act::Garbage(1)), Some(b"h\xc0llo")),
        (
            down(5, Act::Alert(40)),
            Some(b"hello\x15\x03\x03\0\x02\x02\x28"),
        ),
    ] {
        proxy.next(plan);
        assert_eq!(heard(&proxy, b"hello").as_deref(), expected, "{plan:?}");
        assert_eq!(heard(&proxy, b"hello").as_deref(), Some(&b"hello"[..]));
    }
}

#[test]
fn what_stalls_goes_on_or_is_reset_when_all_is_mended() {
    let proxy = FaultProxy::start(echo());
    for (reset, expected) in [(false, Some(&b"hello"[..])), (true, None)] {
        proxy.next(down(2, Act::Stall));
        let mut stream = TcpStream::connect(proxy.address()).expect("a connection");
        stream.write_all(b"hello").expect("written");
        stream.shutdown(Shutdown::Write).expect("shut");
        let mut begun = [0; 2];
        stream.read_exact(&mut begun).expect("the beginning");
        stream
            .set_read_timeout(Some(Duration::from_millis(20)))
            .expect("a limit");
        let mut more = [0; 1];
        assert!(stream.read(&mut more).is_err(), "it stalls");
        stream.set_read_timeout(None).expect("no limit");
        proxy.mend(reset);
        let mut all = begun.to_vec();
        let whole = stream.read_to_end(&mut all).ok().map(|_| all);
        assert_eq!(whole.as_deref(), expected);
    }
}

#[test]
fn a_door_refuses_or_is_mute_and_opens_again() {
    let proxy = FaultProxy::start(echo());
    proxy.door(Door::Refuse);
    assert!(TcpStream::connect(proxy.address()).is_err());
    proxy.door(Door::Mute);
    let mut stream = TcpStream::connect(proxy.address()).expect("a connection");
    stream
        .set_read_timeout(Some(Duration::from_millis(20)))
        .expect("a limit");
    assert!(stream.read(&mut [0; 1]).is_err(), "it is mute");
    proxy.mend(false);
    assert_eq!(heard(&proxy, b"hello").as_deref(), Some(&b"hello"[..]));
}

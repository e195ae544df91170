//! That the simulated proxy does what proxies do, and notices what no client should ask.

use super::Tls;
use super::proxy::{Proxy, ProxyFault};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

/// A server that greets one connection, and tells what it was sent up to an empty line.
fn greeter() -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut seen = Vec::new();
        let mut piece = [0; 512];
        while !seen.ends_with(b"\r\n\r\n") {
            let read = stream.read(&mut piece).unwrap();
            seen.extend_from_slice(&piece[..read]);
        }
        stream.write_all(b"hello").unwrap();
        String::from_utf8(seen).unwrap()
    });
    (address, serving)
}

/// What the proxy says to these bytes.
fn said(proxy: &Proxy, request: &str) -> String {
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    String::from_utf8_lossy(&all).into_owned()
}

fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[test]
fn a_tunnel_carries_bytes_both_ways() {
    let (server, serving) = greeter();
    let proxy = Proxy::start(server, Tls::No).with_user("me", "secret");
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    let request = "CONNECT a.example:443 HTTP/1.1\r\nhost: a.example:443\r\n\
                   proxy-authorization: Basic bWU6c2VjcmV0\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = [0; 39];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 Connection established\r\n\r\n");
    stream.write_all(b"through\r\n\r\n").unwrap();
    let mut greeting = String::new();
    stream.read_to_string(&mut greeting).unwrap();
    assert_eq!(greeting, "hello");
    assert_eq!(serving.join().unwrap(), "through\r\n\r\n");
    let asked = &proxy.asked()[0];
    assert_eq!(
        (asked.target.as_str(), asked.authorized),
        ("a.example:443", Some(true))
    );
}

#[test]
fn a_request_with_its_whole_address_reaches_the_server_without_what_is_the_proxys() {
    let (server, serving) = greeter();
    let proxy = Proxy::start(server, Tls::No).with_user("me", "secret");
    let request = "GET http://a.example:80/x?y HTTP/1.1\r\nhost: a.example:80\r\naccept: */*\r\n\
                   proxy-authorization: Basic bWU6c2VjcmV0\r\n\r\n";
    assert_eq!(said(&proxy, request), "hello");
    let seen = serving.join().unwrap();
    assert!(seen.starts_with("GET /x?y HTTP/1.1\r\n"), "{seen}");
    assert!(
        seen.contains("accept: */*") && !seen.contains("proxy-"),
        "{seen}"
    );
}

#[test]
fn a_user_that_is_missing_or_wrong_is_407() {
    let proxy = Proxy::start(nobody(), Tls::No).with_user("me", "secret");
    let connect = "CONNECT a.example:443 HTTP/1.1\r\nhost: a.example:443\r\n";
    for more in ["", "proxy-authorization: Basic bWU6d3Jvbmc=\r\n"] {
        let said = said(&proxy, &format!("{connect}{more}\r\n"));
        assert!(said.starts_with("HTTP/1.1 407 "), "{said}");
        assert!(said.contains("proxy-authenticate: Basic"), "{said}");
    }
    let authorized: Vec<_> = proxy.asked().iter().map(|one| one.authorized).collect();
    assert_eq!(authorized, [None, Some(false)]);
}

#[test]
fn what_no_client_should_ask_is_noticed() {
    let proxy = Proxy::start(nobody(), Tls::No);
    for (request, notices) in [
        ("GET /x HTTP/1.1\r\nhost: a.example:80\r\n\r\n", "absolute"),
        (
            "CONNECT a.example:443 HTTP/1.1\r\nhost: b.example:443\r\n\r\n",
            "another host",
        ),
        (
            "CONNECT a.example HTTP/1.1\r\nhost: a.example\r\n\r\n",
            "no host and port",
        ),
        (
            "CONNECT a.example:443 HTTP/1.1\r\nhost: a.example:443\r\nauthorization: Bearer x\r\n\r\n",
            "in the clear",
        ),
        (
            "CONNECT a.example:443 HTTP/1.1\r\nhost: a.example:443\r\nproxy-authorization: Basic x\r\n\r\n",
            "wants none",
        ),
        ("\x16\x03\x01\r\n\r\n", "no HTTP"),
    ] {
        said(&proxy, request);
        let found = proxy.take_violations();
        assert!(
            found.iter().any(|line| line.contains(notices)),
            "{request}: {found:?}"
        );
    }
}

#[test]
fn it_goes_wrong_as_it_is_told() {
    let proxy = Proxy::start(nobody(), Tls::No);
    let request = "CONNECT a.example:443 HTTP/1.1\r\nhost: a.example:443\r\n\r\n";
    for (fault, says) in [
        (ProxyFault::Page(502), "HTTP/1.1 502 "),
        (ProxyFault::Close, ""),
        (ProxyFault::Garbage, "\x15\x03\x01"),
        (ProxyFault::Hang, ""),
    ] {
        proxy.fault(Some(fault.clone()));
        let said = said(&proxy, request);
        assert!(said.starts_with(says), "{fault:?}: {said}");
        assert_eq!(said.is_empty(), says.is_empty(), "{fault:?}: {said}");
    }
}

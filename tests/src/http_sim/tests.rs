//! The frame, with the smallest service: it answers `hello` to `/hello`.

use super::client::Client;
use super::clock::Clock;
use super::{Answer, Fault, Outage, Reply, Request, Server, Site, Tls};
use std::io::{Read, Write};
use std::time::Duration;

#[derive(Debug, Default)]
struct Greeter(Clock);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Path {
    Hello,
    Other,
}

fn text(status: u16, text: &str) -> Answer {
    Answer::new(status, "text/plain", text.as_bytes().to_vec())
}

impl Site for Greeter {
    type Route = Path;

    fn route(&self, request: &Request) -> Path {
        match request.path.as_str() {
            "/hello" => Path::Hello,
            _ => Path::Other,
        }
    }

    fn answer(&mut self, route: Path, _: &Request) -> Reply {
        match route {
            Path::Hello => text(200, "hello").into(),
            Path::Other => Reply {
                answer: text(404, "what?"),
                violations: vec!["no such path".to_owned()],
            },
        }
    }

    fn lie(&mut self, _: Path, _: &Request) -> Reply {
        text(200, "goodbye").into()
    }

    fn broken(&mut self, status: u16) -> Answer {
        text(status, "broken")
    }

    fn clock(&self) -> &Clock {
        &self.0
    }
}

fn both(test: impl Fn(Server<Greeter>)) {
    for tls in [Tls::No, Tls::Yes] {
        test(Server::start(Greeter::default(), tls));
    }
}

#[test]
fn a_request_is_answered_and_counted_over_tls_and_without() {
    both(|server| {
        let client = Client::of(&server);
        let got = client.get("/hello?a=b%20c", "secret");
        assert_eq!((got.status, got.text()), (200, "hello"));
        assert!(got.is_whole);
        assert_eq!(server.count(Path::Hello), 1);
        let seen = &server.requests()[0];
        assert_eq!(seen.parameter("a"), Some("b c"));
        assert_eq!(seen.status, Some(200));
        assert!(seen.authorized && !seen.conditional);
        assert!(!format!("{seen:?}").contains("secret"));
        let seen = server.url();
        assert!(seen.starts_with(if server.ca_file().is_some() {
            "https://127.0.0.1:"
        } else {
            "http://127.0.0.1:"
        }));
    });
}

#[test]
fn requests_of_one_connection_are_answered_in_order() {
    both(|server| {
        let mut stream = Client::of(&server).connect().unwrap();
        let one = b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";
        stream.write_all(&[&one[..], &one[..]].concat()).unwrap();
        let mut all = Vec::new();
        while all.windows(5).filter(|w| w == b"hello").count() < 2 {
            let mut piece = [0; 512];
            let read = stream.read(&mut piece).unwrap();
            assert_ne!(read, 0);
            all.extend_from_slice(&piece[..read]);
        }
        assert_eq!((server.count(Path::Hello), server.connections()), (2, 1));
    });
}

#[test]
fn what_breaks_the_contract_is_recorded() {
    both(|server| {
        assert_eq!(Client::of(&server).get("/else", "t").status, 404);
        assert_eq!(server.take_violations(), ["GET /else: no such path"]);
        server.assert_clean();
    });
}

#[test]
#[should_panic(expected = "no such path")]
fn what_breaks_the_contract_fails_the_test() {
    let server = Server::start(Greeter::default(), Tls::No);
    Client::of(&server).get("/else", "t");
}

#[test]
fn what_is_no_http_breaks_the_contract() {
    let server = Server::start(Greeter::default(), Tls::No);
    let client = Client::of(&server);
    client.exchange(b"\0\x01nonsense\r\n\r\n").unwrap();
    client
        .exchange(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")
        .unwrap();
    client
        .exchange(b"POST / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n")
        .unwrap();
    let wrong = [
        "what is no HTTP",
        "a body in chunks",
        "a body that is too long",
    ];
    assert_eq!(server.take_violations(), wrong);
}

#[test]
fn faults_come_in_their_order_and_so_many_times() {
    both(|server| {
        let client = Client::of(&server);
        server.fault_next(Path::Hello, 1, Fault::None);
        server.fault_next(Path::Hello, 2, Fault::Status(503));
        server.fault_next_any(1, Fault::Html(502));
        server.fault(Path::Other, Fault::Garbage);
        let statuses: Vec<u16> = (0..5).map(|_| client.get("/hello", "t").status).collect();
        assert_eq!(statuses, [200, 503, 503, 502, 200]);
        server.fault_all(Fault::WrongSecret);
        assert_eq!(client.get("/hello", "t").text(), "goodbye");
        server.mend_all();
        assert_eq!(client.get("/hello", "t").text(), "hello");
    });
}

#[test]
fn an_answer_is_cut_where_the_test_says() {
    both(|server| {
        let client = Client::of(&server);
        let ask = |fault: Fault| {
            server.fault_next(Path::Hello, 1, fault);
            let request = b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";
            client
                .exchange(request)
                .map(|b| String::from_utf8_lossy(&b).into_owned())
        };
        for cut in 0..=5 {
            let got = ask(Fault::Truncate(cut)).unwrap();
            let (head, body) = got.split_once("\r\n\r\n").unwrap();
            assert!(head.contains("content-length: 5"), "{head}");
            assert_eq!(body, &"hello"[..cut]);
        }
        assert!(ask(Fault::ResetAfter(0)).is_err());
        // What a reset leaves of the bytes before it is the kernel's choice: never more than those.
        let got = ask(Fault::ResetAfter(9)).unwrap_or_default();
        assert!("HTTP/1.1 ".starts_with(&got), "{got}");
        assert!(!ask(Fault::Garbage).unwrap().starts_with("HTTP"));
        assert_eq!(server.count(Path::Hello), 9);
        server.wait_idle();
        assert_eq!(server.cancelled(), 0);
    });
}

#[test]
fn answers_can_be_strange_and_still_be_http() {
    both(|server| {
        let client = Client::of(&server);
        let ask = |fault: Fault| {
            server.fault_next(Path::Hello, 1, fault);
            client.get("/hello", "t")
        };
        let got = ask(Fault::Redirect("http://elsewhere.example/".into()));
        assert_eq!(got.status, 307);
        assert_eq!(got.header("location"), Some("http://elsewhere.example/"));
        let got = ask(Fault::BadJson);
        assert!(got.is_whole && serde_json::from_slice::<()>(&got.body).is_err());
        let got = ask(Fault::Padded(3));
        assert_eq!((got.text(), got.is_whole), ("   hello", true));
        let slow = Fault::Slow {
            bytes: 2,
            every: Duration::from_millis(1),
        };
        assert_eq!(ask(slow).text(), "hello");
        assert_eq!(ask(Fault::Delay(Duration::from_millis(1))).text(), "hello");
        assert_eq!(
            ask(Fault::Html(200)).header("content-type"),
            Some("text/html")
        );
    });
}

#[test]
fn an_answer_without_end_goes_on_until_the_client_has_had_enough() {
    let server = Server::start(Greeter::default(), Tls::Yes);
    server.fault(Path::Hello, Fault::Endless);
    let mut stream = Client::of(&server).connect().unwrap();
    stream
        .write_all(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let mut much = vec![0; 1 << 20];
    stream.read_exact(&mut much).unwrap();
    drop(stream);
    server.wait_cancelled(1);
    server.wait_idle();
}

#[test]
fn a_hang_lasts_until_it_is_released_or_given_up() {
    both(|server| {
        for fault in [Fault::Hang, Fault::HangAfter(2)] {
            let client = Client::of(&server);
            server.fault(Path::Hello, fault.clone());
            let waiting = std::thread::spawn(move || client.get("/hello", "t"));
            server.wait_held(Path::Hello, 1);
            server.release(Path::Hello);
            let got = waiting.join().unwrap();
            assert_eq!((got.text(), got.is_whole), ("hello", true), "{fault:?}");

            let before = server.cancelled();
            let mut stream = Client::of(&server).connect().unwrap();
            let request = b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";
            stream.write_all(request).unwrap();
            server.wait_held(Path::Hello, 1);
            drop(stream);
            server.wait_cancelled(before + 1);
            server.wait_idle();
            server.mend(Path::Hello);
        }
        assert_eq!(Client::of(&server).get("/hello", "t").text(), "hello");
    });
}

#[test]
fn a_port_refuses_and_comes_back_on_the_same_port() {
    both(|server| {
        let client = Client::of(&server);
        server.outage(Some(Outage::Refuse));
        let refused = client.exchange(b"GET /hello HTTP/1.1\r\n\r\n");
        let kind = refused.unwrap_err().kind();
        assert_eq!(kind, std::io::ErrorKind::ConnectionRefused);
        server.outage(None);
        assert_eq!(client.get("/hello", "t").text(), "hello");
        server.outage(Some(Outage::Refuse));
        server.outage(None);
        assert_eq!(client.get("/hello", "t").text(), "hello");
    });
}

#[test]
fn an_outage_ends_the_connections_that_are_open() {
    let server = Server::start(Greeter::default(), Tls::No);
    server.fault(Path::Hello, Fault::Hang);
    let client = Client::of(&server);
    let waiting = std::thread::spawn(move || client.exchange(b"GET /hello HTTP/1.1\r\n\r\n"));
    server.wait_held(Path::Hello, 1);
    server.outage(Some(Outage::Mute));
    assert!(waiting.join().unwrap().is_ok_and(|bytes| bytes.is_empty()));
    let mut stream = Client::of(&server).connect().unwrap();
    stream.write_all(b"GET /hello HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(server.count(Path::Hello), 1);
}

#[test]
fn a_certificate_is_believed_by_its_own_ca_alone() {
    let server = Server::start(Greeter::default(), Tls::Yes);
    let other = Server::start(Greeter::default(), Tls::Yes);
    let fails = |client: Client| client.exchange(b"GET /hello HTTP/1.1\r\n\r\n").is_err();
    assert!(fails(Client::trusting(&server, other.ca_file())));
    for tls in [Tls::WrongHost, Tls::Expired] {
        let wrong = Server::start(Greeter::default(), tls);
        assert!(fails(Client::of(&wrong)), "{tls:?}");
        assert_eq!(wrong.total(), 0);
    }
    assert_eq!(server.total(), 0);
}

#[test]
fn many_at_once_are_served() {
    let server = Server::start(Greeter::default(), Tls::No);
    server.fault(Path::Hello, Fault::Hang);
    let client = Client::of(&server);
    let threads: Vec<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            std::thread::spawn(move || client.get("/hello", "t").status)
        })
        .collect();
    server.wait_held(Path::Hello, 100);
    assert_eq!(server.peak(), 100);
    server.mend(Path::Hello);
    for thread in threads {
        assert_eq!(thread.join().unwrap(), 200);
    }
    server.forget_requests();
    assert_eq!(server.total(), 0);
}

//! A server that is hostile on purpose: bytes that no HTTP library would write, behind a right request. Each
//! answer ends within ten times the call's time, is the right value or an error that tells nothing of it, takes
//! no memory that grows, and the next one is right again. What simulators do is in `tests/infisical/faults.rs`,
//! `tests/connect/faults.rs` and `mounts/network/outages.rs`.

mod world;

use secretfs_providers::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};
use world::*;

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

#[test]
fn an_endless_head_flood_of_headers_or_of_interim_answers_is_an_error_in_time() {
    let world = World::new();
    let rows: [(&str, Attack); 6] = [
        (
            "a status line without end",
            Arc::new(|peer| peer.put("HTTP/1.1 200 ").and_then(|()| peer.repeat("O"))),
        ),
        (
            "a header line without end",
            Arc::new(|peer| {
                peer.put(format!("{HEAD}x: "))
                    .and_then(|()| peer.repeat("y"))
            }),
        ),
        (
            "a million headers",
            Arc::new(|peer| peer.put(HEAD).and_then(|()| peer.repeat("x: y\r\n"))),
        ),
        (
            "100 Continue without end",
            Arc::new(|peer| peer.repeat("HTTP/1.1 100 Continue\r\n\r\n")),
        ),
        (
            "103 Early Hints without end",
            Arc::new(|peer| peer.repeat("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")),
        ),
        (
            "102 Processing without end",
            Arc::new(|peer| peer.repeat("HTTP/1.1 102 Processing\r\n\r\n")),
        ),
    ];
    for (name, attack) in rows {
        let outcome = world.ends_in_time(name, move |peer: &mut Peer| attack(peer));
        // Interim answers are passed over for as long as the call may take. The request is one that may be sent
        // again on another connection.
        assert!(
            !matches!(outcome, Ok(ref bytes) if bytes != VALUE.as_bytes()),
            "{name}: {outcome:?}"
        );
    }
}

#[test]
fn a_length_that_lies_and_chunks_that_do_not_end_are_never_a_part_of_a_value() {
    let world = World::new();
    let body = || secret("A", VALUE);
    let rows: Vec<(&str, Attack)> = vec![
        (
            "longer than it is",
            Arc::new(move |peer| {
                peer.put(format!(
                    "{HEAD}content-length: {}\r\n\r\n{}",
                    body().len() + 1,
                    body()
                ))
            }),
        ),
        (
            "shorter than it is",
            Arc::new(move |peer| peer.put(format!("{HEAD}content-length: 40\r\n\r\n{}", body()))),
        ),
        (
            "two lengths",
            Arc::new(move |peer| {
                peer.put(format!(
                    "{HEAD}content-length: 5\r\ncontent-length: {}\r\n\r\n{}",
                    body().len(),
                    body()
                ))
            }),
        ),
        (
            "a length that is negative",
            Arc::new(move |peer| peer.put(format!("{HEAD}content-length: -1\r\n\r\n{}", body()))),
        ),
        (
            "a length beyond 64 bits",
            Arc::new(move |peer| {
                peer.put(format!(
                    "{HEAD}content-length: 99999999999999999999\r\n\r\n{}",
                    body()
                ))
            }),
        ),
        (
            "a length and chunks",
            Arc::new(move |peer| {
                peer.put(format!("{HEAD}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n", body().len(), body()))
            }),
        ),
        (
            "a chunk beyond 64 bits",
            Arc::new(|peer| {
                peer.put(format!(
                    "{HEAD}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n"
                ))
                .and_then(|()| peer.repeat("{"))
            }),
        ),
        (
            "a chunk's extension without end",
            Arc::new(|peer| {
                peer.put(format!("{HEAD}transfer-encoding: chunked\r\n\r\n1;x="))
                    .and_then(|()| peer.repeat("y"))
            }),
        ),
        (
            "trailers without end",
            Arc::new(move |peer| {
                peer.put(format!(
                    "{HEAD}transfer-encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n",
                    body().len(),
                    body()
                ))
                .and_then(|()| peer.repeat("x: y\r\n"))
            }),
        ),
        (
            "chunks of one byte, and no end",
            Arc::new(|peer| {
                peer.put(format!("{HEAD}transfer-encoding: chunked\r\n\r\n"))
                    .and_then(|()| peer.repeat("1\r\n \r\n"))
            }),
        ),
        (
            "no length and no end",
            Arc::new(|peer| {
                peer.put(format!("{HEAD}\r\n"))
                    .and_then(|()| peer.repeat(" "))
            }),
        ),
    ];
    for (name, attack) in rows {
        if let Ok(bytes) = world.survives(name, move |peer: &mut Peer| attack(peer)) {
            assert_eq!(bytes, VALUE.as_bytes(), "{name}");
        }
    }
}

/// The client asks for no encoding, so what comes in one is no JSON; nothing is unpacked.
#[test]
fn an_encoded_answer_is_not_unpacked() {
    let world = World::new();
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, gzip"] {
        let name = format!("content-encoding: {encoding}");
        // The beginning of a gzip stream.
        let outcome = world.survives(&name, move |peer| {
            let body = [&b"\x1f\x8b\x08\0\0\0\0\0\0\x03"[..], &[0; 4000]].concat();
            peer.put(format!(
                "{HEAD}content-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n",
                body.len()
            ))?;
            peer.put(body)
        });
        assert!(
            matches!(
                outcome,
                Err(ErrorKind::Protocol | ErrorKind::Unreachable | ErrorKind::Server)
            ),
            "{name}: {outcome:?}"
        );
    }
}

/// Whoever writes two answers to one request does not choose what the next request is answered with.
#[test]
fn an_answer_sent_ahead_is_not_the_answer_of_the_next_request() {
    let world = World::new();
    let mut right = 0;
    for _ in 0..20 {
        world.set(|peer| {
            let ahead = secret("A", "planted");
            let first = secret("A", VALUE);
            let both = [first, ahead]
                .map(|body| format!("{HEAD}content-length: {}\r\n\r\n{body}", body.len()))
                .concat();
            peer.put(both)?;
            // Kept open: the connection looks as if it could be used again.
            let _ = peer.request();
            Ok(())
        });
        right += usize::from(world.read() == Ok(VALUE.into()));
        assert_ne!(
            world.read(),
            Ok("planted".into()),
            "the next answer was sent before it was asked for"
        );
    }
    assert!(right > 0, "the first of two is the answer");
}

#[test]
fn one_byte_at_a_time_ends_with_the_call() {
    let world = World::new();
    let start = Instant::now();
    let outcome = world.survives("one byte at a time", |peer| {
        let answer = format!("{HEAD}content-length: 1000000\r\n\r\n");
        for byte in answer.bytes().chain(std::iter::repeat(b' ')) {
            peer.put([byte])?;
            // The server's own pace, which is the attack; nothing waits for it.
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    });
    assert_eq!(outcome, Err(ErrorKind::TimedOut));
    // A call keeps a little of its time for what comes after.
    assert!(start.elapsed() >= PATIENCE / 2);
}

#[test]
fn hostile_json_is_an_error_and_never_another_value() {
    let world = World::new();
    let deep = |open: &str| open.repeat(100_000);
    let value = |json: &str| {
        format!(r#"{{"secret":{{"secretKey":"A","type":"shared","secretValue":{json}}}}}"#)
    };
    let rows: Vec<(&str, Vec<u8>)> = vec![
        ("100,000 arrays deep", deep("[").into_bytes()),
        ("100,000 objects deep", deep("{\"a\":").into_bytes()),
        (
            "deep beside the secret",
            format!(
                r#"{{"x":{},"secret":{{"secretKey":"A","secretValue":"x"}}}}"#,
                deep("[")
            )
            .into_bytes(),
        ),
        (
            "a value that is not UTF-8",
            [value("\"a").as_bytes(), b"\xff\xfe\""].concat(),
        ),
        ("half a surrogate pair", value(r#""\ud83d""#).into_bytes()),
        ("a value that is a number", value("7").into_bytes()),
        (
            "a value that is an object",
            value(r#"{"x":"y"}"#).into_bytes(),
        ),
        ("a value that is null", value("null").into_bytes()),
        (
            "two values",
            br#"{"secret":{"secretKey":"A","secretValue":"x","secretValue":"y"}}"#.to_vec(),
        ),
        (
            "two names",
            br#"{"secret":{"secretKey":"B","secretKey":"A","secretValue":"y"}}"#.to_vec(),
        ),
        ("another name", secret("B", "other").into_bytes()),
        ("a name with a NUL", secret("A\0", "other").into_bytes()),
        (
            "a name longer than any",
            secret(&"A".repeat(100_000), "other").into_bytes(),
        ),
        (
            "1 MiB and a byte",
            secret("A", &"x".repeat((1 << 20) + 1)).into_bytes(),
        ),
        ("no secret", b"{}".to_vec()),
        ("nothing", Vec::new()),
    ];
    for (name, body) in rows {
        let outcome = world.survives(name, move |peer| peer.json(&body));
        assert!(outcome.is_err(), "{name}: {outcome:?}");
    }
    // Just as large as it may be.
    let largest = "x".repeat(1 << 20);
    let body = secret("A", &largest);
    assert_eq!(
        world.survives("1 MiB", move |peer| peer.json(&body)),
        Ok(largest.into_bytes())
    );
}

#[test]
fn a_servers_error_text_that_quotes_a_value_is_not_told() {
    let world = World::new();
    for status in [400, 401, 403, 404, 422, 429, 500, 503] {
        let name = format!("status {status}");
        let outcome = world.survives(&name, move |peer| {
            let body = serde_json::json!({"reqId": VALUE, "statusCode": status, "error": VALUE, "message": VALUE}).to_string();
            peer.put(format!(
                "HTTP/1.1 {status} {VALUE}\r\nx: {VALUE}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            ))
        });
        assert!(outcome.is_err(), "{name}: {outcome:?}");
    }
}

/// Names come from the server and become file names: what cannot be one is the tree's to leave out, and what is
/// listed twice, or without an end, takes bounded memory.
#[test]
fn a_folder_of_a_hundred_thousand_names_is_refused_and_hostile_names_are_kept_apart() {
    let world = World::new();
    let list = |names: &mut dyn Iterator<Item = String>| {
        let all: Vec<_> = names.map(|name| secret_of(&name, "v")).collect();
        serde_json::json!({"secrets": all, "imports": []}).to_string()
    };
    let body = list(&mut (0..100_000).map(|n| format!("N{n}")));
    world.set(move |peer| peer.json(&body));
    let error = world.names().expect_err("more than can be kept");
    // In the time of a call it may not even be read to its end.
    assert!(
        matches!(error.kind, ErrorKind::TooLarge | ErrorKind::TimedOut),
        "{error:?}"
    );

    let hostile = [
        "..",
        ".",
        "a/b",
        "a\0b",
        "\u{1b}[31m",
        "\n",
        "\u{202e}",
        "good",
        "good",
    ];
    let body = list(&mut hostile.iter().map(|name| (*name).to_owned()));
    world.set(move |peer| peer.json(&body));
    let names = world.names().expect("a list");
    // Twice in the answer, once in the folder; the tree's own rule leaves out what no file can be called.
    assert_eq!(names.iter().filter(|name| *name == "good").count(), 1);
    assert_eq!(names.len(), hostile.len() - 1);
}

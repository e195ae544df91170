//! TLS in a daemon's heap of 2 MiB: the largest secret passes through it, and a hostile server makes a
//! request fail, not the process. The server is a process of its own, with an allocator of its own.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a panic is the failure report; the server tells its address on standard output"
)]

#[path = "infisical/server.rs"]
#[allow(dead_code, reason = "shared with the other tests of the client")]
mod server;

use secretfs_memory::heap::{self, HeapConfig, LockedHeap};
use secretfs_memory::sealed::SealedPool;
use secretfs_providers::clock::SystemClock;
use secretfs_providers::infisical::{Infisical, Settings};
use secretfs_providers::onepassword::{self, connect};
use secretfs_providers::{
    Answer, BoxFuture, Context, Credential, CredentialOffer, ErrorKind, Host, HostAnswer,
    HostError, HostRequest, Provider, Reference, Wanted,
};
use server::*;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[global_allocator]
static HEAP: LockedHeap = LockedHeap::new();

const ROLE: &str = "SECRETFS_TEST_SERVER";
const SIZE: usize = 900 << 10;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// A server in a process of its own, and a folder with its CA.
struct Remote {
    process: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Remote {
    /// Runs the test `name` again, as a server.
    fn start(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(ROLE, folder.path().join("ca.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines
            .map(Result::unwrap)
            .find_map(|line| line.rsplit_once("address ")?.1.parse().ok());
        Self {
            process,
            address: address.unwrap(),
            folder,
        }
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // Its standard input ends, and so does it.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// In the process of the server: serves until standard input ends. Says whether it is that process.
fn served(answer: fn(&Seen, usize) -> Reply) -> bool {
    let Some(ca) = std::env::var_os(ROLE) else {
        return false;
    };
    std::thread::spawn(move || {
        runtime().block_on(async move {
            let server = Server::start(Some(certificate("localhost")), answer).await;
            std::fs::write(ca, server.ca.as_ref().unwrap()).unwrap();
            println!("address {}", server.address);
            std::future::pending::<()>().await;
        });
    });
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    std::process::exit(0);
}

/// A mount-helper of a machine with a whole CA bundle.
struct Outside {
    address: SocketAddr,
    ca: PathBuf,
    system: PathBuf,
}

impl Host for Outside {
    fn ask(&self, request: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        let open = |path| HostAnswer::Fd(File::open(path).unwrap().into());
        let answer = match request {
            HostRequest::OpenCaFile { .. } => open(&self.ca),
            HostRequest::OpenSystemCa => open(&self.system),
            _ => HostAnswer::Addresses(vec![self.address]),
        };
        Box::pin(async move { Ok(answer) })
    }
}

/// As many certificates as the largest bundles have, each as long as the usual ones.
fn bundle(folder: &std::path::Path) -> PathBuf {
    let file = folder.join("bundle.pem");
    let mut bundle = File::create(&file).unwrap();
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    for n in 0..150 {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        let name = format!("{n} {}", "An Authority of the World ".repeat(14));
        let dn = &mut params.distinguished_name;
        dn.push(rcgen::DnType::CommonName, name);
        bundle
            .write_all(params.self_signed(&key).unwrap().pem().as_bytes())
            .unwrap();
    }
    file
}

fn provider(remote: &Remote) -> Infisical {
    let settings = Settings {
        site_url: format!("https://localhost:{}", remote.address.port()),
        project_id: Some("project".into()),
        environment: "dev".into(),
        ca_file: true,
        ..Settings::default()
    };
    Infisical::new("inf", 0, settings)
}

fn context(remote: &Remote) -> Context {
    Context {
        pool: SealedPool::new(4 << 20, true).unwrap(),
        deadline: Instant::now() + Duration::from_secs(60),
        host: Arc::new(Outside {
            address: remote.address,
            ca: remote.ca(),
            system: bundle(remote.folder.path()),
        }),
        clock: Arc::new(SystemClock),
    }
}

/// The daemon's heap.
fn lock() {
    heap::lock(HeapConfig {
        initial: 512 << 10,
        limit: 2 << 20,
        insecure: true,
        wipe_large: false,
    })
    .unwrap();
}

#[test]
fn the_largest_secret_comes_over_tls_through_a_heap_of_two_mebibytes() {
    if served(|seen, _| match seen.line.contains("/LARGE") {
        true => secret("LARGE", &"\"\u{e9}\n".repeat(SIZE / 4)),
        false => secret("SMALL", "v"),
    }) {
        return;
    }
    let remote = Remote::start("the_largest_secret_comes_over_tls_through_a_heap_of_two_mebibytes");
    let (cx, provider, runtime) = (context(&remote), Arc::new(provider(&remote)), runtime());
    lock();
    give_token(&provider, &cx);
    let before = heap::usage();
    let fetched = runtime
        .block_on(provider.fetch(&wanted("SMALL"), &cx))
        .unwrap();
    drop(fetched);
    let small = heap::usage();
    for _ in 0..3 {
        let answer = runtime
            .block_on(provider.fetch(&wanted("LARGE"), &cx))
            .unwrap();
        let Answer::Value(fetched) = answer else {
            panic!("unchanged");
        };
        assert_eq!(fetched.value.len(), SIZE);
    }
    let large = heap::usage();
    // Three at once, of which two are read at a time.
    let all: Vec<_> = (0..3)
        .map(|_| {
            let (cx, provider) = (cx.clone(), Arc::clone(&provider));
            runtime.spawn(async move { provider.fetch(&wanted("LARGE"), &cx).await.is_ok() })
        })
        .collect();
    for one in all {
        assert!(runtime.block_on(one).unwrap());
    }
    let three = heap::usage();
    eprintln!(
        "heap, live/peak KiB: before {}/{}, one small {}/{}, one large {}/{}, three large {}/{}",
        before.live >> 10,
        before.peak >> 10,
        small.live >> 10,
        small.peak >> 10,
        large.live >> 10,
        large.peak >> 10,
        three.live >> 10,
        three.peak >> 10
    );
    assert!(three.peak < 1 << 20, "{three:?}");
}

#[test]
fn heads_without_end_fail_their_requests_and_nothing_else() {
    if served(|seen, _| match seen.line.contains("/GOOD") {
        true => secret("GOOD", "v"),
        false => {
            let mut endless = b"HTTP/1.1 200 OK\r\n".to_vec();
            endless.extend("x: y\r\n".repeat(200_000).bytes());
            Reply::Raw(endless)
        }
    }) {
        return;
    }
    let remote = Remote::start("heads_without_end_fail_their_requests_and_nothing_else");
    let (cx, provider, runtime) = (context(&remote), Arc::new(provider(&remote)), runtime());
    lock();
    give_token(&provider, &cx);
    let many: Vec<_> = (0..200)
        .map(|n| {
            let (cx, provider) = (cx.clone(), Arc::clone(&provider));
            runtime.spawn(async move {
                let wanted: Wanted = wanted(&format!("BAD{n}"));
                provider.fetch(&wanted, &cx).await.map(drop)
            })
        })
        .collect();
    for one in many {
        let failed = runtime.block_on(one).unwrap().unwrap_err();
        assert_eq!(failed.kind, ErrorKind::Unreachable);
    }
    let usage = heap::usage();
    eprintln!("heap, peak KiB: {}", usage.peak >> 10);
    assert!(usage.peak < 1 << 20, "{usage:?}");
    runtime
        .block_on(provider.fetch(&wanted("GOOD"), &cx))
        .unwrap();
}

const VAULT: &str = "ytrfte14kw1uex5txaore1emkz";
const ITEM: &str = "wepiqdxdzncjtnvmv5fegud4qy";

/// Of that many fields of so many bytes each, one as large as a value can be, and a file.
fn item(fields: usize, bytes: usize) -> String {
    let value = "x".repeat(bytes);
    let mut all: Vec<_> = (0..fields)
        .map(|n| serde_json::json!({"id": format!("f{n}"), "label": format!("l{n}"), "value": value}))
        .collect();
    all.push(serde_json::json!({"id": "large", "value": "\"\u{e9}\n".repeat(SIZE / 4)}));
    let files = [serde_json::json!({"id": ITEM, "name": "file", "size": SIZE})];
    serde_json::json!({"id": ITEM, "vault": {"id": VAULT}, "version": 1, "fields": all, "files": files})
        .to_string()
}

#[test]
fn a_whole_item_comes_over_tls_through_a_heap_of_two_mebibytes() {
    const FIELDS: usize = 300;
    if served(|seen, _| {
        if seen.line.ends_with("/content") {
            let kind = vec![("content-type", "application/octet-stream".to_owned())];
            return Reply::With(200, "b".repeat(SIZE), kind);
        }
        Reply::Json(200, item(FIELDS, 3000))
    }) {
        return;
    }
    let remote = Remote::start("a_whole_item_comes_over_tls_through_a_heap_of_two_mebibytes");
    let (cx, runtime) = (context(&remote), runtime());
    let settings = connect::Settings {
        connect_host: format!("https://localhost:{}", remote.address.port()),
        ca_file: true,
        ..connect::Settings::default()
    };
    let provider = Arc::new(connect::Connect::new("w", 0, settings));
    lock();
    let offer = CredentialOffer {
        provider: "w".into(),
        origin: provider.origin(),
        credential: Credential::Token("a-token".into()),
    };
    provider.supply(offer, &cx.pool).unwrap();
    let wanted = |field: &str| Wanted {
        reference: Reference::OnePassword(onepassword::Reference {
            vault: VAULT.into(),
            item: ITEM.into(),
            section: None,
            field: field.into(),
            attribute: None,
        }),
        max_size: 1 << 20,
        validator: None,
    };
    let before = heap::usage();
    let mut all: Vec<_> = (0..FIELDS).map(|n| wanted(&format!("l{n}"))).collect();
    all.push(wanted("large"));
    // Twice, as an item that has changed is read anew; and once more for a file beside it.
    for first in [None, None, Some(wanted("file"))] {
        let wanted: Vec<_> = first.into_iter().chain(all.iter().cloned()).collect();
        let answers = runtime.block_on(provider.fetch_many(&wanted, &cx)).unwrap();
        let length = |answer| match answer {
            Ok(Answer::Value(fetched)) => fetched.value.len(),
            other => panic!("{other:?}"),
        };
        let sum: usize = answers.into_iter().map(length).sum();
        let file = if wanted.len() > all.len() { SIZE } else { 0 };
        assert_eq!(sum, FIELDS * 3000 + SIZE + file);
    }
    let after = heap::usage();
    eprintln!(
        "heap, live/peak KiB: before {}/{}, after {}/{}",
        before.live >> 10,
        before.peak >> 10,
        after.live >> 10,
        after.peak >> 10
    );
    assert!(after.peak < 1 << 20, "{after:?}");
}

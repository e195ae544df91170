//! The hostile server, and the client that has to survive it.

use secretfs_memory::sealed::SealedPool;
use secretfs_providers::clock::SystemClock;
use secretfs_providers::infisical::{Infisical, Reference as Name, Settings};
use secretfs_providers::{
    Answer, BoxFuture, Context, Credential, CredentialOffer, ErrorKind, FolderReference, Host,
    HostAnswer, HostError, HostRequest, Provider, ProviderError, Reference, Wanted,
};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What must not be in an error.
pub(super) const VALUE: &str = "the value that nobody tells";
/// How long a call under an attack may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// A server that writes for ever is stopped here: what it got rid of is counted.
pub(super) const ENOUGH: usize = 64 << 20;
/// The most that a client takes of an answer which is none, asked for three times: what the sockets hold.
pub(super) const TAKEN: usize = 40 << 20;

/// What is written after a request; the connection is closed at its end.
pub(super) type Attack = Arc<dyn Fn(&mut Peer) -> std::io::Result<()> + Send + Sync>;

/// The server's end of a connection.
pub(super) struct Peer {
    pub(super) stream: TcpStream,
    pub(super) written: Arc<AtomicUsize>,
}

impl Peer {
    pub(super) fn put(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_ref())?;
        self.written
            .fetch_add(bytes.as_ref().len(), Ordering::Relaxed);
        Ok(())
    }

    /// Until the client has had enough.
    pub(super) fn repeat(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        let many = bytes.as_ref().repeat(1 + (32 << 10) / bytes.as_ref().len());
        while self.written.load(Ordering::Relaxed) < ENOUGH {
            self.put(&many)?;
        }
        Ok(())
    }

    pub(super) fn json(&mut self, body: impl AsRef<[u8]>) -> std::io::Result<()> {
        let body = body.as_ref();
        self.put(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        ))?;
        self.put(body)
    }

    /// The head of a request, and nothing of a body: all are GET.
    pub(super) fn request(&mut self) -> bool {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match self.stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return false,
            }
        }
        true
    }
}

pub(super) fn secret(name: &str, value: &str) -> String {
    serde_json::json!({"secret": secret_of(name, value)}).to_string()
}

pub(super) fn secret_of(name: &str, value: &str) -> serde_json::Value {
    serde_json::json!({
        "secretKey": name, "secretValue": value, "type": "shared", "environment": "dev", "secretPath": "/",
        "workspace": "p", "version": 1, "updatedAt": "2026-11-22T15:15:18.622Z", "secretValueHidden": false,
    })
}

pub(super) struct World {
    pub(super) client: Infisical,
    pub(super) cx: Context,
    pub(super) runtime: tokio::runtime::Runtime,
    pub(super) attack: Arc<Mutex<Option<Attack>>>,
    pub(super) written: Arc<AtomicUsize>,
}

pub(super) struct Nobody;

impl Host for Nobody {
    fn ask(&self, _: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        Box::pin(async { Err(HostError::Os(2)) })
    }
}

impl World {
    pub(super) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let attack: Arc<Mutex<Option<Attack>>> = Arc::default();
        let written: Arc<AtomicUsize> = Arc::default();
        let (next, count) = (Arc::clone(&attack), Arc::clone(&written));
        // It ends with the process; each connection has a thread, for a client may have several.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (next, count) = (Arc::clone(&next), Arc::clone(&count));
                std::thread::spawn(move || {
                    serve(
                        Peer {
                            stream,
                            written: count,
                        },
                        &next,
                    );
                });
            }
        });
        let settings = Settings {
            site_url: format!("http://127.0.0.1:{port}"),
            project_id: Some("p".into()),
            environment: "dev".into(),
            expand_references: false,
            include_imports: true,
            ..Settings::default()
        };
        let client = Infisical::new("inf", 0, settings);
        let pool = SealedPool::new(4 << 20, true).expect("memory");
        let world = Self {
            client,
            cx: Context {
                pool,
                deadline: Instant::now(),
                host: Arc::new(Nobody),
                clock: Arc::new(SystemClock),
            },
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime"),
            attack,
            written,
        };
        world.give();
        assert_eq!(
            world.read(),
            Ok(VALUE.into()),
            "without an attack all is well"
        );
        world
    }

    pub(super) fn give(&self) {
        let offer = CredentialOffer {
            provider: "inf".into(),
            origin: self.client.origin(),
            credential: Credential::Token("e30.e30.c2ln".into()),
        };
        self.client
            .supply(offer, &self.cx.pool)
            .expect("a credential");
    }

    pub(super) fn context(&self) -> Context {
        let is_attacked = self
            .attack
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some();
        // On a busy machine a good answer may take its time; an attack is ended by the deadline.
        let patience = if is_attacked {
            PATIENCE
        } else {
            secretfs_tests::wait::PATIENCE
        };
        Context {
            deadline: Instant::now() + patience,
            ..self.cx.clone()
        }
    }

    pub(super) fn read(&self) -> Result<Vec<u8>, ProviderError> {
        let wanted = Wanted {
            reference: Reference::Infisical(Name {
                name: "A".into(),
                path: "/".into(),
                environment: "dev".into(),
                expand_references: false,
            }),
            max_size: 1 << 20,
            validator: None,
        };
        match self
            .runtime
            .block_on(self.client.fetch(&wanted, &self.context()))?
        {
            Answer::Value(fetched) => {
                let mut bytes = Vec::new();
                fetched
                    .value
                    .expose(|piece| bytes.extend_from_slice(piece))
                    .expect("a value");
                Ok(bytes)
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn folder() -> FolderReference {
        FolderReference {
            path: "/".into(),
            environment: None,
            expand_references: None,
        }
    }

    pub(super) fn names(&self) -> Result<Vec<String>, ProviderError> {
        self.runtime
            .block_on(self.client.list(&Self::folder(), &self.context()))
    }

    pub(super) fn set(
        &self,
        attack: impl Fn(&mut Peer) -> std::io::Result<()> + Send + Sync + 'static,
    ) {
        self.written.store(0, Ordering::Relaxed);
        *self.attack.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(attack));
    }

    /// Under the attack the secret is read in time, as it is or not at all; afterwards it is as it was.
    pub(super) fn survives(
        &self,
        name: &str,
        attack: impl Fn(&mut Peer) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Result<Vec<u8>, ErrorKind> {
        let outcome = self.ends_in_time(name, attack);
        let written = self.written.load(Ordering::Relaxed);
        assert!(written < TAKEN, "{name}: {written} bytes were taken");
        outcome
    }

    /// The same, however much is taken until its time is over.
    pub(super) fn ends_in_time(
        &self,
        name: &str,
        attack: impl Fn(&mut Peer) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Result<Vec<u8>, ErrorKind> {
        self.set(attack);
        let used = self.cx.pool.used();
        let start = Instant::now();
        let outcome = self.read();
        let took = start.elapsed();
        assert!(took < PATIENCE * 10, "{name}: {took:?}");
        assert_eq!(self.cx.pool.used(), used, "{name}: sealed memory is left");
        if let Err(error) = &outcome {
            let shown = format!("{error:?}");
            assert!(!shown.contains(VALUE), "{name}: {shown}");
            assert!(!shown.contains(|c: char| c.is_control()), "{name}: {shown}");
        }
        *self.attack.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // A token that was refused is not sent again by itself.
        if matches!(&outcome, Err(error) if matches!(error.kind, ErrorKind::Refused | ErrorKind::Expired))
        {
            self.give();
        }
        assert_eq!(self.read(), Ok(VALUE.into()), "{name}: the next answer");
        outcome.map_err(|error| error.kind)
    }
}

fn serve(mut peer: Peer, attack: &Mutex<Option<Attack>>) {
    let _ = peer.stream.set_nodelay(true);
    while peer.request() {
        let attack = attack
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(attack) = attack else {
            if peer.json(secret("A", VALUE)).is_err() {
                return;
            }
            continue;
        };
        // What the client asks again after a failure is answered in the same way.
        let _ = attack(&mut peer);
        return;
    }
}

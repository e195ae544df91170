//! A client, a simulator, and a clock for both.

use secretfs_memory::sealed::SealedPool;
use secretfs_providers::onepassword::Reference as Own;
use secretfs_providers::onepassword::connect::{Connect as Client, Pauses, Settings};
use secretfs_providers::{
    Answer, BoxFuture, Clock, Context, Credential, CredentialOffer, Fetched, Host, HostAnswer,
    HostError, HostRequest, Provider, ProviderError, Reference, Wanted,
};
use secretfs_tests::connect::{Connect, TOKEN};
use secretfs_tests::http_sim::Tls;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::Runtime;

/// Time that a test moves: of the calendar, in the middle of a period of 30 s and of 60 s.
pub(crate) struct TestClock {
    start: Instant,
    added: Mutex<Duration>,
}

const WALL: Duration = Duration::from_secs(1_800_000_010);

impl Clock for TestClock {
    fn now(&self) -> Instant {
        self.start + *self.added.lock().expect("a clock")
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + WALL + *self.added.lock().expect("a clock")
    }
}

/// The mount-helper of a test.
struct Outside {
    ca: Option<PathBuf>,
}

impl Host for Outside {
    fn ask(&self, request: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        Box::pin(async move {
            match (request, &self.ca) {
                (HostRequest::OpenCaFile { provider: 0 }, Some(ca)) => {
                    let file = std::fs::File::open(ca).expect("the simulator's CA");
                    Ok(HostAnswer::Fd(file.into()))
                }
                _ => Err(HostError::Os(2)),
            }
        })
    }
}

pub(crate) struct Rig {
    pub(crate) sim: Connect,
    pub(crate) client: Client,
    pub(crate) pool: Arc<SealedPool>,
    pub(crate) clock: Arc<TestClock>,
    runtime: Runtime,
    /// How long a call may take.
    pub(crate) patience: Duration,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(Connect::start(Tls::No), "")
    }

    pub(crate) fn over_tls() -> Self {
        Self::with(Connect::start(Tls::Yes), "")
    }

    pub(crate) fn with(sim: Connect, prefix: &str) -> Self {
        let settings = Settings {
            connect_host: format!("{}{prefix}", sim.url()),
            ca_file: sim.ca_file().is_some(),
            allow_insecure_http: false,
            pauses: Pauses {
                short: Duration::from_millis(1),
                long: Duration::from_millis(1),
            },
        };
        let rig = Self {
            client: Client::new("w", 0, settings),
            sim,
            pool: SealedPool::new(4 << 20, true).expect("memory"),
            clock: Arc::new(TestClock {
                start: Instant::now(),
                added: Mutex::default(),
            }),
            patience: Duration::from_secs(10),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime"),
        };
        rig.give(TOKEN);
        rig
    }

    pub(crate) fn give(&self, token: &str) {
        let offer = CredentialOffer {
            provider: "w".into(),
            origin: self.client.origin(),
            credential: Credential::Token(token.into()),
        };
        self.client.supply(offer, &self.pool).expect("a credential");
    }

    pub(crate) fn context(&self) -> Context {
        Context {
            pool: Arc::clone(&self.pool),
            deadline: self.clock.now() + self.patience,
            host: Arc::new(Outside {
                ca: self.sim.ca_file().map(Into::into),
            }),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
        }
    }

    /// Runs something to its end. The simulator is started and moved outside of it: that waits.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The clock goes on.
    pub(crate) fn pass(&self, by: Duration) {
        *self.clock.added.lock().expect("a clock") += by;
    }

    pub(crate) fn fetch(&self, reference: &str) -> Result<Fetched, ProviderError> {
        self.fetch_as(&wanted(reference))
    }

    pub(crate) fn fetch_as(&self, wanted: &Wanted) -> Result<Fetched, ProviderError> {
        match self.run(self.client.fetch(wanted, &self.context()))? {
            Answer::Value(fetched) => Ok(fetched),
            other => panic!("{other:?}"),
        }
    }

    /// Reads a value, which is text.
    pub(crate) fn read(&self, reference: &str) -> Result<String, ProviderError> {
        let bytes = self.bytes(reference)?;
        Ok(String::from_utf8(bytes).expect("text"))
    }

    pub(crate) fn bytes(&self, reference: &str) -> Result<Vec<u8>, ProviderError> {
        Ok(bytes(&self.fetch(reference)?))
    }

    /// Whether a value is what it was when `fetched` came; else the new one.
    pub(crate) fn again(
        &self,
        reference: &str,
        fetched: &Fetched,
    ) -> Result<Answer, ProviderError> {
        let wanted = Wanted {
            validator: fetched.validator.clone(),
            ..wanted(reference)
        };
        self.run(self.client.fetch(&wanted, &self.context()))
    }

    pub(crate) fn many(
        &self,
        references: &[&str],
    ) -> Result<Vec<Result<Answer, ProviderError>>, ProviderError> {
        let wanted: Vec<_> = references.iter().map(|text| wanted(text)).collect();
        self.run(self.client.fetch_many(&wanted, &self.context()))
    }

    pub(crate) fn check_many(&self, references: &[&str]) -> Vec<Result<(), ProviderError>> {
        let references: Vec<_> = references.iter().map(|text| parsed(text)).collect();
        self.run(self.client.check_many(&references, &self.context()))
    }

    pub(crate) fn check(&self, reference: &str) -> Result<(), ProviderError> {
        let reference = parsed(reference);
        self.run(self.client.check(&reference, &self.context()))
    }
}

pub(crate) fn bytes(fetched: &Fetched) -> Vec<u8> {
    let mut all = Vec::new();
    let shown = fetched.value.expose(|piece| all.extend_from_slice(piece));
    shown.expect("a value");
    all
}

pub(crate) fn parsed(reference: &str) -> Reference {
    Reference::OnePassword(Own::parse(reference).expect("a reference"))
}

/// A reference with parts that `op://` cannot express.
pub(crate) fn spelled(vault: &str, item: &str, field: &str) -> Wanted {
    Wanted {
        reference: Reference::OnePassword(Own {
            vault: vault.into(),
            item: item.into(),
            section: None,
            field: field.into(),
            attribute: None,
        }),
        ..wanted("op://v/i/f")
    }
}

pub(crate) fn wanted(reference: &str) -> Wanted {
    Wanted {
        reference: parsed(reference),
        max_size: 1 << 20,
        validator: None,
    }
}

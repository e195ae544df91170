//! A client, and a mount-helper whose programs are scripted.

use secretfs_memory::sealed::SealedPool;
use secretfs_providers::host::{ProgramCall, ProgramEnd};
use secretfs_providers::onepassword::Reference as Own;
use secretfs_providers::onepassword::op::{Op, classify};
use secretfs_providers::{
    Answer, BoxFuture, Clock, Context, Credential, CredentialOffer, Fetched, Host, HostAnswer,
    HostError, HostRequest, Provider, ProviderError, Reference, Wanted,
};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Notify;

pub(crate) const V: &str = "ytrfte14kw1uex5txaore1emkz";
pub(crate) const I: &str = "wepiqdxdzncjtnvmv5fegud4qy";
pub(crate) const F: &str = "6r65pjq33banznomn7q22sj44e";

pub(crate) struct TestClock {
    start: Instant,
    added: Mutex<Duration>,
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        self.start + *self.added.lock().unwrap()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_010) + *self.added.lock().unwrap()
    }
}

/// What one run does.
#[derive(Debug, Clone)]
pub(crate) enum Run {
    /// It prints this, and ends well.
    Prints(Vec<u8>),
    /// It prints this, complains of that, and fails.
    Fails(Vec<u8>, String),
    /// It prints without an end.
    Floods,
    /// It prints nothing, and does not end.
    Hangs,
    /// It is killed, for its time is over.
    Killed,
    /// It cannot be started.
    Absent(i32),
}

impl Run {
    pub(crate) fn complains(text: &str) -> Self {
        Self::Fails(Vec::new(), format!("[ERROR] 2024/05/01 08:00:00 {text}\n"))
    }
}

/// What was seen of the helper.
#[derive(Default)]
pub(crate) struct Seen {
    runs: VecDeque<Run>,
    ends: Vec<ProgramEnd>,
    /// The arguments of each run, and the token that came beside it.
    pub(crate) calls: Vec<(String, Option<String>)>,
    running: usize,
    pub(crate) most: usize,
    /// Writing ends of programs that hang.
    held: Vec<OwnedFd>,
    /// Each run waits for it before it ends.
    gate: Option<Arc<Notify>>,
}

pub(crate) struct Helper(pub(crate) Mutex<Seen>);

impl Helper {
    fn start(&self, request: HostRequest, token: Option<OwnedFd>) -> Result<HostAnswer, HostError> {
        let HostRequest::StartProgram {
            provider: 3,
            call: ProgramCall::Op(call),
        } = request
        else {
            panic!("{request:?}");
        };
        let mut seen = self.0.lock().unwrap();
        let args = call.args(None).ok_or(HostError::Os(22))?.join(" ");
        let token = token.map(|fd| {
            let mut text = String::new();
            File::from(fd).read_to_string(&mut text).unwrap();
            text
        });
        seen.calls.push((args, token));
        let run = seen.runs.pop_front().expect("a run that nobody expected");
        let (ours, theirs) = std::io::pipe().unwrap();
        let mut theirs = File::from(OwnedFd::from(theirs));
        let (prints, end) = match run {
            Run::Prints(bytes) => (bytes, ProgramEnd::Done),
            Run::Fails(bytes, text) => (bytes, ProgramEnd::Op(classify(&call, &text))),
            Run::Killed => (Vec::new(), ProgramEnd::TimedOut),
            Run::Absent(errno) => return Err(HostError::Os(errno)),
            Run::Hangs => {
                seen.held.push(theirs.into());
                seen.ends.push(ProgramEnd::TimedOut);
                let run = u64::try_from(seen.ends.len()).unwrap();
                return Ok(HostAnswer::Started {
                    run,
                    stdout: ours.into(),
                });
            }
            Run::Floods => {
                std::thread::spawn(move || while theirs.write_all(&[b'x'; 4096]).is_ok() {});
                seen.ends.push(ProgramEnd::Failed);
                let run = u64::try_from(seen.ends.len()).unwrap();
                return Ok(HostAnswer::Started {
                    run,
                    stdout: ours.into(),
                });
            }
        };
        seen.running += 1;
        seen.most = seen.most.max(seen.running);
        // A pipe holds 64 KiB, and the reader may have gone before.
        std::thread::spawn(move || theirs.write_all(&prints));
        seen.ends.push(end);
        let run = u64::try_from(seen.ends.len()).unwrap();
        Ok(HostAnswer::Started {
            run,
            stdout: ours.into(),
        })
    }
}

impl Host for Helper {
    fn ask(&self, request: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        Box::pin(async move {
            match request {
                HostRequest::EndOfProgram { run } => {
                    let gate = self.0.lock().unwrap().gate.clone();
                    if let Some(gate) = gate {
                        gate.notified().await;
                    }
                    let mut seen = self.0.lock().unwrap();
                    seen.running = seen.running.saturating_sub(1);
                    let at = usize::try_from(run).unwrap() - 1;
                    Ok(HostAnswer::Ended(seen.ends[at].clone()))
                }
                start => self.start(start, None),
            }
        })
    }

    fn ask_with(
        &self,
        request: HostRequest,
        beside: OwnedFd,
    ) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        Box::pin(async move { self.start(request, Some(beside)) })
    }
}

pub(crate) struct Rig {
    pub(crate) client: Op,
    pub(crate) helper: Arc<Helper>,
    pub(crate) pool: Arc<SealedPool>,
    clock: Arc<TestClock>,
    pub(crate) patience: Duration,
    runtime: tokio::runtime::Runtime,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self {
            client: Op::new("w", 3, None),
            helper: Arc::new(Helper(Mutex::default())),
            pool: SealedPool::new(8 << 20, true).unwrap(),
            clock: Arc::new(TestClock {
                start: Instant::now(),
                added: Mutex::default(),
            }),
            patience: Duration::from_secs(60),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    /// The next runs.
    pub(crate) fn will(&self, runs: impl IntoIterator<Item = Run>) -> &Self {
        self.helper.0.lock().unwrap().runs.extend(runs);
        self
    }

    /// The arguments of the runs that there were, and forgets them.
    pub(crate) fn ran(&self) -> Vec<String> {
        let mut seen = self.helper.0.lock().unwrap();
        assert!(seen.runs.is_empty(), "not run: {:?}", seen.runs);
        let calls = std::mem::take(&mut seen.calls);
        calls.into_iter().map(|(args, _)| args).collect()
    }

    pub(crate) fn tokens(&self) -> Vec<Option<String>> {
        let mut seen = self.helper.0.lock().unwrap();
        let calls = std::mem::take(&mut seen.calls);
        calls.into_iter().map(|(_, token)| token).collect()
    }

    /// No run ends before the test says so.
    pub(crate) fn hold(&self) -> Arc<Notify> {
        let gate = Arc::new(Notify::new());
        self.helper.0.lock().unwrap().gate = Some(Arc::clone(&gate));
        gate
    }

    pub(crate) fn give(&self, token: &str) {
        let offer = CredentialOffer {
            provider: "w".into(),
            origin: self.client.origin(),
            credential: Credential::Token(token.into()),
        };
        self.client.supply(offer, &self.pool).unwrap();
    }

    pub(crate) fn pass(&self, by: Duration) {
        *self.clock.added.lock().unwrap() += by;
    }

    pub(crate) fn context(&self) -> Context {
        Context {
            pool: Arc::clone(&self.pool),
            deadline: self.clock.now() + self.patience,
            host: Arc::clone(&self.helper) as Arc<dyn Host>,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
        }
    }

    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(crate) fn fetch(&self, wanted: &Wanted) -> Result<Answer, ProviderError> {
        self.run(self.client.fetch(wanted, &self.context()))
    }

    pub(crate) fn value(&self, reference: &str) -> Result<Fetched, ProviderError> {
        match self.fetch(&wanted(reference))? {
            Answer::Value(fetched) => Ok(fetched),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn bytes(&self, reference: &str) -> Result<Vec<u8>, ProviderError> {
        self.value(reference).map(|fetched| bytes(&fetched))
    }

    pub(crate) fn fails(&self, reference: &str) -> ProviderError {
        let error = self.value(reference).expect_err("no value");
        assert!(!error.to_string().contains("hunter2"), "{error:?}");
        error
    }

    pub(crate) fn many(&self, references: &[&str]) -> Vec<Result<Answer, ProviderError>> {
        let wanted: Vec<_> = references.iter().map(|text| wanted(text)).collect();
        let fetched = self.run(self.client.fetch_many(&wanted, &self.context()));
        fetched.unwrap_or_else(|error| wanted.iter().map(|_| Err(error.clone())).collect())
    }
}

pub(crate) fn bytes(fetched: &Fetched) -> Vec<u8> {
    let mut all = Vec::new();
    let shown = fetched.value.expose(|piece| all.extend_from_slice(piece));
    shown.unwrap();
    all
}

pub(crate) fn wanted(reference: &str) -> Wanted {
    Wanted {
        reference: Reference::OnePassword(Own::parse(reference).unwrap()),
        max_size: 1 << 20,
        validator: None,
    }
}

/// What `op item get` prints of the item `db` in `Prod`, with these fields and files.
pub(crate) fn item(version: u64, fields: &[(&str, &str)], files: &[(&str, usize)]) -> Run {
    let fields: Vec<_> = fields
        .iter()
        .map(|(label, value)| {
            serde_json::json!({
                "id": label, "type": "CONCEALED", "label": label, "value": value,
                "reference": format!("op://Prod/db/{label}"),
            })
        })
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, size)| {
            serde_json::json!({
                "id": F, "name": name, "size": size,
                "content_path": format!("/v1/vaults/{V}/items/{I}/files/{F}/content"),
            })
        })
        .collect();
    let item = serde_json::json!({
        "id": I, "title": "db", "version": version, "vault": {"id": V, "name": "Prod"},
        "category": "LOGIN", "last_edited_by": "X", "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2024-05-01T08:00:00Z", "fields": fields, "files": files,
    });
    Run::Prints(serde_json::to_vec_pretty(&item).unwrap())
}

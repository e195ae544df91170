//! A simulator, and a client of it that has a credential.

use secretfs_fs::map::CompiledMap;
use secretfs_memory::sealed::{Sealed, SealedPool};
use secretfs_providers::clock::SystemClock;
use secretfs_providers::infisical::{Infisical as Client, Reference as Name, Settings};
use secretfs_providers::{
    Answer, BoxFuture, Context, Credential, CredentialOffer, ErrorKind, Fetched, FolderReference,
    Host, HostAnswer, HostError, HostRequest, Provider, ProviderError, Reference, Validator,
    Wanted,
};
use secretfs_tests::http_sim::Tls;
use secretfs_tests::infisical::{
    CLIENT_ID, CLIENT_SECRET, Generation, Infisical, PROJECT_ID, Route,
};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Both generations of servers that a client meets.
pub(crate) const BOTH: [Generation; 2] = [Generation::V3Only, Generation::Both];

pub(crate) struct Rig {
    pub(crate) sim: Infisical,
    pub(crate) client: Client,
    cx: Context,
    runtime: tokio::runtime::Runtime,
}

/// The mount-helper of a test: it opens the CA's certificate.
pub(crate) struct Outside(Option<PathBuf>);

impl Outside {
    /// For that server.
    pub(crate) fn of(sim: &Infisical) -> Self {
        Self(sim.ca_file().map(Into::into))
    }
}

impl Host for Outside {
    fn ask(&self, request: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        let answer = match (request, &self.0) {
            (HostRequest::OpenCaFile { .. }, Some(ca)) => {
                Ok(HostAnswer::Fd(File::open(ca).expect("a CA file").into()))
            }
            // Only the simulator's own CA is trusted.
            (HostRequest::OpenSystemCa, _) => Err(HostError::Os(2)),
            (other, _) => panic!("{other:?}"),
        };
        Box::pin(async move { answer })
    }
}

/// A compiled map of this text.
pub(crate) fn compiled(text: &str) -> CompiledMap {
    secretfs_fs::map::compile_text(text).expect("a map")
}

/// What the map says by default.
pub(crate) fn settings(sim: &Infisical) -> Settings {
    Settings {
        site_url: sim.url(),
        project_id: Some(PROJECT_ID.into()),
        environment: "dev".into(),
        expand_references: true,
        include_imports: true,
        ca_file: sim.ca_file().is_some(),
        ..Settings::default()
    }
}

impl Rig {
    /// A client of what `build` makes of a new server.
    pub(crate) fn new(generation: Generation, build: impl FnOnce(Infisical) -> Infisical) -> Self {
        Self::with(generation, build, |_| {})
    }

    /// The same with other settings.
    pub(crate) fn with(
        generation: Generation,
        build: impl FnOnce(Infisical) -> Infisical,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let sim = build(Infisical::start_as(generation, Tls::Yes));
        let mut settings = settings(&sim);
        change(&mut settings);
        let by_client = settings.auth.is_none();
        let rig = Self {
            client: Client::new("inf", 0, settings),
            cx: Context {
                pool: SealedPool::new(4 << 20, true).expect("memory"),
                deadline: Instant::now() + Duration::from_secs(60),
                host: Arc::new(Outside::of(&sim)),
                clock: Arc::new(SystemClock),
            },
            sim,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime"),
        };
        if by_client {
            rig.give(Credential::ClientSecret {
                id: CLIENT_ID.into(),
                secret: CLIENT_SECRET.into(),
            });
        }
        rig
    }

    pub(crate) fn give(&self, credential: Credential) {
        let offer = CredentialOffer {
            provider: "inf".into(),
            origin: self.client.origin(),
            credential,
        };
        let taken = self.client.supply(offer, &self.cx.pool);
        taken.expect("a credential of this server");
    }

    /// Signs in and finds out the version, and forgets that: what follows is about reading alone.
    pub(crate) fn warmed(self) -> Self {
        let _known = self.fetch("/", "WARM_UP");
        self.sim.forget_requests();
        self
    }

    // Calls.

    pub(crate) fn ask(&self, wanted: &Wanted) -> Result<Answer, ProviderError> {
        self.runtime.block_on(self.client.fetch(wanted, &self.cx))
    }

    pub(crate) fn fetch(&self, path: &str, name: &str) -> Result<Fetched, ProviderError> {
        self.ask(&wanted(path, name)).map(fetched)
    }

    /// The text of a secret of dev.
    pub(crate) fn read(&self, path: &str, name: &str) -> Result<String, ErrorKind> {
        let fetched = self.fetch(path, name).map_err(|error| error.kind)?;
        Ok(text(&fetched.value))
    }

    pub(crate) fn ask_many(
        &self,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Answer, ProviderError>>, ProviderError> {
        self.runtime
            .block_on(self.client.fetch_many(wanted, &self.cx))
    }

    /// What several secrets of a folder of dev become together.
    pub(crate) fn read_many(&self, path: &str, names: &[&str]) -> Result<Vec<Got>, ErrorKind> {
        let wanted: Vec<_> = names.iter().map(|name| wanted(path, name)).collect();
        let answers = self.ask_many(&wanted).map_err(|error| error.kind)?;
        assert_eq!(answers.len(), names.len());
        Ok(answers.into_iter().map(Got::of).collect())
    }

    /// All of a folder of dev.
    pub(crate) fn folder(&self, path: &str) -> Result<Vec<(String, String)>, ProviderError> {
        self.folder_of(path, 1 << 20)
    }

    pub(crate) fn folder_of(
        &self,
        path: &str,
        max: usize,
    ) -> Result<Vec<(String, String)>, ProviderError> {
        let folder = folder(path);
        let fetched = self.client.fetch_folder(&folder, max, &self.cx);
        let fetched = self.runtime.block_on(fetched)?;
        let shown = |(name, got): (String, Fetched)| (name, text(&got.value));
        Ok(fetched.into_iter().map(shown).collect())
    }

    /// The names of a folder of dev.
    pub(crate) fn names(&self, path: &str) -> Result<Vec<String>, ProviderError> {
        let folder = folder(path);
        self.runtime.block_on(self.client.list(&folder, &self.cx))
    }

    /// What a check says of secrets, each `(path, name)`: the help where it is missing.
    pub(crate) fn check(&self, secrets: &[(&str, &str)]) -> Vec<Result<(), (ErrorKind, String)>> {
        let references: Vec<_> = secrets
            .iter()
            .map(|(path, name)| Reference::Infisical(reference(path, name)))
            .collect();
        self.check_all(&references)
    }

    pub(crate) fn check_all(
        &self,
        references: &[Reference],
    ) -> Vec<Result<(), (ErrorKind, String)>> {
        let checked = self.client.check_many(references, &self.cx);
        let checked = self.runtime.block_on(checked);
        assert_eq!(checked.len(), references.len());
        checked
            .into_iter()
            .map(|answer| answer.map_err(|error| (error.kind, error.help)))
            .collect()
    }

    /// The same for a folder.
    pub(crate) fn check_folder(&self, path: &str, values: bool) -> Result<(), (ErrorKind, String)> {
        let folder = folder(path);
        let checked = self.client.check_folder(&folder, values, &self.cx);
        let checked = self.runtime.block_on(checked);
        checked.map_err(|error| (error.kind, error.help))
    }

    // What the server saw.

    /// The requests for secrets so far: one by one, and lists.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let count = |route| self.sim.count(route);
        (count(Route::SecretSingle), count(Route::SecretList))
    }
}

/// What became of one of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Got {
    Value(String),
    Unchanged,
    Alone,
    Failed(ErrorKind),
}

impl Got {
    pub(crate) fn of(answer: Result<Answer, ProviderError>) -> Self {
        match answer {
            Ok(Answer::Value(fetched)) => Self::Value(text(&fetched.value)),
            Ok(Answer::Unchanged) => Self::Unchanged,
            Ok(Answer::Alone) => Self::Alone,
            Err(error) => Self::Failed(error.kind),
        }
    }

    pub(crate) fn value(text: &str) -> Self {
        Self::Value(text.to_owned())
    }
}

pub(crate) fn fetched(answer: Answer) -> Fetched {
    match answer {
        Answer::Value(fetched) => fetched,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn wanted(path: &str, name: &str) -> Wanted {
    Wanted {
        reference: Reference::Infisical(reference(path, name)),
        max_size: 1 << 20,
        validator: None,
    }
}

pub(crate) fn reference(path: &str, name: &str) -> Name {
    Name {
        name: name.into(),
        path: path.into(),
        environment: "dev".into(),
        expand_references: true,
    }
}

/// The same, conditional on what it came with.
pub(crate) fn again(wanted: &Wanted, validator: Option<Validator>) -> Wanted {
    assert!(
        validator.is_some(),
        "nothing to make a request conditional on"
    );
    Wanted {
        validator,
        ..wanted.clone()
    }
}

pub(crate) fn folder(path: &str) -> FolderReference {
    FolderReference {
        path: path.into(),
        environment: None,
        expand_references: None,
    }
}

pub(crate) fn text(value: &Sealed) -> String {
    let mut bytes = Vec::new();
    let shown = value.expose(|piece| bytes.extend_from_slice(piece));
    shown.expect("a value");
    String::from_utf8(bytes).expect("text")
}

/// `(name, value)` pairs for comparison.
pub(crate) fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Runs `work` on a thread with a stack of that many bytes. What does not fit ends the test's process.
pub(crate) fn on_stack(bytes: usize, work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(bytes).spawn(work);
    thread.expect("a thread").join().expect("its end");
}

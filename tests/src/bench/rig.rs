//! Mounts of a local vault, and of an Infisical that is far away; what is measured is measured by a
//! process of the mounting user.

use crate::bench::bare::Bare;
use crate::fixture::{Fixture, value};
use crate::http_sim::{Far, Tls};
use crate::infisical::{Generation, Infisical};
use crate::probe::Probe;
use crate::script::{Crowd, Outcome, Step};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

/// How far away a provider is in what product.md promises.
pub const ROUND_TRIP: Duration = Duration::from_millis(20);

/// A map of a vault with these values, and then so many entries whose values it does not have. The
/// files have the names of the values; the others are called `file0`, `file1` …
#[must_use]
pub fn vault(values: &[(&str, Vec<u8>)], others: usize) -> Fixture {
    let fixture = Fixture::new();
    let mut vault = fixture.vault();
    vault.set_all(values.iter().map(|(name, value)| (*name, &value[..])));
    let names = values.iter().map(|(name, _)| *name);
    fixture.write_map(&map(&vault.file(), names, others));
    fixture
}

/// Such a map.
pub fn map<'a>(file: &Path, names: impl Iterator<Item = &'a str>, others: usize) -> String {
    let mut map = format!("providers: {{vault: {{type: local, file: {file:?}}}}}\nsecrets:\n");
    for name in names {
        let variable = name.to_ascii_uppercase();
        let _ = writeln!(
            map,
            "- {{name: {name}, file: {name}, env: FILE_{variable}}}"
        );
    }
    for n in 0..others {
        let _ = writeln!(map, "- {{name: N{n}, file: file{n}, env: E{n}}}");
    }
    map
}

/// A vault with the one secret of 3 KiB that most of the benches read.
#[must_use]
pub fn one_secret() -> Fixture {
    vault(&[("secret", value("bench", 3072))], 0)
}

/// A fixture whose provider is far away, and whose environment has its credential.
#[derive(Debug)]
pub struct Remote {
    // First, so that nothing asks a simulator that is gone.
    fixture: Fixture,
    /// The provider.
    pub sim: Infisical,
    /// What lies between.
    pub far: Far,
}

impl Remote {
    /// Of secrets of 3 KiB: their folders and names. The files have the names.
    #[must_use]
    pub fn new(secrets: &[(String, String)]) -> Self {
        Self::at(ROUND_TRIP, secrets)
    }

    /// The same at another distance.
    #[must_use]
    pub fn at(round_trip: Duration, secrets: &[(String, String)]) -> Self {
        let sim = Infisical::start_as(Generation::Both, Tls::Yes);
        let far = Far::start(sim.address(), round_trip);
        let url = format!("https://{}", far.address());
        let mut fixture = Fixture::new();
        fixture.environment = sim.environment();
        for (_, value) in &mut fixture.environment {
            *value = value.replace(&sim.url(), &url);
        }
        let provider = sim.provider().replace(&sim.url(), &url);
        let mut map =
            format!("config: {{open_timeout: 60s}}\nproviders: {{i: {provider}}}\nsecrets:\n");
        for (folder, name) in secrets {
            let text = String::from_utf8(value(name, 3072)).expect("text");
            sim.set(folder, name, &text);
            let _ = writeln!(map, "- {{name: {name}, file: {name}, path: {folder}}}");
        }
        fixture.write_map(&map);
        Self { fixture, sim, far }
    }

    /// A bare client of the same server.
    #[must_use]
    pub fn bare(&self) -> Bare {
        Bare::new(&self.sim, &self.far)
    }
}

impl std::ops::Deref for Remote {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

/// Nanoseconds of open, fstat, read and close, the mean of so many.
///
/// # Panics
/// One fails.
pub fn opens(probe: &mut Probe, path: &Path, times: u32) -> f64 {
    let step = Step::Time {
        path: text(path),
        times,
    };
    match probe.run(&step) {
        Outcome::Nanoseconds(took) => took as f64,
        other => panic!("{}: {other:?}", path.display()),
    }
}

/// The same by a crowd.
///
/// # Panics
/// The probe is gone.
pub fn crowd(probe: &mut Probe, path: &Path, readers: usize, times: u32) -> Crowd {
    let step = Step::TimeCrowd {
        path: text(path),
        readers,
        times,
    };
    match probe.run(&step) {
        Outcome::Crowd(crowd) => crowd,
        other => panic!("{}: {other:?}", path.display()),
    }
}

/// Nanoseconds of a program, from its start to its end.
///
/// # Errors
/// What it ended with.
pub fn try_launch<S: AsRef<Path>>(probe: &mut Probe, args: &[S]) -> Result<f64, String> {
    let args: Vec<String> = args.iter().map(text).collect();
    match probe.run(&Step::Launch { args }) {
        Outcome::Nanoseconds(took) => Ok(took as f64),
        Outcome::Ended(told) => Err(told.lines().next().unwrap_or_default().to_owned()),
        other => Err(format!("{other:?}")),
    }
}

/// The same of one that must end well.
///
/// # Panics
/// It does not.
pub fn launch<S: AsRef<Path>>(probe: &mut Probe, args: &[S]) -> f64 {
    try_launch(probe, args).unwrap_or_else(|told| {
        let args: Vec<_> = args.iter().map(|arg| arg.as_ref().display()).collect();
        panic!("{args:?}: {told}")
    })
}

/// `secretfs` with these arguments, to be launched.
#[must_use]
pub fn secretfs(fixture: &Fixture, args: &[&str]) -> Vec<String> {
    let words = args.iter().map(|arg| (*arg).to_owned());
    std::iter::once(text(fixture.executable()))
        .chain(words)
        .collect()
}

/// Mounts, without a passphrase, whose scrypt is not counted: nanoseconds.
pub fn mount(fixture: &Fixture, probe: &mut Probe) -> f64 {
    let mountpoint = text(fixture.mountpoint());
    launch(probe, &secretfs(fixture, &["mount", &mountpoint]))
}

fn text(path: impl AsRef<Path>) -> String {
    path.as_ref().to_str().expect("UTF-8").to_owned()
}

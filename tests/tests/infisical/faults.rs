//! Random scripts of faults between cache and server: an open never ends later than `open_timeout`, never
//! with a wrong or a partial value, never with an answer about the secret that the server did not give;
//! and it recovers by itself.
//!
//! Cache, client and TLS are the daemon's own; a mount would add nothing but time.

use super::rig::{Outside, compiled};
use proptest::prelude::*;
use secretfs_fs::cache::{Cache, CacheDeps, CacheListener, Snapshot};
use secretfs_fs::daemon::registry;
use secretfs_fs::error::OpenError;
use secretfs_fs::map::{EntryId, EntryPlan, ValueKey};
use secretfs_memory::sealed::SealedPool;
use secretfs_providers::{Clock, Credential, CredentialOffer, ErrorKind};
use secretfs_tests::http_sim::{Fault, Outage, Tls};
use secretfs_tests::infisical::{CLIENT_ID, CLIENT_SECRET, Generation, Infisical};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

const OPEN_TIMEOUT: Duration = Duration::from_millis(300);
/// The promise at ten times the figure: the machine of a test may be busy.
const BOUND: Duration = OPEN_TIMEOUT.saturating_mul(10);
const NAMES: [&str; 3] = ["A", "B", "C"];

/// One thing that happens.
#[derive(Debug, Clone)]
enum Event {
    /// The next answers go wrong like this.
    Fault(Fault, usize),
    /// The port refuses, until the next event of its kind or the end.
    Outage(bool),
    /// A secret has another value.
    Rotate(usize),
    /// These are opened at once.
    Open(Vec<usize>),
    /// What was fetched is old, what failed is no longer believed.
    Wait,
    /// The server forgets whom it let in.
    Revoke,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        3 => Just(Fault::Hang),
        2 => (0..4000_usize).prop_map(Fault::HangAfter),
        4 => (0..4500_usize).prop_map(Fault::ResetAfter),
        4 => (0..4000_usize).prop_map(Fault::Truncate),
        1 => (1..400_u64).prop_map(|ms| Fault::Delay(Duration::from_millis(ms))),
        1 => Just(Fault::Slow { bytes: 500, every: Duration::from_millis(20) }),
        2 => prop_oneof![Just(500_u16), Just(502), Just(503)].prop_map(Fault::Status),
        1 => Just(Fault::Garbage),
        2 => prop_oneof![Just(200_u16), Just(403), Just(404), Just(502)].prop_map(Fault::Html),
        1 => Just(Fault::Redirect("https://127.0.0.1:9/".into())),
        1 => Just(Fault::BadJson),
        1 => Just(Fault::Padded(20 << 20)),
        1 => Just(Fault::Endless),
        2 => Just(Fault::WrongSecret),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let some = prop::collection::vec(0..NAMES.len(), 1..5);
    prop_oneof![
        6 => (fault(), 1..4_usize).prop_map(|(fault, times)| Event::Fault(fault, times)),
        1 => any::<bool>().prop_map(Event::Outage),
        2 => (0..NAMES.len()).prop_map(Event::Rotate),
        6 => some.prop_map(Event::Open),
        4 => Just(Event::Wait),
        1 => Just(Event::Revoke),
    ]
}

/// Time that the test moves, and that goes on by itself as well: the sockets are real.
#[derive(Default)]
struct Moved(Mutex<Duration>);

impl Moved {
    fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for Moved {
    fn now(&self) -> Instant {
        Instant::now() + *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

struct Nobody;

impl CacheListener for Nobody {
    fn published(&self, _: ValueKey, _: &Snapshot) {}
}

struct World {
    sim: Infisical,
    cache: Arc<Cache>,
    clock: Arc<Moved>,
    plans: Vec<Arc<EntryPlan>>,
    /// Every value that each secret has had.
    values: Vec<Vec<Vec<u8>>>,
    stale: bool,
}

impl World {
    fn new(generation: Generation, stale: bool, runtime: &tokio::runtime::Runtime) -> Self {
        let sim = Infisical::start_as(generation, Tls::Yes);
        let ms = OPEN_TIMEOUT.as_millis();
        let stale_for = if stale { "1h" } else { "0" };
        let mut map = format!(
            "config: {{ttl: 10s, stale: {stale_for}, open_timeout: {ms}ms}}\nproviders: {{i: {}}}\nsecrets:\n",
            sim.provider()
        );
        for name in NAMES {
            map.push_str(&format!("- {{name: {name}, file: {name}}}\n"));
        }
        let map = compiled(&map);
        let clock = Arc::new(Moved::default());
        let pool = SealedPool::new(4 << 20, true).expect("memory");
        let provider = registry::make(0, &map.providers()[0], &Arc::default());
        let offer = CredentialOffer {
            provider: "i".into(),
            origin: provider.origin(),
            credential: Credential::ClientSecret {
                id: CLIENT_ID.into(),
                secret: CLIENT_SECRET.into(),
            },
        };
        provider.supply(offer, &pool).expect("a credential");
        let cache = Cache::new(CacheDeps {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            pool,
            host: Arc::new(Outside::of(&sim)),
            runtime: runtime.handle().clone(),
            providers: vec![provider],
            map: map.clone(),
            offline: false,
            listener: Arc::new(Nobody),
        });
        let plan = |id: usize| {
            let id = EntryId(u32::try_from(id).expect("few"));
            Arc::new(map.entry(id).expect("an entry"))
        };
        let mut world = Self {
            sim,
            cache,
            clock,
            plans: (0..NAMES.len()).map(plan).collect(),
            values: vec![Vec::new(); NAMES.len()],
            stale,
        };
        for at in 0..NAMES.len() {
            world.rotate(at);
        }
        world
    }

    /// Each version is as long as a key file, and no part of another.
    fn rotate(&mut self, at: usize) {
        let number = self.values[at].len();
        let value = format!("{}{number} ", NAMES[at]).repeat(700);
        let value = format!("{value}end");
        self.sim.set("/", NAMES[at], &value);
        self.values[at].push(value.into_bytes());
    }

    /// From a thread of its own: it waits for the simulator, which a runtime does not let.
    fn outage(&self, outage: Option<Outage>) {
        std::thread::scope(|scope| {
            scope.spawn(|| self.sim.outage(outage));
        });
    }

    async fn open(&self, at: usize) -> Result<(), String> {
        let started = Instant::now();
        let outcome = self.cache.open(Arc::clone(&self.plans[at])).await;
        let took = started.elapsed();
        let name = NAMES[at];
        if took > BOUND {
            return Err(format!("{name}: ended after {took:?}"));
        }
        match outcome {
            Ok(snapshot) => {
                let read = bytes(&snapshot);
                match self.values[at].contains(&read) {
                    true => Ok(()),
                    false => Err(format!("{name}: {} bytes that it never was", read.len())),
                }
            }
            Err(error) if is_of_an_outage(&error) => Ok(()),
            Err(error) => Err(format!("{name}: {error:?}")),
        }
    }

    async fn opens(&self, which: &[usize]) -> Result<(), String> {
        let mut all = Vec::new();
        for at in which {
            all.push(self.open(*at));
        }
        // All of them are under way together.
        let mut all: Vec<_> = all.into_iter().map(Box::pin).collect();
        let mut outcome = Ok(());
        std::future::poll_fn(|cx| {
            all.retain_mut(|one| match one.as_mut().poll(cx) {
                std::task::Poll::Ready(ended) => {
                    outcome = std::mem::replace(&mut outcome, Ok(())).and(ended);
                    false
                }
                std::task::Poll::Pending => true,
            });
            match all.is_empty() {
                true => std::task::Poll::Ready(()),
                false => std::task::Poll::Pending,
            }
        })
        .await;
        outcome
    }

    async fn happens(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::Fault(fault, times) => self.sim.fault_next_any(*times, fault.clone()),
            Event::Outage(is_on) => self.outage(is_on.then_some(Outage::Refuse)),
            Event::Rotate(at) => self.rotate(*at),
            Event::Open(which) => return self.opens(which).await,
            Event::Wait => self.clock.advance(Duration::from_secs(11)),
            Event::Revoke => self.sim.revoke_tokens(),
        }
        Ok(())
    }

    /// Everything is well again: so is every file, with its last value.
    async fn recovers(&self) -> Result<(), String> {
        self.outage(None);
        self.sim.mend_all();
        let until = Instant::now() + secretfs_tests::wait::PATIENCE;
        for (at, name) in NAMES.iter().enumerate() {
            loop {
                self.clock.advance(Duration::from_secs(11));
                let outcome = self.cache.open(Arc::clone(&self.plans[at])).await;
                let is_last =
                    |snapshot: &Snapshot| Some(&bytes(snapshot)) == self.values[at].last();
                match outcome {
                    Ok(snapshot) if is_last(&snapshot) => break,
                    // A flight of before, which still answers.
                    _ if Instant::now() < until => {}
                    Ok(_) => return Err(format!("{name}: an old value for ever")),
                    Err(error) => {
                        return Err(format!("{name}: does not recover: {error:?}"));
                    }
                }
            }
        }
        Ok(())
    }
}

fn bytes(snapshot: &Snapshot) -> Vec<u8> {
    let mut bytes = Vec::new();
    let shown = snapshot
        .value
        .expose(|piece| bytes.extend_from_slice(piece));
    shown.expect("nothing is locked");
    bytes
}

/// The server was never asked whether the secret is there or may be read, so no failure says so.
fn is_of_an_outage(error: &OpenError) -> bool {
    match error {
        OpenError::TimedOut { .. } => true,
        OpenError::Provider(error) => matches!(
            error.kind,
            ErrorKind::Unreachable
                | ErrorKind::TimedOut
                | ErrorKind::Server
                | ErrorKind::Protocol
                | ErrorKind::TooLarge
        ),
        OpenError::TooLarge { .. } => true,
        _ => false,
    }
}

fn run(generation: Generation, stale: bool, script: &[Event]) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut world = World::new(generation, stale, &runtime);
    runtime.block_on(async {
        for event in script {
            world.happens(event).await?;
        }
        world.recovers().await
    })?;
    // What a client should not ask, it does not ask under faults either.
    let violations = world.sim.take_violations();
    match violations.is_empty() {
        true => Ok(()),
        false => Err(format!("stale: {}, {violations:?}", world.stale)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn under_any_script_of_faults_opens_end_in_time_with_whole_values_and_recover(
        newer: bool,
        stale: bool,
        script in prop::collection::vec(event(), 4..24),
    ) {
        let generation = if newer { Generation::Both } else { Generation::V3Only };
        let outcome = run(generation, stale, &script);
        prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    }
}

#[test]
fn a_script_without_faults_fails_nothing() {
    let script = [
        Event::Open(vec![0, 1, 2, 0]),
        Event::Rotate(1),
        Event::Wait,
        Event::Open(vec![1]),
    ];
    assert_eq!(run(Generation::Both, false, &script), Ok(()));
}

/// The check can fail: a value that the script does not know is one that the secret never was, and a
/// failure that is no outage's is none that a script without a refusal may show.
#[test]
fn what_a_script_does_not_know_fails_it() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let world = World::new(Generation::Both, false, &runtime);
    world.sim.set("/", NAMES[0], "a stranger");
    let open = |at| runtime.block_on(world.open(at));
    assert!(open(0).is_err());
    assert_eq!(open(1), Ok(()));
    // It may have come with the one before.
    world.sim.delete("/", NAMES[2]);
    world.clock.advance(Duration::from_secs(11));
    assert!(open(2).is_err());
}

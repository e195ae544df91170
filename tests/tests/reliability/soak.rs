//! Everything at once, for long: rotation, faults, locks and reloads, and fifty readers. `SECRETFS_SOAK_MINUTES`
//! says for how long (a third of a minute). Writes `soak.csv` and `soak.svg` into the target folder's
//! `tmp`.

use crate::footprint::Footprint;
use crate::lane::{Kind, Lane, with_lane};
use crate::play;
use crate::plot::{self, Sample};
use crate::published;
use crate::tale::{Draws, Trouble};
use secretfs_tests::fixture::Fixture;
use secretfs_tests::probe::Probe;
use secretfs_tests::seed::Seed;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const READERS: usize = 50;
const TTL: Duration = Duration::from_secs(10);
const STALE: Duration = Duration::from_secs(2);
/// What a reader does between two reads: the reads of a program that wants its secret again and again,
/// and not those of a benchmark.
const PAUSE: Duration = Duration::from_millis(25);
/// What nobody reads is no sample.
const SAMPLE: Duration = Duration::from_millis(500);

/// When each version of each file was published. Told before the server knows it.
struct Published(Vec<Mutex<Vec<Instant>>>);

impl Published {
    /// What is wrong with a read of this version that was begun then; how old it was.
    fn judge(&self, file: usize, version: u64, begun: Instant) -> Result<Duration, String> {
        let times = self.0[file].lock().expect("no panic");
        let at = usize::try_from(version).expect("few");
        if at == 0 || at > times.len() {
            return Err(format!("version {version} of {}", times.len()));
        }
        // It was replaced when the next one was published.
        let Some(replaced) = times.get(at) else {
            return Ok(Duration::ZERO);
        };
        let age = begun.saturating_duration_since(*replaced);
        match age <= TTL + STALE {
            true => Ok(age),
            false => Err(format!(
                "version {version} was replaced {age:?} before the open"
            )),
        }
    }
}

/// What the readers share.
struct Readers<'a> {
    names: Vec<String>,
    fixture: &'a Fixture,
    published: Published,
    reads: AtomicU64,
    stops: AtomicBool,
    errnos: Mutex<BTreeMap<i32, u64>>,
    oldest: Mutex<Duration>,
    longest: Mutex<Duration>,
    wrong: Mutex<Vec<String>>,
}

impl Readers<'_> {
    fn read(&self, mut probe: Probe, mut seed: Seed) {
        while !self.stops.load(Ordering::Relaxed) {
            let at = seed.index(self.names.len());
            let name = &self.names[at];
            let begun = Instant::now();
            let read = probe.slurp(self.fixture.file(name));
            let took = begun.elapsed();
            self.reads.fetch_add(1, Ordering::Relaxed);
            if let Err(what) = self.judge(at, read, begun) {
                let mut wrong = self.wrong.lock().expect("no panic");
                wrong.push(format!("{name}: {what}"));
                self.stops.store(true, Ordering::Relaxed);
            }
            let mut longest = self.longest.lock().expect("no panic");
            *longest = took.max(*longest);
            drop(longest);
            std::thread::park_timeout(PAUSE);
        }
    }

    fn judge(&self, at: usize, read: Result<Vec<u8>, i32>, begun: Instant) -> Result<(), String> {
        match read {
            Ok(bytes) => {
                let version = published::version(&self.names[at], &bytes)?;
                let age = self.published.judge(at, version, begun)?;
                let mut oldest = self.oldest.lock().expect("no panic");
                *oldest = age.max(*oldest);
            }
            // The rows for faults of networks and servers, and a lock's: before an open and after it.
            Err(
                errno @ (libc::EHOSTUNREACH
                | libc::ETIMEDOUT
                | libc::EBUSY
                | libc::EIO
                | libc::ENOKEY),
            ) => {
                let mut errnos = self.errnos.lock().expect("no panic");
                *errnos.entry(errno).or_default() += 1;
            }
            Err(errno) => return Err(format!("errno {errno}")),
        }
        Ok(())
    }
}

#[test]
fn for_as_long_as_it_runs_each_read_is_one_published_version_that_is_not_too_old() {
    let minutes = std::env::var("SECRETFS_SOAK_MINUTES");
    let minutes: f64 = minutes.map_or(1.0 / 3.0, |text| text.parse().expect("a number"));
    let seed = Seed::from_environment("SECRETFS_FAULT_SEED");
    eprintln!("SECRETFS_FAULT_SEED={}", seed.first());
    let fixture = Fixture::new();
    let kind = Kind {
        tls: true,
        ttl: TTL,
        stale: STALE,
        open_timeout: Duration::from_secs(2),
        config: ", on_lock: seal",
    };
    with_lane(&fixture, kind, |lane| {
        soak(lane, Duration::from_secs_f64(minutes * 60.0), seed);
    });
}

fn soak(lane: &mut Lane<'_>, time: Duration, mut seed: Seed) {
    let files = lane.servers.files.len();
    let now = Instant::now();
    let readers = Readers {
        names: lane
            .servers
            .files
            .iter()
            .map(|it| it.name.clone())
            .collect(),
        fixture: lane.fixture,
        published: Published((0..files).map(|_| Mutex::new(vec![now])).collect()),
        reads: AtomicU64::new(0),
        stops: AtomicBool::new(false),
        errnos: Mutex::default(),
        oldest: Mutex::default(),
        longest: Mutex::default(),
        wrong: Mutex::default(),
    };
    let samples = std::thread::scope(|scope| {
        for _ in 0..READERS {
            let (readers, probe, seed) = (&readers, lane.reader(), Seed::new(seed.draw()));
            scope.spawn(move || readers.read(probe, seed));
        }
        // A panic here must not leave the readers running.
        let disturbed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            disturb(lane, &readers, time, &mut seed)
        }));
        readers.stops.store(true, Ordering::Relaxed);
        disturbed
    });
    let samples = samples.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    write(&samples);
    let wrong = readers.wrong.into_inner().expect("no panic");
    eprintln!(
        "{} reads, errnos {:?}; the longest took {:?}; the oldest value was replaced {:?} before its open",
        readers.reads.load(Ordering::Relaxed),
        readers.errnos.into_inner().expect("no panic"),
        readers.longest.into_inner().expect("no panic"),
        readers.oldest.into_inner().expect("no panic"),
    );
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", lane.status());
    all_is_well(lane);
    is_flat(&samples);
}

/// Rotates, breaks and mends, locks and unlocks, saves the map, and takes samples, until it is over.
fn disturb(
    lane: &mut Lane<'_>,
    readers: &Readers<'_>,
    time: Duration,
    seed: &mut Seed,
) -> Vec<Sample> {
    let begun = Instant::now();
    let mut samples = Vec::new();
    let mut last = (begun, 0);
    // Whose turn it is: rounds of twelve ticks, calm at first.
    let mut tick = 0_u64;
    let mut draws = Draws::new(Seed::new(seed.draw()), lane.kind.tls);
    while begun.elapsed() < time && !readers.stops.load(Ordering::Relaxed) {
        let at = seed.index(readers.names.len());
        if seed.once_in(2) {
            lane.versions[at] += 1;
            let mut times = readers.published.0[at].lock().expect("no panic");
            times.push(Instant::now());
            drop(times);
            lane.servers.publish(at, lane.versions[at]);
        }
        let (round, step) = (tick / 12, tick % 12);
        match step {
            // With calm between: a token that is gone before it was used is a refusal for minutes.
            1 if round % 4 == 1 => play::begin(lane, &Trouble::TokenGone),
            3..=5 => play::begin(lane, &draws.trouble_of_a_soak()),
            10 => play::mend(lane, seed.once_in(2)),
            11 if round % 3 == 2 => {
                lane.secretfs_ok("lock");
                lane.secretfs_ok("unlock");
            }
            11 if round % 3 == 0 => lane.save_map(&format!("saved {tick}")),
            _ => {}
        }
        lane.servers.forget_requests();
        samples.push(sample(lane, readers, begun, &mut last));
        tick += 1;
        std::thread::park_timeout(SAMPLE);
    }
    play::mend(lane, true);
    samples
}

fn sample(
    lane: &mut Lane<'_>,
    readers: &Readers<'_>,
    begun: Instant,
    last: &mut (Instant, u64),
) -> Sample {
    let of = |role: &str| {
        let pid = lane.fixture.process(role).pid;
        Footprint::of(pid).unwrap_or_else(|| panic!("the {role} is gone"))
    };
    let (daemon, helper) = (of("internal-daemon"), of("internal-mount-helper"));
    let reads = readers.reads.load(Ordering::Relaxed);
    let (before, so_far) = std::mem::replace(last, (Instant::now(), reads));
    let many = u32::try_from(reads - so_far).unwrap_or(u32::MAX);
    Sample {
        seconds: begun.elapsed().as_secs_f64(),
        resident: daemon.resident,
        locked: daemon.locked,
        sealed: lane.sealed(),
        helper_resident: helper.resident,
        descriptors: daemon.descriptors,
        helper_descriptors: helper.descriptors,
        threads: daemon.threads,
        reads_a_second: f64::from(many) / before.elapsed().as_secs_f64().max(0.001),
    }
}

fn write(samples: &[Sample]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(folder).expect("the folder for files of tests");
    for (name, text) in [
        ("soak.csv", plot::table(samples)),
        ("soak.svg", plot::picture(samples)),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file");
        eprintln!("{}", path.display());
    }
}

/// After the last mending and a ttl everything reads right.
fn all_is_well(lane: &mut Lane<'_>) {
    let mut seen = play::Seen::default();
    if let Err(what) = play::recover(lane, &mut seen) {
        panic!("{what}\n{}", lane.status());
    }
}

/// No more at the end than when everything had been there once.
fn is_flat(samples: &[Sample]) {
    let quarter = samples.len() / 4;
    type Column = fn(&Sample) -> u64;
    let median = |part: &[Sample], of: Column| {
        let mut values: Vec<u64> = part.iter().map(of).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let columns: [(&str, Column); 4] = [
        ("resident", |it| it.resident),
        ("locked", |it| it.locked),
        ("sealed", |it| it.sealed),
        ("resident, of the helper", |it| it.helper_resident),
    ];
    for (name, of) in columns {
        let before = median(&samples[quarter..2 * quarter], of);
        let after = median(&samples[3 * quarter..], of);
        // What an allocator of the C library keeps or gives back differs by some pages.
        assert!(
            after <= before + (1 << 20),
            "{name}: {before} bytes in the second quarter, {after} in the last"
        );
    }
}

//! SIGKILL at random moments of a start, a fetch, a lock and an unmount: whichever process it hits, no
//! dead mount stays, no handle reads on, and the next mount works. 4 × 50 runs; ten times that where
//! `$SECRETFS_LONG` is set. `$SECRETFS_SEED` repeats a run.

use crate::scripted::Scripted;
use secretfs_tests::fixture::value;
use secretfs_tests::script::{Outcome, Step};
use secretfs_tests::{system, wait};
use std::time::{Duration, Instant};

const RUNS: u32 = 50;
const LEN: usize = 30_000;

/// xorshift: moments and victims need no better.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let given = std::env::var("SECRETFS_SEED").ok();
        let seed = given.and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            now.map_or(1, |now| now.subsec_nanos().into())
        });
        eprintln!("SECRETFS_SEED={seed}");
        Self(seed | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }
}

fn mounted() -> Scripted {
    let mount = Scripted::mounted("ttl: 1h", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", LEN));
    mount
}

/// A command that is in the middle of something.
fn begun(mount: &Scripted, args: Vec<String>) -> std::process::Child {
    let mut command = mount.secretfs(args);
    let null = || std::process::Stdio::null();
    command.stdout(null()).stderr(null());
    command.spawn().expect("secretfs")
}

/// A command about this mount: `--all` would be about those of other tests, too.
fn named(mount: &Scripted, command: &str) -> Vec<String> {
    let place = mount.mountpoint();
    vec![command.into(), place.to_str().expect("UTF-8").into()]
}

/// Kills one of the processes that are there now; whether there was one.
fn kill_one(mount: &Scripted, random: &mut Random) -> bool {
    let mut there = mount.processes();
    // The command is there longest, and matters least.
    if random.below(5) > 0 {
        let role = |process: &system::Process| {
            let first = process.args.get(1);
            first.is_some_and(|arg| arg.starts_with("internal-"))
        };
        there.retain(role);
    }
    let count = u64::try_from(there.len()).unwrap_or(0);
    if count == 0 {
        return false;
    }
    let at = usize::try_from(random.below(count)).unwrap_or(0);
    // It may have ended by itself in this moment.
    let status = std::process::Command::new("kill")
        .args(["-KILL", &there[at].pid.to_string()])
        .stderr(std::process::Stdio::null())
        .status();
    status.expect("kill").success()
}

/// One of two things, within a time: it serves, or nothing is there.
fn settles(mount: &Scripted) -> bool {
    wait::until("it serves, or nothing is left", || {
        let processes = mount.processes();
        if !mount.is_mounted() {
            return processes.is_empty().then_some(false);
        }
        // A dead mount answers ENOTCONN, and this goes on.
        let serves = processes.len() == 3 && mount.read("a").is_ok();
        serves.then_some(true)
    })
}

/// As many runs as are asked for in which somebody was hit. `begin` starts something that takes as
/// long as `whole` says.
fn killed(
    prepare: impl Fn(&Scripted),
    begin: impl Fn(&Scripted) -> std::process::Child,
    finish: impl Fn(&Scripted),
) {
    let long = std::env::var_os("SECRETFS_LONG").is_some();
    let runs = if long { 10 * RUNS } else { RUNS };
    let mut random = Random::new();
    let mount = mounted();
    mount.unmount();
    // How long it takes when nobody is hit.
    prepare(&mount);
    let begun_at = Instant::now();
    begin(&mount).wait().expect("wait");
    let whole = u64::try_from(begun_at.elapsed().as_micros()).unwrap_or(u64::MAX);
    finish(&mount);
    let mut hit = 0;
    while hit < runs {
        prepare(&mount);
        let held = mount.is_mounted().then(|| {
            let mut probe = mount.probe();
            let fd = probe.try_open(mount.file("a")).ok();
            (probe, fd)
        });
        let mut running = begin(&mount);
        // The moment is what is random here; nothing is waited for.
        std::thread::sleep(Duration::from_micros(random.below(whole + whole / 4)));
        if kill_one(&mount, &mut random) {
            hit += 1;
        }
        running.wait().expect("wait");
        let serves = settles(&mount);
        if let Some((mut probe, Some(fd))) = held
            && !serves
        {
            let read = probe.run(&Step::Pread {
                fd,
                offset: 0,
                len: 10,
            });
            assert!(matches!(read, Outcome::Failed(_)), "run {hit}: {read:?}");
        }
        finish(&mount);
        assert!(
            system::mounts_below(&mount.path("")).is_empty(),
            "run {hit}"
        );
    }
    mount.mount();
    assert_eq!(mount.read("a"), Ok(value("a", LEN)));
}

/// Nothing is left, whatever there was.
fn tidy(mount: &Scripted) {
    let place = mount.mountpoint();
    let args = ["unmount".as_ref(), place.as_os_str()];
    let output = mount.secretfs(args).output().expect("secretfs");
    // 6: there was nothing any more.
    assert!(matches!(output.status.code(), Some(0 | 6)), "{output:?}");
    mount.wait_for_no_mount();
    mount.wait_for_no_process();
}

#[test]
fn at_any_moment_of_a_start_nothing_dead_is_left() {
    killed(|_| {}, |mount| begun(mount, mount.mount_args()), tidy);
}

#[test]
fn at_any_moment_of_a_fetch_nothing_dead_is_left() {
    killed(
        |mount| {
            mount.mount();
        },
        |mount| {
            mount.sim.set("A", value("a", LEN));
            mount.run(["refresh"]);
            let mut reader = mount.command("cat");
            reader.arg(mount.file("a"));
            let null = || std::process::Stdio::null();
            reader.stdout(null()).stderr(null());
            reader.spawn().expect("cat")
        },
        tidy,
    );
}

#[test]
fn at_any_moment_of_a_lock_nothing_dead_is_left() {
    killed(
        |mount| {
            mount.mount();
            mount.read("a").expect("the value");
        },
        |mount| begun(mount, named(mount, "lock")),
        tidy,
    );
}

#[test]
fn at_any_moment_of_an_unmount_nothing_dead_is_left() {
    killed(
        |mount| {
            mount.mount();
            mount.read("a").expect("the value");
        },
        |mount| begun(mount, named(mount, "unmount")),
        tidy,
    );
}

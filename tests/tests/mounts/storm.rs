//! Locks, unlocks, mounts, unmounts and signals in any order: after each step a mount is what a small
//! model says, and after all of them nothing is left. 600 steps; ten times that where
//! `$SECRETFS_LONG` is set.

use crate::scripted::Scripted;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use secretfs_tests::fixture::value;
use secretfs_tests::script::{Outcome, Step as Call};
use secretfs_tests::session::bus::Bus;
use secretfs_tests::session::simulated::Logind;
use secretfs_tests::session::wait_armed;
use secretfs_tests::{system, user, wait};

/// Steps of one storm, and storms of each kind of map.
const STEPS: usize = 50;
const STORMS: u32 = 3;

/// One step. What changes nothing in a state is tried there all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Mount,
    Unmount,
    Lock,
    Unlock,
    SessionLock,
    SessionUnlock,
    Sleep,
    Wake,
    Terminate,
    KillHelper,
    KillDaemon,
    KillSentinel,
    LockAndUnlock,
    Read,
}

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Nothing,
    Serving,
    /// Mounted, and refuses.
    Sealed,
    /// A record alone, and with `remount_on_unlock` perhaps a helper that waits.
    Record {
        waits: bool,
    },
}

/// What the map says of a lock.
#[derive(Debug, Clone, Copy)]
struct Map {
    seals: bool,
    remounts: bool,
}

impl Map {
    fn locked(self) -> State {
        if self.seals {
            State::Sealed
        } else {
            State::Record {
                waits: self.remounts,
            }
        }
    }

    /// The model: the state after a step, and the exit status of its command.
    fn after(self, state: State, step: Step) -> (State, i32) {
        use State::{Nothing, Record, Sealed, Serving};
        let not_mounted = if state == Nothing { 6 } else { 0 };
        match step {
            Step::Mount => match state {
                Serving | Sealed => (state, 6),
                Nothing | Record { .. } => (Serving, 0),
            },
            Step::Unmount => (Nothing, not_mounted),
            Step::Lock => match state {
                Serving => (self.locked(), 0),
                other => (other, not_mounted),
            },
            Step::Unlock => match state {
                Nothing => (Nothing, 6),
                _ => (Serving, 0),
            },
            Step::SessionLock | Step::Sleep => match state {
                Serving => (self.locked(), 0),
                other => (other, 0),
            },
            Step::SessionUnlock => match state {
                Sealed if self.remounts => (Serving, 0),
                Record { waits: true } => (Serving, 0),
                other => (other, 0),
            },
            Step::Terminate => match state {
                Record { waits: false } => (state, 0),
                _ => (Nothing, 0),
            },
            Step::KillHelper => match state {
                Record { .. } => (Record { waits: false }, 0),
                _ => (Nothing, 0),
            },
            Step::KillDaemon => match state {
                Record { .. } => (state, 0),
                _ => (Nothing, 0),
            },
            Step::LockAndUnlock => match state {
                Nothing => (Nothing, 0),
                _ => (Serving, 0),
            },
            Step::KillSentinel | Step::Read | Step::Wake => (state, 0),
        }
    }
}

struct Storm {
    mount: Scripted,
    logind: Logind,
    map: Map,
    _bus: Bus,
}

impl Storm {
    fn new(map: Map) -> Self {
        let mut mount = Scripted::new();
        let bus = Bus::open(&mount.path(""), "system");
        mount.environment("DBUS_SYSTEM_BUS_ADDRESS", bus.address());
        let on_lock = if map.seals { "seal" } else { "unmount" };
        let config = format!("on_lock: {on_lock}, remount_on_unlock: {}", map.remounts);
        mount.set_map(&config, &["{name: A, file: a}"]);
        mount.sim.set("A", value("a", 9_000));
        let logind = Logind::start(&bus);
        logind.add("c1", user::mounting().uid, "user");
        Self {
            mount,
            logind,
            map,
            _bus: bus,
        }
    }

    /// Runs a command of one mount; its exit status.
    fn command(&self, name: &str) -> i32 {
        let place = self.mount.mountpoint();
        let output = self
            .mount
            .secretfs([name.as_ref(), place.as_os_str()])
            .output()
            .expect("secretfs");
        output.status.code().expect("a status")
    }

    /// Signals the process of a role, where it is there.
    fn signal(&self, role: &str, name: &str) {
        let found = self
            .mount
            .processes()
            .into_iter()
            .find(|process| process.args.get(1).is_some_and(|arg| arg == role));
        if let Some(process) = found {
            system::signal(process.pid, name);
        }
    }

    /// Takes a step; its exit status where it is a command.
    fn take(&self, step: Step) -> i32 {
        match step {
            Step::Mount => return self.command("mount"),
            Step::Unmount => return self.command("unmount"),
            Step::Lock => return self.command("lock"),
            Step::Unlock => return self.command("unlock"),
            Step::SessionLock => self.logind.lock("c1"),
            Step::SessionUnlock => self.logind.unlock("c1"),
            Step::Sleep => self.logind.sleep(true),
            Step::Wake => self.logind.sleep(false),
            Step::Terminate => self.signal("internal-mount-helper", "TERM"),
            Step::KillHelper => self.signal("internal-mount-helper", "KILL"),
            Step::KillDaemon => self.signal("internal-daemon", "KILL"),
            Step::KillSentinel => self.signal("internal-sentinel", "KILL"),
            Step::LockAndUnlock => {
                // The second while the first is at work.
                let place = self.mount.mountpoint();
                let args = ["lock".as_ref(), place.as_os_str()];
                let mut locking = self.mount.secretfs(args);
                locking.stderr(std::process::Stdio::null());
                let mut locking = locking.spawn().expect("secretfs");
                self.command("unlock");
                locking.wait().expect("wait");
                self.command("unlock");
            }
            Step::Read => {}
        }
        0
    }

    /// What there is, as far as it can be seen; `None`: something else, or in between.
    fn seen(&self) -> Option<State> {
        let mounted = self.mount.is_mounted();
        let text = self.mount.run(["status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let Some(one) = status["mounts"].get(0) else {
            let empty = !mounted && self.mount.processes().is_empty();
            return empty.then_some(State::Nothing);
        };
        let helpers = self.mount.processes();
        match (
            one["state"].as_str()?,
            one["pid"].as_u64().unwrap_or(0),
            mounted,
        ) {
            ("serving", 1.., true) if helpers.len() == 3 => Some(State::Serving),
            ("locked", 1.., true) => Some(State::Sealed),
            ("locked", 0, false) => match helpers.len() {
                0 => Some(State::Record { waits: false }),
                1 => Some(State::Record { waits: true }),
                _ => None,
            },
            _ => None,
        }
    }

    /// Runs all steps.
    fn run(&self, steps: &[Step]) {
        let mut state = State::Nothing;
        let mut asleep = false;
        for (at, step) in steps.iter().enumerate() {
            let before = state;
            let held = (state == State::Serving).then(|| {
                let mut probe = self.mount.probe();
                let fd = probe.open(self.mount.file("a"));
                (probe, fd)
            });
            let (next, status) = self.map.after(state, *step);
            asleep = match step {
                Step::Sleep => true,
                Step::Wake => false,
                _ => asleep,
            };
            let got = self.take(*step);
            assert_eq!(got, status, "step {at}, {step:?} in {state:?} of {steps:?}");
            let mut last = None;
            let deadline = std::time::Instant::now() + wait::PATIENCE;
            while last != Some(next) {
                last = self.seen();
                assert!(
                    std::time::Instant::now() < deadline,
                    "step {at}, {step:?} in {state:?}: {next:?} and not {last:?} of {steps:?}\n{}\n{:#?}",
                    self.mount.run(["status"]),
                    self.mount.processes()
                );
            }
            state = next;
            match state {
                State::Serving => {
                    assert_eq!(self.mount.read("a"), Ok(value("a", 9_000)));
                    wait_armed(&self.mount, &["lock"]);
                    // An inhibitor is not asked for while the machine waits for us.
                    if !asleep {
                        wait::until("it is held back", || {
                            self.logind.is_held("sleep").then_some(())
                        });
                    }
                }
                State::Sealed => assert_eq!(self.mount.read("a"), Err(libc::ENOKEY)),
                State::Nothing | State::Record { .. } => {}
            }
            // A handle from before reads on where nothing happened, and never after a lock.
            if let Some((mut probe, fd)) = held {
                let read = probe.run(&Call::Pread {
                    fd,
                    offset: 0,
                    len: 10,
                });
                let lives = state == before && *step != Step::LockAndUnlock;
                assert_eq!(
                    matches!(read, Outcome::Bytes(_)),
                    lives,
                    "step {at}, {step:?}: {read:?} of {steps:?}"
                );
            }
        }
        self.command("unmount");
        self.mount.wait_for_no_mount();
        self.mount.wait_for_no_process();
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Mount),
        1 => Just(Step::Unmount),
        3 => Just(Step::Lock),
        4 => Just(Step::Unlock),
        4 => Just(Step::SessionLock),
        4 => Just(Step::SessionUnlock),
        1 => Just(Step::Sleep),
        1 => Just(Step::Wake),
        1 => Just(Step::Terminate),
        1 => Just(Step::KillHelper),
        1 => Just(Step::KillDaemon),
        1 => Just(Step::KillSentinel),
        2 => Just(Step::LockAndUnlock),
        1 => Just(Step::Read),
    ]
}

/// A tenth of what was promised is enough to try a change; all of it is what is run.
fn storms(map: Map) {
    let long = std::env::var_os("SECRETFS_LONG").is_some();
    let config = Config {
        cases: if long { 10 * STORMS } else { STORMS },
        // Each run mounts dozens of times: the steps are told, and can be taken by hand.
        max_shrink_iters: 0,
        failure_persistence: None,
        ..Config::default()
    };
    let steps = proptest::collection::vec(step(), STEPS);
    let outcome = TestRunner::new(config).run(&steps, |steps| {
        Storm::new(map).run(&steps);
        Ok(())
    });
    outcome.expect("every storm ends as the model says");
}

#[test]
fn any_order_of_steps_ends_as_the_model_says_where_a_lock_unmounts() {
    storms(Map {
        seals: false,
        remounts: false,
    });
}

#[test]
fn any_order_of_steps_ends_as_the_model_says_where_a_lock_seals() {
    storms(Map {
        seals: true,
        remounts: false,
    });
}

#[test]
fn any_order_of_steps_ends_as_the_model_says_where_an_unlock_mounts_again() {
    storms(Map {
        seals: false,
        remounts: true,
    });
}

#[test]
fn any_order_of_steps_ends_as_the_model_says_where_an_unlock_unseals() {
    storms(Map {
        seals: true,
        remounts: true,
    });
}

//! At random moments while values are fetched over and over.

use crate::world::World;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How often it is stopped and looked at.
const STOPS: usize = 200;

#[test]
fn at_any_moment_of_a_fetch_no_copy_lies_in_memory_that_can_be_swapped_or_dumped() {
    for world in World::each("") {
        look_at_random_moments(&world);
    }
}

fn look_at_random_moments(world: &World) {
    world.read_all();
    let mut scanner = world.scanner();
    let daemon = world.process("internal-daemon").pid;
    let values = world.values();
    let (done, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    let seen = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                world.forget();
                if rounds.fetch_add(1, Ordering::Relaxed) % 4 == 3 {
                    world.end_sessions();
                }
                world.read_all();
            }
        });
        let mut seen = 0;
        for stop in 0..STOPS {
            // Somewhere in a round, never at the same place.
            let moment = Instant::now() + Duration::from_micros((stop as u64 * 7_919) % 20_000);
            while Instant::now() < moment {
                std::hint::spin_loop();
            }
            let mut secrets = values.clone();
            secrets.extend(world.credentials());
            let report = scanner.stop_and_look(&[daemon], &secrets);
            if !report.exposed().is_empty() {
                done.store(true, Ordering::Relaxed);
                panic!("stop {stop}: {:#?}", report.exposed());
            }
            seen += usize::from(!report.findings.is_empty());
        }
        done.store(true, Ordering::Relaxed);
        seen
    });
    // Values were on their way in some of these moments: in the locked heap, where they may be.
    assert!(seen > 0, "no stop fell into a fetch");
    assert!(rounds.load(Ordering::Relaxed) > 5, "{rounds:?}");
}

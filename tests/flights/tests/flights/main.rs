//! The cache's flights, in one order of steps after the other.
//!
//! `SECRETFS_LONG=1` tries many more of them.

mod locks;
mod opens;
mod world;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, FailurePersistence, Runner};

/// How many orders each of the two schedulers tries.
const ORDERS: usize = 400;
/// The same of a long run.
const MANY: usize = 40_000;
/// At how many points the second scheduler interrupts whoever is at it.
const INTERRUPTIONS: usize = 4;

/// Runs a scenario in many orders of steps. A panic in any, or somebody who waits for ever, is reported
/// with the order that leads to it.
fn explore(scenario: fn()) {
    let long = std::env::var_os("SECRETFS_LONG").is_some();
    let orders = if long { MANY } else { ORDERS };
    let mut config = Config::new();
    config.stack_size = 512 << 10;
    config.failure_persistence = FailurePersistence::Print;
    Runner::new(RandomScheduler::new(orders), config.clone()).run(scenario);
    Runner::new(PctScheduler::new(INTERRUPTIONS, orders), config).run(scenario);
}

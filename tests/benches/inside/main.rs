//! The parts of it that need no mount, by criterion: reading and compiling a map, a hit of the cache, the
//! answer to a folder's list, a reference.
//!
//! ```sh
//! cargo bench -p secretfs-tests --bench inside
//! cargo bench -p secretfs-tests --bench inside -- map
//! ```

mod cache;
mod decode;
mod map;
mod provider;

use criterion::Criterion;
use std::time::Duration;

fn main() {
    // `cargo test --benches` only wants to know that this builds.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
        .configure_from_args();
    map::run(&mut criterion);
    cache::run(&mut criterion);
    decode::run(&mut criterion);
    criterion.final_summary();
}

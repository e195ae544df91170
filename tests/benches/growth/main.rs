//! How the cost grows: with the entries of a map, the readers at one time, the size of a value, and the
//! number of mounts.
//!
//! ```sh
//! cargo bench -p secretfs-tests --bench growth
//! cargo bench -p secretfs-tests --bench growth -- readers
//! ```

mod entries;
mod mounts;
mod readers;
mod values;

fn main() {
    secretfs_tests::bench::main(
        "growth",
        &[
            ("entries", entries::run),
            ("readers", readers::run),
            ("values", values::run),
            ("mounts", mounts::run),
        ],
    );
}

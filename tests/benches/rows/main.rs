//! Every row of what is promised of speed: what it takes, and whether that is reached.
//!
//! ```sh
//! cargo bench -p secretfs-tests --bench rows
//! cargo bench -p secretfs-tests --bench rows -- cold
//! ```

mod cached;
mod cold;
mod commands;
mod entries;
mod folder;
mod rest;
mod storm;

fn main() {
    secretfs_tests::bench::main(
        "rows",
        &[
            ("cached", cached::run),
            ("cold", cold::run),
            ("folder", folder::run),
            ("storm", storm::run),
            ("commands", commands::run),
            ("rest", rest::run),
            ("entries", entries::run),
        ],
    );
}

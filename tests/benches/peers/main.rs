//! Other ways to the same bytes, in one run: file systems, tools that hand a secret to a process, the
//! floors of both. What is not installed is said so.
//!
//! ```sh
//! cargo bench -p secretfs-tests --bench peers
//! cargo bench -p secretfs-tests --bench peers -- reading
//! ```

mod handing;
mod reading;

fn main() {
    secretfs_tests::bench::main(
        "peers",
        &[("reading", reading::run), ("handing", handing::run)],
    );
}

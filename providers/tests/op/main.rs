//! 1Password through the `op` program: the client, with a mount-helper that starts nothing but says what
//! `op` would. The real one, with a stand-in for the program, is in the tests of the mounts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic is the failure report"
)]

mod calls;
mod complaints;
mod items;
mod rig;

//! The cache of `fs`, file by file as it is, under shuttle: a scheduler that runs all threads and tasks on
//! one thread, and tries one order of their steps after the other.
//!
//! Two things are exchanged, by name: `crate::sync`, from which the cache has its locks and counters, and
//! `tokio`, from which it has tasks and timers. Each lock, counter and look at the epoch is a step between
//! which any other thread may run. What stands behind the cache (map, errors, sealed memory) is the real
//! thing; it holds no lock of its own across a step.

// As a test of its own it is empty: the unit tests of these files are those of `fs`, with real clocks and locks.
#![cfg(not(test))]

// `tokio::…` in the cache's files is this crate.
extern crate self as tokio;

#[path = "../../../fs/src/cache/mod.rs"]
pub mod cache;
#[path = "../../../fs/src/error.rs"]
pub mod error;
pub mod runtime;
pub mod sync;
pub mod time;

pub use secretfs_fs::{map, render};
pub use tokio_itself::select;

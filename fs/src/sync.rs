//! Locks and counters of the cache, which more than one thread enters. From here alone, because
//! `tests/flights` compiles the same files with a scheduler's own, which tries one order of steps after
//! the other.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
pub(crate) use std::sync::{Mutex, MutexGuard};

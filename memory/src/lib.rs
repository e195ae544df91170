//! Memory that may hold secrets: a locked heap, sealed areas, locked stacks, and hardening of the process.
//!
//! The one crate with much `unsafe`. It knows nothing of secrets' names, files or networks.

pub mod bounce;
pub mod budget;
pub mod environment;
pub mod harden;
pub mod heap;
pub mod limit;
mod page;
pub mod residue;
pub mod sealed;
pub mod shared;
pub mod stack;
#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod test_common;
mod wipe;

//! Memory that may hold secrets: a locked heap, sealed areas, locked stacks, and hardening of the process.
//!
//! The one crate with much `unsafe`. It knows nothing of secrets' names, files or networks. Read it in the
//! order in which a daemon starts:
//!
//! | room | what it does |
//! |---|---|
//! | [`harden`] | no core dumps, no ptrace, no new privileges; later landlock and seccomp |
//! | [`limit`], [`budget`] | what may be locked, what is needed, and how it is divided |
//! | [`heap`] | the global allocator: locked, left out of dumps, zeroed when freed |
//! | [`stack`] | threads whose stacks are locked |
//! | [`sealed`] | where values rest: `memfd_secret`, which not even root can read |
//! | [`bounce`] | the locked buffer between a sealed area and a write, because the kernel reads no sealed memory itself |
//! | [`residue`] | clears what finished calls have left on a stack and in registers |
//! | [`environment`] | takes a credential out of the process's environment, and overwrites it there |
//! | [`shared`] | memory that two processes share, and neither can change: the compiled map |
//!
//! What is promised of it, clause by clause with its tests, is in `docs/memory.md`.

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

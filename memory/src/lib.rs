//! Memory that may hold secrets: a locked heap, sealed areas, locked stacks, and hardening of the process.
//!
//! The one crate with much `unsafe`. It knows nothing of secrets' names, files or networks.
//!
//! | room | what it keeps from leaking |
//! |---|---|
//! | [`heap`] | the global allocator: an arena that is locked, not dumped, zeroed on free |
//! | [`sealed`] | values at rest: `memfd_secret`, which not even root reads from outside; one switch wipes all |
//! | [`stack`], [`residue`] | values on their way: locked stacks, dead frames, vector registers |
//! | [`bounce`] | the way out: the kernel cannot send from sealed memory |
//! | [`shared`] | the other way round: what holds no secret, for several processes |
//! | [`harden`] | the process: no dumps, no debuggers, landlock, seccomp |
//! | [`limit`], [`budget`] | how much may be locked, and how much is |
//! | [`environment`] | credentials that came by the environment |
//!
//! Where to begin: a daemon calls [`heap::lock`] before anything else, then [`harden`]; a value that comes is
//! written with a [`sealed::SealedWriter`] and is a [`sealed::Sealed`] from then on. What all of this promises,
//! and which test shows it, is in `docs/memory.md`.

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

//! What is shown: the map, the tree of files, the cache, the policy, and the thin glue to FUSE.
//!
//! | room | what it decides |
//! |---|---|
//! | [`map`] | what `secrets.yml` means, and what is wrong with it |
//! | [`tree`] | names, inodes, sizes, handles: one published version, one inode |
//! | [`cache`] | when a provider is asked, and what stands in for it |
//! | [`render`] | folders as dotenv, JSON, YAML |
//! | [`error`] | which errno a failure becomes: the only such table |
//! | [`link`] | the socket between daemon and mount-helper |
//! | [`daemon`] | the process that puts them together |
//! | [`fuse`] | the only place that knows fuser |
//! | [`error`] | why an open fails, and which errno that is: the only table |
//!
//! An `open` goes through them from below: [`fuse`] turns an inode into an entry of the [`tree`], the [`cache`]
//! answers at once or asks a provider, and the version that comes of it is published in the tree before the
//! handle is given out. `docs/architecture.md` tells it step by step. Without [`fuse`] nothing here knows
//! fuser, so all of it is tested without a mount.

pub mod cache;
pub mod daemon;
pub mod error;
pub mod fuse;
pub mod link;
pub mod map;
pub mod render;
mod sync;
pub mod tree;

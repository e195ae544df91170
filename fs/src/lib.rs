//! What is shown: the map, the tree of files, the cache, the policy, and the thin glue to FUSE.
//!
//! | room | what it decides |
//! |---|---|
//! | [`map`] | what `secrets.yml` means, and what is wrong with it |
//! | [`tree`] | names, inodes, sizes, handles: one published version, one inode |
//! | [`cache`] | when a provider is asked, and what stands in for it |
//! | [`render`] | folders as dotenv, JSON, YAML |
//! | [`link`] | the socket between daemon and mount-helper |
//! | [`daemon`] | the process that puts them together |
//! | [`fuse`] | the only place that knows fuser |
//! | [`error`] | why an open fails, and which errno that is: the only table |
//!
//! The way of one open, to read along: [`fuse`] takes it from the kernel's queue, [`tree`] answers from what is
//! cached or has it wait on the runtime, [`cache`] has one flight a value and asks the provider, the value comes
//! to rest in sealed memory, [`tree`] publishes it as a version with an inode of its own, and the answer goes out.

pub mod cache;
pub mod daemon;
pub mod error;
pub mod fuse;
pub mod link;
pub mod map;
pub mod render;
pub mod tree;

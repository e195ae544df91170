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

pub mod cache;
pub mod daemon;
pub mod error;
pub mod fuse;
pub mod link;
pub mod map;
pub mod render;
pub mod tree;

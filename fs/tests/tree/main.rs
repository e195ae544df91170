//! The tree and its glue to FUSE: what can be told without a mount (`opens`, `names`, `reloads`),
//! and what only the real kernel can tell (`kernel`,
//! `attributes`, `pages`, `signals`, `locks`, `ends`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a panic is how a test reports"
)]

mod attributes;
mod ends;
mod fake;
mod kernel;
mod locks;
mod mount;
mod names;
mod opens;
mod pages;
mod reloads;
mod signals;
mod sys;

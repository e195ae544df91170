//! What the shipped executable leaves in memory: looked for from outside, as root, while it serves
//! and afterwards. One subject a file; docs/memory.md has the claims, each with its test.

mod commands;
mod connect;
mod cored;
mod idle;
mod locked;
mod mappings;
mod op;
mod server;
mod shipped;
mod stops;
mod stored;
mod swapped;
mod vault;
mod world;

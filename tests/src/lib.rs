//! Simulators of the real services, and the harness for tests with real mounts.
//!
//! | room | what it does |
//! |---|---|
//! | [`fixture`] | a home, a map, a mount by the real executable, and nothing left of it |
//! | [`probe`], [`script`] | system calls by a process of the mounting user |
//! | [`machine`] | a machine with an /etc/fstab of its own |
//! | [`memory`] | looks for secrets in the memory of running processes |
//! | [`terminal`] | a command on a terminal of its own |
//! | [`vault`] | local vaults, written with the age library |
//! | [`user`], [`place`], [`system`], [`wait`] | who, where, what there is, and when |
//! | [`fault_proxy`] | breaks connections between a daemon and a simulator, byte by byte |
//! | [`seed`] | numbers that can be drawn again |
//! | `fuzzing` | what the fuzz targets do with an input (feature `test-hooks`) |
//! | [`http_sim`] | what the simulators of HTTP services share |
//! | [`infisical`] | a strict simulator of an Infisical server |
//! | [`connect`] | a strict simulator of a 1Password Connect server |
//! | [`op`] | a strict stand-in for the `op` program |
//! | [`systemd`] | a user's manager and a journal, of systemd's own programs |
//! | [`documents`], [`transcript`], [`command_lines`] | what the documents show and tell people to type |
//! | [`messages`] | the texts of errors, taken from the source |
//! | [`podman`] | containers of a real rootless podman |
//! | [`session`] | private buses, a real elogind, a simulated one, screen savers |
//! | [`mod@bench`] | what the benches share: mounts, peers, turns, medians, tables |
//! | `scripted` | the simulator behind the scripted provider (feature `test-hooks`) |

pub mod bench;
#[cfg(feature = "test-hooks")]
mod clock;
pub mod command_lines;
pub mod connect;
pub mod documents;
pub mod fault_proxy;
pub mod fixture;
#[cfg(feature = "test-hooks")]
pub mod fuzzing;
pub mod http_sim;
pub mod infisical;
pub mod machine;
pub mod memory;
pub mod messages;
pub mod op;
pub mod place;
pub mod podman;
pub mod probe;
pub mod script;
#[cfg(feature = "test-hooks")]
pub mod scripted;
pub mod seed;
pub mod session;
pub mod system;
pub mod systemd;
pub mod terminal;
pub mod transcript;
#[cfg(test)]
mod unsafe_code;
pub mod user;
pub mod vault;
pub mod wait;

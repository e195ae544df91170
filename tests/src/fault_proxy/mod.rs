//! A proxy of bytes between a client and a server, which breaks connections at any byte in either
//! direction: inside a TLS handshake as well as inside an answer. What the server says is left to the
//! faults of the simulators.
//!
//! | file | what it does |
//! |---|---|
//! | [`plan`] | what happens to a connection |
//! | `pump` | carries the bytes of one connection, and does it |
//! | `port` | the thread, the port, and what is told to it |

pub mod plan;
mod port;
mod pump;
#[cfg(test)]
mod tests;

pub use plan::{Act, Cut, Door, Plan};
pub use port::FaultProxy;

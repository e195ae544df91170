//! The link: one socketpair between daemon and mount-helper. Each message is bounded, each request
//! has a deadline and is answered asynchronously; descriptors travel beside their message.

pub mod credentials;
pub mod message;
pub mod wire;

pub use message::{FromDaemon, ToDaemon};

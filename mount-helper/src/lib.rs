//! The process that mounts, supervises and unmounts, and holds no secret.
//!
//! | room | what it does |
//! |---|---|
//! | [`launch`] | how a command starts a mount, and learns whether it answers |
//! | [`control`] | the socket between commands and the helper of a mount |

pub mod control;
pub mod launch;
pub mod role;

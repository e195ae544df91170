//! The only place that knows fuser: it translates between its types and the tree's.

mod session;

pub use session::{Config, EndReason, Session};

//! The only place that knows fuser.

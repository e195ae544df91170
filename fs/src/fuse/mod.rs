//! The only place that knows fuser: it translates between its types and the tree's.
//!
//! fuser is pinned to 0.18.0. Faults of that release that are worked around, here and nowhere else:
//!
//! | fault | treatment |
//! |---|---|
//! | FUSE_INTERRUPT is answered ENOSYS (`request.rs:117`, its PR #696 was closed) | `tree::waiters` looks for pending signals |
//! | teardown may unmount somebody else's new mount (inverted `is_mounted`, mended by 1a7842e) | `Session::from_fd`: fuser owns no mount |
//! | operations that are not implemented warn on every call | all that the kernel may send are implemented |
//! | the event thread has the default stack size | its stack is locked with the first request; the process is started with a small `RUST_MIN_STACK` |
//! | a panic in the event thread leaves a mount that hangs | every operation is caught, and the end of the thread is reported |

mod adapter;
mod linger;
mod notifier;
mod refuse;
mod session;
mod translate;

pub use session::{Config, EndReason, Session};

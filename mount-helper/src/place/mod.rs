//! Where things are: the runtime folder with its records, locks and sockets; the state folder with
//! log and audit; and who a process is.

pub mod mountpoint;
pub mod process;
pub mod record;
pub mod runtime;
pub mod state;

pub use process::ProcessId;
pub use record::Record;
pub use runtime::RuntimeFolder;

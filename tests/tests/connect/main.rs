//! The Connect client of 1Password against the strict simulator: names, requests, values, refusals.
//! What a mount makes of it is in `tests/tests/mounts/connect.rs`.

mod checking;
mod credentials;
mod faults;
mod files;
mod fresh;
mod names;
mod refusals;
mod requests;
mod rig;
mod values;

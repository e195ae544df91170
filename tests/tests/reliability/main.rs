//! What holds when things go wrong for long: seeded scripts of faults, resources that run out, half an
//! hour of everything at once. What each measures, and the figures: docs/reliability.md.

#![cfg(feature = "test-hooks")]

mod faults;
mod footprint;
mod lane;
mod limited;
mod play;
mod plot;
mod published;
mod resources;
mod soak;
mod sweep;
mod tale;

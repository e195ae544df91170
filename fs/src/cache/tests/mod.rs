//! What the cache promises, sentence by sentence, with a provider that does as it is told and a
//! clock that moves only when everybody waits.

mod fake;
mod flights;
mod folders;
mod gathering;
mod hints;
mod lifecycle;
mod memory;
mod model;

mod order;
mod rig;
mod values;
mod waiting;
mod whole_places;

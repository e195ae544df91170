//! The local vault, from the file to the sealed value and back.

mod rig;
mod serving;

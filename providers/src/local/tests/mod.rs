//! The local vault, from the file to the sealed value and back.

mod dotenv;
mod editing;
mod hostile;
mod interop;
mod rig;
mod serving;

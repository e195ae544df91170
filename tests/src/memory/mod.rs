//! Looking for secrets in the memory of running processes, from outside and as root.
//!
//! | room | what it does |
//! |---|---|
//! | [`marker`] | values that cannot be mistaken, and every form that a copy of one may have |
//! | [`maps`] | the mappings of a process, and whether each is locked and left out of dumps |
//! | [`scan`] | finds the forms in everything that can be read |
//! | [`client`] | asks the program `scanner`, which runs as root |
//! | [`naive`] | a program that keeps values in ordinary memory: what every test must find |
//! | [`swap`] | a real swap area, and what was written to it |

pub mod client;
pub mod maps;
pub mod marker;
pub mod naive;
pub mod scan;
pub mod swap;

//! What distributions install: made of one list, accepted by their own tools, and gone when removed.

mod debian;
mod empty_root;
mod kitchen;
mod recipes;
mod release;

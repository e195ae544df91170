//! 1Password through a Connect server (contract onepassword.md §1, §4).
//!
//! | file | idea |
//! |---|---|
//! | `provider` | the trait |
//! | `call` | one request with the token: tried again where that helps, paced |
//! | `refusal` | what an answer without a result means |
//! | `token` | the token, and for how long a refused one is not sent |
//! | `known` | ids behind names, versions: what saves requests |
//! | `find` | vault and item by id or name |
//! | `fresh` | whether a vault has changed |
//! | `fetch` | one item for all that is wanted of it |
//! | `check` | whether secrets are there, item by item |
//! | `advice` | what there is instead of a vault or item that is not |
//! | `survey` | references to all there is in a vault, for a first map |
//! | `file` | a file's bytes |
//!
//! Read only: nothing but GET leaves here, and paths are made of ids alone.

mod advice;
mod call;
mod check;
mod fetch;
mod file;
mod find;
mod fresh;
mod known;
mod provider;
mod refusal;
mod survey;
mod token;

pub use provider::{Connect, Pauses, Settings};

use super::is_id;

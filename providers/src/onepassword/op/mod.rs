//! 1Password through the `op` program, which the mount-helper starts: its standard output is a pipe
//! that ends here (contract onepassword.md §3, §4.12).
//!
//! | file | idea |
//! |---|---|
//! | `call` | what `op` is asked, as words |
//! | `complaint` | what it means by what it complains |
//! | `provider` | the trait |
//! | `token` | the token of a service account |
//! | `gate` | whose turn it is, and what holds all calls up |
//! | `run` | one run of the program |
//! | `sink` | what becomes of what it prints |
//! | `fetch` | one item for all that is wanted of it |
//! | `survey` | what there is in a vault, for a first map |
//! | `failure` | why there is nothing, and what to do |

mod call;
mod complaint;
mod failure;
mod fetch;
mod gate;
mod provider;
mod run;
mod sink;
mod survey;
mod token;

pub use call::OpCall;
pub use complaint::{Complaint, classify};
pub use provider::Op;
pub use token::TOKEN;

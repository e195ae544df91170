//! Infisical's client against a small server: TLS, sign-in, single secrets, and all that can go wrong.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic is the failure report"
)]

mod auth;
mod expiry;
mod http;
mod machine;
mod server;
mod service_token;
mod session;
mod single;

//! HTTP for providers: one small layer over `hyper`, which owns what must hold for all of them.
//!
//! | file | rule |
//! |---|---|
//! | `endpoint` | a server and its origin; plain http to this machine alone, or where the map allows it |
//! | `client` | connections: few, kept for a second, dropped at lock |
//! | `connect` | names are resolved by the mount-helper; TLS; HTTP/1.1 with small buffers |
//! | `exchange` | one request and its answer, within the call's deadline, its body bounded and never buffered; no redirects |
//! | `proxy`, `tunnel` | the proxies of the environment, never of the map; CONNECT for TLS; their users and passwords |
//! | `roots` | who is trusted, read from descriptors that the mount-helper opened |
//! | `failure` | what went wrong, in our own words |
//!
//! # Memory
//! Everything here lives in the locked heap of 2 MiB. HTTP/2 is left out: its idle connections keep
//! plaintext, and its windows take MiBs (contract locked-memory-and-session.md §1, §6). A connection
//! is dropped a second after its last use, and with it the last bytes that TLS decrypted.
//!
//! Not `reqwest`, which is made of the same parts but does not let their buffers be bounded: a single
//! secret of 900 KiB from a fast server ended the process there (`tests/tls_heap.rs`).

mod budget;
mod client;
mod connect;
mod endpoint;
mod exchange;
mod failure;
mod proxy;
mod roots;
mod tunnel;

pub use budget::Budget;
pub use client::HttpClient;
pub use endpoint::{Endpoint, origin};
pub use exchange::{Request, Response, Turn};
pub use failure::Failure;
pub use proxy::{Proxies, Proxy, ProxySettings, UnusableProxy};

//! Where secrets live: the [`Provider`] trait, and one module a provider.
//!
//! A provider turns a typed [`Reference`] into bytes in a sealed area. It knows nothing of files,
//! caches or the map; `fs` knows nothing of ages, tokens or HTTP.
//!
//! | room | what it does |
//! |---|---|
//! | [`provider`] | the trait, and who owns which rule: read this first. To add a provider, see `docs/adding-a-provider.md` |
//! | [`mod@reference`] | which secret is meant; two references of one place can be answered by one request |
//! | [`credential`] | what opens a provider, and the origin that it was made for and is sent to |
//! | [`error`] | what a failure means; `fs` makes an errno of it |
//! | [`host`] | what a sandboxed daemon asks of the mount-helper: open, resolve, start |
//! | [`hints`] | what a server says has changed |
//! | [`local`] | an age-encrypted file: the smallest provider |
//! | [`infisical`], [`onepassword`] | the ones with servers and programs; each has a table of its files |
//! | [`http`] | TLS, connections, proxies, bounds, deadlines: shared by those with servers |
//! | [`json`] | an answer read as a stream, so that no whole body is ever held |
//! | [`clock`], [`nearest`] | time that tests move; "did you mean" |

#[cfg(feature = "test-hooks")]
pub mod answers;
pub mod clock;
pub mod credential;
pub mod error;
mod health;
pub mod hints;
pub mod host;
pub mod http;
pub mod infisical;
pub mod json;
pub mod local;
pub mod nearest;
pub mod onepassword;
pub mod provider;
pub mod reference;
#[cfg(feature = "test-hooks")]
pub mod scripted;
mod time;

pub use clock::Clock;
pub use credential::{Credential, CredentialOffer, IdentityMethod};
pub use error::{ErrorKind, ProviderError};
pub use hints::{Hints, Mark};
pub use host::{Host, HostAnswer, HostError, HostRequest, ProgramCall, ProgramEnd};
pub use provider::{
    Answer, BoxFuture, Context, Fetched, Health, Place, Provider, Survey, Surveyed, Validator,
    Wanted,
};
pub use reference::{FolderReference, Reference};

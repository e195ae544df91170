//! Where secrets live: the [`Provider`] trait, and one module a provider.
//!
//! A provider turns a typed [`Reference`] into bytes in a sealed area. It knows nothing of files,
//! caches or the map; `fs` knows nothing of ages, tokens or HTTP. To add one, see [`provider`].

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

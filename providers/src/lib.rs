//! Where secrets live: the [`Provider`] trait, and one module a provider.
//!
//! A provider turns a typed [`Reference`] into bytes in a sealed area. It knows nothing of files,
//! caches or the map; `fs` knows nothing of ages, tokens or HTTP. To add one, see [`provider`].
//!
//! | room | idea |
//! |---|---|
//! | [`provider`], [`mod@reference`], [`error`] | the trait, what it is asked for, and what can be wrong |
//! | [`credential`] | what opens a provider, bound to the origin that it was made for |
//! | [`host`], [`clock`] | what a provider may ask of the outside: it opens and starts nothing itself |
//! | [`local`] | an age-encrypted file |
//! | [`infisical`], [`onepassword`] | the services |
//! | [`http`] | TLS, connections, proxies, bounds, redirects: for servers of any kind |
//! | [`json`] | JSON as tokens that pass by: a body is never held as a whole |
//! | [`hints`], [`nearest`] | what may have changed; what may have been meant |

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

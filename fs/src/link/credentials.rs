//! The credential channel: from a command to the daemon, over a socketpair whose ends the
//! mount-helper only passes on.
//!
//! A command sends offers and an end mark; the daemon answers each offer with accepted or refused.
//! Lengths come first and secrets after them as plain bytes, which are received straight into the
//! memory that keeps them: a parser of text would leave copies on its way.
//!
//! | what | bytes |
//! |---|---|
//! | an offer | kind (1–9), length of the provider's name (2), of the origin (2), of each of two secrets (4, 4), then these four |
//! | the end mark | 0 |
//! | an answer | 0 accepted, or 1, length of the message (2), of the help (2), then these two |

mod client;
mod kind;
mod server;
#[cfg(test)]
mod tests;

pub use client::Client;
pub use server::Server;

/// The most bytes of a provider's name, of an origin, a message or a help line.
pub const TEXT_LIMIT: usize = 4096;
/// The most bytes of one secret part of a credential.
pub const SECRET_LIMIT: usize = 64 << 10;
/// The most offers over one channel.
pub const OFFERS_LIMIT: usize = 64;

const END: u8 = 0;

const ACCEPTED: u8 = 0;
const REFUSED: u8 = 1;

/// Kind, and the lengths of provider, origin and both secrets.
const OFFER_HEADER: usize = 1 + 2 + 2 + 4 + 4;

/// What became of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took it.
    Accepted,
    /// It did not.
    Refused {
        /// Why, in one line.
        message: String,
        /// What to do.
        help: String,
    },
}

//! What `status` tells of one entry. Never a value.

use crate::error::OpenError;
use std::time::Duration;

/// How an entry is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryState {
    /// A value (or, for a `dir:` folder, a listing) is held.
    pub cached: bool,
    /// It is past its ttl.
    pub stale: bool,
    /// Since it was fetched or confirmed.
    pub age: Option<Duration>,
    /// How long it is served from then; `None`: nothing is held, see the map.
    pub ttl: Option<Duration>,
    /// The size last published, in bytes; also after expiry and eviction.
    pub size: Option<u64>,
    /// The last failure, until something is fetched again.
    pub last_error: Option<OpenError>,
    /// Names left out of a rendered or listed folder.
    pub left_out: Vec<String>,
}

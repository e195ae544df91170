//! What happens to a connection: words of a script.

use std::time::Duration;

/// What the port does with those who knock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Door {
    /// It lets them in.
    #[default]
    Open,
    /// It refuses connections.
    Refuse,
    /// It takes them and says nothing.
    Mute,
}

/// What happens at a place in one direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// RST to both ends.
    Reset,
    /// FIN onwards; the other direction goes on.
    HalfClose,
    /// FIN to both ends.
    Close,
    /// Nothing more comes; what was to come does when the proxy is mended, or RST.
    Stall,
    /// That many bytes are others than were sent. When the proxy is mended, RST.
    Garbage(usize),
    /// That many bytes are left out: the length is wrong. When the proxy is mended, RST.
    Skip(usize),
    /// A TLS record of an alert, and FIN.
    Alert(u8),
}

/// A place, and what happens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// After so many bytes of this direction, counted from the connection's first.
    pub after: usize,
    /// What.
    pub act: Act,
}

/// What happens to one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Plan {
    /// Each piece of bytes is this much later.
    pub latency: Duration,
    /// On the way to the server.
    pub up: Option<Cut>,
    /// On the way back.
    pub down: Option<Cut>,
}

//! Hostile input: what parsers are fed, what another user and the user's own programs do at the sockets, the
//! mountpoint, the map and the runtime folder, and what a server answers. docs/reliability.md has the list.

mod corpus;

//! What the cache promises, with a provider that does as it is told.

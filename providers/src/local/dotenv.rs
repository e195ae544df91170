//! .env files.

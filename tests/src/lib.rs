//! Simulators of the real services, and the harness for tests with real mounts.

#[cfg(feature = "test-hooks")]
pub mod scripted;

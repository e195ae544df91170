//! The map as commands need it: found, loaded, and where it is mounted.

use crate::env::Export;
use crate::error::{CliError, Status};
use std::path::Path;

/// The exported variables of a map, with the paths that they have once it is mounted.
pub(crate) fn exports(
    map: Option<&Path>,
    mountpoint: Option<&Path>,
) -> Result<Vec<Export>, CliError> {
    let _ = (map, mountpoint);
    Err(CliError::new(Status::Other, "not in this build yet", ""))
}

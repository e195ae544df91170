//! A folder's secrets as one file: dotenv, JSON, YAML (`format:` of a `folder:` entry).
//!
//! Values are read and written in pieces, between sealed areas; in between they pass through buffers
//! of the locked heap that are wiped. The order is that of the names, whatever the provider's.

mod dotenv;
mod quoted;
mod text;

use crate::map::Format;
use secretfs_memory::sealed::{Sealed, SealedError, SealedWriter};

/// Renders `secrets` into `out`. Empty values are kept. Returns the names that are left out, because
/// the format cannot express them or their values: for all formats, values that are not UTF-8 and
/// names that come twice; for dotenv, also names that are no variable's and values with a NUL.
///
/// # Errors
/// `out` has no room or reached its limit, or the pool was wiped.
pub fn render<'a>(
    format: Format,
    secrets: impl IntoIterator<Item = (&'a str, &'a Sealed)>,
    out: &mut SealedWriter,
) -> Result<Vec<String>, SealedError> {
    let mut secrets: Vec<_> = secrets.into_iter().collect();
    secrets.sort_by_key(|(name, _)| *name);
    let mut left_out = Vec::new();
    let mut last = None;
    let mut kept = Vec::with_capacity(secrets.len());
    for (name, value) in secrets {
        let shape = text::survey(value)?;
        let expressible = match format {
            Format::Dotenv => dotenv::is_name(name) && !shape.nul,
            Format::Json | Format::Yaml => true,
        };
        if last == Some(name) || !shape.utf8 || !expressible {
            left_out.push(name.to_owned());
        } else {
            kept.push((name, value, shape));
        }
        last = Some(name);
    }
    match format {
        Format::Dotenv => dotenv::render(&kept, out)?,
        Format::Json => quoted::json(&kept, out)?,
        Format::Yaml => quoted::yaml(&kept, out)?,
    }
    left_out.dedup();
    Ok(left_out)
}

/// A secret that is rendered.
type Kept<'a> = (&'a str, &'a Sealed, text::Shape);

#[cfg(test)]
mod tests;

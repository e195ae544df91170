//! A map as canonical text: one order of keys, one way to quote.

use super::Map;

/// The canonical YAML of a map. Parsed again, it is the same map.
#[must_use]
pub fn print(map: &Map) -> String {
    // Only a writer that fails or a key that is no text could make this fail; there is neither.
    serde_yaml::to_string(map.source()).unwrap_or_default()
}

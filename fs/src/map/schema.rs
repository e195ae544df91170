//! The JSON Schema of the map, for editors: generated from [`super::source`].

use super::source::MapFile;

/// Where the schema is published.
const ID: &str = "https://github.com/secretfs/secretfs/raw/main/docs/secrets.schema.json";

/// The schema as text, as it is shipped in `docs/secrets.schema.json`.
#[must_use]
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(MapFile);
    schema.insert("$id".to_owned(), ID.into());
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

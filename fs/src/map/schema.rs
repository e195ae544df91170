//! The JSON Schema of the map, for editors: generated from [`super::source`].

use super::source::MapFile;
use schemars::transform::RecursiveTransform;
use schemars::{Schema, generate::SchemaSettings};
use serde_json::Value;

/// Where the schema is published.
const ID: &str = "https://github.com/secretfs/secretfs/raw/main/docs/secrets.schema.json";

/// The schema as text, as it is shipped in `docs/secrets.schema.json`.
#[must_use]
pub fn schema() -> String {
    let generator = SchemaSettings::draft2020_12()
        .with_transform(RecursiveTransform(without_null))
        .into_generator();
    let mut schema = generator.into_root_schema_for::<MapFile>();
    schema.insert("$id".to_owned(), ID.into());
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// A key of the map is there with a value, or it is not there: `ttl:` with nothing behind it is
/// refused, so an optional value is not "or null".
fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            schema.insert("type".to_owned(), one);
        }
    }
    let Some(Value::Array(choices)) = schema.get_mut("anyOf") else {
        return;
    };
    choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
    if let [Value::Object(one)] = choices.as_slice() {
        let one = one.clone();
        schema.remove("anyOf");
        for (key, value) in one {
            // The description of the key says more than that of its type.
            if schema.get(&key).is_none() {
                schema.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_or_null() {
        assert!(!schema().contains("null"));
    }
}

//! json: one object, name to absolute path.

use super::{Export, Inexpressible, NOT_UTF8};

pub(super) fn render(exports: &[Export]) -> Result<Vec<u8>, (&Export, Inexpressible)> {
    let mut object = serde_json::Map::new();
    for export in exports {
        let path = export.path.to_str().ok_or((export, NOT_UTF8))?;
        object.insert(export.name.clone(), path.into());
    }
    let mut text = format!("{:#}", serde_json::Value::Object(object)).into_bytes();
    text.push(b'\n');
    Ok(text)
}

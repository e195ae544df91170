//! What vaults, items and files look like in an answer (contract §1.3).

use super::build::{Field, File};
use super::world::{Stored, Vault};
use serde_json::{Map, Value, json};
use std::time::Duration;

pub(super) fn vault(vault: &Vault) -> Value {
    json!({
        "id": vault.id, "name": vault.name, "description": "", "attributeVersion": 2,
        "contentVersion": vault.content, "items": vault.items.len(), "type": "USER_CREATED",
        "createdAt": "2020-10-29T17:52:17Z", "updatedAt": "2024-05-01T08:00:00Z",
    })
}

/// Of a list: without fields, sections and files.
pub(super) fn summary(vault: &Vault, stored: &Stored) -> Value {
    let mut all = json!({
        "id": stored.id, "title": stored.item.title, "version": stored.version,
        "vault": {"id": vault.id, "name": vault.name}, "category": stored.item.category,
        "tags": ["x"], "favorite": false, "urls": [{"primary": true, "href": "https://e.example"}],
        "lastEditedBy": "DOIHOHSV2NHK5HMSOLCWJUXFDM", "createdAt": "2020-10-29T17:52:17Z",
        "updatedAt": time(stored.updated),
    });
    if let Some(state) = &stored.item.state {
        all["state"] = json!(state);
    }
    all
}

/// The whole item. `codes`: whether the server makes one-time passwords.
pub(super) fn item(vault: &Vault, stored: &Stored, now: Duration, codes: bool) -> Value {
    let mut all = summary(vault, stored);
    let sections = stored.item.sections.iter().map(|(id, label)| match label {
        Some(label) => json!({"id": id, "label": label}),
        None => json!({"id": id}),
    });
    all["sections"] = sections.collect();
    all["fields"] = stored
        .item
        .fields
        .iter()
        .map(|one| field(one, now, codes))
        .collect();
    if !stored.item.files.is_empty() {
        all["files"] = files(vault, stored);
    }
    all
}

fn field(field: &Field, now: Duration, codes: bool) -> Value {
    let mut all = Map::new();
    let mut put = |key: &str, value: Option<&String>| {
        if let Some(value) = value {
            all.insert(key.to_owned(), json!(value));
        }
    };
    put("id", field.id.as_ref());
    put("type", field.kind.as_ref());
    put("label", field.label.as_ref());
    // Left out where it is empty.
    put(
        "value",
        field.value.as_ref().filter(|value| !value.is_empty()),
    );
    if let Some(period) = field.period.filter(|_| codes) {
        put("totp", Some(&code(period, now)));
    }
    if let Some(section) = &field.section {
        all.insert("section".to_owned(), json!({"id": section}));
    }
    Value::Object(all)
}

pub(super) fn files(vault: &Vault, stored: &Stored) -> Value {
    let all = stored.item.files.iter();
    all.map(|one| file(vault, stored, one)).collect()
}

pub(super) fn file(vault: &Vault, stored: &Stored, file: &File) -> Value {
    let (v, i, f) = (&vault.id, &stored.id, &file.id);
    let mut all = json!({
        "id": f, "name": file.name, "size": file.content.len(),
        "content_path": format!("v1/vaults/{v}/items/{i}/files/{f}/content"),
    });
    if let Some(section) = &file.section {
        all["section"] = json!({"id": section});
    }
    all
}

/// A code: another one in each period, with leading zeroes.
pub(super) fn code(period: u64, now: Duration) -> String {
    format!("{:06}", now.as_secs() / period % 1_000_000)
}

/// RFC 3339, as servers write it. Whole seconds.
fn time(since: Duration) -> String {
    let days = since.as_secs() / 86_400;
    let second = since.as_secs() % 86_400;
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Hinnant's `civil_from_days`.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_servers_do() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_825_600, "2000-02-29T12:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
        ] {
            assert_eq!(time(Duration::from_secs(seconds)), expected);
        }
    }
}

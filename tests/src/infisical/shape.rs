//! How a secret is written, field by field in the order of the capture (contract §3).

use super::time::iso;
use super::world::{Kind, Secret, Version};
use serde::Serialize;

/// What stands for a value that is not shown.
pub const HIDDEN: &str = "<hidden-by-infisical>";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    id: String,
    #[serde(rename = "_id")]
    old_id: String,
    /// Empty inside `imports`.
    workspace: String,
    environment: String,
    version: usize,
    #[serde(rename = "type")]
    kind: &'static str,
    secret_key: String,
    secret_value: String,
    secret_comment: String,
    secret_reminder_note: Option<String>,
    secret_reminder_repeat_days: Option<u32>,
    skip_multiline_encoding: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
    secret_value_hidden: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<[(); 0]>,
    secret_metadata: [(); 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_rotated_secret: Option<bool>,
    /// `null` in lists, missing elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_id: Option<Option<String>>,
}

impl Shown {
    /// A secret of a project's own. `value`: `None` is hidden.
    pub(super) fn own(
        secret: &Secret,
        number: usize,
        version: &Version,
        value: Option<String>,
        project: &str,
        environment: &str,
    ) -> Self {
        let value = value.filter(|_| !secret.is_hidden);
        Self {
            id: secret.id.clone(),
            old_id: secret.id.clone(),
            workspace: project.to_owned(),
            environment: environment.to_owned(),
            version: number,
            kind: match secret.kind {
                Kind::Shared => "shared",
                Kind::Personal => "personal",
            },
            secret_key: secret.key.clone(),
            secret_comment: secret.comment.clone(),
            secret_reminder_note: None,
            secret_reminder_repeat_days: None,
            skip_multiline_encoding: secret.skips_multiline_encoding,
            created_at: Some(iso(secret.created)),
            updated_at: Some(iso(version.updated)),
            secret_value_hidden: value.is_none(),
            secret_value: value.unwrap_or_else(|| HIDDEN.to_owned()),
            tags: Some([]),
            secret_metadata: [],
            secret_path: None,
            is_rotated_secret: None,
            rotation_id: None,
        }
    }

    /// As v4 shows a single one.
    pub(super) fn with_path(self, path: &str) -> Self {
        Self {
            secret_path: Some(path.to_owned()),
            ..self
        }
    }

    /// As an item of a list.
    pub(super) fn listed(self, path: &str) -> Self {
        Self {
            is_rotated_secret: Some(false),
            rotation_id: Some(None),
            ..self.with_path(path)
        }
    }

    /// As an item of `imports[].secrets`.
    pub(super) fn imported(self) -> Self {
        Self {
            workspace: String::new(),
            created_at: None,
            updated_at: None,
            tags: None,
            ..self
        }
    }
}

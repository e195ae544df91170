//! A file's bytes: as they come, straight into sealed memory.

use super::call::{Ask, Call, No};
use super::is_id;
use super::known::Ids;
use crate::error::{ErrorKind, ProviderError};
use crate::onepassword::Reference;
use crate::onepassword::wish::Outcome;
use crate::provider::{Answer, Fetched, Validator};
use std::time::SystemTime;

/// A file of an item.
#[derive(Debug)]
pub(super) struct Content<'a> {
    pub(super) id: String,
    pub(super) size: Option<u64>,
    pub(super) modified: Option<SystemTime>,
    /// The validator of its item.
    pub(super) version: Option<&'a str>,
}

impl Call<'_> {
    pub(super) async fn content_of(
        &self,
        ids: &Ids,
        file: Content<'_>,
        of: &Reference,
        max: usize,
    ) -> Outcome {
        if !is_id(&file.id) {
            return Err(self.nonsense("a file has no id"));
        }
        let limit = u64::try_from(max).unwrap_or(u64::MAX);
        if file.size.is_some_and(|size| size > limit) {
            return Err(self.too_large(of, max));
        }
        // Made of the ids: what the server says of the path would take the token elsewhere.
        let ask = Ask {
            path: &[
                "v1", "vaults", &ids.vault, "items", &ids.item, "files", &file.id, "content",
            ],
            query: &[],
            is_file: true,
        };
        let mut response = match self.get(ask).await? {
            Ok(response) => response,
            Err(No::Missing) => {
                return Err(self.error(
                    ErrorKind::Missing,
                    &format!("{of}: the file is gone"),
                    "see whether it is still attached to the item",
                ));
            }
            Err(No::Denied) => {
                return Err(self.error(
                    ErrorKind::Denied,
                    &format!("{of}: the token may not read the file"),
                    "give the token access to the vault",
                ));
            }
        };
        let hint = file.size.and_then(|size| usize::try_from(size).ok());
        let mut writer = self.cx.pool.writer(hint, max);
        let sealed =
            |error| ProviderError::sealed(error, format_args!("provider {}: {of}", self.of.name()));
        loop {
            let chunk = response
                .chunk(limit)
                .await
                .map_err(|error| match error.kind {
                    ErrorKind::TooLarge => self.too_large(of, max),
                    _ => error,
                })?;
            let Some(chunk) = chunk else { break };
            writer.append(&chunk).map_err(sealed)?;
        }
        let is_whole = file
            .size
            .is_none_or(|size| u64::try_from(writer.len()) == Ok(size));
        if !is_whole {
            return Err(self.nonsense("a file has another length than the item says"));
        }
        Ok(Answer::Value(Fetched {
            value: writer.finish().map_err(sealed)?,
            modified: file.modified,
            validator: file.version.map(|version| Validator(version.into())),
            max_age: None,
        }))
    }

    fn too_large(&self, of: &Reference, max: usize) -> ProviderError {
        self.error(
            ErrorKind::TooLarge,
            &format!("{of}: the file is larger than {max} bytes"),
            "raise `max_size` in the map",
        )
    }
}

//! What single and list have in common: the settings of a read, and one value as they show it.

use super::asked::Asked;
use super::expand::{Expander, Failure};
use super::place::Place;
use super::refusal::Refusal;
use super::route::is_v4;
use super::shape::Shown;
use super::world::Secret;

/// The booleans of a read.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    pub(super) values: bool,
    pub(super) expands: bool,
    pub(super) imports: bool,
}

impl View {
    pub(super) fn of(asked: &mut Asked<'_>) -> Result<Self, Refusal> {
        let v4 = is_v4(asked.request);
        let values = asked.truth("viewSecretValue", true)?;
        // v3 has false for what is not told. v4 is said to have true in its newer router, and that one
        // has another name for the imports (contract §3): so it has to be told both.
        let expands = asked.truth("expandSecretReferences", v4)?;
        let mut imports = asked.truth("include_imports", v4)?;
        if v4 || asked.request.parameter("includeImports").is_some() {
            let same = asked.truth("includeImports", v4)?;
            if same != imports {
                asked.wrong("include_imports and includeImports differ");
            }
            imports = imports && same;
        }
        Ok(Self {
            values,
            expands,
            imports,
        })
    }

    /// A secret's latest version in its own place. The place may be the source of an import.
    pub(super) fn show(
        self,
        secret: &Secret,
        place: &Place<'_>,
        environment: &str,
        path: &str,
    ) -> Result<Shown, Failure> {
        let version = secret.latest();
        let value = self.value(secret, &version.value, place, environment, path)?;
        let number = secret.versions.len();
        let project = &place.project.id;
        Ok(Shown::own(
            secret,
            number,
            version,
            value,
            project,
            environment,
        ))
    }

    /// A value, expanded where that is asked for; `None`: hidden.
    pub(super) fn value(
        self,
        secret: &Secret,
        raw: &str,
        place: &Place<'_>,
        environment: &str,
        path: &str,
    ) -> Result<Option<String>, Failure> {
        if !self.values {
            return Ok(None);
        }
        if !self.expands {
            return Ok(Some(raw.to_owned()));
        }
        let expander = Expander {
            project: place.project,
            role: &place.role,
        };
        expander.expand(secret, raw, environment, path).map(Some)
    }
}

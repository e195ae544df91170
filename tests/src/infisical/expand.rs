//! `${KEY}` and `${env.folder.KEY}` inside values (contract §4).

use super::access::Role;
use super::refusal::Refusal;
use super::world::{Kind, Project, Secret};

/// Why a value could not be expanded. The single route says so; the list keeps the raw value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// A reference into a folder or environment that is not there.
    NoFolder,
    /// A reference to what the caller may not read.
    Forbidden(String),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NoFolder => Self::internal(),
            Failure::Forbidden(what) => Self::new(
                403,
                "ForbiddenError",
                format!("You do not have permission to read the referenced secret {what}"),
            ),
        }
    }
}

/// Where references are looked up.
pub(super) struct Expander<'a> {
    pub(super) project: &'a Project,
    pub(super) role: &'a Role,
}

impl Expander<'_> {
    /// The value with its references replaced.
    pub(super) fn expand(
        &self,
        secret: &Secret,
        raw: &str,
        environment: &str,
        path: &str,
    ) -> Result<String, Failure> {
        let mut stack = vec![id(environment, path, &secret.key)];
        let expanded = self.value(raw, environment, path, &mut stack)?;
        // Inverted by history (contract §4): the flag that skips the encoding is what encodes.
        if secret.skips_multiline_encoding && expanded != raw && expanded.contains('\n') {
            return Ok(format!("\"{}\"", expanded.replace('\n', "\\n")));
        }
        Ok(expanded)
    }

    fn value(
        &self,
        raw: &str,
        environment: &str,
        path: &str,
        stack: &mut Vec<String>,
    ) -> Result<String, Failure> {
        let mut out = String::new();
        let mut rest = raw;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let Some((reference, after)) = reference(from) else {
                out.push_str("${");
                rest = &from[2..];
                continue;
            };
            match self.resolve(reference, environment, path, stack)? {
                Some(value) => out.push_str(&value),
                // Nothing of that name, or a cycle: the literal stays.
                None => out.push_str(&from[..from.len() - after.len()]),
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn resolve(
        &self,
        reference: &str,
        environment: &str,
        path: &str,
        stack: &mut Vec<String>,
    ) -> Result<Option<String>, Failure> {
        let parts: Vec<&str> = reference.split('.').collect();
        let (environment, path, key) = match &parts[..] {
            [key] => (environment, path.to_owned(), *key),
            [environment, folders @ .., key] => {
                (*environment, format!("/{}", folders.join("/")), *key)
            }
            [] => return Ok(None),
        };
        let folder = self.project.folder(environment, &path);
        let folder = folder.ok_or(Failure::NoFolder)?;
        if !self.role.may_read(environment, &path) {
            return Err(Failure::Forbidden(id(environment, &path, key)));
        }
        let Some(secret) = folder.secret(key, Kind::Shared) else {
            return Ok(None);
        };
        let this = id(environment, &path, key);
        if stack.contains(&this) {
            return Ok(None);
        }
        stack.push(this);
        let value = self.value(&secret.latest().value, environment, &path, stack);
        stack.pop();
        value.map(Some)
    }
}

fn id(environment: &str, path: &str, key: &str) -> String {
    format!("{environment}:{path}:{key}")
}

/// The inside of `${…}` at the start of a text, and what follows; `None` where it is no reference:
/// the server's pattern is `\${[a-zA-Z0-9-_.]+}`, so `${TAG:-latest}` is none.
fn reference(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix("${")?;
    let (inside, after) = inside.split_once('}')?;
    let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_reference = !inside.is_empty() && inside.chars().all(is_fine);
    is_reference.then_some((inside, after))
}

//! Who may see what: roles made of rules about environments and folders.

use super::glob;
use serde_json::{Value, json};

/// What a member of a project may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// What one of the rules allows.
    Rules(Vec<Rule>),
    /// Not a member of the project.
    Stranger,
}

/// What may be done in the folders that a glob names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    environment: String,
    path: String,
    may_read: bool,
}

impl Rule {
    /// Secrets of these folders may be read: `Rule::read("dev", "/backend/**")`.
    #[must_use]
    pub fn read(environment: &str, path: &str) -> Self {
        Self {
            environment: environment.to_owned(),
            path: path.to_owned(),
            may_read: true,
        }
    }

    /// Secrets of these folders are known to be there, and their values may not be read.
    #[must_use]
    pub fn describe(environment: &str, path: &str) -> Self {
        Self {
            may_read: false,
            ..Self::read(environment, path)
        }
    }

    fn speaks_of(&self, environment: &str, path: &str) -> bool {
        glob::matches(&self.environment, environment) && glob::matches(&self.path, path)
    }
}

impl Role {
    pub(super) fn may_describe(&self, environment: &str, path: &str) -> bool {
        match self {
            Self::Admin => true,
            Self::Stranger => false,
            Self::Rules(rules) => rules.iter().any(|rule| rule.speaks_of(environment, path)),
        }
    }

    pub(super) fn may_read(&self, environment: &str, path: &str) -> bool {
        match self {
            Self::Admin => true,
            Self::Stranger => false,
            Self::Rules(rules) => {
                let reads = |rule: &Rule| rule.may_read && rule.speaks_of(environment, path);
                rules.iter().any(reads)
            }
        }
    }

    /// The `details` of a 403: the rules.
    pub(super) fn details(&self) -> Value {
        let Self::Rules(rules) = self else {
            return json!([]);
        };
        let detail = |rule: &Rule| {
            json!({"action": if rule.may_read { "readValue" } else { "describeSecret" },
                   "subject": "secrets", "inverted": false,
                   "conditions": {"environment": {"$glob": rule.environment},
                                  "secretPath": {"$glob": rule.path}}})
        };
        rules.iter().map(detail).collect()
    }
}

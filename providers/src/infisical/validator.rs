//! What a later request is made conditional on: an ETag, and the request that it came with. The tags
//! of different requests must never meet (contract §8.5): one of a list says that the list is unchanged.

use crate::provider::Validator;

/// The request that a tag came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A secret by itself.
    Shared,
    /// A user's own value of it.
    Personal,
    /// Its folder's list.
    List,
}

impl Kind {
    fn prefix(self) -> char {
        match self {
            Self::Shared => 's',
            Self::Personal => 'p',
            Self::List => 'l',
        }
    }

    /// The tag of such a request, if that is what the validator is.
    pub(super) fn tag(self, of: Option<&Validator>) -> Option<&str> {
        of?.0.strip_prefix(self.prefix())
    }

    pub(super) fn validator(self, tag: &str) -> Validator {
        Validator(format!("{}{tag}", self.prefix()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_given_back_to_the_kind_of_request_that_it_came_with_and_to_no_other() {
        let kinds = [Kind::Shared, Kind::Personal, Kind::List];
        for kind in kinds {
            let kept = kind.validator("\"l+/=\"");
            for other in kinds {
                let tag = other.tag(Some(&kept));
                assert_eq!(tag, (other == kind).then_some("\"l+/=\""));
            }
        }
        assert_eq!(Kind::List.tag(None), None);
    }
}

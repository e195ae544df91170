//! What `op` is asked. The mount-helper makes arguments of it, after it has compared it with the map:
//! here is which words that are, and that none of them can become an option.

use crate::onepassword::reference::is_expressible;
use crate::onepassword::{Attribute, Reference, is_id};
use serde::{Deserialize, Serialize};

/// The most bytes of a name. A longer one is none that an item has.
const MAX_WORD: usize = 1024;

/// One call of `op`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OpCall {
    /// `op item get`: all of an item, as JSON.
    Item {
        /// The vault's name or id.
        vault: String,
        /// The item's title or id.
        item: String,
    },
    /// `op item list`: the items of a vault without their fields, as JSON. For a first map: the
    /// mount-helper asks it for nobody.
    Items {
        /// The vault's name or id.
        vault: String,
    },
    /// `op read`: one field or file, as it is.
    Read {
        /// What the map says of it.
        of: Reference,
        /// The vault's id.
        vault: String,
        /// The item's id.
        item: String,
        /// The file's id, for a name that no `op://` can express.
        file: Option<String>,
    },
}

impl OpCall {
    /// The arguments, with the account of the map; `None`: it is nothing that may be asked.
    #[must_use]
    pub fn args(&self, account: Option<&str>) -> Option<Vec<String>> {
        let mut args: Vec<String> = match self {
            Self::Item { .. } => vec!["item".into(), "get".into(), "--format=json".into()],
            Self::Items { .. } => vec!["item".into(), "list".into(), "--format=json".into()],
            Self::Read { .. } => vec!["read".into(), "--no-newline".into()],
        };
        if let Some(account) = account {
            args.push(format!("--account={}", word(account)?));
        }
        match self {
            Self::Item { vault, item } => {
                args.push(format!("--vault={}", word(vault)?));
                let item = word(item)?;
                // Alone, it stands for standard input.
                if item == "-" {
                    return None;
                }
                if item.starts_with('-') {
                    args.push("--".into());
                }
                args.push(item.into());
            }
            Self::Items { vault } => args.push(format!("--vault={}", word(vault)?)),
            // It begins with `op://`, so it is no option.
            Self::Read { .. } => args.push(self.reference()?),
        }
        Some(args)
    }

    /// The reference of `op read`: ids in place of names, so that it costs one request.
    fn reference(&self) -> Option<String> {
        let Self::Read {
            of,
            vault,
            item,
            file,
        } = self
        else {
            return None;
        };
        if !(is_id(vault) && is_id(item)) {
            return None;
        }
        let names = of.section.iter().chain([&of.field]);
        let mut text = format!("op://{vault}/{item}");
        if names.clone().all(|name| is_expressible(name)) {
            for name in names {
                text.push('/');
                text.push_str(word(name)?);
            }
        } else {
            let file = file.as_deref().filter(|id| is_id(id))?;
            text.push('/');
            text.push_str(file);
        }
        match of.attribute {
            None => {}
            Some(Attribute::Otp) => text.push_str("?attribute=otp"),
            Some(Attribute::OpenSsh) => text.push_str("?ssh-format=openssh"),
        }
        Some(text)
    }

    /// The names of vault and item that complaints are about, and the reference where there is one.
    pub(super) fn asked(&self) -> (&str, &str, Option<String>) {
        match self {
            Self::Item { vault, item } => (vault, item, None),
            Self::Items { vault } => (vault, "", None),
            Self::Read { vault, item, .. } => (vault, item, self.reference()),
        }
    }
}

/// A word that can be an argument.
fn word(text: &str) -> Option<&str> {
    let is_one = !text.is_empty() && text.len() <= MAX_WORD && !text.contains('\0');
    is_one.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const V: &str = "ytrfte14kw1uex5txaore1emkz";
    const I: &str = "wepiqdxdzncjtnvmv5fegud4qy";
    const F: &str = "6r65pjq33banznomn7q22sj44e";

    fn item(vault: &str, item: &str) -> Option<String> {
        let (vault, item) = (vault.into(), item.into());
        let args = OpCall::Item { vault, item }.args(None)?;
        Some(args.join(" "))
    }

    fn read(section: Option<&str>, field: &str, file: Option<&str>) -> Option<String> {
        let call = OpCall::Read {
            of: Reference {
                vault: "Prod".into(),
                item: "db".into(),
                section: section.map(str::to_owned),
                field: field.into(),
                attribute: None,
            },
            vault: V.into(),
            item: I.into(),
            file: file.map(str::to_owned),
        };
        Some(call.args(Some("my.1password.com"))?.join(" "))
    }

    #[test]
    fn an_item_is_named_after_the_options_and_is_none() {
        let plain = "item get --format=json --vault=Prod";
        assert_eq!(item("Prod", "db"), Some(format!("{plain} db")));
        assert_eq!(item("Prod", "--help"), Some(format!("{plain} -- --help")));
        assert_eq!(
            item("--version", "db").as_deref(),
            Some("item get --format=json --vault=--version db")
        );
        let long = "x".repeat(MAX_WORD + 1);
        for (v, i) in [("", "x"), ("x", ""), ("x", "-"), ("x\0", "x"), ("x", &long)] {
            assert_eq!(item(v, i), None, "{v:?} {i:?}");
        }
    }

    #[test]
    fn a_vault_is_named_in_an_option() {
        let items = |vault: &str| OpCall::Items {
            vault: vault.into(),
        };
        let args = items("-x").args(Some("my.1password.com"));
        let expected = "item list --format=json --account=my.1password.com --vault=-x".split(' ');
        assert_eq!(args, Some(expected.map(str::to_owned).collect()));
        assert_eq!(items("").args(None), None);
    }

    #[test]
    fn a_file_is_read_by_the_ids_of_its_item_and_by_its_name_where_that_can_be_written() {
        let of = format!("read --no-newline --account=my.1password.com op://{V}/{I}");
        assert_eq!(read(None, "a.pem", Some(F)), Some(format!("{of}/a.pem")));
        assert_eq!(read(Some("s"), "f", None), Some(format!("{of}/s/f")));
        assert_eq!(read(None, "50%", Some(F)), Some(format!("{of}/{F}")));
        assert_eq!(read(Some("a/b"), "f", Some(F)), Some(format!("{of}/{F}")));
        assert_eq!(read(None, "50%", None), None);
        assert_eq!(read(None, "50%", Some("../x")), None);
    }

    proptest! {
        #[test]
        fn no_name_becomes_an_option(vault in any::<String>(), title in "-{0,3}\\PC{0,20}", dashed in any::<bool>()) {
            let title = if dashed { format!("-{title}") } else { title };
            let call = OpCall::Item { vault: vault.clone(), item: title.clone() };
            if let Some(args) = call.args(None) {
                prop_assert_eq!(args.last(), Some(&title));
                let of_vault = format!("--vault={vault}");
                prop_assert!(args.contains(&of_vault));
                let options = args.iter().take_while(|arg| *arg != "--");
                let own = ["item", "get", "--format=json"];
                for arg in options {
                    let is_own = own.contains(&arg.as_str()) || arg.starts_with("--vault=");
                    prop_assert!(is_own || (*arg == title && !arg.starts_with('-')));
                }
            }
        }
    }
}

//! Why there is nothing, and what to do: one line for each complaint (product.md, "The files").

use super::complaint::Complaint;
use super::gate::Reach;
use super::provider::Op;
use super::token::TOKEN;
use crate::error::{ErrorKind, ProviderError};
use crate::onepassword::Reference;
use crate::onepassword::item::listed;
use std::time::Duration;

const SIGN_IN: &str = "unlock the 1Password app, with \"Integrate with 1Password CLI\" switched on in Settings > Developer; `op vault list` shows whether it works. On a server, set OP_SERVICE_ACCOUNT_TOKEN and run `secretfs unlock`";

impl Op {
    pub(super) fn error(&self, kind: ErrorKind, what: &str, help: &str) -> ProviderError {
        ProviderError::new(kind, format!("provider {}: {what}", self.name), help)
    }

    /// The error of a complaint that is about every call, and how far it reaches; `None`: it is about
    /// what was asked for.
    pub(super) fn about_all(&self, complaint: &Complaint) -> Option<(ProviderError, Reach)> {
        let by_token = self.token.is_needed();
        let again = format!("set another {TOKEN}, and run `secretfs unlock`");
        let sign_in = if by_token { again.as_str() } else { SIGN_IN };
        let all = |kind, what: &str, help: &str| Some((self.error(kind, what, help), Reach::All));
        let asked =
            |kind, what: &str, help: &str| Some((self.error(kind, what, help), Reach::Asked));
        match complaint {
            Complaint::SignedOut => all(
                ErrorKind::NoCredential,
                "nobody is signed in to 1Password",
                sign_in,
            ),
            Complaint::Expired => all(
                ErrorKind::Expired,
                "the session of 1Password has expired",
                sign_in,
            ),
            Complaint::NoAccount => all(
                ErrorKind::NoCredential,
                "`op` knows no such account of 1Password",
                "run `op account list`; add one with `op account add` or in the app, and check `account:` in the map",
            ),
            Complaint::SeveralAccounts => all(
                ErrorKind::NoCredential,
                "there are several accounts of 1Password, and none is named",
                "write `account:` in the provider, with an address of `op account list`",
            ),
            Complaint::Dismissed => asked(
                ErrorKind::NoCredential,
                "the prompt of 1Password was dismissed",
                "open the file again in a moment, and allow it",
            ),
            Complaint::Unanswered => asked(
                ErrorKind::NoCredential,
                "nobody answered the prompt of 1Password",
                "open the file again, and allow it in the 1Password app",
            ),
            Complaint::AppSlow | Complaint::App => all(
                ErrorKind::Unreachable,
                "the 1Password app cannot be spoken to",
                "see whether it runs and is unlocked; its log says more",
            ),
            Complaint::Token if by_token => all(
                ErrorKind::Refused,
                "1Password refuses the token of the service account",
                &format!("make a token, set {TOKEN} to it, and run `secretfs unlock`"),
            ),
            Complaint::Token => all(ErrorKind::Refused, "1Password refuses the session", SIGN_IN),
            Complaint::Limited(after) => {
                let retry_after = after.map(Duration::from_secs);
                let told = match after {
                    Some(seconds) => format!("requests are limited for another {seconds} s"),
                    None => "requests are limited".to_owned(),
                };
                all(
                    ErrorKind::Limited { retry_after },
                    &told,
                    "wait, or raise `ttl`; `op service-account ratelimit` shows what is left",
                )
            }
            Complaint::Network => all(
                ErrorKind::Unreachable,
                "`op` cannot reach 1Password",
                "check the network, and the proxy if there is one",
            ),
            Complaint::Server => all(
                ErrorKind::Server,
                "1Password answered that it failed",
                "try again; https://status.1password.com says how it is doing",
            ),
            Complaint::NoVault
            | Complaint::NoItem
            | Complaint::Ambiguous(_)
            | Complaint::NoField
            | Complaint::Denied
            | Complaint::Usage
            | Complaint::Unknown => None,
        }
    }

    /// The error of a complaint about what was asked for.
    pub(super) fn about(&self, of: &Reference, complaint: &Complaint) -> ProviderError {
        let error = |kind, what: &str, help: &str| self.error(kind, &format!("{of}: {what}"), help);
        match complaint {
            Complaint::NoVault => error(
                ErrorKind::Missing,
                "there is no such vault, or it may not be read",
                "check the vault's name or id in the map (`op vault list`), and what a service account may read",
            ),
            Complaint::NoItem => error(
                ErrorKind::Missing,
                "there is no such item in the vault",
                "check the item's title or id in the map",
            ),
            Complaint::NoField => error(
                ErrorKind::Missing,
                "the item has no such field or file there",
                "check section and field in the map against the item",
            ),
            Complaint::Ambiguous(ids) => error(
                ErrorKind::Ambiguous,
                &match ids.as_slice() {
                    [] => "several items of that title".to_owned(),
                    ids => format!("several items of that title: {}", listed(ids)),
                },
                "write the item's id in place of its title",
            ),
            Complaint::Denied => error(
                ErrorKind::Denied,
                "it may not be read",
                "give the account, or the service account, access to the vault",
            ),
            Complaint::Usage => error(
                ErrorKind::Unsupported,
                "this version of `op` does not know how it was asked",
                "install `op` 2.26.1 or later",
            ),
            other => match self.about_all(other) {
                Some((error, _)) => error,
                None => error(
                    ErrorKind::Protocol,
                    "the program `op` failed",
                    "run `op item get` for the item in a terminal to see why",
                ),
            },
        }
    }
}

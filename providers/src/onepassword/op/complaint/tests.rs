//! The rows of the contract (§3.2), and names that try to be one.

use super::*;
use crate::onepassword::Reference;
use proptest::prelude::*;

const ID: &str = "wepiqdxdzncjtnvmv5fegud4qy";
const OTHER: &str = "ytrfte14kw1uex5txaore1emkz";

fn item(vault: &str, item: &str) -> OpCall {
    OpCall::Item {
        vault: vault.into(),
        item: item.into(),
    }
}

fn file(field: &str) -> OpCall {
    OpCall::Read {
        of: Reference {
            vault: "V".into(),
            item: "I".into(),
            section: None,
            field: field.into(),
            attribute: None,
        },
        vault: OTHER.into(),
        item: ID.into(),
        file: None,
    }
}

fn said(message: &str) -> String {
    format!("[ERROR] 2024/05/01 08:00:00 {message}\n")
}

const RATE: &str = "(429) Too Many Requests: You've reached the maximum number of this type of requests this service account is allowed to make. Please retry in 58 minutes or try other requests.";

fn rows() -> Vec<(&'static str, Complaint)> {
    vec![
        (
            "You are not currently signed in. Please run `op signin --help` for instructions",
            Complaint::SignedOut,
        ),
        ("account is not signed in", Complaint::SignedOut),
        (
            "could not find session token for account X",
            Complaint::SignedOut,
        ),
        (
            "session expired, sign in to create a new session",
            Complaint::Expired,
        ),
        ("no account found for filter X", Complaint::NoAccount),
        (
            "error initializing client: found no accounts for filter \"X\"",
            Complaint::NoAccount,
        ),
        (
            "multiple accounts found. Use the --account flag or set the OP_ACCOUNT environment variable",
            Complaint::SeveralAccounts,
        ),
        (
            "authorization prompt dismissed, please try again",
            Complaint::Dismissed,
        ),
        (
            "error initializing client: authorization prompt dismissed, please try again",
            Complaint::Dismissed,
        ),
        ("authorization timeout", Complaint::Unanswered),
        (
            "error initializing client: authorization timeout",
            Complaint::Unanswered,
        ),
        ("connecting to desktop app timed out", Complaint::AppSlow),
        (
            "error initializing client: connecting to desktop app timed out, make sure it is installed",
            Complaint::AppSlow,
        ),
        ("read: context deadline exceeded", Complaint::App),
        (
            "RequestDelegatedSession: cannot setup session. Please check the logs of the 1Password app.",
            Complaint::App,
        ),
        (
            "\"V\" isn't a vault in this account. Specify the vault with its ID or name.",
            Complaint::NoVault,
        ),
        (
            "\"I\" isn't an item in the \"V\" vault. Specify the item with its UUID, name, or domain.",
            Complaint::NoItem,
        ),
        (
            "\"I\" isn't an item. Specify the item with its UUID, name, or domain.",
            Complaint::NoItem,
        ),
        (
            "could not get item V/I: \"I\" isn't an item in the \"V\" vault. Specify the item with its UUID, name, or domain.",
            Complaint::NoItem,
        ),
        (
            "could not resolve item UUID for item I: could not find item I in vault x",
            Complaint::NoItem,
        ),
        (
            "error initializing client: Validation: (failed to session.DecodeSACredentials), illegal base64 data at input byte 12",
            Complaint::Token,
        ),
        (
            "error initializing client: Validation: (validateVersion failed to session.DecodeSACredentials), Server: illegal base64 data at input byte 12",
            Complaint::Token,
        ),
        (
            "Validation: (failed to parseToken) the given token format is invalid",
            Complaint::Token,
        ),
        (
            "error initializing client: Authentication: (failed to auth.Start), Server: (403) (Forbidden (Service Account Deleted)), The Service Account used in this integration has been deleted.",
            Complaint::Token,
        ),
        ("(401) Unauthorized: invalid bearer token", Complaint::Token),
        (
            "(403) Forbidden: You aren't authorized to access this resource.",
            Complaint::Denied,
        ),
        (RATE, Complaint::Limited(Some(58 * 60))),
        (
            "error initializing client: (429) Too Many Requests: slow down",
            Complaint::Limited(None),
        ),
        ("(404) Not Found", Complaint::NoItem),
        ("(400) Bad Request", Complaint::Unknown),
        ("(500) Internal Server Error", Complaint::Server),
        (
            "Post \"https://my.1password.com/api/v3/auth/start\": dial tcp: lookup my.1password.com: no such host",
            Complaint::Network,
        ),
        (
            "error initializing client: Post \"https://my.1password.com/api/v3/auth/start\": dial tcp 10.0.0.1:443: connect: connection refused",
            Complaint::Network,
        ),
        ("connection refused", Complaint::Network),
        (
            "invalid argument \"x\" for \"--format\" flag: invalid\nUsage:  op item get",
            Complaint::Usage,
        ),
        ("unknown flag: --vault", Complaint::Usage),
        ("", Complaint::Unknown),
        ("panic: runtime error", Complaint::Unknown),
    ]
}

#[test]
fn each_row_of_the_contract_is_told_apart() {
    for (message, expected) in rows() {
        assert_eq!(
            classify(&item("V", "I"), &said(message)),
            expected,
            "{message}"
        );
        // Help before it, and nothing before it.
        let helped = format!("Usage:  op item get [flags]\n\n{}", said(message));
        assert_eq!(classify(&item("V", "I"), &helped), expected, "{message}");
        assert_eq!(classify(&item("V", "I"), message), expected, "{message}");
    }
    let iso = "[ERROR] 2024-05-01T08:00:00+02:00 session expired, sign in";
    assert_eq!(classify(&item("V", "I"), iso), Complaint::Expired);
    assert_eq!(classify(&item("V", "I"), ""), Complaint::Unknown);
}

#[test]
fn accounts_that_are_none_are_told_before_an_empty_diagnostic() {
    let text = format!(
        "No accounts configured for use with 1Password CLI.\n\nAdd an account …\n{}",
        said("error initializing client: ")
    );
    assert_eq!(classify(&item("V", "I"), &text), Complaint::NoAccount);
}

#[test]
fn several_items_are_told_by_their_ids_and_not_by_what_a_title_claims() {
    let text = format!(
        "More than one item matches \"db\". Try again and specify the item by its ID: \n\t* for the item \"db\" in vault Prod: {ID}\n\t* for the item \"db: {ID}\" in vault Prod: {OTHER}\n\t* for the item \"db\" in vault Prod: nonsense"
    );
    assert_eq!(
        classify(&item("Prod", "db"), &said(&text)),
        Complaint::Ambiguous(vec![ID.into(), OTHER.into()])
    );
}

#[test]
fn what_a_file_lacks_is_told_behind_its_reference() {
    let of = format!("could not read secret 'op://{OTHER}/{ID}/f': ");
    for (message, expected) in [
        (
            format!("{of}item '{OTHER}/{ID}' does not have a field 'f'"),
            Complaint::NoField,
        ),
        (
            format!(
                "{of}could not get item {OTHER}/{ID}: \"{ID}\" isn't an item in the \"{OTHER}\" vault."
            ),
            Complaint::NoItem,
        ),
        (
            format!("{of}could not find field or file f on item {ID} in vault {OTHER}"),
            Complaint::NoField,
        ),
        (
            format!("{of}\"{OTHER}\" isn't a vault in this account."),
            Complaint::NoVault,
        ),
        (
            "could not read secret 'op://a/b/c': (403) Forbidden".to_owned(),
            Complaint::Unknown,
        ),
    ] {
        assert_eq!(classify(&file("f"), &said(&message)), expected, "{message}");
    }
}

#[test]
fn how_long_a_limit_lasts_is_read_and_bounded() {
    for (text, expected) in [
        ("Please retry in 58 minutes or", Some(3480)),
        ("retry in 1 minute.", Some(60)),
        ("retry in 30 seconds,", Some(30)),
        ("retry in an hour", Some(3600)),
        ("retry in 99999999 hours", Some(86400)),
        ("retry in 99999999999999999999 hours", None),
        ("retry in a while", None),
        ("retry later", None),
    ] {
        assert_eq!(retry_in(text), expected, "{text}");
    }
}

/// Names that look like something that `op` says.
fn names() -> impl Strategy<Value = String> {
    let rows: Vec<String> = rows()
        .into_iter()
        .map(|(text, _)| text.to_owned())
        .collect();
    prop_oneof![
        any::<String>(),
        prop::sample::select(rows.clone()),
        prop::sample::select(rows).prop_map(|row| format!("x\n{}", said(&row))),
        "[\"'() :*/\\\\isn'tavultem429\n]{0,40}",
    ]
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), vault in any::<String>(), title in any::<String>()) {
        let _any = classify(&item(&vault, &title), &text);
        let _any = classify(&item(&vault, &title), &said(&text));
        let _any = classify(&file(&title), &said(&text));
    }

    #[test]
    fn no_name_in_a_message_makes_it_another(vault in names(), title in names()) {
        let call = item(&vault, &title);
        for (message, expected) in [
            (format!("\"{vault}\" isn't a vault in this account. Specify the vault with its ID or name."), Complaint::NoVault),
            (format!("\"{title}\" isn't an item in the \"{vault}\" vault. Specify the item with its UUID, name, or domain."), Complaint::NoItem),
            (format!("\"{title}\" isn't an item. Specify the item with its UUID, name, or domain."), Complaint::NoItem),
            (format!("could not get item {vault}/{title}: \"{title}\" isn't an item in the \"{vault}\" vault."), Complaint::NoItem),
            (format!("item '{vault}/{title}' does not have a field 'f'"), Complaint::NoField),
            (format!("could not find session token for account {title}"), Complaint::SignedOut),
            (format!("error initializing client: no account found for filter {vault}"), Complaint::NoAccount),
            (format!("could not find field or file {title} on item {title} in vault {vault}"), Complaint::NoField),
        ] {
            prop_assert_eq!(classify(&call, &said(&message)), expected, "{}", message);
        }
        let several = format!("More than one item matches \"{title}\". Try again and specify the item by its ID: \n\t* for the item \"{title}\" in vault {vault}: {ID}");
        prop_assert!(matches!(classify(&call, &said(&several)), Complaint::Ambiguous(_)));
    }
}

//! Each row of the contract (§3.2), as an error: what it means, and that there is something to do.

use super::rig::*;
use secretfs_providers::ErrorKind;
use std::time::Duration;

#[test]
fn each_complaint_has_its_meaning_and_a_way_out() {
    use ErrorKind::*;
    let limited = |minutes: u64| Limited {
        retry_after: Some(Duration::from_secs(minutes * 60)),
    };
    for (text, kind) in [
        (
            "You are not currently signed in. Please run `op signin --help` for instructions",
            NoCredential,
        ),
        ("account is not signed in", NoCredential),
        ("could not find session token for account X", NoCredential),
        ("session expired, sign in to create a new session", Expired),
        ("no account found for filter X", NoCredential),
        (
            "error initializing client: found no accounts for filter \"X\"",
            NoCredential,
        ),
        (
            "multiple accounts found. Use the --account flag …",
            NoCredential,
        ),
        (
            "error initializing client: authorization prompt dismissed, please try again",
            NoCredential,
        ),
        ("authorization timeout", NoCredential),
        ("read: context deadline exceeded", Unreachable),
        (
            "RequestDelegatedSession: cannot setup session. Please check the logs of the 1Password app.",
            Unreachable,
        ),
        (
            "\"Prod\" isn't a vault in this account. Specify the vault with its ID or name.",
            Missing,
        ),
        (
            "\"db\" isn't an item in the \"Prod\" vault. Specify the item with its UUID, name, or domain.",
            Missing,
        ),
        (
            "More than one item matches \"db\". Try again and specify the item by its ID: \n\t* for the item \"db\" in vault Prod: wepiqdxdzncjtnvmv5fegud4qy",
            Ambiguous,
        ),
        (
            "error initializing client: Validation: (failed to session.DecodeSACredentials), illegal base64 data at input byte 12",
            Refused,
        ),
        (
            "error initializing client: Authentication: (failed to x), Server: (403) (Forbidden (Service Account Deleted)), The Service Account used in this integration has been deleted.",
            Refused,
        ),
        ("(401) Unauthorized: invalid bearer token", Refused),
        (
            "(403) Forbidden: You aren't authorized to access this resource.",
            Denied,
        ),
        (
            "(429) Too Many Requests: You've reached the maximum number of this type of requests this service account is allowed to make. Please retry in 58 minutes or try other requests.",
            limited(58),
        ),
        (
            "Post \"https://my.1password.com/api/v3/auth/start\": dial tcp: lookup my.1password.com: no such host",
            Unreachable,
        ),
        ("(503) Service Unavailable", Server),
        ("unknown flag: --format\nUsage: op", Unsupported),
        ("panic: hunter2", Protocol),
        ("", Protocol),
    ] {
        let rig = Rig::new();
        rig.will([Run::complains(text)]);
        let error = rig.fails("op://Prod/db/f");
        assert_eq!(error.kind, kind, "{text}");
        assert!(error.message.starts_with("provider w: "), "{error:?}");
        assert!(!error.help.is_empty(), "{text}");
        rig.ran();
    }
    let rig = Rig::new();
    rig.will([Run::complains("More than one item matches \"db\". Try again: \n\t* for the item \"db\" in vault Prod: wepiqdxdzncjtnvmv5fegud4qy")]);
    assert!(rig.fails("op://Prod/db/f").message.contains(I));
}

#[test]
fn the_desktop_app_that_was_too_slow_is_asked_once_more_and_nothing_else_is() {
    let rig = Rig::new();
    let slow = || Run::complains("connecting to desktop app timed out, make sure it is installed");
    rig.will([slow(), item(1, &[("a", "1")], &[])]);
    assert_eq!(rig.bytes("op://Prod/db/a").unwrap(), b"1");
    rig.will([slow(), slow()]);
    assert_eq!(rig.fails("op://Prod/db/a").kind, ErrorKind::Unreachable);
    assert_eq!(rig.ran().len(), 4);
}

#[test]
fn a_program_that_is_not_there_is_told_with_how_to_mend_it() {
    let rig = Rig::new();
    rig.will([Run::Absent(2)]);
    let error = rig.fails("op://Prod/db/a");
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.help.contains("install"), "{error:?}");
    // Tried again at once: nothing was asked of anybody.
    rig.will([item(1, &[("a", "1")], &[])]);
    assert_eq!(rig.bytes("op://Prod/db/a").unwrap(), b"1");
}

#[test]
fn a_program_that_hangs_ends_with_the_time_of_the_call() {
    let mut rig = Rig::new();
    rig.patience = Duration::from_millis(200);
    rig.will([Run::Hangs]);
    let error = rig.fails("op://Prod/db/a");
    assert_eq!(error.kind, ErrorKind::TimedOut);
    assert!(error.help.contains("prompt"), "{error:?}");
    rig.pass(Duration::from_secs(6));
    rig.will([Run::Killed]);
    assert_eq!(rig.fails("op://Prod/db/a").kind, ErrorKind::TimedOut);
}

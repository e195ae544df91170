//! `infisical`: the token of the session of `infisical login` (contract infisical.md §7).

use super::{Complaints, Spec};
use secretfs_providers::ProgramEnd;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Its name.
pub const PROGRAM: &str = "infisical";

/// Print the token and nothing else, and tell nobody.
const TOKEN: [&str; 6] = [
    "user",
    "get",
    "token",
    "--plain",
    "--silent",
    "--telemetry=false",
];

/// It asks its server whether the session is still good, and a keyring may ask the user.
const LIMIT: Duration = Duration::from_secs(30);

/// Where it says who is signed in to which server, below a home folder.
#[must_use]
pub fn config_file(home: &Path) -> PathBuf {
    home.join(".infisical/infisical-config.json")
}

/// `infisical user get token --plain`. It runs in `/`, where no `.infisical.json` of a repository is.
pub(super) fn token() -> Spec {
    Spec {
        program: PROGRAM,
        args: TOKEN.iter().map(OsString::from).collect(),
        inherits: Vec::new(),
        environment: vec![("INFISICAL_DISABLE_UPDATE_CHECK", "true".into())],
        limit: LIMIT,
        complaints: Complaints::Infisical,
    }
}

/// Its texts differ between versions; all that are about a missing session tell to log in.
pub(super) fn classify(complaint: &str) -> ProgramEnd {
    let complaint = complaint.to_ascii_lowercase();
    let about_login = ["infisical login", "logged in", "log in", "login session"];
    if about_login.iter().any(|text| complaint.contains(text)) {
        ProgramEnd::SignedOut
    } else {
        ProgramEnd::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_that_tells_to_log_in_is_about_a_missing_session() {
        for complaint in [
            "You must be logged in to run this command. To login, run [infisical login]",
            "error: we couldn't find your logged in details, try running [infisical login] then try again",
            "Your login session has expired, please run [infisical login] and try again",
        ] {
            assert_eq!(classify(complaint), ProgramEnd::SignedOut, "{complaint}");
        }
        for complaint in [
            "",
            "dial tcp: lookup app.infisical.com: no such host",
            "unknown flag: --plain",
        ] {
            assert_eq!(classify(complaint), ProgramEnd::Failed, "{complaint}");
        }
    }
}

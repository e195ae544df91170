//! Who says where a credential may go. It is the environment that it comes from, never the map:
//!
//! * the server is the one that INFISICAL_DOMAIN names (or INFISICAL_API_URL, its old name), and the
//!   program's default where it is unset;
//! * a machine's own identity (a pod's service account, an AWS role) is worse than a token: on a server
//!   that many share, an identity of somebody else's may be set up such that signing in hands the JWT
//!   to whoever made it. So there the environment has to name the identity too.

use super::Why;
use secretfs_providers::http;

/// Where the server is told; the second is the old name.
pub(super) const DOMAINS: [&str; 2] = ["INFISICAL_DOMAIN", "INFISICAL_API_URL"];
const DEFAULT_DOMAIN: &str = "https://app.infisical.com";
/// Below it are the servers that everybody shares.
const SHARED: &str = ".infisical.com";
const REGION: &str = "us-east-1";

/// What the environment says, apart from secrets.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    /// As it is written; `None`: it is not.
    pub(super) domain: Option<String>,
    /// INFISICAL_MACHINE_IDENTITY_ID.
    pub(super) identity: Option<String>,
    /// INFISICAL_AUTH_METHOD.
    pub(super) method: Option<String>,
    /// Of AWS.
    pub(super) region: String,
    pub(super) home: Option<std::path::PathBuf>,
    pub(super) path: std::ffi::OsString,
}

impl World {
    /// Of this process.
    pub(super) fn of_process() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let first = |names: &[&str]| names.iter().find_map(|name| text(name));
        Self {
            domain: first(&DOMAINS),
            identity: text("INFISICAL_MACHINE_IDENTITY_ID"),
            method: text("INFISICAL_AUTH_METHOD"),
            region: first(&["AWS_REGION", "AWS_DEFAULT_REGION"]).unwrap_or(REGION.to_owned()),
            home: std::env::var_os("HOME").map(Into::into),
            path: std::env::var_os("PATH").unwrap_or_default(),
        }
    }

    /// The server that the environment's credentials belong to.
    pub(super) fn origin(&self) -> Result<String, Why> {
        let domain = self.domain.as_deref().unwrap_or(DEFAULT_DOMAIN);
        http::origin(domain).ok_or_else(|| {
            (
                "INFISICAL_DOMAIN is no address, so the credential belongs to no server".to_owned(),
                "write `https://host`, with a port and a path where needed".to_owned(),
            )
        })
    }

    /// Whether the machine may sign in as this identity, which the map may have named.
    pub(super) fn vouches_for(&self, identity: &str) -> Result<(), Why> {
        match &self.identity {
            Some(own) if own == identity => return Ok(()),
            Some(_) => {
                return Err((
                    "`identity_id` is not the identity of INFISICAL_MACHINE_IDENTITY_ID".to_owned(),
                    "mend one of them: this machine signs in as no other identity".to_owned(),
                ));
            }
            None => {}
        }
        let origin = self.origin()?;
        if self.domain.is_some() && !is_shared(&origin) {
            return Ok(());
        }
        Err((
            format!("nothing but the map says that this machine signs in as {identity}"),
            "set INFISICAL_MACHINE_IDENTITY_ID to it, or INFISICAL_DOMAIN to a server of your own"
                .to_owned(),
        ))
    }
}

/// Whether a server is one that everybody may have identities on.
fn is_shared(origin: &str) -> bool {
    let host = origin.split("://").nth(1).unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    // A name may end with a dot.
    let host = host.trim_end_matches('.');
    host.ends_with(SHARED) || host == SHARED.trim_start_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_signs_in_as_no_identity_that_the_map_alone_names() {
        let world = |domain: Option<&str>, identity: Option<&str>| World {
            domain: domain.map(str::to_owned),
            identity: identity.map(str::to_owned),
            ..World::default()
        };
        let own = "https://vault.example";
        for (domain, identity, expected) in [
            (None, None, false),
            (None, Some("me"), true),
            (None, Some("other"), false),
            (Some(own), None, true),
            (Some(own), Some("me"), true),
            (Some(own), Some("other"), false),
            (Some("https://app.infisical.com"), None, false),
            (Some("https://EU.infisical.com/api"), None, false),
            (Some("https://us.infisical.com.:443"), None, false),
            (Some("https://infisical.com"), None, false),
            (Some("https://infisical.com.example"), None, true),
            (Some("https://eu.infisical.com"), Some("me"), true),
            (Some("nothing"), None, false),
        ] {
            let vouches = world(domain, identity).vouches_for("me").is_ok();
            assert_eq!(vouches, expected, "{domain:?} {identity:?}");
        }
    }
}

//! The session of the `infisical` program: the mount-helper starts it, and its standard output is a
//! pipe that ends here. The token is the one of whoever signed in with `infisical login`, and belongs
//! to the server that the program's own configuration names: that is looked at before each start,
//! because the user may have switched to another one since.

use super::Auth;
use super::token::{Token, claims_of};
use crate::error::{ErrorKind, ProviderError};
use crate::host::{HostAnswer, HostError, HostRequest, ProgramCall, ProgramEnd};
use crate::http::{Budget, origin};
use crate::provider::Context;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::time::timeout_at;
use zeroize::Zeroizing;

/// The longest token, and the longest configuration.
const MAX_TOKEN: usize = 16 << 10;
const MAX_CONFIG: usize = 256 << 10;
/// The server of a session whose configuration names none.
const DEFAULT_DOMAIN: &str = "https://app.infisical.com";
/// How long a program that gave no token is not started again.
pub(super) const AGAIN: Duration = Duration::from_secs(10);

const LOGIN: &str = "run `infisical login`, then open the file again";

/// The part of `~/.infisical/infisical-config.json` that matters here (contract §7). It holds more,
/// which is passed over: a passphrase among it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProgramConfig {
    #[serde(rename = "loggedInUserEmail")]
    email: String,
    #[serde(rename = "LoggedInUserDomain")]
    domain: String,
}

impl ProgramConfig {
    /// Reads it from its file, in memory that is wiped; `None` where it is none.
    #[must_use]
    pub fn read(file: File) -> Option<Self> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_CONFIG.min(4096)));
        let most = u64::try_from(MAX_CONFIG).unwrap_or(u64::MAX);
        file.take(most).read_to_end(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// The origin of the server that somebody is signed in to; `None`: nobody is.
    #[must_use]
    pub fn origin(&self) -> Option<String> {
        if self.email.is_empty() {
            return None;
        }
        match self.domain.as_str() {
            "" => origin(DEFAULT_DOMAIN),
            domain => origin(domain),
        }
    }
}

/// A token of the session, if it is one of the server at `server`.
pub(super) async fn token(
    auth: &Auth,
    server: &str,
    cx: &Context,
    budget: Budget,
) -> Result<Token, ProviderError> {
    let session = Session { auth, cx };
    session.belongs_to(server).await?;
    let request = HostRequest::StartProgram {
        provider: auth.index,
        call: ProgramCall::InfisicalToken,
    };
    let (run, stdout) = match cx.host.ask(request).await {
        Ok(HostAnswer::Started { run, stdout }) => (run, stdout),
        Ok(_) => return Err(session.unstarted(&HostError::NoAnswer)),
        Err(error) => return Err(session.unstarted(&error)),
    };
    let read = timeout_at(budget.until(), read(stdout)).await;
    let text = read
        .map_err(|_| session.late())?
        .map_err(|_| session.nonsense())?;
    match cx.host.ask(HostRequest::EndOfProgram { run }).await {
        Ok(HostAnswer::Ended(ProgramEnd::Done)) => {}
        Ok(HostAnswer::Ended(ProgramEnd::SignedOut)) => return Err(session.signed_out()),
        Ok(HostAnswer::Ended(ProgramEnd::TimedOut)) => return Err(session.late()),
        _ => return Err(session.failed()),
    }
    let text = text.filter(|text| claims_of(text.expose_secret()).is_some());
    let token = Token::of_session(&text.ok_or_else(|| session.nonsense())?, &cx.pool)?;
    if token.is_over(cx.clock.now(), cx.clock.wall()) {
        return Err(session.error(
            ErrorKind::Expired,
            "the session of `infisical` has expired",
            LOGIN,
        ));
    }
    Ok(token)
}

/// The text without the line break that ends it; `None`: it is too long, or no text.
async fn read(stdout: OwnedFd) -> std::io::Result<Option<SecretString>> {
    let mut stdout = pipe::Receiver::from_owned_fd(stdout)?;
    secretfs_memory::residue::mark();
    // Never grows: a copy would be left behind.
    let mut bytes = Zeroizing::new(vec![0; MAX_TOKEN]);
    let mut have = 0;
    loop {
        let rest = bytes.get_mut(have..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        match stdout.read(rest).await? {
            0 => break,
            n => have += n,
        }
    }
    let text = std::str::from_utf8(bytes.get(..have).unwrap_or_default().trim_ascii());
    Ok(text.ok().map(SecretString::from))
}

struct Session<'a> {
    auth: &'a Auth,
    cx: &'a Context,
}

impl Session<'_> {
    async fn belongs_to(&self, server: &str) -> Result<(), ProviderError> {
        let request = HostRequest::OpenProgramConfig {
            provider: self.auth.index,
        };
        let config = match self.cx.host.ask(request).await {
            Ok(HostAnswer::Fd(fd)) => ProgramConfig::read(fd.into()),
            _ => None,
        };
        match config.and_then(|config| config.origin()) {
            Some(origin) if origin == server => Ok(()),
            Some(other) => Err(self.error(
                ErrorKind::Refused,
                &format!("the session of `infisical` is for {other}, and is not sent to {server}"),
                "run `infisical user switch`, or `infisical login` with the domain of this server",
            )),
            None => Err(self.signed_out()),
        }
    }

    fn unstarted(&self, error: &HostError) -> ProviderError {
        self.error(
            ErrorKind::NoCredential,
            &format!("the program `infisical` cannot be started: {error}"),
            "install it, on the PATH that `secretfs mount` was run with, and run `infisical login`",
        )
    }

    fn signed_out(&self) -> ProviderError {
        self.error(
            ErrorKind::NoCredential,
            "nobody is signed in to `infisical`",
            LOGIN,
        )
    }

    fn late(&self) -> ProviderError {
        self.error(
            ErrorKind::TimedOut,
            "the program `infisical` gave no token in time",
            "run `infisical user get token` to see what it waits for: a locked keyring, or a new login",
        )
    }

    fn failed(&self) -> ProviderError {
        self.error(
            ErrorKind::NoCredential,
            "the program `infisical` gave no token",
            "run `infisical user get token` to see why, and `infisical login`",
        )
    }

    fn nonsense(&self) -> ProviderError {
        self.error(
            ErrorKind::Protocol,
            "what the program `infisical` gave is no token",
            "run `infisical user get token --plain` to see what it says; a newer version may be needed",
        )
    }

    fn error(&self, kind: ErrorKind, what: &str, help: &str) -> ProviderError {
        ProviderError::new(
            kind,
            format!("provider {}: {what}", self.auth.provider),
            help,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, Write};

    fn origin_of(text: &str) -> Option<String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.rewind().unwrap();
        ProgramConfig::read(file).and_then(|config| config.origin())
    }

    #[test]
    fn a_session_belongs_to_the_server_that_the_programs_configuration_names() {
        for (text, expected) in [
            (
                r#"{"loggedInUserEmail":"a@b.c","LoggedInUserDomain":"https://Vault.example/api","vaultBackendPassphrase":"x"}"#,
                Some("https://vault.example:443"),
            ),
            (
                r#"{"loggedInUserEmail":"a@b.c"}"#,
                Some("https://app.infisical.com:443"),
            ),
            (
                r#"{"loggedInUserEmail":"a@b.c","LoggedInUserDomain":"nothing"}"#,
                None,
            ),
            (
                r#"{"loggedInUserEmail":"","LoggedInUserDomain":"https://vault.example"}"#,
                None,
            ),
            (r#"{"LoggedInUserDomain":"https://vault.example"}"#, None),
            ("", None),
            ("[]", None),
        ] {
            assert_eq!(origin_of(text).as_deref(), expected, "{text}");
        }
    }
}

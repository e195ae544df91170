//! The session of the `infisical` program, as the mount-helper hands it on.

use super::server::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secretfs_providers::host::{ProgramCall, ProgramEnd};
use secretfs_providers::infisical::Infisical;
use secretfs_providers::{
    BoxFuture, Context, Credential, ErrorKind, Host, HostAnswer, HostError, HostRequest, Provider,
};
use std::io::{Seek, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const KEY: &str = "GET /api/v4/secrets/KEY";

/// A program, and what it says.
#[derive(Clone)]
struct Program {
    domain: String,
    prints: String,
    end: ProgramEnd,
    is_there: bool,
    starts: usize,
}

struct Helper {
    server: Arc<dyn Host>,
    program: Arc<Mutex<Program>>,
}

fn file(text: &str) -> OwnedFd {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.rewind().unwrap();
    file.into()
}

/// A pipe that somebody has written this to.
fn pipe(text: &str) -> OwnedFd {
    let (ours, theirs) = std::io::pipe().unwrap();
    let mut theirs: std::fs::File = OwnedFd::from(theirs).into();
    let text = text.to_owned();
    // A pipe holds 64 KiB, and the reader may have gone before.
    std::thread::spawn(move || theirs.write_all(text.as_bytes()));
    ours.into()
}

impl Host for Helper {
    fn ask(&self, request: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        let mut program = self.program.lock().unwrap();
        let answer = match request {
            HostRequest::OpenProgramConfig { provider: 0 } => {
                let text = format!(
                    r#"{{"loggedInUserEmail":"a@b.c","LoggedInUserDomain":{:?},"vaultBackendPassphrase":"x"}}"#,
                    program.domain
                );
                Ok(HostAnswer::Fd(file(&text)))
            }
            HostRequest::StartProgram {
                provider: 0,
                call: ProgramCall::InfisicalToken,
            } => {
                program.starts += 1;
                match program.is_there {
                    true => Ok(HostAnswer::Started {
                        run: 7,
                        stdout: pipe(&program.prints),
                    }),
                    false => Err(HostError::Os(2)),
                }
            }
            HostRequest::EndOfProgram { run: 7 } => Ok(HostAnswer::Ended(program.end.clone())),
            other => return self.server.ask(other),
        };
        Box::pin(async move { answer })
    }
}

struct Rig {
    server: Server,
    provider: Arc<Infisical>,
    cx: Context,
    program: Arc<Mutex<Program>>,
}

fn token(tag: &str) -> String {
    let claims = URL_SAFE_NO_PAD.encode(r#"{"exp":99999999999}"#);
    format!("e30.{claims}.{tag}")
}

impl Rig {
    async fn new() -> Self {
        // The first session is revoked when `second` is there.
        let server = Server::start(None, |_, _| secret("KEY", "v")).await;
        Self::over(server).await
    }

    async fn over(server: Server) -> Self {
        let provider = server.provider();
        let cx = server.context();
        let program = Arc::new(Mutex::new(Program {
            domain: format!("{}/api", server.url()),
            prints: format!("{}\n", token("first")),
            end: ProgramEnd::Done,
            is_there: true,
            starts: 0,
        }));
        let host = Helper {
            server: Arc::clone(&cx.host),
            program: Arc::clone(&program),
        };
        give(&provider, &cx, Credential::Session);
        Self {
            provider: Arc::new(provider),
            cx: Context {
                host: Arc::new(host),
                ..cx
            },
            server,
            program,
        }
    }

    fn change(&self, change: impl FnOnce(&mut Program)) {
        change(&mut self.program.lock().unwrap());
    }

    fn starts(&self) -> usize {
        self.program.lock().unwrap().starts
    }

    async fn fetch(&self) -> Result<(), ErrorKind> {
        self.fetch_at(0).await
    }

    async fn fetch_at(&self, seconds: u64) -> Result<(), ErrorKind> {
        let cx = super::auth::at(&self.server, Duration::from_secs(seconds));
        let cx = Context {
            host: Arc::clone(&self.cx.host),
            ..cx
        };
        let answer = self.provider.fetch(&wanted("KEY"), &cx).await;
        answer.map(drop).map_err(|error| error.kind)
    }
}

#[tokio::test]
async fn the_program_is_started_once_and_its_token_used_for_all() {
    let rig = Rig::new().await;
    let fetches: Vec<_> = (0..20)
        .map(|_| {
            let (provider, cx) = (Arc::clone(&rig.provider), rig.cx.clone());
            tokio::spawn(async move { provider.fetch(&wanted("KEY"), &cx).await.is_ok() })
        })
        .collect();
    for fetch in fetches {
        assert!(fetch.await.unwrap());
    }
    assert_eq!(rig.starts(), 1);
    for seen in rig.server.requests() {
        let bearer = format!("Bearer {}", token("first"));
        assert_eq!(seen.header("authorization"), Some(bearer.as_str()));
    }
}

#[tokio::test]
async fn a_session_of_another_server_is_never_asked_for() {
    let rig = Rig::new().await;
    for domain in ["https://app.infisical.com", "https://localhost/api", ""] {
        rig.change(|program| program.domain = domain.to_owned());
        rig.provider.forget();
        give(&rig.provider, &rig.cx, Credential::Session);
        assert_eq!(rig.fetch().await, Err(ErrorKind::Refused), "{domain}");
    }
    assert_eq!(rig.starts(), 0);
    assert!(rig.server.lines().is_empty());
}

#[tokio::test]
async fn what_the_program_says_in_its_failure_is_told_and_it_is_not_started_for_each_open() {
    for (end, kind) in [
        (ProgramEnd::SignedOut, ErrorKind::NoCredential),
        (ProgramEnd::Failed, ErrorKind::NoCredential),
        (ProgramEnd::TimedOut, ErrorKind::TimedOut),
    ] {
        let rig = Rig::new().await;
        rig.change(|program| {
            program.end = end.clone();
            program.prints = String::new();
        });
        for _ in 0..5 {
            assert_eq!(rig.fetch().await, Err(kind));
        }
        assert_eq!(rig.starts(), 1, "{end:?}");
        // Somebody signs in: a little later it works, without `unlock`.
        rig.change(|program| {
            program.end = ProgramEnd::Done;
            program.prints = token("second");
        });
        assert_eq!(rig.fetch_at(11).await, Ok(()));
    }
}

#[tokio::test]
async fn a_program_that_is_not_installed_is_a_missing_credential() {
    let rig = Rig::new().await;
    rig.change(|program| program.is_there = false);
    assert_eq!(rig.fetch().await, Err(ErrorKind::NoCredential));
}

#[tokio::test]
async fn what_is_no_token_is_not_sent() {
    for prints in [
        String::new(),
        "Session ID: x\nToken: a.b.c\n".to_owned(),
        "a new version is available\na.b.c".to_owned(),
        "x".repeat(200_000),
        "a.b.c\u{e9}".to_owned(),
    ] {
        let rig = Rig::new().await;
        rig.change(|program| program.prints = prints);
        assert_eq!(rig.fetch().await, Err(ErrorKind::Protocol));
        assert!(rig.server.lines().is_empty());
    }
}

#[tokio::test]
async fn an_expired_session_is_expired_and_costs_no_request() {
    let rig = Rig::new().await;
    rig.change(|program| program.prints = "e30.eyJleHAiOjEwMDB9.c2ln".to_owned());
    assert_eq!(rig.fetch().await, Err(ErrorKind::Expired));
    assert!(rig.server.lines().is_empty());
}

#[tokio::test]
async fn a_session_that_the_server_has_ended_is_asked_for_anew() {
    let server = Server::start(None, |seen, _| {
        let first = format!("Bearer {}", token("first"));
        match seen.header("authorization") == Some(&first) {
            true => error(
                403,
                "TokenError",
                "Your token has expired. Please re-authenticate.",
            ),
            false => secret("KEY", "v"),
        }
    })
    .await;
    let rig = Rig::over(server).await;
    // The program has no other one yet: two tries, and then none for a while.
    for _ in 0..3 {
        assert_eq!(rig.fetch().await, Err(ErrorKind::Expired));
    }
    assert_eq!(rig.server.lines(), [KEY, KEY]);
    rig.change(|program| program.prints = token("second"));
    assert_eq!(rig.fetch_at(11).await, Ok(()));
}

//! The scripted provider and its simulator, against each other.

use super::{Op, Simulator};
use secretfs_memory::sealed::{Sealed, SealedPool};
use secretfs_providers::clock::SystemClock;
use secretfs_providers::scripted::{Reference as Name, ScriptedProvider};
use secretfs_providers::{
    Answer, BoxFuture, Context, Credential, CredentialOffer, ErrorKind, FolderReference, Health,
    Host, HostAnswer, HostError, HostRequest, Provider, Reference, Validator, Wanted,
};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

struct Connect(PathBuf);

impl Host for Connect {
    fn ask(&self, request: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        assert_eq!(request, HostRequest::ConnectScripted { provider: 3 });
        let answer = UnixStream::connect(&self.0)
            .map(|stream| HostAnswer::Fd(stream.into()))
            .map_err(|e| HostError::Os(e.raw_os_error().unwrap_or(0)));
        Box::pin(async move { answer })
    }
}

struct Rig {
    sim: Simulator,
    provider: ScriptedProvider,
    cx: Context,
    runtime: tokio::runtime::Runtime,
}

impl Rig {
    fn new() -> Self {
        let sim = Simulator::start();
        let provider = ScriptedProvider::new("s", 3, &sim.socket().display().to_string());
        let cx = Context {
            pool: SealedPool::new(1 << 20, true).unwrap(),
            deadline: Instant::now() + Duration::from_secs(20),
            host: Arc::new(Connect(sim.socket().to_owned())),
            clock: Arc::new(SystemClock),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Self {
            sim,
            provider,
            cx,
            runtime,
        }
    }

    fn fetch(&self, name: &str, validator: Option<&str>) -> Result<Answer, ErrorKind> {
        let mut wanted = wanted(name);
        wanted.validator = validator.map(|v| Validator(v.into()));
        self.runtime
            .block_on(self.provider.fetch(&wanted, &self.cx))
            .map_err(|e| e.kind)
    }

    fn value(&self, name: &str) -> Result<Vec<u8>, ErrorKind> {
        match self.fetch(name, None)? {
            Answer::Value(fetched) => Ok(bytes(&fetched.value)),
            other => panic!("{other:?}"),
        }
    }
}

fn wanted(name: &str) -> Wanted {
    Wanted {
        reference: Reference::Scripted(Name { name: name.into() }),
        max_size: 200_000,
        validator: None,
    }
}

fn folder(path: &str) -> FolderReference {
    FolderReference {
        path: path.into(),
        environment: None,
        expand_references: None,
    }
}

fn bytes(value: &Sealed) -> Vec<u8> {
    let mut bytes = Vec::new();
    value
        .expose(|piece| bytes.extend_from_slice(piece))
        .unwrap();
    bytes
}

#[test]
fn a_value_arrives_exactly_with_what_is_known_about_it() {
    let rig = Rig::new();
    let long: Vec<u8> = (0..150_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    rig.sim.set("LONG", &long);
    rig.sim.modified("LONG", at);
    rig.sim.max_age("LONG", Some(Duration::from_secs(30)));
    let Ok(Answer::Value(fetched)) = rig.fetch("LONG", None) else {
        panic!("no value");
    };
    assert_eq!(bytes(&fetched.value), long);
    assert_eq!(fetched.modified, Some(at));
    assert_eq!(fetched.max_age, Some(Duration::from_secs(30)));
    assert_eq!(fetched.validator, Some(Validator("v1".into())));
    assert!(matches!(
        rig.fetch("LONG", Some("v1")),
        Ok(Answer::Unchanged)
    ));
    rig.sim.set("LONG", "");
    assert!(matches!(
        rig.fetch("LONG", Some("v1")),
        Ok(Answer::Value(_))
    ));
    assert_eq!(rig.value("LONG"), Ok(vec![]));
    assert_eq!(rig.sim.count_of(Op::Fetch, "LONG"), 4);
}

#[test]
fn every_kind_of_error_arrives_as_that_kind() {
    let rig = Rig::new();
    let limited = ErrorKind::Limited {
        retry_after: Some(Duration::from_secs(7)),
    };
    for kind in [
        ErrorKind::Missing,
        ErrorKind::Denied,
        ErrorKind::Refused,
        ErrorKind::Expired,
        ErrorKind::NoCredential,
        ErrorKind::Unreachable,
        ErrorKind::TimedOut,
        limited,
        ErrorKind::Server,
        ErrorKind::TooLarge,
        ErrorKind::NoMemory,
        ErrorKind::Ambiguous,
        ErrorKind::Protocol,
        ErrorKind::Unsupported,
    ] {
        rig.sim.fail("X", kind);
        assert_eq!(rig.value("X"), Err(kind));
        rig.sim.set("X", "1");
        rig.sim.refuse_all(Some(kind));
        assert_eq!(rig.value("X"), Err(kind));
        rig.sim.refuse_all(None);
    }
    assert_eq!(rig.value("X"), Ok(b"1".to_vec()));
    assert_eq!(rig.provider.health(), Health::Good);
}

#[test]
fn a_broken_or_lying_answer_is_never_a_value() {
    let rig = Rig::new();
    rig.sim.set("X", "0123456789");
    rig.sim.reset("X");
    assert_eq!(rig.value("X"), Err(ErrorKind::Unreachable));
    for cut in 0..=10 {
        rig.sim.truncate("X", cut);
        assert_eq!(rig.value("X"), Err(ErrorKind::Unreachable), "cut at {cut}");
    }
    rig.sim.lie("X", "Y");
    assert_eq!(rig.value("X"), Err(ErrorKind::Protocol));
    rig.sim.mend("X");
    assert_eq!(rig.value("X"), Ok(b"0123456789".to_vec()));
    rig.sim.set("X", vec![1; 200_001]);
    assert_eq!(rig.value("X"), Err(ErrorKind::TooLarge));
}

#[test]
fn a_hang_lasts_until_it_is_released_or_given_up() {
    let rig = Rig::new();
    rig.sim.set("X", "old");
    rig.sim.hang("X");
    let wanted = wanted("X");
    rig.runtime.block_on(async {
        let fetch = rig.provider.fetch(&wanted, &rig.cx);
        let test = async {
            tokio::task::spawn_blocking({
                let shared = Arc::clone(&rig.sim.shared);
                move || {
                    shared.wait("a held request", |s| {
                        s.scripts.get("X").is_some_and(|script| script.held == 1)
                    });
                }
            })
            .await
            .unwrap();
            rig.sim.set("X", "new");
            rig.sim.release("X");
        };
        let (answer, ()) = tokio::join!(fetch, test);
        let Ok(Answer::Value(fetched)) = answer else {
            panic!("no value");
        };
        assert_eq!(bytes(&fetched.value), b"new");
    });

    for at in [0, 2] {
        rig.sim.hang_after("X", at);
        let cx = Context {
            deadline: Instant::now() + Duration::from_millis(30),
            ..rig.cx.clone()
        };
        let answer = rig.runtime.block_on(rig.provider.fetch(&wanted, &cx));
        assert_eq!(answer.unwrap_err().kind, ErrorKind::TimedOut);
    }
    rig.sim.wait_cancelled(2);
    rig.sim.wait_idle();
}

#[test]
fn folders_list_and_render_their_members() {
    let rig = Rig::new();
    rig.sim.set("TOP", "t");
    rig.sim.set("a/ONE", "1");
    rig.sim.set("a/TWO", "2");
    rig.sim.set("a/b/DEEP", "3");
    rig.sim.folder("/empty");
    let list = |path: &str| {
        let listed = rig
            .runtime
            .block_on(rig.provider.list(&folder(path), &rig.cx));
        listed.map_err(|e| e.kind)
    };
    assert_eq!(list("/"), Ok(vec!["TOP".into()]));
    assert_eq!(list("/a"), Ok(vec!["ONE".into(), "TWO".into()]));
    assert_eq!(list("/empty"), Ok(vec![]));
    rig.sim.fail("/gone", ErrorKind::Denied);
    assert_eq!(list("/gone"), Err(ErrorKind::Denied));
    let fetched = rig
        .runtime
        .block_on(rig.provider.fetch_folder(&folder("/a"), 100, &rig.cx))
        .unwrap();
    let shown: Vec<_> = fetched
        .iter()
        .map(|(name, fetched)| (name.as_str(), bytes(&fetched.value)))
        .collect();
    assert_eq!(shown, [("ONE", b"1".to_vec()), ("TWO", b"2".to_vec())]);
    let small = rig
        .runtime
        .block_on(rig.provider.fetch_folder(&folder("/a"), 1, &rig.cx));
    assert_eq!(small.unwrap_err().kind, ErrorKind::TooLarge);
    let member = rig.provider.member(&folder("/a"), "ONE");
    assert_eq!(member, wanted("a/ONE").reference);
}

#[test]
fn several_secrets_take_one_request_and_fail_each_by_itself() {
    let rig = Rig::new();
    rig.sim.set("A", "1");
    rig.sim.set("B", "2");
    rig.sim.fail("C", ErrorKind::Missing);
    let mut all = [wanted("A"), wanted("B"), wanted("C")];
    all[1].validator = Some(Validator("v2".into()));
    let answers = rig
        .runtime
        .block_on(rig.provider.fetch_many(&all, &rig.cx))
        .unwrap();
    assert!(matches!(&answers[0], Ok(Answer::Value(f)) if bytes(&f.value) == b"1"));
    assert!(matches!(&answers[1], Ok(Answer::Unchanged)));
    assert_eq!(answers[2].as_ref().unwrap_err().kind, ErrorKind::Missing);
    assert_eq!(rig.sim.count(), 1);
    assert_eq!(rig.sim.count_of(Op::FetchMany, "B"), 1);
}

#[test]
fn a_check_asks_without_a_value() {
    let rig = Rig::new();
    rig.sim.set("A", "1");
    rig.sim.fail("B", ErrorKind::Denied);
    let check = |name: &str| {
        let reference = wanted(name).reference;
        let checked = rig
            .runtime
            .block_on(rig.provider.check(&reference, &rig.cx));
        checked.map_err(|e| e.kind)
    };
    assert_eq!(check("A"), Ok(()));
    assert_eq!(check("B"), Err(ErrorKind::Denied));
    assert_eq!(rig.sim.count_of(Op::Check, "A"), 1);
}

#[test]
fn a_token_is_kept_until_it_is_forgotten() {
    let rig = Rig::new();
    rig.sim.set("A", "1");
    rig.sim.require_token(Some("right"));
    let supply = |origin: &str, token: &str| {
        rig.provider
            .supply(
                CredentialOffer {
                    provider: "s".into(),
                    origin: origin.into(),
                    credential: Credential::Token(token.to_owned().into()),
                },
                &rig.cx.pool,
            )
            .map_err(|e| e.kind)
    };
    assert_eq!(rig.value("A"), Err(ErrorKind::NoCredential));
    assert_eq!(rig.provider.health(), Health::NeedsCredential);
    assert_eq!(supply("unix:///else", "right"), Err(ErrorKind::Refused));
    assert_eq!(supply(&rig.provider.origin(), "wrong"), Ok(()));
    assert_eq!(rig.value("A"), Err(ErrorKind::Refused));
    assert_eq!(supply(&rig.provider.origin(), "right"), Ok(()));
    assert_eq!(rig.value("A"), Ok(b"1".to_vec()));
    rig.provider.forget();
    assert_eq!(rig.value("A"), Err(ErrorKind::NoCredential));
}

#[test]
fn what_no_test_scripted_is_recorded() {
    let rig = Rig::new();
    assert_eq!(rig.value("SURPRISE"), Err(ErrorKind::Missing));
    assert_eq!(rig.sim.take_unexpected(), ["Fetch \"SURPRISE\""]);
}

#[test]
#[should_panic(expected = "no test scripted")]
fn what_no_test_scripted_fails_the_test() {
    let rig = Rig::new();
    drop(rig.value("SURPRISE"));
}

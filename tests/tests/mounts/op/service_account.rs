//! The token of a service account: in the environment of `op`, and nowhere else.

use super::Mount;
use crate::login::with_input;
use secretfs_tests::fixture::{told, value};
use secretfs_tests::op::Act;
use secretfs_tests::script::{Outcome, Step, to_hex};
use secretfs_tests::session::bus::Bus;
use secretfs_tests::session::keyring::GnomeKeyring;
use secretfs_tests::session::simulated::Logind;
use secretfs_tests::session::wait_armed;
use secretfs_tests::{system, user, wait};

const TOKEN: &str = "ops_eyJzaWduSW5BZGRyZXNzIjoibXkuMXBhc3N3b3JkLmNvbSJ9";
const VARIABLE: &str = "OP_SERVICE_ACCOUNT_TOKEN";

/// Items `i0` … of an account that takes the token alone.
fn account(items: usize) -> Mount {
    let mount = Mount::new();
    for n in 0..items {
        mount.item(n, &format!("i{n}"));
    }
    mount.change(|account| account.token = Some(TOKEN.to_owned()));
    mount
}

fn with_token(mut mount: Mount) -> Mount {
    let set = (VARIABLE.to_owned(), TOKEN.to_owned());
    mount.fixture.environment.push(set);
    mount
}

fn has(bytes: &[u8]) -> bool {
    bytes
        .windows(TOKEN.len())
        .any(|part| part == TOKEN.as_bytes())
}

#[test]
fn the_token_reaches_op_and_no_other_process_and_no_file() {
    let mount = with_token(account(2));
    mount.mount_refs("", &["op://Prod/i0/f", "op://Prod/i1/f"]);
    mount.next(&[Act::Prompt]);
    let mut probe = mount.probe();
    probe.begin(&Step::Slurp {
        path: mount.file("f0").to_str().expect("UTF-8").to_owned(),
    });
    let call = mount.op.wait_started(1).remove(0);
    assert_eq!(call.token, Some(true));
    let mut seen = 0;
    for process in mount.processes() {
        if process.pid == call.pid {
            continue;
        }
        seen += 1;
        assert!(!has(process.args.join(" ").as_bytes()), "{process:?}");
        let environ = std::fs::read(format!("/proc/{}/environ", process.pid));
        assert!(!has(&environ.unwrap_or_default()), "{process:?}");
    }
    assert!(seen >= 2, "helper and daemon");
    let cmdline = std::fs::read(format!("/proc/{}/cmdline", call.pid));
    assert!(!has(&cmdline.expect("op runs")));
    mount.op.answer_prompts(1);
    assert_eq!(probe.finish(), Outcome::Bytes(to_hex(&value("i0", 64))));
    for file in ["secretfs.log", "audit.jsonl"] {
        let file = mount.path("state/secretfs").join(file);
        let written = || std::fs::read(&file).ok().filter(|log| !log.is_empty());
        let log = wait::until("it is written down", written);
        assert!(!has(&log), "{}", file.display());
    }
    assert!(!has(mount.run(["status"]).as_bytes()));
    for name in ["OP_ACCOUNT", "OP_CONNECT_HOST", "OP_CONNECT_TOKEN"] {
        assert!(!call.environment.iter().any(|set| set == name), "{name}");
    }
    for name in [
        "OP_BIOMETRIC_UNLOCK_ENABLED",
        "OP_LOAD_DESKTOP_APP_SETTINGS",
    ] {
        assert!(call.environment.iter().any(|set| set == name), "{name}");
    }
}

#[test]
fn no_more_than_two_run_at_once() {
    let mount = with_token(account(6));
    let references: Vec<_> = (0..6).map(|n| format!("op://Prod/i{n}/f")).collect();
    let references: Vec<_> = references.iter().map(String::as_str).collect();
    mount.mount_refs("", &references);
    mount.next(&[Act::Prompt, Act::Prompt]);
    let path = |n| {
        mount
            .file(&format!("f{n}"))
            .to_str()
            .expect("UTF-8")
            .to_owned()
    };
    let mut probe = mount.probe();
    probe.begin(&Step::SlurpEach {
        paths: (0..6).map(path).collect(),
    });
    mount.op.wait_started(2);
    mount.op.answer_prompts(2);
    let expected = (0..6).map(|n| Outcome::Bytes(to_hex(&value(&format!("i{n}"), 64))));
    assert_eq!(probe.finish(), Outcome::Each(expected.collect()));
    let most = mount.op.calls().iter().map(|call| call.running).max();
    assert_eq!(most, Some(2));
}

#[test]
fn a_lock_wipes_the_token_and_nobody_is_asked_without_it_until_another_comes() {
    let mount = account(1);
    mount.write_refs("on_lock: seal", &["op://Prod/i0/f"]);
    let mounted = mount
        .secretfs(mount.mount_args())
        .env(VARIABLE, TOKEN)
        .output();
    assert!(mounted.expect("secretfs").status.success());
    assert_eq!(mount.read("f0"), Ok(value("i0", 64)));
    mount.run(["lock"]);
    assert_eq!(mount.read("f0"), Err(libc::ENOKEY));
    let unlocked = mount.secretfs(["unlock"]).output().expect("secretfs");
    let said = told(&unlocked);
    assert!(unlocked.status.success(), "{said}");
    assert!(said.contains("there is none now"), "{said}");
    assert_eq!(mount.read("f0"), Err(libc::ENOKEY));
    assert!(mount.reason("f0").contains("wiped at a lock"));
    assert_eq!(mount.op.calls().len(), 1);
    let unlocked = mount.secretfs(["unlock"]).env(VARIABLE, TOKEN).output();
    assert!(unlocked.expect("secretfs").status.success());
    assert_eq!(mount.read("f0"), Ok(value("i0", 64)));
}

#[test]
fn the_token_of_a_service_is_in_its_credentials_directory() {
    let mut mount = account(1);
    let folder = mount.make_folder("credentials", 0o700);
    let file = folder.join("secretfs.w.token");
    mount.fixture.write(&file, format!("{TOKEN}\n").as_bytes());
    let folder = folder.to_str().expect("UTF-8").to_owned();
    let directory = ("CREDENTIALS_DIRECTORY".to_owned(), folder);
    mount.fixture.environment.push(directory);
    mount.mount_refs("", &["op://Prod/i0/f"]);
    assert_eq!(mount.read("f0"), Ok(value("i0", 64)));
}

#[test]
fn a_token_that_login_tried_and_stored_is_found_by_what_comes_later() {
    let mut mount = account(1);
    let _keyring = GnomeKeyring::start(&mut mount.fixture);
    mount.write_refs("", &["op://Prod/i0/f"]);
    let refused = with_input(&mount.fixture, &["login", "w"], "ops_hunter2\n");
    assert_eq!(refused.status.code(), Some(4), "{}", told(&refused));
    let stored = with_input(&mount.fixture, &["login", "w"], &format!("{TOKEN}\n"));
    assert!(stored.status.success(), "{}", told(&stored));
    let tried = mount.op.calls().len();
    mount.mount();
    assert_eq!(mount.read("f0"), Ok(value("i0", 64)));
    let calls = mount.op.calls();
    assert_eq!(calls.len(), tried + 1);
    assert_eq!(calls[tried].token, Some(true));
    let forgotten = mount.run(["logout", "w"]);
    assert!(forgotten.contains("forgot the "), "{forgotten}");
    assert_eq!(mount.read("f0"), Err(libc::ENOENT), "locked, and unmounted");
}

#[test]
fn a_token_that_is_not_taken_is_ekeyrejected_and_not_sent_again_at_once() {
    let mount = account(1);
    mount.write_refs("", &["op://Prod/i0/f"]);
    let mut command = mount.secretfs(mount.mount_args());
    let mounted = command.env(VARIABLE, "ops_hunter2").output();
    assert!(mounted.expect("secretfs").status.success());
    assert_eq!(mount.read("f0"), Err(libc::EKEYREJECTED));
    assert!(!mount.reason("f0").contains("hunter2"));
    mount.advance(std::time::Duration::from_secs(3));
    assert_eq!(mount.read("f0"), Err(libc::EKEYREJECTED));
    assert_eq!(mount.op.calls().len(), 1);
    assert_eq!(mount.op.calls()[0].token, Some(false));
}

#[test]
fn an_explicit_op_wins_over_connect_in_the_environment_and_says_so() {
    let mut mount = account(1);
    mount.fixture.environment.extend([
        (VARIABLE.to_owned(), TOKEN.to_owned()),
        (
            "OP_CONNECT_HOST".to_owned(),
            "http://127.0.0.1:9".to_owned(),
        ),
        ("OP_CONNECT_TOKEN".to_owned(), "x".to_owned()),
        ("OP_SESSION_my".to_owned(), "stale".to_owned()),
        ("OP_ACCOUNT".to_owned(), "other".to_owned()),
    ]);
    mount.write_refs("", &["op://Prod/i0/f"]);
    let output = mount
        .secretfs(mount.mount_args())
        .output()
        .expect("secretfs");
    let said = told(&output);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("OP_CONNECT_HOST is set, and not used"),
        "{said}"
    );
    assert_eq!(mount.read("f0"), Ok(value("i0", 64)));
}

#[test]
fn check_online_reads_with_the_token() {
    let mount = with_token(account(1));
    mount.write_refs("", &["op://Prod/i0/f"]);
    let said = mount.run(["check", "--online"]);
    assert!(said.contains("1 of 1 can be read"), "{said}");
    assert_eq!(mount.op.calls()[0].token, Some(true));
}

#[test]
fn check_online_tells_what_there_is_in_place_of_a_field_that_is_not() {
    let mount = with_token(account(1));
    mount.write_refs("", &["op://Prod/i0/pasword", "op://Prod/i0/ff"]);
    let output = mount.secretfs(["check", "--online"]).output();
    let said = told(&output.expect("secretfs"));
    assert!(said.contains("the item has `f`"), "{said}");
    assert_eq!(mount.op.calls().len(), 1, "one request for both");
}

#[test]
fn with_remount_on_unlock_a_mount_that_had_a_token_is_not_served_as_somebody_else() {
    for (token, state) in [(None, "serving"), (Some(TOKEN), "locked")] {
        let mut mount = match token {
            Some(_) => account(1),
            None => {
                let mount = Mount::new();
                mount.item(0, "i0");
                mount
            }
        };
        let system = Bus::open(&mount.fixture.path(""), "system");
        let address = system.address().to_owned();
        let variable = "DBUS_SYSTEM_BUS_ADDRESS".to_owned();
        mount.fixture.environment.push((variable, address));
        let logind = Logind::start(&system);
        logind.add("c1", user::mounting().uid, "user");
        mount.write_refs("remount_on_unlock: true", &["op://Prod/i0/f"]);
        let mut command = mount.secretfs(mount.mount_args());
        command.envs(token.map(|token| (VARIABLE, token)));
        assert!(command.output().expect("secretfs").status.success());
        wait_armed(&mount.fixture, &["lock"]);
        assert_eq!(mount.read("f0"), Ok(value("i0", 64)));
        logind.lock("c1");
        let is = |state: &str| mount.status()["state"] == state;
        wait::until("it is locked", || is("locked").then_some(()));
        logind.unlock("c1");
        wait::until("what the unlock means is known", || {
            let log = std::fs::read_to_string(mount.path("state/secretfs/secretfs.log"));
            let stays = log.is_ok_and(|log| log.contains("it stays locked"));
            (stays || is("serving")).then_some(())
        });
        assert!(is(state), "{state}");
    }
}

#[test]
fn op_does_not_outlive_a_helper_that_is_killed() {
    let mount = with_token(account(1));
    mount.mount_refs("", &["op://Prod/i0/f"]);
    mount.next(&[Act::Prompt]);
    let mut probe = mount.probe();
    probe.begin(&Step::Slurp {
        path: mount.file("f0").to_str().expect("UTF-8").to_owned(),
    });
    let call = mount.op.wait_started(1).remove(0);
    let helper = mount.process("internal-mount-helper").pid;
    system::signal(helper, "KILL");
    wait::until("op ends", || system::is_gone(call.pid).then_some(()));
    assert!(matches!(probe.finish(), Outcome::Failed(_)));
    mount.wait_for_no_mount();
}

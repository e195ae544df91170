//! What doctor says of this very machine is what a mount makes of it.

use secretfs_tests::fixture::Fixture;

fn with_map() -> Fixture {
    let fixture = Fixture::new();
    fixture.write_map(
        "providers: {v: {type: local, file: /nowhere/vault.age}}\nsecrets: [{name: A, file: a}]\n",
    );
    fixture
}

/// `doctor --json`: the report, and the exit status.
fn report(fixture: &Fixture) -> (serde_json::Value, Option<i32>) {
    let output = fixture.secretfs(["doctor", "--json"]).output();
    let output = output.expect("secretfs");
    let text = String::from_utf8(output.stdout).expect("text");
    let report = serde_json::from_str(&text).expect("JSON");
    (report, output.status.code())
}

#[test]
fn where_doctor_says_that_a_mount_works_it_works() {
    let fixture = with_map();
    let (report, status) = report(&fixture);
    assert_eq!((&report["ok"], status), (&true.into(), Some(0)), "{report}");
    let checks = report["checks"].as_array().expect("a list");
    let names: Vec<_> = checks.iter().map(|check| &check["name"]).collect();
    assert_eq!(
        names,
        [
            "/dev/fuse",
            "fusermount3",
            "memory lock",
            "memfd_secret",
            "landlock",
            "seccomp",
            "swap",
            "core dumps",
            "session bus",
            "logind",
            "locker",
            "triggers",
            "op",
            "infisical",
            "keyring"
        ]
    );
    // What is not as it should be comes with what mends it.
    for check in checks {
        assert_eq!(check["state"] != "ok", check["help"].is_string(), "{check}");
    }
    fixture.run(["mount".as_ref(), fixture.mountpoint().as_os_str()]);
    // And it saw what the daemon has: these are three kernel's answers to two processes.
    let on = &fixture.status()["protections"];
    let ok = |name: &str| {
        let check = checks.iter().find(|check| check["name"] == name);
        check.is_some_and(|check| check["state"] == "ok")
    };
    assert_eq!(on["memfd_secret"], ok("memfd_secret"));
    assert_eq!(on["seccomp"], ok("seccomp"));
    assert_eq!(on["landlock"] == "full", ok("landlock"));
}

#[test]
fn where_doctor_says_that_no_mount_works_none_does() {
    let mut fixture = with_map();
    fixture.memlock = 64 << 10;
    let (report, status) = report(&fixture);
    assert_eq!(
        (&report["ok"], status),
        (&false.into(), Some(1)),
        "{report}"
    );
    assert_eq!(report["checks"][2]["state"], "failed", "{report}");
    let output = fixture.secretfs(["doctor"]).output().expect("secretfs");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(
        text.ends_with("\nsecretfs cannot mount here: memory lock\n"),
        "{text}"
    );
    fixture.fails(6, ["mount".as_ref(), fixture.mountpoint().as_os_str()]);
}

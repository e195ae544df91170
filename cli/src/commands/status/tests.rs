//! What `status` prints, from fixed states.

use super::{json, table};
use crate::screen::Look;
use secretfs_fs::link::message::{FileStatus, Protections, ProviderStatus, StatusPage};
use secretfs_mount_helper::control::{MountState, MountStatus};

fn file(entry: u32) -> FileStatus {
    FileStatus {
        entry,
        member: None,
        cached: true,
        stale: false,
        age_ms: Some(12_345),
        ttl_ms: 300_000,
        size: Some(3_072),
        last_error: None,
        left_out: Vec::new(),
    }
}

pub(super) fn serving() -> MountStatus {
    MountStatus {
        mountpoint: "/run/user/1000/app".into(),
        map: "/srv/app/secrets.yml".into(),
        state: MountState::Serving,
        pid: 4711,
        triggers: vec!["command".into(), "sigterm".into(), "idle".into()],
        map_error: None,
        providers: vec![
            ("vault".into(), "local".into()),
            ("work".into(), "onepassword".into()),
            ("infisical".into(), "infisical".into()),
        ],
        entries: [
            "kubeconfig",
            "openai/api-key",
            "router-password",
            "backend",
            "compose.env",
        ]
        .map(String::from)
        .into(),
        ttls_ms: vec![300_000, 300_000, 300_000, 3_600_000, 300_000],
        daemon: Some(StatusPage {
            generation: 1,
            locked: false,
            locked_bytes: 1_468_006,
            heap_bytes: 524_288,
            sealed_bytes: 655_360,
            limit_bytes: 8 << 20,
            insecure: false,
            secretmem: true,
            protections: protected(),
            providers: vec![
                ProviderStatus {
                    health: "good".into(),
                    last_error: None,
                    note: None,
                },
                ProviderStatus {
                    health: "needs-credential".into(),
                    last_error: None,
                    note: None,
                },
                ProviderStatus {
                    health: "failing".into(),
                    last_error: Some((
                        "cannot connect to app.infisical.com:443".into(),
                        "see whether the network is up".into(),
                    )),
                    note: Some("events are off: the plan of the server does not have them".into()),
                },
            ],
            files: vec![
                file(0),
                FileStatus {
                    stale: true,
                    age_ms: Some(420_000),
                    size: Some(51),
                    ..file(1)
                },
                FileStatus {
                    cached: false,
                    age_ms: None,
                    size: None,
                    last_error: Some((
                        2,
                        "the vault has no secret ROUTER".into(),
                        "`secretfs vault set ROUTER` makes it".into(),
                    )),
                    ..file(2)
                },
                FileStatus {
                    member: Some("API_KEY".into()),
                    size: Some(0),
                    ..file(3)
                },
                FileStatus {
                    left_out: vec!["bad name".into(), "a\u{1b}[31m".into()],
                    ..file(4)
                },
            ],
            next_entry: None,
        }),
    }
}

fn protected() -> Protections {
    Protections {
        no_core: true,
        not_dumpable: true,
        no_new_privs: true,
        seccomp: true,
        landlock: "full".into(),
    }
}

#[test]
fn a_protection_that_is_missing_is_shown_as_missing() {
    let mut status = serving();
    let page = status.daemon.as_mut().expect("a page");
    page.protections = Protections {
        not_dumpable: false,
        seccomp: false,
        landlock: "no-tcp".into(),
        ..protected()
    };
    let text = table::render(&[status.clone()], Look::PLAIN);
    let expected = "  sandbox  without dump protection, no new privileges, \
                    landlock (files alone), without seccomp\n";
    assert!(text.contains(expected), "{text}");
    status.daemon.as_mut().expect("a page").protections = Protections::default();
    let text = table::render(&[status], Look::PLAIN);
    assert!(text.contains("without landlock"), "{text}");
}

#[test]
fn a_serving_mount_is_shown_with_its_providers_and_files() {
    assert_eq!(
        table::render(&[serving()], Look::PLAIN),
        "\
/run/user/1000/app  serving
  map      /srv/app/secrets.yml
  pid      4711
  memory   1.4 MiB of 8.0 MiB locked
           heap 512.0 KiB, values 640.0 KiB, stacks 281.6 KiB
  sandbox  dump protection, no new privileges, landlock, seccomp
  locks on `secretfs lock`, SIGTERM, idle

  PROVIDER   TYPE         HEALTH
  vault      local        good
  work       onepassword  waits for a credential
  infisical  infisical    failing
    cannot connect to app.infisical.com:443
    help: see whether the network is up
    events are off: the plan of the server does not have them

  FILE             STATE    AGE   TTL       SIZE
  kubeconfig       cached   12s    5m    3.0 KiB
  openai/api-key   stale     7m    5m       51 B
  router-password  failed     -    5m          -
    ENOENT: the vault has no secret ROUTER
    help: `secretfs vault set ROUTER` makes it
  backend          -          -   60m          -
  backend/API_KEY  cached   12s    5m        0 B
  compose.env      cached   12s    5m    3.0 KiB
    left out: bad name, a\\u{1b}[31m
"
    );
}

#[test]
fn the_table_fits_80_columns() {
    for line in table::render(&[serving()], Look::PLAIN).lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn a_mount_that_a_lock_has_unmounted_says_how_to_get_it_back() {
    let left = MountStatus {
        state: MountState::Locked,
        pid: 0,
        triggers: Vec::new(),
        providers: Vec::new(),
        entries: Vec::new(),
        ttls_ms: Vec::new(),
        daemon: None,
        ..serving()
    };
    assert_eq!(
        table::render(std::slice::from_ref(&left), Look::PLAIN),
        "\
/run/user/1000/app  locked
  map      /srv/app/secrets.yml
           help: `secretfs unlock` mounts it again
"
    );
    assert_eq!(
        json::render(&[left]).expect("json"),
        "{\"version\":1,\"mounts\":[{\"mountpoint\":\"/run/user/1000/app\",\
         \"map\":\"/srv/app/secrets.yml\",\"state\":\"locked\",\"pid\":null,\
         \"memory\":{\"locked_bytes\":0,\"heap_bytes\":0,\"sealed_bytes\":0,\"limit_bytes\":0,\"insecure\":false},\
         \"protections\":null,\"triggers\":[],\"providers\":[],\"files\":[]}]}\n"
    );
}

#[test]
fn a_daemon_that_does_not_answer_and_a_bad_map_are_told() {
    let mount = MountStatus {
        map_error: Some("secrets.yml:3:5: unknown key `nmae`\nsecrets.yml:9:1: duplicate".into()),
        daemon: None,
        providers: Vec::new(),
        entries: Vec::new(),
        ttls_ms: Vec::new(),
        ..serving()
    };
    assert_eq!(
        table::render(&[mount], Look::PLAIN),
        "\
/run/user/1000/app  no answer
  map      /srv/app/secrets.yml
           error: secrets.yml:3:5: unknown key `nmae`
                  secrets.yml:9:1: duplicate
           help: the last good map is in use; mend the map and save it
  pid      4711
  memory   no answer from the daemon
           help: `secretfs unmount` ends it whatever it is doing
  locks on `secretfs lock`, SIGTERM, idle
"
    );
}

#[test]
fn a_sealed_mount_says_how_to_serve_again() {
    let mut mount = serving();
    mount.state = MountState::Locked;
    let text = table::render(&[mount], Look::PLAIN);
    assert!(
        text.starts_with(
            "/run/user/1000/app  locked\n  map      /srv/app/secrets.yml\n\
             \x20          help: `secretfs unlock` serves it again\n"
        ),
        "{text}"
    );
}

#[test]
fn insecure_memory_is_shown() {
    let mut mount = serving();
    let page = mount.daemon.as_mut().expect("a page");
    page.insecure = true;
    let text = table::render(&[mount], Look::PLAIN);
    assert!(
        text.contains("memory   1.4 MiB, insecure: it may be swapped\n"),
        "{text}"
    );
}

#[test]
fn no_mounts_are_an_empty_list() {
    assert_eq!(
        json::render(&[]).expect("json"),
        "{\"version\":1,\"mounts\":[]}\n"
    );
    assert!(table::render(&[], Look::PLAIN).contains("nothing is mounted"));
}

#[test]
fn the_json_has_the_promised_shape() {
    let text = json::render(&[serving()]).expect("json");
    let value: serde_json::Value = serde_json::from_str(&text).expect("json");
    let mount = &value["mounts"][0];
    assert_eq!(
        mount["memory"],
        serde_json::json!({"locked_bytes": 1_468_006, "heap_bytes": 524_288, "sealed_bytes": 655_360, "limit_bytes": 8_388_608, "insecure": false})
    );
    assert_eq!(mount["state"], "serving");
    assert_eq!(
        mount["triggers"],
        serde_json::json!(["command", "sigterm", "idle"])
    );
    assert_eq!(
        mount["providers"][2],
        serde_json::json!({
            "name": "infisical", "type": "infisical", "health": "failing",
            "last_error": {
                "message": "cannot connect to app.infisical.com:443",
                "help": "see whether the network is up"
            },
            "note": "events are off: the plan of the server does not have them"
        })
    );
    assert_eq!(
        mount["files"][1],
        serde_json::json!({
            "path": "openai/api-key", "cached": true, "stale": true,
            "age_s": 420, "ttl_s": 300, "size": 51, "last_error": null
        })
    );
    assert_eq!(
        mount["files"][2]["last_error"],
        serde_json::json!({
            "errno": 2, "message": "the vault has no secret ROUTER",
            "help": "`secretfs vault set ROUTER` makes it"
        })
    );
    // Never opened: nothing is known of it but what the map says.
    assert_eq!(
        mount["files"][3],
        serde_json::json!({
            "path": "backend", "cached": false, "stale": false,
            "age_s": null, "ttl_s": 3600, "size": null, "last_error": null
        })
    );
    assert_eq!(mount["files"][4]["path"], "backend/API_KEY");
}

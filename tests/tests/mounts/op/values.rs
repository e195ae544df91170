//! Bytes, and how often `op` is started for them.

use super::{Mount, VAULT, text};
use secretfs_tests::fixture::value;
use secretfs_tests::op::{Act, Item};
use secretfs_tests::script::{Outcome, Step, to_hex};
use std::time::Duration;

#[test]
fn values_and_files_have_their_exact_bytes() {
    let mount = Mount::new();
    let texts = [
        "\u{1}\u{2}\u{8}\u{e}\u{1f}\u{7f}",
        "end\n\n\n",
        "a\r\nb\r\n",
        "a\0b\0",
        "  \u{e9}\u{1f511} \"\\ \t ",
    ]
    .map(|exact| format!("{}{exact}", text(&value("exact", 64))));
    let all: Vec<u8> = (0..=255).collect();
    let files = [&b"\xff\xfe\0\r\n\n"[..], &all, &[0xa5; 200_000]];
    let mut item = Item::new(1, "exact");
    for (at, exact) in texts.iter().enumerate() {
        item = item.field(&format!("t{at}"), exact);
    }
    for (at, exact) in files.iter().enumerate() {
        item = item.file(&format!("file{at}"), exact);
    }
    mount.add(item);
    let fields = (0..texts.len()).map(|at| format!("op://Prod/exact/t{at}"));
    let names = (0..files.len()).map(|at| format!("op://Prod/exact/file{at}"));
    let references: Vec<_> = fields.chain(names).collect();
    let references: Vec<_> = references.iter().map(String::as_str).collect();
    mount.mount_refs("", &references);
    let mut probe = mount.probe();
    let expected = texts.iter().map(|t| t.as_bytes()).chain(files);
    for (at, exact) in expected.enumerate() {
        let file = mount.file(&format!("f{at}"));
        assert_eq!(probe.slurp(&file).as_deref(), Ok(exact), "{at}");
        assert_eq!(probe.stat(&file).size, exact.len() as u64);
    }
}

#[test]
fn looking_starts_nothing_and_twenty_files_of_an_item_opened_together_are_one_run() {
    let mount = Mount::new();
    let mut item = Item::new(1, "db");
    for n in 0..20 {
        item = item.field(&format!("n{n}"), &text(&value(&n.to_string(), 64)));
    }
    mount.add(item);
    let references: Vec<_> = (0..20).map(|n| format!("op://Prod/db/n{n}")).collect();
    let references: Vec<_> = references.iter().map(String::as_str).collect();
    mount.mount_refs("", &references);
    let mut probe = mount.probe();
    assert_eq!(probe.list(mount.mountpoint()).len(), 20);
    assert_eq!(mount.op.calls().len(), 0);
    let paths = (0..20).map(|n| {
        text(
            mount
                .file(&format!("f{n}"))
                .to_str()
                .expect("UTF-8")
                .as_bytes(),
        )
    });
    let Outcome::Each(each) = probe.run(&Step::SlurpEach {
        paths: paths.collect(),
    }) else {
        panic!("not each");
    };
    for (n, outcome) in each.into_iter().enumerate() {
        let expected = Outcome::Bytes(to_hex(&value(&n.to_string(), 64)));
        assert_eq!(outcome, expected);
    }
    assert_eq!(mount.op.args(), ["item get --format=json --vault=Prod db"]);
}

#[test]
fn a_thousand_openers_of_one_cold_secret_are_one_run() {
    let mount = Mount::new();
    mount.item(1, "db");
    mount.mount_refs("", &["op://Prod/db/f"]);
    mount.next(&[Act::Prompt]);
    let mut probe = mount.probe();
    probe.begin(&Step::SlurpConcurrently {
        path: mount.file("f0").to_str().expect("UTF-8").to_owned(),
        threads: 1_000,
    });
    mount.op.wait_started(1);
    mount.op.answer_prompts(1);
    let expected = Outcome::Bytes(to_hex(&value("db", 64)));
    assert_eq!(probe.finish(), Outcome::Tally(vec![(expected, 1_000)]));
    assert_eq!(mount.op.calls().len(), 1);
}

#[test]
fn an_expired_value_costs_one_run_by_ids_and_an_unchanged_one_changes_nothing() {
    let mount = Mount::new();
    mount.item(1, "db");
    mount.mount_refs("ttl: 5m", &["op://Prod/db/f"]);
    let mut probe = mount.probe();
    assert_eq!(probe.slurp(mount.file("f0")), Ok(value("db", 64)));
    let before = probe.stat(mount.file("f0"));
    mount.advance(Duration::from_secs(301));
    assert_eq!(probe.slurp(mount.file("f0")), Ok(value("db", 64)));
    assert_eq!(probe.stat(mount.file("f0")), before);
    let by_ids = format!("item get --format=json --vault={VAULT} i{:0>25}", 1);
    assert_eq!(mount.op.args()[1..], [by_ids.as_str()]);
    mount.change(|account| {
        let items = &mut account.vaults[0].items;
        items[0] = Item {
            version: 2,
            ..Item::new(1, "db").field("f", &text(&value("rotated", 80)))
        };
    });
    mount.advance(Duration::from_secs(301));
    assert_eq!(probe.slurp(mount.file("f0")), Ok(value("rotated", 80)));
    assert_eq!(mount.op.calls().len(), 3);
}

#[test]
fn names_that_look_like_options_are_names() {
    let mount = Mount::new();
    mount.item(1, "--help");
    mount.write(
        "",
        "",
        &["{vault: Prod, item: \"--help\", field: f, file: f0}".to_owned()],
    );
    mount.mount();
    assert_eq!(mount.read("f0"), Ok(value("--help", 64)));
}

#[test]
fn the_account_of_the_map_is_named() {
    let mount = Mount::new();
    mount.item(1, "db");
    mount.change(|account| account.account = Some("my.1password.com".to_owned()));
    let entry = "{ref: op://Prod/db/f, file: f0}".to_owned();
    mount.write("", ", account: my.1password.com", &[entry]);
    mount.mount();
    assert_eq!(mount.read("f0"), Ok(value("db", 64)));
}

#[test]
fn a_one_time_password_is_not_kept_past_its_period() {
    let mount = Mount::new();
    let code = |code: &str| {
        let field = serde_json::json!({"id": "TOTP_1", "type": "OTP", "label": "code",
            "value": "otpauth://totp/x?secret=ABC&period=30", "totp": code});
        Item::new(1, "mfa").raw(&field)
    };
    mount.add(code("012345"));
    mount.mount_refs("ttl: 5m", &["op://Prod/mfa/code?attribute=otp"]);
    assert_eq!(mount.read("f0"), Ok(b"012345".to_vec()));
    mount.change(|account| account.vaults[0].items[0] = code("678901"));
    mount.advance(Duration::from_secs(31));
    assert_eq!(mount.read("f0"), Ok(b"678901".to_vec()));
}

#[test]
fn a_field_of_op_stands_in_for_another_provider_that_cannot_be_reached() {
    let mount = Mount::new();
    mount.item(1, "spare");
    mount.write_map(
        "config: {open_timeout: 20s}\nproviders:\n  w: {type: onepassword, backend: op}\n  \
         i: {type: infisical, site_url: 'http://127.0.0.1:9', project_id: p, auth: token}\n\
         secrets:\n- {name: A, file: f0, provider: i, fallback: w, fallback_name: op://Prod/spare/f}\n",
    );
    let mount_args = mount.mount_args();
    let mut command = mount.secretfs(mount_args);
    let output = command
        .env("INFISICAL_TOKEN", "st.x.y")
        .env("INFISICAL_DOMAIN", "http://127.0.0.1:9")
        .output();
    assert!(output.expect("secretfs").status.success());
    assert_eq!(mount.read("f0"), Ok(value("spare", 64)));
}

#[test]
fn check_online_starts_op_once_an_item_and_tells_of_each_entry() {
    let mount = Mount::new();
    mount.add(
        Item::new(1, "db")
            .field("f", "hunter2")
            .file("key", b"hunter2"),
    );
    mount.write_refs(
        "",
        &[
            "op://Prod/db/f",
            "op://Prod/db/key",
            "op://Prod/db/nope",
            "op://Prod/other/f",
        ],
    );
    let output = mount
        .secretfs(["check", "--online"])
        .output()
        .expect("secretfs");
    let said = secretfs_tests::fixture::told(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("2 of 4 can be read"), "{said}");
    assert!(said.contains("f2: ENOENT: "), "{said}");
    assert!(said.contains("no such item"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    assert_eq!(mount.op.calls().len(), 2);
}

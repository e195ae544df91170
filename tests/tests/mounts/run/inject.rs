//! `run --inject`: values as variables, and no mount.

use super::{home, prints};
use crate::scripted::Scripted;
use secretfs_providers::ErrorKind;
use secretfs_tests::fixture::{Fixture, told};

fn mounts_nothing(fixture: &Fixture) {
    assert!(fixture.processes().is_empty());
    assert!(
        !fixture.path("run/secretfs").exists(),
        "no runtime folder is made"
    );
}

#[test]
fn the_values_themselves_are_the_variables_exact_to_the_byte() {
    let fixture = home();
    let script = "printf '%s|%s|' \"$A_FILE\" \"$B_FILE\"; env | grep -c -E '^[AB]_FILE='";
    assert_eq!(
        prints(&fixture, &["--inject"], script),
        "value-a|value-b\n|2\n"
    );
    let script = "echo \"${A_FILE-unset} $B_FILE\"";
    assert_eq!(
        prints(&fixture, &["--inject", "--only", "deep/b"], script),
        "unset value-b\n\n"
    );
    mounts_nothing(&fixture);
}

/// A home in front of the scripted provider, with these entries.
fn scripted(entries: &[&str]) -> Scripted {
    let mount = Scripted::new();
    mount.set_map("on_lock: seal", entries);
    mount
}

#[test]
fn values_of_a_folder_are_variables_of_their_names_but_for_names_that_load_code() {
    let mount = scripted(&["{folder: /app, file: app.env, format: dotenv}"]);
    for (name, value) in [
        ("USER_TOKEN", "t 1"),
        ("LD_PRELOAD", "/evil.so"),
        ("two-words", "x"),
    ] {
        mount.sim.set(&format!("app/{name}"), value);
    }
    let words = [
        "run",
        "--inject",
        "--",
        "sh",
        "-c",
        "echo \"$USER_TOKEN ${LD_PRELOAD-unset}\"",
    ];
    let output = mount.secretfs(words).output().expect("secretfs");
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(output.stdout, b"t 1 unset\n");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(
        said.contains("`LD_PRELOAD` is refused") && said.contains("`two-words`"),
        "{said}"
    );
    mounts_nothing(&mount);
}

#[test]
fn all_of_them_or_the_command_is_not_started() {
    let mount = scripted(&[
        "{name: A, file: a, env: A}",
        "{name: B, file: b, env: B}",
        "{name: C, file: c, env: C}",
    ]);
    mount.sim.set("A", "one");
    mount.sim.fail("B", ErrorKind::Unreachable);
    mount.sim.fail("C", ErrorKind::Missing);
    let said = mount.fails(5, ["run", "--inject", "--", "echo", "started"]);
    assert!(
        said.contains("error: cannot inject b: ") && said.contains("error: cannot inject c: "),
        "{said}"
    );
    assert!(
        !said.contains("cannot inject a") && !said.contains("started"),
        "{said}"
    );
    mounts_nothing(&mount);
}

#[test]
fn what_cannot_be_a_variable_is_told_by_its_name() {
    let mount = scripted(&["{name: A, file: a, env: A}"]);
    mount.sim.set("A", b"has\0nul");
    let said = mount.fails(1, ["run", "--inject", "--", "true"]);
    assert!(
        said.starts_with("error: the value of A cannot be a variable: it has a NUL in it\nhelp: "),
        "{said}"
    );
    mount.sim.set("A", vec![b'x'; 128 << 10]);
    let said = mount.fails(1, ["run", "--inject", "--", "true"]);
    assert!(
        said.starts_with("error: the value of A cannot be a variable: it is too long\n"),
        "{said}"
    );
}

#[test]
fn an_entry_for_some_programs_alone_is_not_put_where_every_child_reads_it() {
    let mount = scripted(&[
        "{name: A, file: a, env: A, allow: [kubectl]}",
        "{name: B, file: b, env: B}",
    ]);
    mount.sim.set("A", "one");
    mount.sim.set("B", "two");
    let output = mount
        .secretfs([
            "run",
            "--inject",
            "--",
            "sh",
            "-c",
            "echo \"${A-unset} $B\"",
        ])
        .output()
        .expect("secretfs");
    assert_eq!(output.stdout, b"unset two\n", "{}", told(&output));
    assert!(told(&output).contains("a is not injected: it has an `allow` list"));
    assert_eq!(mount.sim.count(), 1, "it is not even fetched");
}

#[test]
fn a_map_without_variables_is_an_error_that_says_so() {
    let mount = scripted(&["{name: A, file: a}"]);
    let said = mount.fails(3, ["run", "--inject", "--", "true"]);
    assert_eq!(
        said,
        "error: there is nothing to inject: no entry has a variable\nhelp: give the entries `env:`\n"
    );
}

#[test]
fn inject_works_where_there_is_no_fuse() {
    let fixture = home();
    // In a namespace where /dev holds nothing but what a shell needs.
    let executable = fixture.path("secretfs");
    let passphrase = fixture.path("passphrase");
    let script = format!(
        "mount -t tmpfs none /dev && test ! -e /dev/fuse && exec {executable:?} run --inject --passphrase-file {passphrase:?} -- printenv A_FILE"
    );
    let output = fixture
        .command("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .output()
        .expect("unshare");
    assert_eq!(output.stdout, b"value-a\n", "{}", told(&output));
}

//! The table of product.md, "The files": each row on a real mount. EINTR is in `signals`, EIO of a
//! wiped handle in `lock`, ENOMEM in `limits`, ENOKEY without a credential in `credentials`.

use crate::scripted::Scripted;
use secretfs_providers::ErrorKind;
use secretfs_tests::fixture::{Fixture, value};
use secretfs_tests::probe::Probe;

/// The errno of an open, and what `status` and the file's attribute say of it.
fn refused(fixture: &Fixture, file: &str) -> i32 {
    let mut probe: Probe = fixture.probe();
    let path = fixture.file(file);
    let errno = probe.try_open(&path).expect_err("the open must fail");
    let record = fixture.status_of(file);
    let error = &record["last_error"];
    assert_eq!(error["errno"], errno, "{record}");
    let message = error["message"].as_str().expect("a message");
    assert!(!message.is_empty(), "{record}");
    let attribute = probe
        .attribute(&path, "user.secretfs.error")
        .expect("an attribute");
    assert!(
        attribute.contains(message),
        "{attribute:?} does not say {message:?}"
    );
    errno
}

fn refused_for(kind: ErrorKind) -> i32 {
    let mount = Scripted::mounted("open_timeout: 2s", &["{name: A, file: a}"]);
    mount.sim.fail("A", kind);
    refused(&mount, "a")
}

#[test]
fn a_missing_secret_is_enoent() {
    assert_eq!(refused_for(ErrorKind::Missing), libc::ENOENT);
}

#[test]
fn no_credential_is_enokey() {
    assert_eq!(refused_for(ErrorKind::NoCredential), libc::ENOKEY);
}

#[test]
fn an_expired_session_is_ekeyexpired() {
    assert_eq!(refused_for(ErrorKind::Expired), libc::EKEYEXPIRED);
}

#[test]
fn a_refused_credential_is_ekeyrejected() {
    assert_eq!(refused_for(ErrorKind::Refused), libc::EKEYREJECTED);
}

#[test]
fn a_denied_secret_is_eacces() {
    assert_eq!(refused_for(ErrorKind::Denied), libc::EACCES);
}

#[test]
fn an_unreachable_provider_is_ehostunreach() {
    assert_eq!(refused_for(ErrorKind::Unreachable), libc::EHOSTUNREACH);
}

#[test]
fn a_rate_limit_is_ebusy() {
    assert_eq!(
        refused_for(ErrorKind::Limited { retry_after: None }),
        libc::EBUSY
    );
}

#[test]
fn a_failing_server_is_eio() {
    assert_eq!(refused_for(ErrorKind::Server), libc::EIO);
}

#[test]
fn no_answer_within_open_timeout_is_etimedout() {
    let mount = Scripted::mounted("open_timeout: 1s", &["{name: A, file: a}"]);
    // What it answers when it is let go is said before: the request that hung asks at once.
    mount.sim.fail("A", ErrorKind::Missing);
    mount.sim.hang("A");
    assert_eq!(refused(&mount, "a"), libc::ETIMEDOUT);
    mount.sim.release("A");
    mount.sim.wait_idle();
}

#[test]
fn a_value_above_max_size_is_efbig_and_one_below_is_served() {
    let mount = Scripted::mounted(
        "max_size: 4KiB",
        &["{name: A, file: a}", "{name: B, file: b}"],
    );
    mount.sim.set("A", value("large", 4097));
    mount.sim.set("B", value("fits", 4096));
    assert_eq!(refused(&mount, "a"), libc::EFBIG);
    assert_eq!(mount.read("b"), Ok(value("fits", 4096)));
}

#[test]
fn an_empty_value_is_enodata_unless_it_is_allowed() {
    let entries = [
        "{name: A, file: a}",
        "{name: B, file: b, allow_empty: true}",
    ];
    let mount = Scripted::mounted("", &entries);
    mount.sim.set("A", "");
    mount.sim.set("B", "");
    assert_eq!(refused(&mount, "a"), libc::ENODATA);
    assert_eq!(mount.read("b"), Ok(Vec::new()));
}

#[test]
fn a_value_that_is_not_base64_is_eio() {
    let mount = Scripted::mounted("", &["{name: A, file: a, decode: base64}"]);
    mount.sim.set("A", "not base64!");
    assert_eq!(refused(&mount, "a"), libc::EIO);
}

#[test]
fn a_program_that_allow_does_not_name_gets_eacces_and_one_that_it_names_gets_the_value() {
    let mount = Scripted::mounted("", &["{name: A, file: a, allow: [cat]}"]);
    mount.sim.set("A", value("allowed", 64));
    assert_eq!(refused(&mount, "a"), libc::EACCES);
    assert_eq!(
        mount.sim.count(),
        0,
        "a caller that is refused costs no request"
    );
    let output = mount
        .command("cat")
        .arg(mount.file("a"))
        .output()
        .expect("cat");
    assert_eq!(output.stdout, value("allowed", 64));
    // Cached or not: the next caller is checked again.
    assert_eq!(refused(&mount, "a"), libc::EACCES);
}

#[test]
fn an_answer_that_breaks_off_is_never_a_partial_value() {
    let mount = Scripted::mounted("open_timeout: 2s", &["{name: A, file: a}"]);
    mount.sim.set("A", value("whole", 9000));
    for bytes in [0, 1, 8999] {
        mount.sim.truncate("A", bytes);
        let errno = refused(&mount, "a");
        assert!([libc::EHOSTUNREACH, libc::EIO].contains(&errno), "{errno}");
        mount.run(["refresh"]);
    }
    mount.sim.mend("A");
    assert_eq!(mount.read("a"), Ok(value("whole", 9000)));
}

#[test]
fn the_answer_for_another_secret_is_eio() {
    let mount = Scripted::mounted("", &["{name: A, file: a}"]);
    mount.sim.set("A", value("mine", 64));
    mount.sim.lie("A", "B");
    assert_eq!(refused(&mount, "a"), libc::EIO);
}

#[test]
fn a_name_that_the_map_does_not_have_is_enoent_without_a_request() {
    let mount = Scripted::with_value(value("a", 64));
    assert_eq!(mount.probe().try_open(mount.file("b")), Err(libc::ENOENT));
    assert_eq!(mount.sim.count(), 0);
}

#[test]
fn the_local_vault_produces_its_rows() {
    let fixture = Fixture::new();
    let mut vault = fixture.vault();
    vault.set_all([
        ("EMPTY", &b""[..]),
        ("LARGE", &value("large", 5000)),
        ("TEXT", b"not base64!"),
        ("GOOD", &value("good", 100)),
    ]);
    fixture.write_map(&format!(
        "config: {{max_size: 4KiB}}\n\
         providers: {{v: {{type: local, file: {:?}}}}}\n\
         secrets:\n\
         - {{name: GONE, file: gone}}\n\
         - {{name: EMPTY, file: empty}}\n\
         - {{name: LARGE, file: large}}\n\
         - {{name: TEXT, file: text, decode: base64}}\n\
         - {{name: GOOD, file: good}}\n\
         - {{name: GOOD, file: guarded, allow: [nothing-of-that-name]}}\n",
        vault.file()
    ));
    fixture.mount();
    assert_eq!(refused(&fixture, "gone"), libc::ENOENT);
    assert_eq!(refused(&fixture, "empty"), libc::ENODATA);
    assert_eq!(refused(&fixture, "large"), libc::EFBIG);
    assert_eq!(refused(&fixture, "text"), libc::EIO);
    assert_eq!(refused(&fixture, "guarded"), libc::EACCES);
    assert_eq!(fixture.read("good"), Ok(value("good", 100)));
    fixture.run(["lock", fixture.mountpoint().to_str().expect("UTF-8")]);
    fixture.wait_for_no_mount();
}

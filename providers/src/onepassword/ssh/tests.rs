//! Keys as OpenSSH takes them, and what is none.

use super::*;
use secretfs_memory::sealed::SealedPool;
use std::io::Write;
use std::process::{Command, Stdio};

const ITEM: &str = "wepiqdxdzncjtnvmv5fegud4qy";

/// What a program says.
fn run(program: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {args:?}");
    output.stdout
}

fn openssl(args: &[&str]) -> Vec<u8> {
    run("openssl", args, b"")
}

fn converted(stored: &[u8]) -> Result<Vec<u8>, SshError> {
    convert(Zeroizing::new(stored.to_vec()), ITEM).map(|key| key.to_vec())
}

/// The public key that `ssh-keygen` finds in a private one.
fn public(private: &[u8]) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(private).unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let said = String::from_utf8(run("ssh-keygen", &["-y", "-P", "", "-f", &path], b"")).unwrap();
    let mut words = said.split_whitespace();
    format!("{} {}", words.next().unwrap(), words.next().unwrap())
}

#[test]
fn keys_as_1password_stores_them_are_what_ssh_keygen_takes() {
    let rsa = |bits: &str| {
        let bits = format!("rsa_keygen_bits:{bits}");
        openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", &bits])
    };
    for (stored, name) in [
        (
            openssl(&["genpkey", "-algorithm", "ED25519"]),
            "ssh-ed25519",
        ),
        (rsa("2048"), "ssh-rsa"),
        (rsa("3072"), "ssh-rsa"),
    ] {
        let key = converted(&stored).unwrap();
        let text = std::str::from_utf8(&key).unwrap();
        assert!(
            text.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"),
            "{name}"
        );
        assert!(
            text.ends_with("\n-----END OPENSSH PRIVATE KEY-----\n"),
            "{name}"
        );
        assert!(text.lines().all(|line| line.len() <= 70), "{name}");
        let found = public(&key);
        assert!(found.starts_with(&format!("{name} ")), "{found}");
        if name == "ssh-rsa" {
            // OpenSSH reads PKCS#8 of RSA by itself: the same key.
            assert_eq!(found, public(&stored));
            let pkcs1 = run("openssl", &["rsa", "-traditional"], &stored);
            assert_eq!(converted(&pkcs1).unwrap(), key);
        }
        // Two reads of one key are the same bytes; of another item they differ in the check bytes.
        assert_eq!(converted(&stored).unwrap(), key);
        let other = convert(Zeroizing::new(stored.clone()), "another").unwrap();
        assert_ne!(*other, key);
        assert_eq!(public(&other), found);
        // It has that format already.
        assert_eq!(converted(&key).unwrap(), key);
    }
}

#[test]
fn the_public_half_of_an_ed25519_key_is_its_own() {
    let stored = openssl(&["genpkey", "-algorithm", "ED25519"]);
    let der = run("openssl", &["pkey", "-pubout", "-outform", "DER"], &stored);
    let key = public(&converted(&stored).unwrap());
    let (_, blob) = key.split_once(' ').unwrap();
    let blob = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, blob).unwrap();
    assert_eq!(blob[blob.len() - 32..], der[der.len() - 32..]);
}

#[test]
fn what_is_no_key_of_the_recipe_is_refused_and_never_served() {
    let ec = openssl(&[
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ]);
    let good = openssl(&["genpkey", "-algorithm", "ED25519"]);
    let text = String::from_utf8(good.clone()).unwrap();
    let trailing = [good.as_slice(), b"x"].concat();
    let twice = [good.as_slice(), &good].concat();
    let short = text.lines().nth(1).unwrap().to_owned();
    for (stored, expected) in [
        (ec.as_slice(), SshError::Algorithm),
        (b"hunter2", SshError::NoKey),
        (b"", SshError::NoKey),
        (&trailing, SshError::NoKey),
        (&twice, SshError::NoKey),
        (short.as_bytes(), SshError::NoKey),
        (
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            SshError::Broken,
        ),
        (
            b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
            SshError::Broken,
        ),
        (
            b"-----BEGIN RSA PRIVATE KEY-----\nMAMCAQA=\n-----END RSA PRIVATE KEY-----\n",
            SshError::Broken,
        ),
        (
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            SshError::Algorithm,
        ),
        (&[0xff, 0xfe], SshError::NoKey),
    ] {
        let shown = String::from_utf8_lossy(stored);
        assert_eq!(converted(stored), Err(expected), "{shown}");
    }
    let pool = SealedPool::new(1 << 20, true).unwrap();
    let mut writer = pool.writer(None, 1 << 20);
    writer.append(&vec![b'-'; MAX_STORED + 1]).unwrap();
    let large = writer.finish().unwrap();
    assert_eq!(to_openssh(&large, ITEM).unwrap_err(), SshError::NoKey);
}

#[test]
fn a_key_cut_anywhere_is_no_key_and_no_panic() {
    let stored = openssl(&["genpkey", "-algorithm", "RSA"]);
    let (_, der) = pem::read(&stored).unwrap();
    for length in 0..der.len() {
        assert!(pkcs8(&der[..length]).is_err(), "{length}");
    }
    // Any byte of the envelope changed: an error or another key, never a panic.
    for at in 0..60 {
        let mut changed = der.to_vec();
        changed[at] ^= 0xff;
        let _ = pkcs8(&changed);
    }
}

//! What the commands do with a vault.

use super::rig::{Rig, WORK, passphrase, plaintext, seal};
use crate::ErrorKind;
use crate::local::files::Lock;
use crate::local::plain::PlainValue;
use crate::local::rekey::Rekey;
use crate::local::store::{Change, Edited, Vault, check_name};
use crate::local::{MAX_VALUE, VaultError, crypt};
use age::secrecy::SecretString;
use age::x25519::Identity;
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

/// What is in the folder, but for the lock file.
fn listing(rig: &Rig) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(rig.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".vault.age.lock")
        .collect();
    names.sort();
    names
}

#[test]
fn a_new_vault_is_the_users_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new/deep/vault.age");
    let vault = Vault::at(&file).with_work(WORK);
    vault.init(&passphrase()).unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&folder.path().join("new")), 0o700);
    assert_eq!(mode(file.parent().unwrap()), 0o700);
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(vault.identity()), 0o600);
    let key = vault.unlock(&passphrase()).unwrap();
    assert!(vault.names(&key).unwrap().is_empty());
}

#[test]
fn init_never_replaces_anything() {
    let rig = Rig::new();
    rig.set("A", "1").unwrap();
    assert!(matches!(
        rig.vault.init(&passphrase()),
        Err(VaultError::Exists(_))
    ));
    // Another vault's identity in the same folder, too.
    let beside = Vault::at(&rig.folder.path().join("other.age")).with_work(WORK);
    assert!(matches!(
        beside.init(&passphrase()),
        Err(VaultError::Exists(_))
    ));
    assert_eq!(rig.get("A"), Ok(b"1".to_vec()));
}

#[test]
fn the_work_of_scrypt_is_2_to_the_18_and_not_calibrated() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::at(&folder.path().join("vault.age"));
    vault.init(&passphrase()).unwrap();
    let identity = std::fs::read(vault.identity()).unwrap();
    let stanza = identity.split(|byte| *byte == b'\n').nth(1).unwrap();
    let stanza = String::from_utf8(stanza.to_vec()).unwrap();
    assert!(
        stanza.starts_with("-> scrypt ") && stanza.ends_with(" 18"),
        "{stanza}"
    );
    vault.unlock(&passphrase()).unwrap();
}

#[test]
fn a_wrong_passphrase_is_told_from_a_wrong_identity() {
    let rig = Rig::new();
    let wrong = rig.vault.unlock(&secret("correct horsE")).unwrap_err();
    assert!(matches!(wrong, VaultError::WrongPassphrase(_)), "{wrong}");
    assert!(wrong.is_credential());

    let other = Rig::new();
    std::fs::copy(other.vault.identity(), rig.vault.identity()).unwrap();
    let wrong = rig.vault.unlock(&passphrase()).unwrap_err();
    assert!(matches!(wrong, VaultError::WrongIdentity(_)), "{wrong}");
    assert!(wrong.is_credential());

    std::fs::write(rig.vault.identity(), "junk").unwrap();
    let wrong = rig.vault.unlock(&passphrase()).unwrap_err();
    assert!(!wrong.is_credential(), "{wrong}");
    std::fs::remove_file(rig.vault.identity()).unwrap();
    let wrong = rig.vault.unlock(&passphrase()).unwrap_err();
    assert!(matches!(wrong, VaultError::Missing(path) if path.ends_with("identity.age")));
}

#[test]
fn an_identity_that_asks_for_too_much_work_is_refused() {
    let rig = Rig::new();
    let text = std::fs::read(rig.vault.identity()).unwrap();
    let at = text.iter().position(|byte| *byte == b'\n').unwrap();
    let end = at
        + 1
        + text[at + 1..]
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap();
    for work in ["63", "21"] {
        let stanza = String::from_utf8(text[at..end].to_vec()).unwrap();
        let (start, _) = stanza.rsplit_once(' ').unwrap();
        let heavy = [
            &text[..at],
            format!("{start} {work}").as_bytes(),
            &text[end..],
        ]
        .concat();
        std::fs::write(rig.vault.identity(), heavy).unwrap();
        assert!(matches!(
            rig.vault.unlock(&passphrase()),
            Err(VaultError::TooMuchWork(_))
        ));
    }
}

#[test]
fn an_edit_changes_what_it_names_and_nothing_else() {
    let rig = Rig::new();
    let all = [
        ("B", Some(&b"b"[..])),
        ("A", Some(&b"\xff"[..])),
        ("C", Some(&b""[..])),
    ];
    let edited = rig.edit(all).unwrap();
    assert_eq!(
        edited,
        Edited {
            added: 3,
            ..Edited::default()
        }
    );
    let edited = rig
        .edit([("A", None), ("B", Some(&b"bb"[..])), ("D", Some(&b"d"[..]))])
        .unwrap();
    assert_eq!(
        edited,
        Edited {
            added: 1,
            replaced: 1,
            removed: 1
        }
    );
    assert_eq!(rig.vault.names(&rig.key).unwrap(), ["B", "C", "D"]);
    assert_eq!(rig.get("A"), Err(ErrorKind::Missing));
    assert_eq!(rig.get("B"), Ok(b"bb".to_vec()));
    assert_eq!(rig.get("C"), Ok(b"".to_vec()));
    assert_eq!(listing(&rig), ["identity.age", "vault.age"]);
}

#[test]
fn what_is_neither_text_nor_bytes_survives_an_edit() {
    let rig = Rig::new();
    rig.put_raw(br#"{"n": 5.50, "deep": [{"x": [null, true]}], "b": {"base64": "/w==", "x": 1}}"#);
    rig.set("A", "1").unwrap();
    let plain: serde_json::Value =
        serde_json::from_slice(&plaintext(rig.vault.file(), &rig.key)).unwrap();
    assert_eq!(plain["deep"][0]["x"][1], true);
    assert_eq!(plain["b"]["base64"], "/w==");
    assert_eq!(rig.vault.names(&rig.key).unwrap(), ["A", "b", "deep", "n"]);
}

#[test]
fn an_edit_that_fails_changes_nothing() {
    let rig = Rig::new();
    rig.set("A", "1").unwrap();
    let before = std::fs::read(rig.vault.file()).unwrap();
    let error = rig
        .edit([("A", Some(&b"2"[..])), ("none", None)])
        .unwrap_err();
    assert!(matches!(error, VaultError::NoSuchSecret(name) if name == "none"));
    assert_eq!(std::fs::read(rig.vault.file()).unwrap(), before);

    // Damaged at its end: the new content is written by then, but not put in place.
    let mut cut = before;
    cut.pop();
    std::fs::write(rig.vault.file(), &cut).unwrap();
    assert!(matches!(rig.set("B", "2"), Err(VaultError::Damaged(_))));
    assert_eq!(std::fs::read(rig.vault.file()).unwrap(), cut);
    assert_eq!(listing(&rig), ["identity.age", "vault.age"]);
}

#[test]
fn what_a_crash_left_behind_does_not_matter() {
    let rig = Rig::new();
    let stale = rig.folder.path().join(".vault.age.new");
    std::fs::write(&stale, "half a vault").unwrap();
    rig.set("A", "1").unwrap();
    assert!(!stale.exists());
    // Not even a link that would have us write elsewhere.
    std::os::unix::fs::symlink("/nonexistent/target", &stale).unwrap();
    rig.set("A", "2").unwrap();
    assert_eq!(rig.get("A"), Ok(b"2".to_vec()));
}

#[test]
fn a_reader_sees_the_old_vault_or_the_new_one() {
    let rig = Rig::new();
    rig.set("A", "1").unwrap();
    let old = std::fs::metadata(rig.vault.file()).unwrap();
    let held = std::fs::File::open(rig.vault.file()).unwrap();
    rig.set("A", "2").unwrap();
    let new = std::fs::metadata(rig.vault.file()).unwrap();
    assert_ne!(old.ino(), new.ino(), "replaced, not written into");
    let opened = crypt::look(held, rig.vault.file()).unwrap();
    assert!(opened.decrypt(&rig.key.0, rig.vault.file()).is_ok());
}

#[test]
fn a_link_to_the_vault_stays_one() {
    let rig = Rig::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("vault.age");
    std::os::unix::fs::symlink(rig.vault.file(), &link).unwrap();
    let linked = Vault::at(&link).with_work(WORK);
    let key = linked.unlock(&passphrase()).unwrap();
    let value = PlainValue::try_from(&b"1"[..]).unwrap();
    linked
        .edit(&key, BTreeMap::from([("A".to_owned(), Change::Set(value))]))
        .unwrap();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(rig.get("A"), Ok(b"1".to_vec()));
}

#[test]
fn concurrent_writers_lose_nothing() {
    let rig = Rig::new();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let rig = &rig;
            scope.spawn(move || {
                for n in 0..8 {
                    rig.set(&format!("{writer}/{n}"), "v").unwrap();
                }
            });
        }
    });
    assert_eq!(rig.vault.names(&rig.key).unwrap().len(), 32);
}

#[test]
fn rekey_replaces_identity_and_passphrase() {
    let rig = Rig::new();
    rig.set("A", "1").unwrap();
    let new = secret("battery staple");
    let fresh = rig
        .vault
        .rekey(&passphrase(), &new, Rekey::Identity)
        .unwrap();
    assert!(matches!(
        rig.vault.unlock(&passphrase()),
        Err(VaultError::WrongPassphrase(_))
    ));
    let key = rig.vault.unlock(&new).unwrap();
    assert_eq!(rig.vault.names(&key).unwrap(), ["A"]);
    assert_eq!(crypt::unwrap(rig.vault.identity(), &new).unwrap().len(), 1);
    assert_eq!(
        key.0.to_public().to_string(),
        fresh.0.to_public().to_string()
    );
    // The old identity is worth nothing any more, and a running daemon hears that.
    assert_eq!(rig.get("A"), Err(ErrorKind::Refused));
    assert!(matches!(
        rig.vault.rekey(&passphrase(), &new, Rekey::Identity),
        Err(VaultError::WrongPassphrase(_))
    ));
}

#[test]
fn rekey_of_the_passphrase_keeps_the_identity() {
    let rig = Rig::new();
    rig.set("A", "1").unwrap();
    let before = std::fs::read(rig.vault.file()).unwrap();
    let new = secret("battery staple");
    rig.vault
        .rekey(&passphrase(), &new, Rekey::Passphrase)
        .unwrap();
    assert_eq!(std::fs::read(rig.vault.file()).unwrap(), before);
    rig.vault.unlock(&new).unwrap();
    assert_eq!(rig.get("A"), Ok(b"1".to_vec()));
}

#[test]
fn a_rekey_that_ends_between_its_steps_loses_nothing() {
    let rig = Rig::new();
    rig.set("A", "1").unwrap();
    let new = secret("battery staple");
    let fresh = Identity::generate();
    let opens = |passphrase: &SecretString| {
        let key = rig.vault.unlock(passphrase).unwrap();
        assert_eq!(rig.vault.names(&key).unwrap(), ["A"]);
    };
    let lock = Lock::take(rig.vault.file()).unwrap();
    opens(&passphrase());
    rig.vault
        .write_identity(&lock, &[&fresh, &rig.key.0], &new)
        .unwrap();
    opens(&new);
    rig.vault
        .rewrite(&lock, &rig.key.0, &fresh, BTreeMap::new())
        .unwrap();
    opens(&new);
    drop(lock);
    // Whatever it left, another rekey tidies up.
    rig.vault.rekey(&new, &new, Rekey::Identity).unwrap();
    opens(&new);
    assert_eq!(crypt::unwrap(rig.vault.identity(), &new).unwrap().len(), 1);
}

#[test]
fn names_that_cannot_be_typed_or_shown_are_refused() {
    for good in ["A", "a b", "compose/DB_URL", "ä", "-x", &"x".repeat(1024)] {
        check_name(good).unwrap();
    }
    for bad in ["", "a\nb", "a\0", "\u{7f}", &"x".repeat(1025)] {
        assert!(check_name(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_value_has_a_limit() {
    let mut value = PlainValue::try_from(&vec![0; MAX_VALUE][..]).unwrap();
    assert_eq!(value.len(), MAX_VALUE);
    assert!(matches!(
        value.append(b"x"),
        Err(VaultError::ValueTooLarge(_))
    ));
    assert!(format!("{value:?}").len() < 100);
}

#[test]
fn a_large_vault_is_edited_and_served_in_pieces() {
    let rig = Rig::new();
    let big = vec![b'x'; 700_000];
    for n in 0..5 {
        rig.set(&n.to_string(), &big).unwrap();
    }
    rig.set("3", "small").unwrap();
    assert_eq!(rig.get("3"), Ok(b"small".to_vec()));
    assert!(rig.get("4").unwrap() == big);
    // Whole pieces of age, to the byte: its last one is full then.
    let content = format!("{{\"A\": \"{}\"}}", "y".repeat(2 * 65536 - 9));
    assert_eq!(content.len(), 2 * 65536);
    std::fs::write(rig.vault.file(), seal(&rig.key, content.as_bytes())).unwrap();
    assert_eq!(rig.get("A").unwrap().len(), 2 * 65536 - 9);
}

//! What the daemon does with a vault.

use super::rig::{Rig, bytes, folder, wanted, with_validator};
use crate::{
    Answer, Context, Credential, CredentialOffer, ErrorKind, Health, Provider, Reference, Validator,
};
use std::time::Instant;

#[test]
fn a_value_is_served_exactly_as_it_was_set() {
    let rig = Rig::new();
    let long: Vec<u8> = (0..300_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    let text = "\u{0}\u{1f}\r\n\"\\/ \u{2028} ä 💣 ".repeat(9_999);
    let values: [(&str, &[u8]); 6] = [
        ("empty", b""),
        ("newline", b"x\n"),
        ("bytes", &[0xff, 0, 0xfe]),
        ("long bytes", &long),
        ("long text", text.as_bytes()),
        ("nul", b"a\0b"),
    ];
    for (name, value) in values {
        rig.set(name, value).unwrap();
    }
    for (name, value) in values {
        assert!(rig.get(name).unwrap() == value, "{name}");
    }
}

#[test]
fn an_unchanged_file_is_not_decrypted_again() {
    let rig = Rig::new();
    rig.set("A", "1").unwrap();
    let Ok(Answer::Value(first)) = rig.answer(&wanted("A")) else {
        panic!("no value");
    };
    let validator = first.validator.unwrap();
    let mtime = std::fs::metadata(rig.vault.file())
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(first.modified, Some(mtime));
    assert!(matches!(
        rig.answer(&with_validator("A", &validator)),
        Ok(Answer::Unchanged)
    ));
    rig.set("A", "1").unwrap();
    let Ok(Answer::Value(second)) = rig.answer(&with_validator("A", &validator)) else {
        panic!("no value");
    };
    assert_ne!(
        second.validator,
        Some(validator),
        "each encryption is another one"
    );
}

#[test]
fn an_unchanged_answer_does_not_need_the_plaintext() {
    let rig = Rig::new();
    rig.set("A", "1").unwrap();
    let Ok(Answer::Value(first)) = rig.answer(&wanted("A")) else {
        panic!("no value");
    };
    let validator = first.validator.unwrap();
    // An identity that cannot decrypt it: a decryption would show.
    rig.provider
        .supply(
            CredentialOffer {
                provider: "v".into(),
                origin: rig.provider.origin(),
                credential: Credential::AgeIdentity(Rig::new().key.to_secret()),
            },
            &rig.cx.pool,
        )
        .unwrap();
    assert_eq!(rig.get("A"), Err(ErrorKind::Refused));
    let answer = rig.answer(&with_validator("A", &validator));
    assert!(matches!(answer, Ok(Answer::Unchanged)));
}

#[test]
fn several_secrets_take_one_pass_and_fail_each_by_itself() {
    let rig = Rig::new();
    rig.edit([("A", Some(&b"1"[..])), ("B", Some(&b"22222"[..]))])
        .unwrap();
    let before = rig.opened();
    let mut all = [
        wanted("A"),
        wanted("none"),
        wanted("B"),
        wanted("B"),
        wanted("A"),
    ];
    all[3].max_size = 4;
    let answers = rig
        .runtime
        .block_on(rig.provider.fetch_many(&all, &rig.cx))
        .unwrap();
    let shown: Vec<_> = answers
        .iter()
        .map(|answer| match answer {
            Ok(Answer::Value(fetched)) => Ok(bytes(&fetched.value)),
            Ok(other) => panic!("{other:?}"),
            Err(e) => Err(e.kind),
        })
        .collect();
    assert_eq!(
        shown,
        [
            Ok(b"1".to_vec()),
            Err(ErrorKind::Missing),
            Ok(b"22222".to_vec()),
            Err(ErrorKind::TooLarge),
            Ok(b"1".to_vec()),
        ]
    );
    assert_eq!(rig.opened(), before + 1);
}

#[test]
fn only_the_part_that_changed_hands_is_unchanged() {
    let rig = Rig::new();
    rig.edit([("A", Some(&b"1"[..])), ("B", Some(&b"2"[..]))])
        .unwrap();
    let Ok(Answer::Value(first)) = rig.answer(&wanted("A")) else {
        panic!("no value");
    };
    let all = [
        with_validator("A", &first.validator.unwrap()),
        with_validator("B", &Validator("another".into())),
    ];
    let answers = rig
        .runtime
        .block_on(rig.provider.fetch_many(&all, &rig.cx))
        .unwrap();
    assert!(matches!(answers[0], Ok(Answer::Unchanged)));
    assert!(matches!(&answers[1], Ok(Answer::Value(f)) if bytes(&f.value) == b"2"));
}

#[test]
fn slashes_make_folders() {
    let rig = Rig::new();
    assert_eq!(rig.list("/"), Ok(vec![]));
    rig.edit(
        ["TOP", "a/TWO", "a/ONE", "a/b/DEEP", "ab/ELSE", "a/"].map(|name| (name, Some(&b"v"[..]))),
    )
    .unwrap();
    assert_eq!(rig.list("/"), Ok(vec!["TOP".into()]));
    assert_eq!(rig.list("/a"), Ok(vec!["ONE".into(), "TWO".into()]));
    assert_eq!(rig.list("/a/"), Ok(vec!["ONE".into(), "TWO".into()]));
    assert_eq!(rig.list("/a/b"), Ok(vec!["DEEP".into()]));
    assert_eq!(rig.list("/none"), Err(ErrorKind::Missing));
    let Reference::Local(member) = rig.provider.member(&folder("/a"), "ONE") else {
        panic!("another provider's");
    };
    assert_eq!(member.name, "a/ONE");
    let Reference::Local(member) = rig.provider.member(&folder("/"), "TOP") else {
        panic!("another provider's");
    };
    assert_eq!(member.name, "TOP");
}

#[test]
fn a_folder_comes_sorted_and_within_its_limit() {
    let rig = Rig::new();
    rig.edit([
        ("a/Z", Some(&b"zz"[..])),
        ("a/A", Some(&b"\xff"[..])),
        ("B", Some(&b"b"[..])),
    ])
    .unwrap();
    let fetch = |max| {
        let fetched = rig
            .runtime
            .block_on(rig.provider.fetch_folder(&folder("/a"), max, &rig.cx));
        fetched.map_err(|e| e.kind)
    };
    let shown: Vec<_> = fetch(3)
        .unwrap()
        .iter()
        .map(|(name, fetched)| (name.clone(), bytes(&fetched.value)))
        .collect();
    assert_eq!(
        shown,
        [
            ("A".to_owned(), b"\xff".to_vec()),
            ("Z".to_owned(), b"zz".to_vec())
        ]
    );
    assert_eq!(fetch(2).unwrap_err(), ErrorKind::TooLarge);
}

#[test]
fn many_secrets_are_checked_in_one_pass_and_a_missing_one_is_told_with_the_nearest_name() {
    let rig = Rig::new();
    let names: Vec<_> = (0..1_000).map(|n| format!("NAME_{n}")).collect();
    let values = names.iter().map(|name| (name.as_str(), Some(&b"v"[..])));
    rig.edit(values.chain([("DATABASE_URL", Some(&b"v"[..]))]))
        .unwrap();
    let missing = ["DATABSE_URL".to_owned(), "SMTP".to_owned()];
    let references: Vec<_> = names
        .iter()
        .chain(&missing)
        .map(|name| wanted(name).reference)
        .collect();
    let before = rig.opened();
    let checking = rig.provider.check_many(&references, &rig.cx);
    let answers = rig.runtime.block_on(checking);
    assert_eq!(rig.opened() - before, 1);
    assert!(answers[..1_000].iter().all(Result::is_ok));
    let told: Vec<_> = answers[1_000..]
        .iter()
        .map(|answer| answer.as_ref().unwrap_err())
        .collect();
    assert_eq!(told[0].help, "did you mean `DATABASE_URL`?");
    assert!(
        told.iter().all(|e| e.kind == ErrorKind::Missing),
        "{told:?}"
    );
    assert!(!told[1].help.contains("did you mean"), "{told:?}");
}

#[test]
fn where_very_many_are_missing_the_nearest_name_is_told_of_the_first_hundred() {
    let rig = Rig::new();
    rig.set("SECRET", "v").unwrap();
    let references: Vec<_> = (0..150)
        .map(|n| wanted(&format!("SECRET{n}")).reference)
        .collect();
    let answers = rig
        .runtime
        .block_on(rig.provider.check_many(&references, &rig.cx));
    let errors = answers.iter().map(|answer| answer.as_ref().unwrap_err());
    let meant = errors
        .clone()
        .filter(|e| e.help == "did you mean `SECRET`?");
    assert_eq!(meant.count(), 100);
    assert!(errors.clone().all(|e| e.kind == ErrorKind::Missing));
    assert_eq!(
        answers[149].as_ref().unwrap_err().help,
        "see `secretfs vault list`"
    );
}

#[test]
fn a_check_says_whether_a_secret_can_be_read() {
    let rig = Rig::new();
    rig.put_raw(br#"{"good": "1", "bytes": {"base64": "AA=="}, "bad": {"base64": "A"}, "n": 5}"#);
    let check = |name: &str| {
        let reference = wanted(name).reference;
        let checked = rig
            .runtime
            .block_on(rig.provider.check(&reference, &rig.cx));
        checked.map_err(|e| e.kind)
    };
    assert_eq!(check("good"), Ok(()));
    assert_eq!(check("bytes"), Ok(()));
    assert_eq!(check("bad"), Err(ErrorKind::Protocol));
    assert_eq!(check("n"), Err(ErrorKind::Protocol));
    assert_eq!(check("none"), Err(ErrorKind::Missing));
}

#[test]
fn a_locked_vault_is_not_even_opened() {
    let rig = Rig::new();
    rig.set("A", "1").unwrap();
    let before = rig.opened();
    rig.provider.forget();
    assert_eq!(rig.provider.health(), Health::NeedsCredential);
    assert_eq!(rig.get("A"), Err(ErrorKind::NoCredential));
    assert_eq!(rig.list("/"), Err(ErrorKind::NoCredential));
    assert_eq!(rig.opened(), before);
    rig.supply().unwrap();
    assert_eq!(rig.get("A"), Ok(b"1".to_vec()));
    assert_eq!(rig.provider.health(), Health::Good);
}

#[test]
fn a_lock_ends_a_pass_that_is_under_way() {
    let rig = Rig::new();
    rig.set("A", vec![b'x'; 900_000]).unwrap();
    let one = wanted("A");
    let fetch = rig.provider.fetch(&one, &rig.cx);
    let answer = rig.runtime.block_on(async {
        tokio::pin!(fetch);
        // The first turn of the pass, then the lock.
        tokio::select! {
            biased;
            _ = &mut fetch => panic!("a long value takes more than one turn"),
            () = tokio::task::yield_now() => {}
        }
        rig.provider.forget();
        fetch.await
    });
    assert_eq!(answer.unwrap_err().kind, ErrorKind::NoCredential);
}

#[test]
fn a_pass_ends_at_its_deadline() {
    let rig = Rig::new();
    rig.set("A", vec![b'x'; 900_000]).unwrap();
    let cx = Context {
        deadline: Instant::now(),
        ..rig.cx.clone()
    };
    let answer = rig.runtime.block_on(rig.provider.fetch(&wanted("A"), &cx));
    assert_eq!(answer.unwrap_err().kind, ErrorKind::TimedOut);
}

#[test]
fn a_credential_of_another_place_or_kind_is_refused() {
    let rig = Rig::new();
    let supply = |origin: String, credential| {
        rig.provider
            .supply(
                CredentialOffer {
                    provider: "v".into(),
                    origin,
                    credential,
                },
                &rig.cx.pool,
            )
            .map_err(|e| e.kind)
    };
    let identity = || Credential::AgeIdentity(rig.key.to_secret());
    let own = rig.provider.origin();
    assert!(own.starts_with("file:///"), "{own}");
    assert_eq!(
        supply("file:///else/vault.age".into(), identity()),
        Err(ErrorKind::Refused)
    );
    for text in ["", "AGE-SECRET-KEY-1", "hello", "# comment"] {
        let credential = Credential::AgeIdentity(text.to_owned().into());
        assert_eq!(supply(own.clone(), credential), Err(ErrorKind::Refused));
    }
    let token = Credential::Token("AGE-SECRET-KEY-1".to_owned().into());
    assert_eq!(supply(own.clone(), token), Err(ErrorKind::Refused));
    assert_eq!(supply(own, identity()), Ok(()));
}

#[test]
fn what_is_wrong_with_the_file_decides_the_error() {
    let rig = Rig::new();
    rig.set("A", "1").unwrap();
    let file = rig.vault.file().to_owned();
    let good = std::fs::read(&file).unwrap();

    std::fs::remove_file(&file).unwrap();
    let error = rig.answer(&wanted("A")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.help.contains("vault init"), "{}", error.help);
    assert_eq!(rig.provider.health(), Health::Failing(error));

    std::fs::create_dir(&file).unwrap();
    assert_eq!(rig.get("A"), Err(ErrorKind::Protocol));
    std::fs::remove_dir(&file).unwrap();

    for junk in [
        &b""[..],
        b"hello",
        b"age-encryption.org/v1\n",
        b"age-encryption.org/v2\n--- x\n",
    ] {
        std::fs::write(&file, junk).unwrap();
        assert_eq!(rig.get("A"), Err(ErrorKind::Protocol), "{junk:?}");
    }
    let endless = [
        &b"age-encryption.org/v1\n-> X25519 "[..],
        &vec![b'A'; 1 << 20],
    ]
    .concat();
    std::fs::write(&file, endless).unwrap();
    assert_eq!(rig.get("A"), Err(ErrorKind::Protocol));

    let huge = std::fs::File::create(&file).unwrap();
    huge.set_len(super::super::MAX_VAULT + 1).unwrap();
    assert_eq!(rig.get("A"), Err(ErrorKind::TooLarge));

    let other = Rig::new();
    other.set("A", "1").unwrap();
    std::fs::copy(other.vault.file(), &file).unwrap();
    let error = rig.answer(&wanted("A")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert!(error.help.contains("unlock"), "{}", error.help);

    std::fs::write(&file, good).unwrap();
    assert_eq!(rig.get("A"), Ok(b"1".to_vec()));
    assert_eq!(rig.get("none"), Err(ErrorKind::Missing));
    assert_eq!(rig.provider.health(), Health::Good);
}

#[test]
fn a_value_that_does_not_fit_fails_alone() {
    let rig = Rig::new();
    rig.edit([
        ("big", Some(&vec![b'x'; 2_000_000][..])),
        ("small", Some(&b"s"[..])),
    ])
    .unwrap();
    assert_eq!(rig.get("big"), Err(ErrorKind::TooLarge));
    assert_eq!(rig.get("small"), Ok(b"s".to_vec()));
}

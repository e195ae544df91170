//! What is chosen of what is there.

use super::*;
use secrecy::{ExposeSecret, SecretString};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use tempfile::TempDir;

const SERVER: &str = "https://vault.example:443";

/// A machine that has everything.
struct Machine {
    dir: TempDir,
    world: World,
    taken: Taken,
    jwt_file: PathBuf,
    /// What `secretfs login` stored, by the way that it is for.
    stored: Option<Way>,
}

fn secret(text: &str) -> SecretString {
    text.into()
}

impl Machine {
    fn with_all() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let home = dir.path().to_owned();
        let config = programs_config(&home);
        std::fs::create_dir(config.parent().expect("a folder")).expect("a folder");
        std::fs::write(
            &config,
            r#"{"loggedInUserEmail":"a@b.c","LoggedInUserDomain":"https://vault.example/api"}"#,
        )
        .expect("a file");
        let program = home.join("infisical");
        std::fs::write(&program, "#!/bin/sh\n").expect("a file");
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).expect("chmod");
        let jwt_file = home.join("token");
        std::fs::write(&jwt_file, "a.b.c").expect("a file");
        Self {
            world: World {
                domain: Some("https://vault.example".to_owned()),
                identity: None,
                method: None,
                region: "eu-central-1".to_owned(),
                path: home.clone().into_os_string(),
                home: Some(home),
            },
            taken: Taken {
                client: Some((secret("id"), secret("client secret"))),
                token: Some(secret("token")),
                jwt: Some(secret("jwt")),
                oidc: Some(secret("oidc")),
                aws: Some((secret("key id"), secret("key"), None)),
            },
            jwt_file,
            stored: None,
            dir,
        }
    }

    fn find(&self, way: Option<Way>) -> Result<Found, Why> {
        let asked = Asked {
            name: "i",
            server: SERVER.to_owned(),
            way,
            identity: Some("identity"),
            jwt_file: self.jwt_file.to_str(),
        };
        let stored = |way: Option<Way>| {
            let kept = self
                .stored
                .filter(|kept| way.is_none_or(|way| way == *kept));
            Ok(kept.map(|_| (Credential::Token("stored".into()), SERVER.to_owned())))
        };
        find(&asked, &self.taken, &self.world, true, stored).expect("no failure")
    }

    /// The first way that is there.
    fn first(&self) -> String {
        match self.find(None) {
            Ok((credential, origin)) => {
                assert_eq!(origin, SERVER);
                kind(&credential)
            }
            Err((what, _)) => what,
        }
    }
}

fn programs_config(home: &Path) -> PathBuf {
    secretfs_mount_helper::programs::infisical_config(home)
}

fn kind(credential: &Credential) -> String {
    match credential {
        Credential::ClientSecret { .. } => "universal".to_owned(),
        Credential::Token(_) => "token".to_owned(),
        Credential::Session => "cli".to_owned(),
        Credential::Identity { method, proof, .. } => {
            let proof = proof.as_ref().map_or("file", |proof| proof.expose_secret());
            format!("{} {}", method.word(), proof.replace('\n', " "))
        }
        _ => "another".to_owned(),
    }
}

#[test]
fn where_auth_is_unset_what_there_is_is_used_in_its_order() {
    let mut machine = Machine::with_all();
    assert_eq!(machine.first(), "universal");
    machine.taken.client = None;
    assert_eq!(machine.first(), "token");
    machine.taken.token = None;
    assert_eq!(machine.first(), "cli");
    let program = machine.dir.path().join("infisical");
    std::fs::remove_file(program).expect("a file");
    assert_eq!(machine.first(), "kubernetes file");
    std::fs::remove_file(&machine.jwt_file).expect("a file");
    assert_eq!(machine.first(), "oidc oidc");
    machine.taken.oidc = None;
    assert_eq!(machine.first(), "oidc jwt");
    machine.taken.jwt = None;
    assert_eq!(machine.first(), "aws key id key  eu-central-1");
    machine.taken.aws = None;
    assert!(machine.first().contains("no credential"));
}

#[test]
fn what_is_stored_comes_after_the_environment_and_before_what_the_machine_has() {
    let mut machine = Machine::with_all();
    machine.stored = Some(Way::Token);
    assert_eq!(machine.first(), "universal", "given to this command");
    machine.taken = Taken::default();
    assert_eq!(machine.first(), "token", "and not the session");
    let auth = |way| machine.find(Some(way)).map(|(found, _)| kind(&found)).ok();
    assert_eq!(auth(Way::Token).as_deref(), Some("token"));
    assert_eq!(auth(Way::Universal), None);
    assert_eq!(auth(Way::Session).as_deref(), Some("cli"));
}

#[test]
fn the_environment_s_credential_for_another_server_does_not_hide_a_stored_one() {
    let mut machine = Machine::with_all();
    machine.world.domain = Some("https://other.example".to_owned());
    assert!(machine.find(Some(Way::Token)).is_err());
    machine.stored = Some(Way::Token);
    assert!(machine.find(Some(Way::Token)).is_ok());
}

#[test]
fn where_auth_is_set_nothing_else_is_used() {
    let machine = Machine::with_all();
    for (way, expected) in [
        (Way::Universal, "universal"),
        (Way::Token, "token"),
        (Way::Session, "cli"),
        (Way::Identity(IdentityMethod::Kubernetes), "kubernetes file"),
        (Way::Identity(IdentityMethod::Oidc), "oidc oidc"),
        (Way::Identity(IdentityMethod::Jwt), "jwt jwt"),
        (
            Way::Identity(IdentityMethod::Aws),
            "aws key id key  eu-central-1",
        ),
    ] {
        let (credential, _) = machine.find(Some(way)).expect("a credential");
        assert_eq!(kind(&credential), expected);
    }
    let nothing = Machine {
        taken: Taken::default(),
        jwt_file: "/nowhere".into(),
        stored: None,
        world: World {
            domain: machine.world.domain,
            ..World::default()
        },
        dir: tempfile::tempdir().expect("a folder"),
    };
    for way in Way::ALL {
        let (what, help) = nothing.find(Some(way)).expect_err("nothing is there");
        assert!(!what.is_empty() && !help.is_empty(), "{way:?}");
    }
}

#[test]
fn a_credential_of_another_server_is_passed_over_and_told_where_nothing_else_is_there() {
    let mut machine = Machine::with_all();
    machine.world.domain = Some("https://another.example".to_owned());
    // The session is of the map's server, whatever the environment says.
    assert_eq!(machine.first(), "cli");
    std::fs::write(
        programs_config(machine.dir.path()),
        r#"{"loggedInUserEmail":"a@b.c","LoggedInUserDomain":"https://third.example"}"#,
    )
    .expect("a file");
    assert_eq!(
        machine.first(),
        "the credential is for https://another.example:443, not for https://vault.example:443"
    );
}

#[test]
fn the_words_of_the_map_and_of_the_environment_name_each_way() {
    for way in Way::ALL {
        for word in way.words() {
            let found = Way::ALL
                .into_iter()
                .filter(|way| way.words().contains(&word));
            assert_eq!(found.collect::<Vec<_>>(), [way], "{word}");
        }
    }
}

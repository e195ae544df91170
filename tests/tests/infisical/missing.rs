//! What is not there (contract §5): the list is silent, and is never believed without a second look.

use super::rig::*;
use secretfs_providers::{ErrorKind, Reference, Wanted};
use secretfs_tests::infisical::{Generation, Role, Rule};

fn of_environment(environment: &str, name: &str) -> Wanted {
    let mut of = reference("/", name);
    of.environment = environment.into();
    Wanted {
        reference: Reference::Infisical(of),
        ..wanted("/", name)
    }
}

#[test]
fn row_unknown_secret() {
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| sim.secret("/", "A", "1")).warmed();
        let error = rig.fetch("/", "NOPE").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Missing);
        assert!(error.message.contains("\"NOPE\""), "{}", error.message);
        let got = rig.read_many("/", &["A", "NOPE"]).unwrap();
        assert_eq!(got, [Got::value("1"), Got::Failed(ErrorKind::Missing)]);
        assert_eq!(rig.counts(), (1, 1));
        // The one that is opened is worth a look of its own: a role may hide it from the list.
        let got = rig.read_many("/", &["NOPE", "A"]).unwrap();
        assert_eq!(got, [Got::Alone, Got::value("1")]);
    }
}

#[test]
fn row_unknown_environment() {
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| sim.secret("/", "A", "1")).warmed();
        let wanted = [of_environment("nope", "A"), of_environment("nope", "B")];
        assert_eq!(
            Got::of(rig.ask(&wanted[0])),
            Got::Failed(ErrorKind::Missing)
        );
        rig.sim.forget_requests();
        let error = rig.ask_many(&wanted).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Missing);
        assert!(error.message.contains("\"nope\""), "{}", error.message);
        // The list, which is 200 and empty, and the second look.
        assert_eq!(rig.counts(), (1, 1));
    }
}

#[test]
fn row_unknown_folder() {
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| sim.secret("/", "A", "1")).warmed();
        for path in ["/nope", "no/slash"] {
            assert_eq!(rig.read(path, "A"), Err(ErrorKind::Missing));
            assert_eq!(rig.read_many(path, &["A", "B"]), Err(ErrorKind::Missing));
            assert_eq!(rig.folder(path).unwrap_err().kind, ErrorKind::Missing);
            let error = rig.names(path).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Missing);
            assert!(error.message.contains("there is no folder"), "{error}");
        }
    }
}

#[test]
fn an_empty_folder_that_is_there_is_empty() {
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| sim.folder("/empty")).warmed();
        assert_eq!(rig.folder("/empty").unwrap(), []);
        assert_eq!(rig.names("/empty").unwrap(), [""; 0]);
        let got = rig.read_many("/empty", &["A", "B"]).unwrap();
        assert_eq!(got, [const { Got::Failed(ErrorKind::Missing) }; 2]);
        assert_eq!(rig.counts(), (3, 3));
    }
}

#[test]
fn a_folder_that_is_deleted_is_missing_and_not_empty() {
    let rig = Rig::new(Generation::V3Only, |sim| sim.secret("/a", "A", "1"));
    assert_eq!(rig.names("/a").unwrap(), ["A"]);
    rig.sim.delete_folder("/a");
    assert_eq!(rig.names("/a").unwrap_err().kind, ErrorKind::Missing);
    assert_eq!(rig.folder("/a").unwrap_err().kind, ErrorKind::Missing);
}

#[test]
fn row_path_outside_the_permitted_glob() {
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| {
            sim.secret("/", "ROOT", "1")
                .secret("/backend", "A", "2")
                .role(Role::Rules(vec![Rule::read("dev", "/backend/**")]))
        })
        .warmed();
        assert_eq!(rig.read("/", "ROOT"), Err(ErrorKind::Denied));
        // The list is 200 and empty.
        assert_eq!(rig.read_many("/", &["ROOT", "B"]), Err(ErrorKind::Denied));
        assert_eq!(rig.names("/").unwrap_err().kind, ErrorKind::Denied);
        assert_eq!(rig.folder("/").unwrap_err().kind, ErrorKind::Denied);
        assert_eq!(rig.read("/backend", "A"), Ok("2".into()));
    }
}

#[test]
fn row_unknown_or_malformed_project_id() {
    for generation in BOTH {
        for id in ["00000000-0000-0000-0000-000000000000", "nonsense"] {
            let rig = Rig::with(
                generation,
                |sim| sim.secret("/", "A", "1"),
                |settings| settings.project_id = Some(id.into()),
            );
            assert_eq!(rig.read("/", "A"), Err(ErrorKind::Missing));
            assert_eq!(rig.read_many("/", &["A", "B"]), Err(ErrorKind::Missing));
            assert_eq!(rig.names("/").unwrap_err().kind, ErrorKind::Missing);
        }
    }
}

#[test]
fn row_bad_path_chars() {
    let rig = Rig::new(Generation::V3Only, |sim| sim.secret("/", "A", "1"));
    for path in ["/a b", "/."] {
        assert_eq!(rig.read(path, "A"), Err(ErrorKind::Protocol));
        assert_eq!(rig.names(path).unwrap_err().kind, ErrorKind::Protocol);
    }
}

//! What `check --online` finds out: there, missing and what there is instead, forbidden.

use super::rig::*;
use secretfs_providers::{ErrorKind, Reference};
use secretfs_tests::infisical::{Generation, Infisical, PROJECT_SLUG, Role, Rule};

fn project(sim: Infisical) -> Infisical {
    sim.secret("/backend/db", "DATABASE_URL", "1")
        .secret("/backend/db", "API_KEY", "2")
        .secret("/backend/web", "TOKEN", "3")
        .folder("/frontend")
}

fn missing(help: &str) -> Result<(), (ErrorKind, String)> {
    Err((ErrorKind::Missing, help.to_owned()))
}

#[test]
fn what_is_there_is_checked_with_one_list_a_folder_and_no_value_stays() {
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| {
            // Together more than there is memory for.
            for at in 0..6 {
                sim.set("/large", &format!("L{at}"), &"x".repeat(1_000_000));
            }
            project(sim)
        })
        .warmed();
        let mut secrets = vec![("/backend/db", "DATABASE_URL"), ("/backend/db", "API_KEY")];
        let large = ["L0", "L1", "L2", "L3", "L4", "L5"];
        secrets.extend(large.map(|name| ("/large", name)));
        let answers = rig.check(&secrets);
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(rig.counts(), (0, 2));
    }
}

#[test]
fn a_missing_secret_is_told_with_the_nearest_name_of_its_folder_or_with_all_of_them() {
    for generation in BOTH {
        let rig = Rig::new(generation, project);
        let near = missing("did you mean `DATABASE_URL`?");
        assert_eq!(
            rig.check(&[("/backend/db", "DATABSE_URL")]).pop(),
            Some(near.clone())
        );
        let answers = rig.check(&[
            ("/backend/db", "API_KEY"),
            ("/backend/db", "DATABSE_URL"),
            ("/backend/db", "SMTP"),
        ]);
        let all = missing("the folder has `API_KEY`, `DATABASE_URL`");
        assert_eq!(answers, [Ok(()), near, all]);
        let answers = rig.check(&[("/frontend", "A")]);
        assert_eq!(answers, [missing("the folder is empty")]);
    }
}

#[test]
fn a_missing_folder_is_told_with_the_first_part_that_is_not_there_and_what_is() {
    for generation in BOTH {
        let rig = Rig::new(generation, project);
        let help = |path: &str| rig.check(&[(path, "A")]).remove(0);
        let near = missing("`/` has no folder `bakcend`; did you mean `backend`?");
        assert_eq!(help("/bakcend/db"), near);
        assert_eq!(
            help("/backend/cache"),
            missing("`/backend` has no folder `cache`, but `db`, `web`")
        );
        assert_eq!(
            help("/backend/db/deep"),
            missing("`/backend/db` has no folders")
        );
        // Several of one folder that is not there cost one search.
        let both = rig.check(&[("/bakcend", "A"), ("/bakcend", "B")]);
        assert_eq!(both, [near.clone(), near]);
        assert!(rig.check_folder("/backend/db", true).is_ok());
        let helped = rig.check_folder("/backend/cache", false);
        assert_eq!(
            helped,
            missing("`/backend` has no folder `cache`, but `db`, `web`")
        );
    }
}

#[test]
fn a_missing_environment_is_told_with_those_that_there_are() {
    for generation in BOTH {
        for by_slug in [false, true] {
            let rig = Rig::with(generation, project, |settings| {
                if by_slug {
                    settings.project_id = None;
                    settings.project_slug = Some(PROJECT_SLUG.into());
                }
            });
            let mut of = reference("/", "A");
            of.environment = "prd".into();
            let answers = rig.check_all(&[Reference::Infisical(of.clone())]);
            let help = "there is no environment `prd`; did you mean `prod`? There are `dev`, `staging`, `prod`";
            assert_eq!(answers, [missing(help)]);
            of.environment = "qualification".into();
            let answers = rig.check_all(&[Reference::Infisical(of)]);
            let help =
                "there is no environment `qualification`; there are `dev`, `staging`, `prod`";
            assert_eq!(answers, [missing(help)]);
        }
    }
}

#[test]
fn what_may_not_be_read_is_told_apart_from_what_is_missing() {
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| {
            project(sim)
                .secret("/other", "A", "1")
                .secret("/other", "B", "1")
                .role(Role::Rules(vec![
                    Rule::read("dev", "/backend/**"),
                    Rule::describe("dev", "/other"),
                ]))
        });
        let answers = rig.check(&[
            ("/other", "A"),
            ("/backend/db", "API_KEY"),
            ("/other", "B"),
            ("/", "ROOT"),
        ]);
        let kinds: Vec<_> = answers
            .into_iter()
            .map(|answer| answer.map_err(|(kind, _)| kind))
            .collect();
        let denied = Err(ErrorKind::Denied);
        assert_eq!(kinds, [denied, Ok(()), denied, denied]);
        // A list of its names is no proof that a folder can be rendered.
        assert_eq!(rig.check_folder("/other", false), Ok(()));
        let (kind, _) = rig.check_folder("/other", true).unwrap_err();
        assert_eq!(kind, ErrorKind::Denied);
    }
}

#[test]
fn a_secret_whose_reference_cannot_be_followed_is_no_good_one() {
    let rig = Rig::new(Generation::V3Only, |sim| {
        sim.secret("/gone", "X", "1")
            .secret("/", "URL", "${dev.gone.X}")
            .secret("/", "A", "1")
    });
    rig.sim.delete_folder("/gone");
    let kinds: Vec<_> = rig
        .check(&[("/", "A"), ("/", "URL")])
        .into_iter()
        .map(|answer| answer.map_err(|(kind, _)| kind))
        .collect();
    assert_eq!(kinds, [Ok(()), Err(ErrorKind::Server)]);
}

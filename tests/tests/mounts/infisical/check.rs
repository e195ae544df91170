//! `secretfs check --online` as a user sees it.

use super::{Mount, secret};
use secretfs_tests::infisical::{Generation, Role, Route, Rule};

#[test]
fn each_entry_is_there_or_missing_with_what_there_is_instead_or_forbidden() {
    let mount = Mount::of(Generation::Both);
    for name in ["A", "DATABASE_URL"] {
        mount.sim.set("/", name, &secret(name));
    }
    mount.sim.set("/backend", "KEY", &secret("key"));
    mount.sim.set("/closed", "KEY", &secret("key"));
    let rules = ["/", "/backend"].map(|path| Rule::read("dev", path));
    mount.sim.set_role(Role::Rules(rules.into()));
    let provider = mount.sim.provider();
    mount.write_map(&format!(
        "providers:\n  inf: {provider}\nsecrets:\n\
         \x20 - {{name: A, file: a}}\n\
         \x20 - {{name: DATABSE_URL, file: url}}\n\
         \x20 - {{name: KEY, file: key, path: /backnd}}\n\
         \x20 - {{name: KEY, file: far, environment: production}}\n\
         \x20 - {{name: KEY, file: closed, path: /closed}}\n\
         \x20 - {{folder: /backend, dir: backend}}\n"
    ));
    let output = mount
        .secretfs(["check", "--online"])
        .output()
        .expect("check");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).expect("text");
    for line in [
        "inf: 2 of 6 can be read",
        "url: ENOENT: there is no secret \"DATABSE_URL\" in \"/\" of \"dev\"",
        "help: did you mean `DATABASE_URL`?",
        "key: ENOENT:",
        "help: `/` has no folder `backnd`; did you mean `backend`?",
        "far: ENOENT:",
        "help: there is no environment `production`; there are `dev`, `staging`, `prod`",
        "closed: EACCES: the identity may not read \"KEY\" in \"/closed\" of \"dev\"",
    ] {
        assert!(told.contains(line), "{line:?} is not in\n{told}");
    }
    assert!(!told.contains(secretfs_tests::fixture::MARKER), "{told}");
}

#[test]
fn a_thousand_good_entries_of_ten_folders_are_ten_lists() {
    let mount = Mount::of(Generation::Both);
    let mut map = format!("providers:\n  inf: {}\nsecrets:\n", mount.sim.provider());
    for folder in 0..10 {
        for at in 0..100 {
            let name = format!("N{folder}_{at}");
            mount.sim.set(&format!("/f{folder}"), &name, &secret(&name));
            map.push_str(&format!(
                "  - {{name: {name}, file: {name}, path: /f{folder}}}\n"
            ));
        }
    }
    mount.write_map(&map);
    let told = mount.run(["check", "--online"]);
    assert!(told.contains("inf: 1000 of 1000 can be read"), "{told}");
    assert_eq!(mount.sim.count(Route::SecretList), 10);
    assert_eq!(mount.sim.total(), 11);
}

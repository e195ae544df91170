//! Whole folders: rendered into one file, and as one file each.

use super::{Mount, secret};
use secretfs_tests::infisical::{Generation, Role, Route, Rule};
use std::time::Duration;

fn text(mount: &Mount, file: &str) -> Result<String, i32> {
    let bytes = mount.read(file)?;
    Ok(String::from_utf8(bytes).expect("text"))
}

#[test]
fn a_folder_is_rendered_as_the_file_that_a_dotenv_reader_expects() {
    for generation in [Generation::V3Only, Generation::Both] {
        let mount = Mount::of(generation);
        mount
            .sim
            .set("/", "DATABASE_URL", "postgres://u:${dev.db.PASSWORD}@h");
        mount
            .sim
            .set("/db", "PASSWORD", &format!("{}pw", super::MARKER));
        mount.sim.set("/", "EMPTY", "");
        mount.sim.set("/", "NOT-A-NAME", "x");
        let entries = [
            "{folder: /, file: .env, format: dotenv}",
            "{folder: /, file: all.json, format: json}",
        ];
        let mount = mount.mounted("", &entries.map(str::to_owned));
        let expected = format!(
            "DATABASE_URL=\"postgres://u:{}pw@h\"\nEMPTY=\n",
            super::MARKER
        );
        let read = text(&mount, ".env").expect("a file");
        let plain = |text: &str| text.replace(['"', '\''], "");
        assert_eq!(plain(&read), plain(&expected));
        let json: serde_json::Value =
            serde_json::from_str(&text(&mount, "all.json").expect("a file")).expect("JSON");
        assert_eq!(json["EMPTY"], "");
        assert_eq!(json["NOT-A-NAME"], "x");
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(3));
    }
}

#[test]
fn a_folder_as_a_directory_lists_names_without_a_value_and_reads_like_any_other_file() {
    for generation in [Generation::V3Only, Generation::Both] {
        let mount = Mount::of(generation);
        for name in ["A", "B", "C"] {
            mount.sim.set("/backend", name, &secret(name));
        }
        mount.sim.set("/backend", "..", "no file name");
        let mount = mount.mounted("", &["{folder: /backend, dir: backend}".to_owned()]);
        let mut probe = mount.probe();
        assert_eq!(probe.list(mount.file("backend")), ["A", "B", "C"]);
        let lists: Vec<_> = mount.sim.requests();
        let list = lists.last().expect("a request");
        assert_eq!(list.route, Route::SecretList);
        assert!(
            list.query
                .contains(&("viewSecretValue".into(), "false".into()))
        );
        for name in ["A", "B", "C"] {
            let file = mount.file(format!("backend/{name}").as_str());
            assert_eq!(probe.slurp(file), Ok(secret(name).into_bytes()));
        }
        assert_eq!(mount.sim.count(Route::SecretSingle), 1);
        assert_eq!(mount.sim.count(Route::SecretList), 2);
        assert_eq!(
            probe.try_open(mount.file("backend/NOPE")),
            Err(libc::ENOENT)
        );
    }
}

#[test]
fn a_folder_that_vanishes_takes_its_files_along_but_a_lost_answer_does_not() {
    let mount = Mount::of(Generation::V3Only);
    mount.sim.set("/backend", "A", &secret("a"));
    let entries = ["{folder: /backend, dir: backend, ttl: 60s}".to_owned()];
    let mount = mount.mounted("", &entries);
    let mut probe = mount.probe();
    assert_eq!(probe.list(mount.file("backend")), ["A"]);
    // The server is not there: what was listed stays.
    mount.sim.database_down(true);
    mount.advance(Duration::from_secs(61));
    assert_eq!(probe.list(mount.file("backend")), ["A"]);
    mount.sim.database_down(false);
    // The folder is not there: its list is 200 and empty, and that alone is not believed. What was
    // listed stays here too, because a lost permission looks the same, but nothing can be read.
    mount.sim.delete_folder("/backend");
    mount.advance(Duration::from_secs(61));
    assert_eq!(probe.list(mount.file("backend")), ["A"]);
    assert_eq!(probe.slurp(mount.file("backend/A")), Err(libc::ENOENT));
    let error = &mount.status_of("backend")["last_error"];
    assert_eq!(error["errno"], libc::ENOENT, "{error}");
    assert!(
        error["message"]
            .as_str()
            .expect("text")
            .contains("there is no folder")
    );
}

#[test]
fn a_folder_that_may_not_be_read_says_so_and_is_not_empty() {
    let mount = Mount::of(Generation::V3Only);
    mount.sim.set("/backend", "A", &secret("a"));
    mount
        .sim
        .set_role(Role::Rules(vec![Rule::read("dev", "/other/**")]));
    let entries = [
        "{folder: /backend, dir: backend}",
        "{folder: /backend, file: backend.env, format: dotenv, allow_empty: true}",
    ];
    let mount = mount.mounted("", &entries.map(str::to_owned));
    assert_eq!(text(&mount, "backend.env"), Err(libc::EACCES));
    let listed = mount.probe().run(&secretfs_tests::script::Step::List {
        path: mount.file("backend").display().to_string(),
    });
    assert_eq!(
        listed,
        secretfs_tests::script::Outcome::Failed(libc::EACCES)
    );
}

#[test]
fn secrets_of_a_folder_whose_list_is_refused_are_fetched_one_by_one() {
    let mount = Mount::of(Generation::V3Only);
    for name in ["A", "B", "C"] {
        mount.sim.set("/", name, &secret(name));
    }
    mount.sim.fault(
        Route::SecretList,
        secretfs_tests::http_sim::Fault::Status(403),
    );
    let entries = ["A", "B", "C"].map(|name| format!("{{name: {name}, file: {name}}}"));
    let mount = mount.mounted("", &entries);
    for name in ["A", "B", "C"] {
        assert_eq!(mount.read(name), Ok(secret(name).into_bytes()));
    }
    // And the list is left alone for a while.
    assert_eq!(mount.sim.count(Route::SecretList), 1);
    assert_eq!(mount.sim.count(Route::SecretSingle), 3);
}

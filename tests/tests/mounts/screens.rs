//! The pictures in the documents: the terminal's is of a real run, and shows what is shown today.

use secretfs_tests::fixture::{Fixture, told};
use std::path::{Path, PathBuf};
use std::process::Output;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn pictures() -> Vec<(PathBuf, String)> {
    let folder = std::fs::read_dir(root().join("docs/pictures")).expect("pictures");
    folder
        .map(|entry| entry.expect("a picture").path())
        .map(|path| (path.clone(), std::fs::read_to_string(path).expect("text")))
        .collect()
}

/// Runs the scenes anew, and compares them with a picture.
fn check(fixture: &Fixture, picture: &str) -> Output {
    let file = fixture.path("home/terminal.svg");
    fixture.write(&file, picture.as_bytes());
    for script in ["screens.py", "terminal.py"] {
        let text = std::fs::read(root().join("packaging/screens").join(script)).expect("a script");
        fixture.write(&fixture.path("home").join(script), &text);
    }
    fixture
        .command("python3")
        .env("TMPDIR", fixture.path("run"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(fixture.path("home/screens.py"))
        .arg("--secretfs")
        .arg(fixture.path("secretfs"))
        .arg("check")
        .arg(file)
        .output()
        .expect("python3")
}

#[test]
fn the_terminal_in_the_readme_shows_what_a_real_run_shows() {
    let fixture = Fixture::new();
    let path = root().join("docs/pictures/terminal.svg");
    let picture = std::fs::read_to_string(path).expect("the picture");
    let output = check(&fixture, &picture);
    assert!(output.status.success(), "{}", told(&output));
    let other = picture.replace(">serving<", ">asleep<");
    assert_ne!(other, picture);
    let output = check(&fixture, &other);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("asleep") && said.contains("serving"),
        "{said}"
    );
}

#[test]
fn pictures_are_text_and_shapes_alone_and_name_no_machine() {
    let pictures = pictures();
    assert!(pictures.len() >= 2, "{pictures:?}");
    for (path, picture) in pictures {
        for word in [
            "<script",
            "foreignObject",
            "href",
            "url(http",
            "@import",
            "/tmp/",
            "/home/",
        ] {
            assert!(!picture.contains(word), "{}: {word}", path.display());
        }
        assert!(picture.starts_with("<svg "), "{}", path.display());
        assert!(picture.contains("<title>"), "{}", path.display());
    }
}

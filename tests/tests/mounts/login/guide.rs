//! What docs/login.md tells a user to do, done.

use secretfs_tests::fixture::{Fixture, told, value};
use secretfs_tests::http_sim::Tls;
use secretfs_tests::infisical::{CLIENT_ID, CLIENT_SECRET, Infisical, PROJECT_ID, Route};
use secretfs_tests::session::keyring::GnomeKeyring;

/// The fenced block of commands that has this in it.
fn block(with: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/login.md");
    let text = std::fs::read_to_string(path).expect("the guide");
    let blocks = text.split("```sh\n").skip(1);
    let mut found: Vec<&str> = blocks
        .filter_map(|rest| rest.split("```").next())
        .filter(|block| block.contains(with))
        .collect();
    assert_eq!(found.len(), 1, "blocks with {with:?}");
    found.remove(0).to_owned()
}

/// Runs a block in the user's home, as a shell of theirs would.
fn run(fixture: &Fixture, sim: &Infisical, lines: &str) -> String {
    let path = format!("{}:/usr/bin:/bin", fixture.path("").display());
    let output = fixture
        .command("sh")
        .args(["-euc", lines])
        .current_dir(fixture.path("home"))
        .env("PATH", path)
        .env("SERVER", sim.url())
        .env("PROJECT", PROJECT_ID)
        .env("CLIENT_ID", CLIENT_ID)
        .env("CLIENT_SECRET", CLIENT_SECRET)
        .env("SECRETFS_MAP", fixture.path("home/secrets.yml"))
        .output()
        .expect("sh");
    assert!(output.status.success(), "{lines}: {}", told(&output));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_commands_of_the_guide_do_what_it_says() {
    let sim = Infisical::start(Tls::No);
    sim.set("/", "A", &String::from_utf8(value("a", 64)).expect("text"));
    let mut fixture = Fixture::new();
    let keyring = GnomeKeyring::start(&mut fixture);
    let write = |name: &str, text: &str| {
        fixture.write(&fixture.path("home").join(name), text.as_bytes());
    };
    write("identity", &format!("{CLIENT_ID}\n{CLIENT_SECRET}\n"));
    let run = |with: &str| run(&fixture, &sim, &block(with));

    // A map, of what a server tells that was logged in to before.
    let said = run("secretfs init");
    assert!(said.contains("in the desktop keyring"), "{said}");
    assert!(fixture.path("home/secrets.yml").is_file());
    assert!(keyring.stored(&fixture, "infisical").is_some());
    let said = run("logout infisical");
    assert!(
        said.contains("forgot the client id and client secret"),
        "{said}"
    );
    assert_eq!(keyring.stored(&fixture, "infisical"), None);

    run("printf");
    assert_eq!(fixture.read("A"), Ok(value("a", 64)));
    let said = run("logout infisical");
    assert!(said.contains("locked ~/secrets"), "{said}");
    fixture.wait_for_no_mount();

    write("token", &sim.token());
    run("--method token");
    sim.forget_requests();
    let mountpoint = fixture.mountpoint();
    let map = fixture.path("home/secrets.yml");
    let args = ["unlock".as_ref(), mountpoint.as_os_str()];
    let unlocked = fixture.secretfs(args).env("SECRETFS_MAP", map).output();
    let unlocked = unlocked.expect("secretfs");
    assert!(unlocked.status.success(), "{}", told(&unlocked));
    assert_eq!(fixture.read("A"), Ok(value("a", 64)));
    assert_eq!(sim.count(Route::Login), 0, "by the token");
    // Whoever reads the guide may have left these.
    for name in ["identity", "token"] {
        std::fs::remove_file(fixture.path("home").join(name)).expect("a file");
    }
}

//! `secretfs login`: tried at once, kept in a real gnome-keyring or in the kernel's keyring, found again
//! by what comes later, sent to nobody else, and forgotten by `logout`.

mod guide;
mod remount;

use crate::prompts::Prompt;
use secretfs_tests::connect::{Connect, Field, Item, TOKEN};
use secretfs_tests::fixture::{Fixture, told, value};
use secretfs_tests::http_sim::Tls;
use secretfs_tests::infisical::{CLIENT_ID, CLIENT_SECRET, Infisical, Route};
use secretfs_tests::session::bus::Bus;
use secretfs_tests::session::keyring::GnomeKeyring;
use secretfs_tests::session::peer::Peer;
use secretfs_tests::vault::PASSPHRASE;
use std::io::Write;
use std::process::{Output, Stdio};

/// Runs `secretfs` with this on its standard input.
pub(crate) fn with_input(fixture: &Fixture, args: &[&str], input: &str) -> Output {
    let mut child = fixture
        .secretfs(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("secretfs");
    let mut stdin = child.stdin.take().expect("a pipe");
    // One that refuses its arguments does not read.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("secretfs")
}

fn logs_in(fixture: &Fixture, provider: &str, input: &str) -> String {
    let output = with_input(fixture, &["login", provider], input);
    assert!(output.status.success(), "{}", told(&output));
    String::from_utf8(output.stdout).expect("text")
}

fn is_refused(fixture: &Fixture, status: i32, args: &[&str], input: &str) -> String {
    let output = with_input(fixture, args, input);
    assert_eq!(output.status.code(), Some(status), "{}", told(&output));
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(text.contains("help: "), "{text}");
    for line in input.lines().filter(|line| !line.is_empty()) {
        assert!(!text.contains(line), "what was typed is repeated: {text}");
    }
    text
}

/// Mounts with nobody to ask and nothing given; what it warned of.
fn mounts(fixture: &Fixture) -> String {
    let place = fixture.mountpoint();
    let output = fixture
        .secretfs(["mount".as_ref(), place.as_os_str()])
        .output()
        .expect("secretfs");
    assert!(output.status.success(), "{}", told(&output));
    String::from_utf8(output.stderr).expect("text")
}

fn with_vault(config: &str) -> Fixture {
    let fixture = Fixture::new();
    let mut vault = fixture.vault();
    vault.set("A", &value("a", 64));
    fixture.write_map(&format!(
        "config: {{{config}}}\nproviders: {{v: {{type: local, file: {:?}}}}}\nsecrets: [{{name: A, file: a}}]\n",
        vault.file()
    ));
    fixture
}

fn infisical() -> Infisical {
    let sim = Infisical::start(Tls::Yes);
    let text = String::from_utf8(value("a", 64)).expect("text");
    sim.set("/", "A", &text);
    sim
}

fn map_of(fixture: &Fixture, provider: &str, entry: &str) {
    fixture.write_map(&format!(
        "providers: {{p: {provider}}}\nsecrets: [{{{entry}, file: a}}]\n"
    ));
}

#[test]
fn a_passphrase_is_kept_in_the_desktop_keyring_and_asked_for_no_more() {
    let mut fixture = with_vault("on_lock: seal");
    let keyring = GnomeKeyring::start(&mut fixture);
    let told = logs_in(&fixture, "v", &format!("{PASSPHRASE}\n"));
    assert!(told.contains("in the desktop keyring"), "{told}");
    assert_eq!(
        keyring.stored(&fixture, "local").as_deref(),
        Some(PASSPHRASE)
    );
    assert_eq!(mounts(&fixture), "", "nothing is missing");
    assert_eq!(fixture.read("a"), Ok(value("a", 64)));
    fixture.run(["lock"]);
    assert_eq!(fixture.read("a"), Err(libc::ENOKEY));
    fixture.run(["unlock"]);
    assert_eq!(fixture.read("a"), Ok(value("a", 64)));
    let checked = fixture.run(["check", "--online"]);
    assert!(checked.contains("1 of 1 can be read"), "{checked}");
    // It is gone from both: the keyring, and the mount, which is locked.
    let told = fixture.run(["logout", "v"]);
    assert!(told.contains("forgot the passphrase of"), "{told}");
    assert!(told.contains("locked "), "{told}");
    assert_eq!(keyring.stored(&fixture, "local"), None);
    assert_eq!(fixture.read("a"), Err(libc::ENOKEY));
    fixture.run(["unlock"]);
    assert_eq!(fixture.read("a"), Err(libc::ENOKEY));
    fixture.fails(4, ["logout", "v"]);
}

#[test]
fn without_a_desktop_the_kernel_keeps_it_and_another_session_of_the_user_finds_it() {
    let fixture = with_vault("");
    let told = logs_in(&fixture, "v", PASSPHRASE);
    assert!(
        told.contains("in the kernel keyring, until the next reboot"),
        "{told}"
    );
    // A session keyring of its own, as every login has it: it possesses nothing of ours.
    let output = fixture
        .command("keyctl")
        .args(["session", "-"])
        .arg(fixture.path("secretfs"))
        .arg("mount")
        .arg(fixture.mountpoint())
        .output()
        .expect("keyctl");
    assert!(
        output.status.success(),
        "{}",
        secretfs_tests::fixture::told(&output)
    );
    assert_eq!(fixture.read("a"), Ok(value("a", 64)));
    let doctor = fixture.run(["doctor"]);
    assert!(
        doctor.contains("passphrase in the kernel keyring, until the next reboot"),
        "{doctor}"
    );
    fixture.run(["logout", "v"]);
    fixture.fails(4, ["logout", "v"]);
}

#[test]
fn a_wrong_passphrase_is_status_4_and_nothing_is_stored() {
    let mut fixture = with_vault("");
    let keyring = GnomeKeyring::start(&mut fixture);
    is_refused(&fixture, 4, &["login", "v"], "not the passphrase\n");
    assert_eq!(keyring.stored(&fixture, "local"), None);
    fixture.fails(4, ["logout", "v"]);
}

#[test]
fn a_stored_passphrase_that_opens_the_vault_no_more_is_a_warning_and_not_an_end() {
    let fixture = with_vault("");
    logs_in(&fixture, "v", PASSPHRASE);
    // Another vault is put in its place.
    let other = Fixture::new();
    let vault = other.make_folder("other", 0o700);
    let (file, identity) = (vault.join("vault.age"), vault.join("identity.age"));
    fixture.write(&other.path("new"), b"another passphrase");
    let made = other
        .secretfs(["vault", "init", "--passphrase-file"])
        .arg(other.path("new"))
        .arg("--file")
        .arg(&file)
        .output()
        .expect("secretfs");
    assert!(made.status.success(), "{}", told(&made));
    for (from, name) in [(file, "vault.age"), (identity, "identity.age")] {
        let bytes = std::fs::read(from).expect("a file");
        fixture.write(&fixture.path("vault").join(name), &bytes);
    }
    let warned = mounts(&fixture);
    assert!(
        warned.contains("the stored passphrase does not open"),
        "{warned}"
    );
    assert_eq!(fixture.read("a"), Err(libc::ENOKEY));
    fixture.run(["logout", "v"]);
}

#[test]
fn one_field_a_line_is_taken_and_a_line_more_is_refused() {
    let fixture = with_vault("");
    let text = is_refused(&fixture, 4, &["login", "v"], "first line\nsecond line\n");
    assert!(text.contains("too many lines"), "{text}");
    is_refused(&fixture, 4, &["login", "v"], "");
    is_refused(&fixture, 2, &["login", "nobody"], "what was typed\n");
    is_refused(
        &fixture,
        2,
        &["login", "v", "--method", "token"],
        "what was typed\n",
    );
}

#[test]
fn an_identity_is_tried_once_stored_for_its_server_and_given_to_the_mount_that_waits() {
    let (sim, other) = (infisical(), infisical());
    let mut fixture = Fixture::new();
    let keyring = GnomeKeyring::start(&mut fixture);
    map_of(&fixture, &sim.provider(), "name: A");
    let warned = mounts(&fixture);
    assert!(warned.contains("`secretfs login p`"), "{warned}");
    assert_eq!(fixture.read("a"), Err(libc::ENOKEY));
    let told = logs_in(&fixture, "p", &format!("{CLIENT_ID}\n{CLIENT_SECRET}\n"));
    assert!(told.contains("gave it to "), "{told}");
    assert_eq!(sim.count(Route::Login), 1, "tried once");
    assert_eq!(fixture.read("a"), Ok(value("a", 64)));
    let stored = keyring.stored(&fixture, "infisical");
    assert_eq!(stored, Some(format!("{CLIENT_ID}\n{CLIENT_SECRET}")));
    fixture.unmount();
    // A map of a stranger names a server of its own: with the same provider, project and names.
    map_of(&fixture, &other.provider(), "name: A");
    let warned = mounts(&fixture);
    assert!(warned.contains("no credential"), "{warned}");
    assert_eq!(fixture.read("a"), Err(libc::ENOKEY));
    assert_eq!(other.total(), 0, "nothing was sent there");
    fixture.unmount();
    map_of(&fixture, &sim.provider(), "name: A");
    assert_eq!(mounts(&fixture), "");
    assert_eq!(fixture.read("a"), Ok(value("a", 64)));
    fixture.run(["logout", "p"]);
    assert_eq!(keyring.stored(&fixture, "infisical"), None);
}

#[test]
fn what_a_server_refuses_is_status_4_and_one_that_is_down_5_and_nothing_is_stored() {
    let sim = infisical();
    let mut fixture = Fixture::new();
    let keyring = GnomeKeyring::start(&mut fixture);
    map_of(&fixture, &sim.provider(), "name: A");
    let wrong = format!("{CLIENT_ID}\nnot the client secret\n")
        .replace("not the client secret", "nottheclientsecret");
    is_refused(&fixture, 4, &["login", "p"], &wrong);
    is_refused(
        &fixture,
        4,
        &["login", "p", "--method", "token"],
        "nosuchtoken\n",
    );
    sim.outage(Some(secretfs_tests::http_sim::Outage::Refuse));
    let good = format!("{CLIENT_ID}\n{CLIENT_SECRET}\n");
    is_refused(&fixture, 5, &["login", "p"], &good);
    assert_eq!(keyring.stored(&fixture, "infisical"), None);
    fixture.fails(4, ["logout", "p"]);
}

#[test]
fn a_token_takes_the_place_of_an_identity_where_the_map_leaves_it_open() {
    let sim = infisical();
    let token = sim.token();
    let fixture = Fixture::new();
    map_of(&fixture, &sim.provider(), "name: A");
    logs_in(&fixture, "p", &format!("{CLIENT_ID}\n{CLIENT_SECRET}\n"));
    let output = with_input(&fixture, &["login", "p", "--method", "token"], &token);
    assert!(output.status.success(), "{}", told(&output));
    sim.forget_requests();
    assert_eq!(mounts(&fixture), "");
    assert_eq!(fixture.read("a"), Ok(value("a", 64)));
    assert_eq!(sim.count(Route::Login), 0, "by the token");
    fixture.run(["logout", "p"]);
}

#[test]
fn before_there_is_a_map_a_provider_is_named_by_its_type() {
    let sim = Infisical::start(Tls::No);
    let fixture = Fixture::new();
    let url = sim.url();
    let login = ["login", "infisical", "--site-url", &url];
    is_refused(&fixture, 4, &login, &format!("{CLIENT_ID}\nwrongone\n"));
    let output = with_input(&fixture, &login, &format!("{CLIENT_ID}\n{CLIENT_SECRET}\n"));
    assert!(output.status.success(), "{}", told(&output));
    sim.set("/", "A", "x");
    map_of(&fixture, &sim.provider(), "name: A");
    let checked = fixture.run(["check", "--online"]);
    assert!(checked.contains("1 of 1 can be read"), "{checked}");
    fixture.run(["logout", "infisical", "--site-url", &url]);
    fixture.fails(4, ["check", "--online"]);
}

#[test]
fn a_connect_token_is_kept_for_its_server_and_no_other() {
    let (sim, other) = (Connect::start(Tls::Yes), Connect::start(Tls::Yes));
    for sim in [&sim, &other] {
        let text = String::from_utf8(value("a", 64)).expect("text");
        let vault = sim.vault("Prod");
        sim.item(&vault, Item::new("db").field(Field::new("f").value(&text)));
    }
    let mut fixture = Fixture::new();
    let keyring = GnomeKeyring::start(&mut fixture);
    map_of(&fixture, &sim.provider(), "ref: 'op://Prod/db/f'");
    is_refused(&fixture, 4, &["login", "p"], "eyJub3QuYS50b2tlbg\n");
    assert_eq!(keyring.stored(&fixture, "connect"), None);
    logs_in(&fixture, "p", TOKEN);
    assert_eq!(keyring.stored(&fixture, "connect").as_deref(), Some(TOKEN));
    assert_eq!(mounts(&fixture), "");
    assert_eq!(fixture.read("a"), Ok(value("a", 64)));
    fixture.unmount();
    map_of(&fixture, &other.provider(), "ref: 'op://Prod/db/f'");
    let warned = mounts(&fixture);
    assert!(warned.contains("`secretfs login p`"), "{warned}");
    assert_eq!(fixture.read("a"), Err(libc::ENOKEY));
    assert_eq!(other.total(), 0);
}

#[test]
fn a_locked_keyring_asks_nobody_where_nobody_is_and_the_kernel_s_is_used() {
    let mut fixture = with_vault("");
    let keyring = GnomeKeyring::start(&mut fixture);
    logs_in(&fixture, "v", PASSPHRASE);
    keyring.lock();
    let warned = mounts(&fixture);
    assert!(warned.contains("the desktop keyring is locked"), "{warned}");
    assert_eq!(fixture.read("a"), Err(libc::ENOKEY));
    let doctor = fixture.run(["doctor"]);
    assert!(doctor.contains("the desktop's is locked"), "{doctor}");
    let told = logs_in(&fixture, "v", PASSPHRASE);
    assert!(told.contains("in the kernel keyring"), "{told}");
    assert!(told.contains("gave it to "), "{told}");
    assert_eq!(fixture.read("a"), Ok(value("a", 64)));
    fixture.unmount();
    assert_eq!(mounts(&fixture), "", "found without the desktop's");
    // What cannot be taken out of the desktop's is said; the kernel's is gone, and the mount locked.
    let said = fixture.fails(1, ["logout", "v"]);
    assert!(said.contains("the desktop keyring is locked"), "{said}");
    fixture.wait_for_no_mount();
    assert_ne!(mounts(&fixture), "");
}

#[test]
fn a_keyring_whose_prompt_is_dismissed_leaves_the_terminal_to_ask() {
    let mut fixture = with_vault("");
    let keyring = GnomeKeyring::start(&mut fixture);
    logs_in(&fixture, "v", PASSPHRASE);
    keyring.lock();
    // Nobody on this bus can show a prompt, and the keyring says so as if somebody had closed it.
    let place = fixture.mountpoint();
    let prompt = Prompt::of(&fixture, &format!("mount {}", place.display()));
    let said = &prompt.said;
    assert!(
        said.contains("the prompt of the desktop keyring was dismissed"),
        "{said}"
    );
    prompt.answer();
    assert_eq!(fixture.read("a"), Ok(value("a", 64)));
}

#[test]
fn the_commands_of_a_vault_take_the_stored_passphrase() {
    let fixture = with_vault("");
    logs_in(&fixture, "v", PASSPHRASE);
    let vault = fixture.path("vault/vault.age");
    let list = [
        "vault".as_ref(),
        "list".as_ref(),
        "--file".as_ref(),
        vault.as_os_str(),
    ];
    assert_eq!(fixture.run(list), "A\n");
    fixture.run(["logout", "v"]);
    fixture.fails(4, list);
}

#[test]
fn a_vault_that_gets_another_passphrase_is_opened_with_that_one_from_then_on() {
    let fixture = with_vault("");
    let file = fixture.path("vault/vault.age");
    fixture.write(&fixture.path("new"), b"another passphrase");
    let rekey = |keep: &str| {
        let rekeyed = fixture
            .secretfs(["vault", "rekey", keep, "--new-passphrase-file"])
            .arg(fixture.path("new"))
            .arg("--file")
            .arg(&file)
            .arg("--passphrase-file")
            .arg(fixture.path("passphrase"))
            .output()
            .expect("secretfs");
        assert!(rekeyed.status.success(), "{}", told(&rekeyed));
        told(&rekeyed)
    };
    // Nobody has logged in: nothing is stored by itself.
    let said = rekey("--keep-identity");
    assert!(!said.contains("stored"), "{said}");
    fixture.write(&fixture.path("passphrase"), b"another passphrase");
    logs_in(&fixture, "v", "another passphrase");
    fixture.write(&fixture.path("new"), b"a third one");
    let said = rekey("--keep-identity");
    assert!(said.contains("stored in place of the old one"), "{said}");
    let warned = mounts(&fixture);
    assert!(!warned.contains("warning"), "{warned}");
    assert_eq!(fixture.read("a"), Ok(value("a", 64)));
    fixture.run(["logout", "v"]);
}

#[test]
fn a_keyring_that_never_answers_is_asked_once_and_the_mount_is_made_without_it() {
    let (sim, mut fixture) = (infisical(), Fixture::new());
    let folder = fixture.make_folder("session", 0o755);
    let bus = Bus::open(&folder, "session");
    let address = bus.address().to_owned();
    let pair = ("DBUS_SESSION_BUS_ADDRESS".to_owned(), address);
    fixture.environment.push(pair);
    let peer = Peer::connect(bus.address());
    peer.own("org.freedesktop.secrets");
    map_of(&fixture, &sim.provider(), "name: A");
    let warned = mounts(&fixture);
    let silent = "the desktop keyring does not answer";
    assert_eq!(warned.matches(silent).count(), 1, "{warned}");
    assert!(warned.contains("`secretfs login p`"), "{warned}");
    assert_eq!(fixture.read("a"), Err(libc::ENOKEY));
}

#[test]
fn a_private_run_finds_what_the_kernel_keeps_outside_of_its_namespace() {
    let fixture = with_vault("");
    fixture.write_map(
        &std::fs::read_to_string(fixture.map())
            .expect("the map")
            .replace("file: a}", "file: a, env: A_FILE}"),
    );
    logs_in(&fixture, "v", PASSPHRASE);
    let run = ["run", "--private", "--", "sh", "-c", "cat \"$A_FILE\""];
    let shown = fixture.run(run);
    assert_eq!(shown.as_bytes(), value("a", 64));
    fixture.run(["logout", "v"]);
    fixture.wait_for_no_process();
}

/// In a user namespace of its own, where the kernel's keyring is another one than that of the tests
/// that run beside this one.
fn alone(fixture: &Fixture, line: &str) -> Output {
    let path = format!("{}:/usr/bin:/bin", fixture.path("").display());
    fixture
        .command("unshare")
        .args(["--user", "--map-current-user", "--", "sh", "-euc", line])
        .env("PATH", path)
        .output()
        .expect("unshare")
}

#[test]
fn logout_of_all_takes_everything_out_of_both_keyrings() {
    let mut fixture = with_vault("");
    let passphrase = fixture.path("passphrase").display().to_string();
    let line = format!(
        "secretfs login v < {passphrase}; secretfs logout --all; ! secretfs logout v; secretfs logout --all"
    );
    let kernel = alone(&fixture, &line);
    assert!(kernel.status.success(), "{}", told(&kernel));
    let said = String::from_utf8(kernel.stdout).expect("text");
    assert!(said.contains("in the kernel keyring"), "{said}");
    assert!(said.contains("forgot everything"), "{said}");
    assert!(said.ends_with("nothing was stored\n"), "{said}");
    let keyring = GnomeKeyring::start(&mut fixture);
    logs_in(&fixture, "v", PASSPHRASE);
    assert!(keyring.stored(&fixture, "local").is_some());
    let desktop = alone(&fixture, "secretfs logout --all");
    assert!(desktop.status.success(), "{}", told(&desktop));
    assert_eq!(keyring.stored(&fixture, "local"), None);
}

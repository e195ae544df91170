//! `remount_on_unlock` with what `secretfs login` stored: a real elogind locks and unlocks.

use super::{infisical, logs_in, mounts, with_vault};
use secretfs_tests::fixture::{Fixture, value};
use secretfs_tests::infisical::{CLIENT_ID, CLIENT_SECRET};
use secretfs_tests::session::elogind::{Elogind, Login};
use secretfs_tests::session::keyring::GnomeKeyring;
use secretfs_tests::session::wait_armed;
use secretfs_tests::vault::PASSPHRASE;
use secretfs_tests::wait;

fn on(elogind: &Elogind, fixture: &mut Fixture) {
    let address = elogind.bus().address().to_owned();
    let pair = ("DBUS_SYSTEM_BUS_ADDRESS".to_owned(), address);
    fixture.environment.push(pair);
}

fn start() -> (tempfile::TempDir, Elogind) {
    let folder = tempfile::tempdir().expect("a folder");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).expect("chmod");
    let elogind = Elogind::start(folder.path());
    (folder, elogind)
}

fn log_in<'a>(elogind: &'a Elogind, fixture: &Fixture) -> Login<'a> {
    elogind.session("user", fixture.command("sh"))
}

/// Locks, waits until it is unmounted, unlocks, and waits until it is there again.
fn comes_back(fixture: &Fixture, login: &Login<'_>) {
    wait_armed(fixture, &["lock"]);
    login.lock();
    fixture.wait_for_no_mount();
    login.unlock();
    wait::until("it is mounted again", || fixture.read("a").ok());
    assert_eq!(fixture.read("a"), Ok(value("a", 64)));
}

#[test]
fn remount_on_unlock_takes_the_passphrase_from_the_desktop_keyring() {
    let (_folder, elogind) = start();
    let mut fixture = with_vault("remount_on_unlock: true");
    on(&elogind, &mut fixture);
    let keyring = GnomeKeyring::start(&mut fixture);
    let login = log_in(&elogind, &fixture);
    logs_in(&fixture, "v", PASSPHRASE);
    assert_eq!(mounts(&fixture), "");
    for _ in 0..2 {
        comes_back(&fixture, &login);
    }
    // A keyring that is locked would have to be asked for, and nobody is asked at an unlock.
    wait_armed(&fixture, &["lock"]);
    keyring.lock();
    login.lock();
    fixture.wait_for_no_mount();
    login.unlock();
    stays_locked(&fixture);
}

#[test]
fn remount_on_unlock_takes_the_passphrase_from_the_kernel_where_there_is_no_bus() {
    let (_folder, elogind) = start();
    let mut fixture = with_vault("remount_on_unlock: true, on_lock: seal");
    on(&elogind, &mut fixture);
    let login = log_in(&elogind, &fixture);
    logs_in(&fixture, "v", PASSPHRASE);
    assert_eq!(mounts(&fixture), "");
    wait_armed(&fixture, &["lock"]);
    for _ in 0..2 {
        login.lock();
        wait::until("it is locked", || {
            (fixture.read("a") == Err(libc::ENOKEY)).then_some(())
        });
        login.unlock();
        wait::until("it serves again", || fixture.read("a").ok());
    }
    login.lock();
    wait::until("it is locked", || {
        (fixture.read("a") == Err(libc::ENOKEY)).then_some(())
    });
    fixture.run(["logout", "v"]);
    login.unlock();
    stays_locked(&fixture);
}

#[test]
fn remount_on_unlock_signs_in_to_a_server_again() {
    let (_folder, elogind) = start();
    let sim = infisical();
    let mut fixture = Fixture::new();
    on(&elogind, &mut fixture);
    let keyring = GnomeKeyring::start(&mut fixture);
    fixture.write_map(&format!(
        "config: {{remount_on_unlock: true}}\nproviders: {{p: {}}}\nsecrets: [{{name: A, file: a}}]\n",
        sim.provider()
    ));
    let login = log_in(&elogind, &fixture);
    logs_in(&fixture, "p", &format!("{CLIENT_ID}\n{CLIENT_SECRET}"));
    assert_eq!(mounts(&fixture), "");
    comes_back(&fixture, &login);
    drop(keyring);
}

/// The helper has looked, found that somebody would have to be asked, and said so.
fn stays_locked(fixture: &Fixture) {
    let log = fixture.path("state/secretfs/secretfs.log");
    wait::until("the log says why", || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        text.contains("a credential would have to be asked for")
            .then_some(())
    });
    assert_eq!(fixture.status()["state"], "locked");
}

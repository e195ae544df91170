//! The session of the `infisical` program, through a stand-in that writes down how it was run.

use super::super::Mount;
use super::{secret, server, with};
use secretfs_tests::user;
use std::os::unix::fs::PermissionsExt;

/// A mount whose user is signed in to `domain` with a program that does this.
fn signed_in(domain: &str, script: &str) -> Mount {
    let sim = server();
    let domain = match domain {
        "" => sim.url(),
        other => other.to_owned(),
    };
    let mount = with(sim, &[]);
    let folder = mount.make_folder("home/.infisical", 0o700);
    let config = format!(
        r#"{{"loggedInUserEmail":"me@example.org","LoggedInUserDomain":"{domain}/api","vaultBackendType":"file","vaultBackendPassphrase":"cGFzcw=="}}"#
    );
    mount.write(&folder.join("infisical-config.json"), config.as_bytes());
    let tools = mount.make_folder("tools", 0o755);
    let program = tools.join("infisical");
    mount.write(&program, format!("#!/bin/sh\n{script}\n").as_bytes());
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("chmod");
    user::give(&program, user::mounting());
    let path = format!("{}:/usr/bin:/bin", tools.display());
    mount.with_variable("PATH", &path)
}

/// The script that prints a token, and what it was run with.
fn prints(mount: &Mount, token: &str) {
    mount.write(&mount.path("home/session"), token.as_bytes());
}

const PRINTS: &str = "echo run >>\"$HOME/runs\"; echo \"$@\" >\"$HOME/args\"; /usr/bin/env >\"$HOME/env\"; cat \"$HOME/session\"";

fn file(mount: &Mount, name: &str) -> String {
    std::fs::read_to_string(mount.path("home").join(name)).expect("a file")
}

#[test]
fn the_session_of_infisical_login_opens_the_files_and_the_program_is_run_once() {
    let mount = signed_in("", PRINTS);
    let token = mount.sim.user_token();
    prints(&mount, &format!("{token}\n"));
    let mount = mount.with_variable("SOME_SECRET", "of the user");
    let mount = mount.mounted_with("auth: cli");
    mount.reads_a();
    mount.sim.set("/other", "B", &secret("b"));
    mount.run(["refresh"]);
    mount.reads_a();
    assert_eq!(file(&mount, "runs"), "run\n");
    assert_eq!(
        file(&mount, "args"),
        "user get token --plain --silent --telemetry=false\n"
    );
    let environment = file(&mount, "env");
    assert!(
        !environment.contains("SOME_SECRET") && !environment.contains("INFISICAL_DOMAIN"),
        "{environment}"
    );
    assert_eq!(mount.sign_ins(), [""; 0]);
    // Nobody but the daemon has had it.
    for process in mount.processes() {
        let all = process.args.join(" ");
        assert!(!all.contains(&token), "{all}");
    }
    let log =
        std::fs::read_to_string(mount.path("state/secretfs/secretfs.log")).unwrap_or_default();
    assert!(!log.contains(&token[..40]), "{log}");
}

#[test]
fn where_auth_is_unset_and_nothing_else_is_there_the_session_is_used() {
    let mount = signed_in("", PRINTS);
    prints(&mount, &mount.sim.user_token());
    let mount = mount.mounted_with("");
    mount.reads_a();
}

#[test]
fn a_session_of_another_server_is_not_asked_for_and_its_owner_is_told() {
    let mount = signed_in("https://app.infisical.com", PRINTS);
    prints(&mount, &mount.sim.user_token());
    mount.map_with("auth: cli");
    let warned = mount.mount_warned();
    assert!(
        warned.contains("is for https://app.infisical.com:443"),
        "{warned}"
    );
    assert_eq!(mount.read("a"), Err(libc::ENOKEY));
    assert!(!mount.path("home/runs").exists());
    assert_eq!(mount.sim.total(), 0);
}

#[test]
fn nobody_signed_in_is_enokey_with_the_command_that_mends_it_and_works_after_it() {
    let mount = signed_in(
        "",
        "if [ -s \"$HOME/session\" ]; then cat \"$HOME/session\"; else echo 'run [infisical login]' >&2; exit 1; fi",
    );
    prints(&mount, "");
    let mount = mount.mounted_with("auth: cli");
    assert_eq!(mount.read("a"), Err(libc::ENOKEY));
    let error = &mount.status_of("a")["last_error"];
    assert!(
        error["help"]
            .as_str()
            .expect("help")
            .contains("infisical login"),
        "{error}"
    );
    prints(&mount, &mount.sim.user_token());
    mount.advance(std::time::Duration::from_secs(20));
    mount.reads_a();
}

#[test]
fn a_program_that_hangs_holds_no_open_longer_than_its_time_and_a_lock_ends_it() {
    let mount = signed_in("", "echo $$ >\"$HOME/pid\"; exec sleep 600");
    let provider = mount.sim.provider_with("auth: cli");
    mount.write_map(&format!(
        "config: {{open_timeout: 1s, on_lock: seal}}\nproviders:\n  i: {provider}\nsecrets: [{{name: A, file: a}}]\n"
    ));
    mount.mount();
    assert_eq!(mount.read("a"), Err(libc::ETIMEDOUT));
    let pid = file(&mount, "pid");
    mount.run(["lock"]);
    secretfs_tests::wait::until("the program ends", || {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        // Gone, or a zombie that is about to be reaped.
        state
            .map_or(true, |stat| stat.contains(") Z "))
            .then_some(())
    });
}

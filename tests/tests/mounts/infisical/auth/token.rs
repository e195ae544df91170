//! Ready-made tokens, and legacy service tokens.

use super::{secret, server, with};

#[test]
fn a_ready_made_token_is_used_as_it_is() {
    let sim = server();
    let token = sim.token();
    let mount = with(
        sim,
        &[
            ("INFISICAL_UNIVERSAL_AUTH_ACCESS_TOKEN", token),
            ("INFISICAL_TOKEN", "not this one".to_owned()),
        ],
    );
    let mount = mount.of_its_server();
    let mount = mount.mounted_with("auth: token");
    mount.reads_a();
    assert_eq!(mount.sign_ins(), [""; 0]);
}

#[test]
fn a_service_token_reads_the_folder_that_it_is_for_and_no_other_in_its_name() {
    let sim = server();
    sim.set("/other", "A", &secret("another value"));
    sim.set_in("prod", "/", "A", &secret("another value"));
    let token = sim.service_token(&[("dev", "/")]);
    let mount = with(sim, &[("INFISICAL_TOKEN", token)]);
    let mount = mount.of_its_server();
    let provider = mount.sim.provider();
    mount.write_map(&format!(
        "providers:\n  i: {provider}\nsecrets:\n  - {{name: A, file: a}}\n\
         \x20 - {{name: A, file: b, path: /other}}\n  - {{name: A, file: c, environment: prod}}\n\
         \x20 - {{folder: /other, file: d, format: dotenv}}\n  - {{folder: /other, dir: e}}\n"
    ));
    assert_eq!(mount.mount_warned(), "");
    mount.reads_a();
    // The server would answer these with 200, and the value of `a`.
    for file in ["b", "c", "d"] {
        assert_eq!(mount.read(file), Err(libc::EACCES), "{file}");
        let message = &mount.status_of(file)["last_error"]["message"];
        let message = message.as_str().expect("a message");
        assert!(message.contains("answers from another place"), "{message}");
    }
    assert_eq!(mount.read("e/A"), Err(libc::EACCES));
}

#[test]
fn a_service_token_for_several_folders_reads_each_of_them() {
    let sim = server();
    sim.set("/other", "A", &secret("other"));
    let token = sim.service_token(&[("dev", "/"), ("dev", "/other")]);
    let mount = with(sim, &[("INFISICAL_TOKEN", token)]);
    let mount = mount.of_its_server();
    let provider = mount.sim.provider();
    mount.write_map(&format!(
        "providers:\n  i: {provider}\nsecrets:\n  - {{name: A, file: a}}\n  - {{name: A, file: b, path: /other}}\n"
    ));
    assert_eq!(mount.mount_warned(), "");
    mount.reads_a();
    assert_eq!(mount.read("b"), Ok(secret("other").into_bytes()));
}

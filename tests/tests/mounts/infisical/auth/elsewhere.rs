//! A map comes with a repository: it cannot make a credential travel to a server of its own, nor sign
//! in as an identity of its own; and what it leaves out is found where the program finds it.

use super::{jwt, of_jwt, secret, server, with};
use secretfs_tests::infisical::PROJECT_ID;

#[test]
fn a_map_that_names_a_server_of_its_own_gets_no_jwt_and_no_keys() {
    let (identity, id) = of_jwt("mine");
    let mount = with(
        server().identity(identity),
        &[
            ("INFISICAL_DOMAIN", "https://vault.example".to_owned()),
            ("INFISICAL_MACHINE_IDENTITY_ID", id.clone()),
            ("INFISICAL_JWT", jwt("mine")),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "key".to_owned()),
        ],
    );
    let file = mount.path("token");
    mount.write(&file, jwt("mine").as_bytes());
    for auth in ["kubernetes", "oidc", "jwt", "aws"] {
        mount.map_with(&format!(
            "auth: {auth}, identity_id: {id}, jwt_file: {:?}",
            file.display().to_string()
        ));
        let warned = mount.mount_warned();
        assert!(
            warned.contains("the credential is for https://vault.example:443"),
            "{warned}"
        );
        assert_eq!(mount.read("a"), Err(libc::ENOKEY), "{auth}");
        mount.unmount();
    }
    assert_eq!(mount.sim.total(), 0);
}

#[test]
fn a_map_that_names_an_identity_of_its_own_does_not_make_the_machine_sign_in_as_it() {
    let (identity, id) = of_jwt("mine");
    let mount = with(
        server().identity(identity),
        &[("INFISICAL_MACHINE_IDENTITY_ID", "another".to_owned())],
    );
    let mount = mount.of_its_server();
    let file = mount.path("token");
    mount.write(&file, jwt("mine").as_bytes());
    mount.map_with(&format!(
        "auth: kubernetes, identity_id: {id}, jwt_file: {:?}",
        file.display().to_string()
    ));
    let warned = mount.mount_warned();
    assert!(warned.contains("INFISICAL_MACHINE_IDENTITY_ID"), "{warned}");
    assert_eq!(mount.read("a"), Err(libc::ENOKEY));
    assert_eq!(mount.sim.total(), 0);
}

#[test]
fn a_map_that_is_saved_with_another_identity_or_file_loses_the_leave_to_sign_in() {
    let (identity, id) = of_jwt("mine");
    let mount = with(server().identity(identity), &[]);
    let mount = mount.of_its_server();
    let (file, other) = (mount.path("token"), mount.path("other"));
    mount.write(&file, jwt("mine").as_bytes());
    mount.write(&other, jwt("not yours").as_bytes());
    let settings = |file: &std::path::Path| {
        let file = file.display().to_string();
        format!("auth: kubernetes, identity_id: {id}, jwt_file: {file:?}")
    };
    let mount = mount.mounted_with(&settings(&file));
    mount.reads_a();
    let before = mount.sim.total();
    mount.map_with(&settings(&other));
    secretfs_tests::wait::until("the map is read again", || {
        (mount.read("a") == Err(libc::ENOKEY)).then_some(())
    });
    assert_eq!(mount.sim.total(), before);
}

#[test]
fn a_map_without_server_and_project_takes_those_of_the_environment() {
    let sim = server();
    let token = sim.token();
    let mount = with(
        sim,
        &[
            ("INFISICAL_TOKEN", token),
            ("INFISICAL_PROJECT_ID", PROJECT_ID.to_owned()),
            ("INFISICAL_ENVIRONMENT", "prod".to_owned()),
            ("INFISICAL_SECRET_PATH", "/backend".to_owned()),
        ],
    );
    let url = format!("{}/api", mount.sim.url());
    let mount = mount.with_variable("INFISICAL_API_URL", &url);
    mount
        .sim
        .set_in("prod", "/backend", "A", &secret("of prod"));
    let ca = mount.sim.ca_file().expect("a CA").display().to_string();
    mount.write_map(&format!(
        "config: {{on_lock: unmount}}\nproviders: {{i: {{type: infisical, ca_file: {ca:?}}}}}\nsecrets: [{{name: A, file: a}}]\n"
    ));
    assert_eq!(mount.mount_warned(), "");
    assert_eq!(mount.read("a"), Ok(secret("of prod").into_bytes()));
    // A map that is read again is read in the same environment: by the helper, which has not got it.
    mount.write_map(&format!(
        "providers: {{i: {{type: infisical, ca_file: {ca:?}}}}}\nsecrets: [{{name: A, file: a}}, {{name: A, file: b}}]\n"
    ));
    secretfs_tests::wait::until("the new file is there", || {
        (mount.read("b") == Ok(secret("of prod").into_bytes())).then_some(())
    });
}

#[test]
fn a_map_without_a_project_takes_the_one_of_infisical_init() {
    let sim = server();
    sim.set_in("staging", "/", "A", &secret("of staging"));
    let token = sim.token();
    let mount = with(sim, &[("INFISICAL_TOKEN", token)]);
    let mount = mount.of_its_server();
    let init = format!(
        r#"{{"workspaceId":"{PROJECT_ID}","defaultEnvironment":"staging","gitBranchToEnvironmentMapping":null,"domain":"https://evil.example"}}"#
    );
    mount.write(&mount.path(".infisical.json"), init.as_bytes());
    let ca = mount.sim.ca_file().expect("a CA").display().to_string();
    mount.write_map(&format!(
        "providers: {{i: {{type: infisical, ca_file: {ca:?}}}}}\nsecrets: [{{name: A, file: a}}]\n"
    ));
    assert_eq!(mount.mount_warned(), "");
    assert_eq!(mount.read("a"), Ok(secret("of staging").into_bytes()));
}

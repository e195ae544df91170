//! What a machine is known as: a pod's service account, a runner's OIDC token, an AWS principal.

use super::{jwt, of_jwt, secret, server, with};
use secretfs_tests::infisical::Identity;
use std::time::Duration;

#[test]
fn a_pod_signs_in_with_the_token_of_its_service_account_which_is_read_anew_each_time() {
    let (identity, id) = of_jwt("first");
    let sim = server().identity(identity.ttl(1000, 1000));
    let mount = with(sim, &[]);
    let mount = mount.of_its_server();
    let file = mount.path("token");
    mount.write(&file, jwt("first").as_bytes());
    let mount = mount.mounted_with(&format!(
        "auth: kubernetes, identity_id: {id}, jwt_file: {:?}",
        file.display().to_string()
    ));
    mount.reads_a();
    // kubelet replaces the file, by rename; the old token is worth nothing any more.
    mount.write(&file, jwt("second").as_bytes());
    mount.sim.set_jwt(&id, &jwt("second"));
    mount.goes_on(Duration::from_secs(2000));
    mount.reads_a();
    let route = "/api/v1/auth/kubernetes-auth/login";
    assert_eq!(mount.sign_ins(), [route, route]);
}

#[test]
fn a_runner_signs_in_with_the_oidc_token_of_its_environment_and_nothing_keeps_it_there() {
    let (identity, id) = of_jwt("oidc");
    let mount = with(
        server().identity(identity),
        &[
            ("INFISICAL_JWT", jwt("oidc")),
            ("INFISICAL_MACHINE_IDENTITY_ID", id),
            ("INFISICAL_AUTH_METHOD", "oidc-auth".to_owned()),
        ],
    );
    let mount = mount.of_its_server();
    let mount = mount.mounted_with("");
    mount.reads_a();
    assert_eq!(mount.sign_ins(), ["/api/v1/auth/oidc-auth/login"]);
    for process in mount.processes() {
        let environment = std::fs::read(format!("/proc/{}/environ", process.pid));
        let environment = String::from_utf8_lossy(&environment.unwrap_or_default()).into_owned();
        assert!(!environment.contains(&jwt("oidc")), "{process:?}");
    }
}

#[test]
fn a_jwt_of_a_file_signs_in() {
    let (identity, id) = of_jwt("plain");
    let mount = with(server().identity(identity), &[]);
    let mount = mount.of_its_server();
    let file = mount.path("token");
    mount.write(&file, format!("{}\n", jwt("plain")).as_bytes());
    let mount = mount.mounted_with(&format!(
        "auth: jwt, identity_id: {id}, jwt_file: {:?}",
        file.display().to_string()
    ));
    mount.reads_a();
    assert_eq!(mount.sign_ins(), ["/api/v1/auth/jwt-auth/login"]);
}

#[test]
fn an_aws_principal_signs_in_with_a_signed_question_about_itself() {
    let identity = Identity::new("a machine", "no secret").aws("AKIDEXAMPLE", "aws/secret+key");
    let id = identity.id().to_owned();
    let mount = with(
        server().identity(identity),
        &[
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "aws/secret+key".to_owned()),
            ("AWS_SESSION_TOKEN", "a/session".to_owned()),
            ("AWS_REGION", "eu-central-1".to_owned()),
        ],
    );
    let mount = mount.of_its_server();
    let mount = mount.mounted_with(&format!("auth: aws, identity_id: {id}"));
    mount.reads_a();
    assert_eq!(mount.sign_ins(), ["/api/v1/auth/aws-auth/login"]);
}

#[test]
fn where_auth_is_unset_a_pod_signs_in_as_the_identity_of_its_environment() {
    let (identity, id) = of_jwt("pod");
    let mount = with(
        server().identity(identity),
        &[("INFISICAL_MACHINE_IDENTITY_ID", id)],
    );
    let mount = mount.of_its_server();
    let file = mount.path("token");
    mount.write(&file, jwt("pod").as_bytes());
    let variable = "INFISICAL_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH";
    let mount = mount.with_variable(variable, &file.display().to_string());
    let mount = mount.mounted_with("");
    mount.reads_a();
    assert_eq!(mount.sign_ins(), ["/api/v1/auth/kubernetes-auth/login"]);
}

#[test]
fn after_a_lock_a_machine_signs_in_again_at_unlock_and_not_before() {
    let (identity, id) = of_jwt("pod");
    let mount = with(server().identity(identity), &[]);
    let mount = mount.of_its_server();
    let file = mount.path("token");
    mount.write(&file, jwt("pod").as_bytes());
    let provider = mount.sim.provider_with(&format!(
        "auth: kubernetes, identity_id: {id}, jwt_file: {:?}",
        file.display().to_string()
    ));
    mount.write_map(&format!(
        "config: {{on_lock: seal}}\nproviders:\n  i: {provider}\nsecrets: [{{name: A, file: a}}]\n"
    ));
    mount.mount();
    mount.reads_a();
    mount.run(["lock"]);
    assert_eq!(mount.read("a"), Err(libc::ENOKEY));
    mount.run(["unlock"]);
    assert_eq!(mount.read("a"), Ok(secret("a").into_bytes()));
    assert_eq!(mount.sign_ins().len(), 2);
}

#[test]
fn check_online_signs_in_with_a_client_secret() {
    let (id, secret) = (
        secretfs_tests::infisical::CLIENT_ID,
        secretfs_tests::infisical::CLIENT_SECRET,
    );
    let mount = with(
        server(),
        &[
            ("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID", id.to_owned()),
            ("INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET", secret.to_owned()),
        ],
    );
    let mount = mount.of_its_server();
    mount.map_with("");
    let said = mount.run(["check", "--online"]);
    assert!(said.contains("1 of 1 can be read"), "{said}");
}

#[test]
fn check_online_signs_in_as_the_machine_too() {
    let (identity, id) = of_jwt("pod");
    let mount = with(server().identity(identity), &[]);
    let mount = mount.of_its_server();
    let file = mount.path("token");
    mount.write(&file, jwt("pod").as_bytes());
    mount.map_with(&format!(
        "auth: kubernetes, identity_id: {id}, jwt_file: {:?}",
        file.display().to_string()
    ));
    let said = mount.run(["check", "--online"]);
    assert!(said.contains("1 of 1 can be read"), "{said}");
}

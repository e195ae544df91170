//! What a map leaves to the environment and to `.infisical.json`.

use super::*;
use crate::map::load::load;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const SECRETS: &str = "secrets: [{name: A, file: a}]\n";

/// The settings of the only provider of a map, with these variables.
fn with(text: &str, variables: &[(&str, &str)]) -> Result<ProviderSettings, Vec<String>> {
    let defaults = variables_of(variables);
    settings(parse_with(
        &format!("{text}{SECRETS}"),
        Path::new(PATH),
        Some(Path::new("/home/u")),
        &defaults,
    ))
}

fn variables_of(variables: &[(&str, &str)]) -> Defaults {
    Defaults::from_variables(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

fn settings(map: Result<Map, MapErrors>) -> Result<ProviderSettings, Vec<String>> {
    let map = map.map_err(|errors| errors.lines())?;
    Ok(map.providers()[0].settings.clone())
}

/// Site, project, environment, path, identity and JWT file.
fn told(settings: &ProviderSettings) -> [String; 6] {
    let ProviderSettings::Infisical {
        site_url,
        project_id,
        environment,
        path,
        identity_id,
        jwt_file,
        ..
    } = settings
    else {
        panic!("{settings:?}");
    };
    let or_none = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        site_url.clone(),
        or_none(project_id),
        environment.clone(),
        path.clone(),
        or_none(identity_id),
        or_none(jwt_file),
    ]
}

const NOTHING: &str = "providers: {i: {type: infisical}}\n";
const ALL: &[(&str, &str)] = &[
    ("INFISICAL_DOMAIN", "https://vault.example/prefix/api"),
    ("INFISICAL_API_URL", "https://old.example/api"),
    ("INFISICAL_PROJECT_ID", "project"),
    ("INFISICAL_ENVIRONMENT", "prod"),
    ("INFISICAL_SECRET_PATH", "/backend"),
    ("INFISICAL_MACHINE_IDENTITY_ID", "identity"),
    (
        "INFISICAL_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH",
        "/run/token",
    ),
];

#[test]
fn what_the_map_leaves_out_is_taken_from_the_environment() {
    let settings = with(NOTHING, ALL).unwrap();
    assert_eq!(
        told(&settings),
        [
            "https://vault.example/prefix",
            "project",
            "prod",
            "/backend",
            "identity",
            "/run/token"
        ]
    );
}

#[test]
fn what_the_map_says_comes_before_the_environment() {
    let text = "providers: {i: {type: infisical, site_url: 'https://a.example', project_id: p, environment: dev, \
                path: /x, identity_id: me, jwt_file: /t}}\n";
    let settings = with(text, ALL).unwrap();
    assert_eq!(
        told(&settings),
        ["https://a.example", "p", "dev", "/x", "me", "/t"]
    );
    // A slug is a project too.
    let slug = "providers: {i: {type: infisical, project_slug: s}}\n";
    let ProviderSettings::Infisical {
        project_id,
        project_slug,
        ..
    } = with(slug, ALL).unwrap()
    else {
        panic!("another type");
    };
    assert_eq!((project_id, project_slug.as_deref()), (None, Some("s")));
}

#[test]
fn the_old_name_of_the_domain_holds_where_the_new_one_is_not_set() {
    for (variables, expected) in [
        (
            &[("INFISICAL_API_URL", "https://old.example/api/")][..],
            "https://old.example",
        ),
        (
            &[
                ("INFISICAL_DOMAIN", " "),
                ("INFISICAL_API_URL", "https://old.example"),
            ],
            "https://old.example",
        ),
        (
            &[
                ("INFISICAL_DOMAIN", "https://new.example"),
                ("INFISICAL_API_URL", "https://old.example"),
            ],
            "https://new.example",
        ),
        (&[], "https://app.infisical.com"),
    ] {
        let text = "providers: {i: {type: infisical, project_id: p}}\n";
        assert_eq!(told(&with(text, variables).unwrap())[0], expected);
    }
}

#[test]
fn a_map_of_the_short_form_stays_what_it_is_in_any_environment() {
    let settings = with("config: {infisical_project_id: p}\n", ALL).unwrap();
    let told = told(&settings);
    assert_eq!(told[1..4], ["p", "dev", "/"]);
}

#[test]
fn a_pods_token_is_the_default_of_an_identity_that_may_use_it_and_of_no_other() {
    let token = "/var/run/secrets/kubernetes.io/serviceaccount/token";
    for (provider, expected) in [
        ("auth: kubernetes", token),
        ("auth: kubernetes, identity_id: me", token),
        ("identity_id: me", token),
        ("identity_id: me, jwt_file: /t", "/t"),
        ("auth: oidc, identity_id: me", ""),
        ("auth: jwt, identity_id: me", ""),
        ("auth: aws, identity_id: me", ""),
        ("auth: universal", ""),
        ("environment: dev", ""),
    ] {
        let text = format!("providers: {{i: {{type: infisical, project_id: p, {provider}}}}}\n");
        assert_eq!(told(&with(&text, &[]).unwrap())[5], expected, "{provider}");
    }
}

#[test]
fn a_variable_that_cannot_be_used_is_told_by_its_name() {
    for (name, value) in [
        ("INFISICAL_DOMAIN", "vault.example"),
        ("INFISICAL_DOMAIN", "http://vault.example"),
        ("INFISICAL_ENVIRONMENT", "no such/slug"),
        ("INFISICAL_SECRET_PATH", "/a//b"),
        (
            "INFISICAL_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH",
            "~other/x",
        ),
    ] {
        let variables = [
            ("INFISICAL_PROJECT_ID", "p"),
            ("INFISICAL_MACHINE_IDENTITY_ID", "me"),
            (name, value),
        ];
        let lines = with(NOTHING, &variables).unwrap_err();
        assert!(lines.len() == 1 && lines[0].contains(name), "{lines:?}");
    }
}

/// A folder with a map and these files, of the user.
fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
    }
    let map = folder.path().join("repo/sub/secrets.yml");
    std::fs::create_dir_all(map.parent().unwrap()).unwrap();
    std::fs::write(&map, format!("{NOTHING}{SECRETS}")).unwrap();
    std::fs::set_permissions(&map, PermissionsExt::from_mode(0o600)).unwrap();
    (folder, map)
}

fn loaded(
    folder: &Path,
    map: &Path,
    variables: &[(&str, &str)],
) -> Result<[String; 6], Vec<String>> {
    let world = World {
        folder: "/".into(),
        home: Some(folder.to_owned()),
        map: None,
        config_home: None,
        uid: rustix::process::geteuid().as_raw(),
        defaults: variables_of(variables),
    };
    settings(load(map, &world)).map(|settings| told(&settings))
}

const INIT: &str = r#"{"workspaceId": "of-the-file", "defaultEnvironment": "staging", "defaultSecretPath": "/api",
    "gitBranchToEnvironmentMapping": {"main": "prod"}, "domain": "https://evil.example"}"#;

#[test]
fn a_map_without_a_project_takes_the_one_that_infisical_init_has_written() {
    let (dir, map) = folder(&[("repo/.infisical.json", INIT)]);
    let told = loaded(dir.path(), &map, &[]).unwrap();
    assert_eq!(told[1..4], ["of-the-file", "staging", "/api"]);
    // Never its domain: a credential follows that.
    assert_eq!(told[0], "https://app.infisical.com");
}

#[test]
fn the_environment_comes_before_the_file() {
    let (dir, map) = folder(&[("repo/.infisical.json", INIT)]);
    let told = loaded(
        dir.path(),
        &map,
        &[
            ("INFISICAL_ENVIRONMENT", "dev"),
            ("INFISICAL_SECRET_PATH", "/x"),
        ],
    );
    assert_eq!(told.unwrap()[1..4], ["of-the-file", "dev", "/x"]);
    // Of another project the file says nothing.
    let told = loaded(dir.path(), &map, &[("INFISICAL_PROJECT_ID", "mine")]);
    assert_eq!(told.unwrap()[1..4], ["mine", "dev", "/"]);
    let told = loaded(dir.path(), &map, &[("INFISICAL_PROJECT_ID", "of-the-file")]);
    assert_eq!(told.unwrap()[1..4], ["of-the-file", "staging", "/api"]);
}

#[test]
fn the_branch_that_is_checked_out_comes_before_the_default_environment() {
    for (files, expected) in [
        (&[("repo/.git/HEAD", "ref: refs/heads/main\n")][..], "prod"),
        (&[("repo/.git/HEAD", "ref: refs/heads/other\n")], "staging"),
        (&[("repo/.git/HEAD", "0123abcd\n")], "staging"),
        (
            &[
                ("repo/.git", "gitdir: ../elsewhere\n"),
                ("elsewhere/HEAD", "ref: refs/heads/main\n"),
            ],
            "prod",
        ),
        (&[("repo/.git", "nonsense\n")], "staging"),
        (&[], "staging"),
    ] {
        let mut all = vec![("repo/.infisical.json", INIT)];
        all.extend(files);
        let (dir, map) = folder(&all);
        assert_eq!(
            loaded(dir.path(), &map, &[]).unwrap()[2],
            expected,
            "{files:?}"
        );
    }
}

#[test]
fn the_nearest_file_counts_and_one_that_says_nothing_is_none() {
    let other = INIT.replace("of-the-file", "outer");
    let (dir, map) = folder(&[
        (".infisical.json", other.as_str()),
        ("repo/.infisical.json", INIT),
    ]);
    assert_eq!(loaded(dir.path(), &map, &[]).unwrap()[1], "of-the-file");
    for text in [
        "",
        "{}",
        "[]",
        r#"{"workspaceId": 1}"#,
        r#"{"workspaceId": ""}"#,
    ] {
        let (dir, map) = folder(&[("repo/.infisical.json", text)]);
        let lines = loaded(dir.path(), &map, &[]).unwrap_err();
        assert!(lines[0].contains("has no project"), "{lines:?}");
    }
}

#[test]
fn a_file_that_others_can_write_says_nothing() {
    let (dir, map) = folder(&[("repo/.infisical.json", INIT)]);
    let file = dir.path().join("repo/.infisical.json");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).unwrap();
    assert!(loaded(dir.path(), &map, &[]).is_err());
    let fifo = dir.path().join("repo/sub/.infisical.json");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    // Nor does it hang at one that is none.
    assert!(loaded(dir.path(), &map, &[]).is_err());
}

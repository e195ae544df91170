//! A daemon that was taken over gets nothing but what the map names.

use super::*;
use secretfs_fs::map::{MountSettings, ProviderSpec, compile};
use secretfs_providers::ProgramCall;
use secretfs_providers::http::{Proxy, ProxySettings};
use secretfs_providers::onepassword::op::OpCall;
use std::io::{Read, Write};

fn map(providers: Vec<ProviderSettings>) -> CompiledMap {
    let settings = MountSettings {
        mountpoint: None,
        seal_on_lock: false,
        remount_on_unlock: false,
        idle_ms: 0,
        audit: true,
    };
    let specs: Vec<ProviderSpec> = providers
        .into_iter()
        .enumerate()
        .map(|(n, settings)| ProviderSpec {
            name: format!("p{n}"),
            settings,
        })
        .collect();
    CompiledMap::from_bytes(&compile(&settings, &specs, &[]).unwrap()).unwrap()
}

fn connect(host: &str) -> ProviderSettings {
    ProviderSettings::OnePassword {
        op: false,
        connect_host: Some(host.into()),
        account: None,
        ca_file: None,
        allow_insecure_http: false,
    }
}

fn asks() -> Asks {
    let (proxy, _) = Proxy::parse("http://LOCALHOST.:3128").unwrap();
    let proxies = ProxySettings::new(Some(proxy), None, "").unwrap();
    Asks::new(Path::new("/home/me/secrets"), &proxies, false)
}

async fn ask(request: HostRequest, map: CompiledMap) -> Answer {
    asks().answer(Ask::Host(request), Some(map), None).await
}

#[tokio::test]
async fn the_vault_of_the_map_is_opened_and_no_other_provider() {
    let dir = tempfile::tempdir().unwrap();
    let vault = dir.path().join("vault.age");
    std::fs::File::create(&vault)
        .unwrap()
        .write_all(b"age")
        .unwrap();
    let file = vault.to_str().unwrap().to_owned();
    let map = map(vec![connect("http://x"), ProviderSettings::Local { file }]);
    let (result, fd) = ask(HostRequest::OpenVault { provider: 1 }, map.clone()).await;
    assert_eq!(result, Ok(AskAnswer::Fd));
    let mut text = String::new();
    std::fs::File::from(fd.unwrap())
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, "age");
    for provider in [0, 2] {
        let (result, fd) = ask(HostRequest::OpenVault { provider }, map.clone()).await;
        assert_eq!(result, Err(Errno::INVAL.raw_os_error()));
        assert!(fd.is_none());
    }
}

#[tokio::test]
async fn the_ca_bundle_of_the_map_is_opened_and_none_where_it_names_none() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = dir.path().join("ca.pem");
    std::fs::write(&bundle, b"pem").unwrap();
    let mut with = connect("https://x");
    if let ProviderSettings::OnePassword { ca_file, .. } = &mut with {
        *ca_file = Some(bundle.to_str().unwrap().to_owned());
    }
    let map = map(vec![with, connect("https://y")]);
    let (result, fd) = ask(HostRequest::OpenCaFile { provider: 0 }, map.clone()).await;
    assert_eq!(result, Ok(AskAnswer::Fd));
    assert!(fd.is_some());
    for provider in [1, 2] {
        let (result, fd) = ask(HostRequest::OpenCaFile { provider }, map.clone()).await;
        assert_eq!(result, Err(Errno::INVAL.raw_os_error()));
        assert!(fd.is_none());
    }
}

fn infisical(auth: Option<&str>, jwt_file: Option<&str>) -> ProviderSettings {
    let text = "providers: {i: {type: infisical, project_id: p}}\nsecrets: [{name: A, file: a}]\n";
    let map = secretfs_fs::map::compile_text(text).unwrap();
    let mut settings = map.providers().remove(0).settings;
    if let ProviderSettings::Infisical {
        auth: own_auth,
        jwt_file: own_file,
        ..
    } = &mut settings
    {
        *own_auth = auth.map(str::to_owned);
        *own_file = jwt_file.map(str::to_owned);
    }
    settings
}

#[tokio::test]
async fn the_jwt_file_of_the_map_is_opened_and_none_where_it_names_none() {
    let dir = tempfile::tempdir().unwrap();
    // As kubelet lays it out: a link to a folder that is replaced as a whole.
    std::fs::create_dir(dir.path().join("..1")).unwrap();
    std::fs::write(dir.path().join("..1/token"), b"a.b.c").unwrap();
    std::os::unix::fs::symlink("..1", dir.path().join("..data")).unwrap();
    let file = dir.path().join("token");
    std::os::unix::fs::symlink("..data/token", &file).unwrap();
    let map = map(vec![
        infisical(None, file.to_str()),
        infisical(None, None),
        connect("https://x"),
    ]);
    let (result, fd) = ask(HostRequest::OpenJwtFile { provider: 0 }, map.clone()).await;
    assert_eq!(result, Ok(AskAnswer::Fd));
    let mut text = String::new();
    std::fs::File::from(fd.unwrap())
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, "a.b.c");
    for provider in [1, 2, 3] {
        let (result, fd) = ask(HostRequest::OpenJwtFile { provider }, map.clone()).await;
        assert_eq!(result, Err(Errno::INVAL.raw_os_error()));
        assert!(fd.is_none());
    }
}

#[tokio::test]
async fn a_program_is_started_only_for_a_provider_that_may_use_its_session() {
    let map = map(vec![
        infisical(Some("universal"), None),
        infisical(Some("token"), None),
        connect("https://x"),
    ]);
    for provider in 0..4 {
        let call = ProgramCall::InfisicalToken;
        for request in [
            HostRequest::StartProgram { provider, call },
            HostRequest::OpenProgramConfig { provider },
        ] {
            let (result, fd) = ask(request, map.clone()).await;
            assert_eq!(result, Err(Errno::INVAL.raw_os_error()));
            assert!(fd.is_none());
        }
    }
    let (result, _) = ask(HostRequest::EndOfProgram { run: 1 }, map).await;
    assert_eq!(result, Err(Errno::INVAL.raw_os_error()));
}

#[test]
fn the_first_bundle_that_the_system_has_is_opened_and_none_below_the_mount() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().canonicalize().unwrap();
    let mount = base.join("mount");
    std::fs::create_dir(&mount).unwrap();
    std::fs::write(mount.join("a.pem"), b"mine").unwrap();
    std::fs::write(base.join("b.pem"), b"theirs").unwrap();
    let place = |name: &str| base.join(name).to_str().unwrap().to_owned();
    let open = |places: &[String]| {
        let places: Vec<&str> = places.iter().map(String::as_str).collect();
        open_system_ca(&places, &mount)
    };
    let fd = open(&[place("none"), place("mount/a.pem"), place("b.pem")]).unwrap();
    let mut text = String::new();
    std::fs::File::from(fd).read_to_string(&mut text).unwrap();
    assert_eq!(text, "theirs");
    assert_eq!(open(&[place("none")]).unwrap_err(), Errno::NOENT);
    assert_eq!(
        open(&[place("none"), place("mount/a.pem")]).unwrap_err(),
        Errno::LOOP
    );
}

#[tokio::test]
async fn a_question_about_a_map_that_is_gone_is_stale() {
    let asks = asks();
    let request = HostRequest::OpenVault { provider: 0 };
    let (result, _) = asks.answer(Ask::Host(request), None, None).await;
    assert_eq!(result, Err(Errno::STALE.raw_os_error()));
}

#[test]
fn a_vault_may_be_a_link_but_only_to_a_regular_file_outside_the_mount() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().canonicalize().unwrap();
    let mount = base.join("mount");
    std::fs::create_dir(&mount).unwrap();
    std::fs::write(mount.join("vault.age"), b"x").unwrap();
    std::fs::write(base.join("real.age"), b"x").unwrap();
    let link = |name: &str, to: &Path| {
        let path = base.join(name);
        std::os::unix::fs::symlink(to, &path).unwrap();
        path
    };
    assert!(open_regular(&link("good", &base.join("real.age")), &mount).is_ok());
    assert_eq!(
        open_regular(&mount.join("vault.age"), &mount).unwrap_err(),
        Errno::LOOP
    );
    let inside = link("inside", &mount.join("vault.age"));
    assert_eq!(open_regular(&inside, &mount).unwrap_err(), Errno::LOOP);
    let folder = link("folder", &mount);
    assert_eq!(
        open_regular(&folder.join("vault.age"), &mount).unwrap_err(),
        Errno::LOOP
    );
    let null = link("null", Path::new("/dev/null"));
    assert_eq!(open_regular(&null, &mount).unwrap_err(), Errno::INVAL);
    assert_eq!(open_regular(&base, &mount).unwrap_err(), Errno::ISDIR);
    assert_eq!(
        open_regular(&base.join("none"), &mount).unwrap_err(),
        Errno::NOENT
    );
}

#[tokio::test]
async fn only_hosts_of_the_map_are_resolved() {
    let map = map(vec![connect("http://LocalHost:8080/prefix")]);
    let resolve = |host: &str| HostRequest::Resolve {
        host: host.into(),
        port: 8080,
    };
    let (result, _) = ask(resolve("localhost"), map.clone()).await;
    let Ok(AskAnswer::Addresses(addresses)) = result else {
        panic!("{result:?}");
    };
    assert!(addresses.iter().all(|address| address.port() == 8080));
    // The proxy's name is of the mount, not of the map. Whether it is found is the resolver's affair.
    let denied = Err(Errno::ACCESS.raw_os_error());
    let (result, _) = ask(resolve("localhost."), map.clone()).await;
    assert_ne!(result, denied);
    let (result, _) = ask(resolve("stolen-bytes.example.com"), map).await;
    assert_eq!(result, Err(Errno::ACCESS.raw_os_error()));
}

fn op(item: &str) -> ProgramCall {
    ProgramCall::Op(OpCall::Item {
        vault: "Prod".into(),
        item: item.into(),
    })
}

#[tokio::test]
async fn op_is_started_for_what_the_map_names_and_for_nothing_else() {
    let map = secretfs_fs::map::compile_text(
        "providers:\n  c: {type: onepassword, connect_host: 'http://localhost:1'}\n  \
         w: {type: onepassword, backend: op}\nsecrets:\n\
         - {ref: op://Prod/db/f, file: a, provider: w}\n\
         - {ref: op://Prod/other/f, file: b, provider: c}\n",
    )
    .unwrap();
    for (provider, call) in [
        // Of another provider, of none, and without a name in the map.
        (1, op("other")),
        (0, op("other")),
        (2, op("db")),
        (1, op("--help")),
        (1, ProgramCall::InfisicalToken),
    ] {
        let request = HostRequest::StartProgram { provider, call };
        for with_descriptor in [false, true] {
            let beside = with_descriptor.then(|| std::fs::File::open("/dev/null").unwrap().into());
            let answered = asks().answer(Ask::Host(request.clone()), Some(map.clone()), beside);
            let (result, fd) = answered.await;
            assert_eq!(result, Err(Errno::INVAL.raw_os_error()), "{request:?}");
            assert!(fd.is_none());
        }
    }
}

//! Servers behind a proxy: reached through it, and told apart from it when something is wrong.

use super::Networked;
use secretfs_tests::connect::{Connect, Field, Item};
use secretfs_tests::fixture::{Fixture, told};
use secretfs_tests::http_sim::proxy::{Proxy, ProxyFault};
use secretfs_tests::http_sim::tls::BEHIND_A_PROXY;
use secretfs_tests::http_sim::{Outage, Tls};
use secretfs_tests::infisical::{Infisical, Route};
use secretfs_tests::scripted::Simulator;
use secretfs_tests::wait;

const PASSWORD: &str = "hunter2-of-the-proxy";

/// A server that only a proxy finds, and the proxy.
fn behind(tls: Tls, config: &str) -> (Networked, Proxy) {
    let sim = Infisical::start(tls);
    let proxy = Proxy::start(sim.address(), Tls::No);
    let url = sim.url().replace("127.0.0.1", BEHIND_A_PROXY);
    (Networked::of(sim, config).at(config, &url), proxy)
}

fn target(mount: &Networked) -> String {
    format!("{BEHIND_A_PROXY}:{}", mount.sim.address().port())
}

#[test]
fn a_server_with_tls_is_reached_through_a_tunnel_that_sees_no_credential() {
    let (mount, proxy) = behind(Tls::Yes, "");
    mount.mount_with(&[("HTTPS_PROXY", &proxy.url())]);
    assert_eq!(mount.read("a").expect("the value"), b"the value of A");
    let asked = proxy.asked();
    assert!(!asked.is_empty());
    for one in asked {
        // The name itself: nobody here has resolved it.
        assert_eq!(
            (one.method.as_str(), one.target),
            ("CONNECT", target(&mount))
        );
        assert_eq!(one.authorized, None);
    }
}

#[test]
fn a_server_without_tls_is_asked_for_with_its_whole_address() {
    let config = "";
    let sim = Infisical::start(Tls::No);
    let proxy = Proxy::start(sim.address(), Tls::No).with_user("me", PASSWORD);
    let url = sim.url().replace("127.0.0.1", BEHIND_A_PROXY);
    let mount = Networked::of(sim, config).at(config, &url);
    let provider = mount.sim.provider_with("allow_insecure_http: true");
    mount.set_map(config, &provider.replace(&mount.sim.url(), &url));
    let opens = proxy.url_of(&format!("me:{PASSWORD}"));
    mount.mount_with(&[
        ("http_proxy", &opens),
        ("HTTPS_PROXY", "http://127.0.0.1:9"),
    ]);
    assert_eq!(mount.read("a").expect("the value"), b"the value of A");
    assert_eq!(mount.read("b").expect("the value"), b"the value of B");
    let asked = proxy.asked();
    assert!(
        asked.iter().all(|one| one.target.starts_with(&url)),
        "{asked:?}"
    );
    assert!(asked.iter().all(|one| one.authorized == Some(true)));
    // And its refusal is not taken for the server's.
    mount.run(["refresh"]);
    proxy.set_user("me", "another");
    let (errno, told) = mount.refused("a");
    assert_eq!(errno, libc::EHOSTUNREACH, "{told}");
    assert!(told.contains("refuses the user or the password"), "{told}");
}

#[test]
fn what_no_proxy_names_is_not_reached_through_one() {
    let (mount, proxy) = behind(Tls::Yes, "open_timeout: 3s");
    mount.mount_with(&[
        ("HTTPS_PROXY", &proxy.url()),
        ("NO_PROXY", "other.example,.example"),
    ]);
    let (errno, told) = mount.refused("a");
    // Nobody but the proxy knows the name.
    assert!(
        [libc::EHOSTUNREACH, libc::ETIMEDOUT].contains(&errno),
        "{errno} {told}"
    );
    assert_eq!(proxy.asked(), []);
}

#[test]
fn this_machine_is_reached_without_a_proxy() {
    let mount = Networked::new("");
    let proxy = Proxy::start(mount.sim.address(), Tls::No);
    mount.mount_with(&[("HTTPS_PROXY", &proxy.url()), ("ALL_PROXY", &proxy.url())]);
    assert_eq!(mount.read("a").expect("the value"), b"the value of A");
    assert_eq!(proxy.asked(), []);
}

#[test]
fn a_proxy_that_is_spoken_to_over_tls_works_as_well() {
    let config = "";
    let sim = Infisical::start(Tls::Yes);
    let proxy = Proxy::start(sim.address(), Tls::Yes).with_user("me", PASSWORD);
    let url = sim.url().replace("127.0.0.1", BEHIND_A_PROXY);
    let mount = Networked::of(sim, config).at(config, &url);
    // One bundle for both: the server's own CA, and the proxy's.
    let read =
        |file: Option<&std::path::Path>| std::fs::read(file.expect("a CA")).expect("a certificate");
    let both = [read(mount.sim.ca_file()), read(proxy.ca_file())].concat();
    let bundle = mount.path("both.pem");
    mount.write(&bundle, &both);
    let ca = mount.sim.ca_file().expect("a CA").display().to_string();
    let provider = mount
        .sim
        .provider()
        .replace(&ca, &bundle.display().to_string());
    mount.set_map(config, &provider.replace(&mount.sim.url(), &url));
    let opens = proxy.url_of(&format!("me:{PASSWORD}"));
    mount.mount_with(&[("https_proxy", &opens)]);
    assert_eq!(mount.read("a").expect("the value"), b"the value of A");
    assert!(proxy.asked().iter().all(|one| one.authorized == Some(true)));
}

#[test]
fn the_password_of_a_proxy_is_nowhere_but_at_the_proxy_and_a_lock_wipes_it() {
    let (mount, proxy) = behind(Tls::Yes, "on_lock: seal");
    let proxy = proxy.with_user("me", PASSWORD);
    let opens = proxy.url_of(&format!("me:{PASSWORD}"));
    let mut args = mount.mount_args();
    args.push("--foreground".into());
    let mut foreground = mount
        .opening(args)
        .env("HTTPS_PROXY", &opens)
        // Taken out as well, though it is not read.
        .env("HTTP_PROXY", &opens)
        .spawn()
        .expect("secretfs");
    wait::until("the mount answers", || mount.read("a").ok());
    for process in mount.processes() {
        let environ = std::fs::read(format!("/proc/{}/environ", process.pid)).expect("environ");
        let text = String::from_utf8_lossy(&environ);
        assert!(!text.contains(PASSWORD), "{:?}: {text}", process.args);
    }
    assert!(proxy.asked().iter().all(|one| one.authorized == Some(true)));

    mount.run(["lock"]);
    let unlock = |environment: &[(&str, &str)]| {
        let mut command = mount.opening(["unlock"]);
        let output = command.envs(environment.iter().copied()).output();
        let output = output.expect("secretfs");
        assert!(output.status.success(), "{}", told(&output));
    };
    // Without it the proxy is shut, and says so; the file says what to do.
    unlock(&[]);
    let (errno, told) = mount.refused("a");
    assert_eq!(errno, libc::EHOSTUNREACH);
    assert!(told.contains("wants a user and a password"), "{told}");
    assert!(told.contains("secretfs unlock"), "{told}");
    unlock(&[("HTTPS_PROXY", &opens)]);
    assert_eq!(mount.read("a").expect("the value"), b"the value of A");
    for file in ["secretfs/secretfs.log", "secretfs/audit.jsonl"] {
        let text = std::fs::read_to_string(mount.path("state").join(file)).unwrap_or_default();
        assert!(!text.contains(PASSWORD), "{file}: {text}");
    }
    let status = mount.run(["status", "--json"]);
    assert!(!status.contains(PASSWORD), "{status}");
    mount.unmount();
    let ended = wait::until("the command ends", || foreground.try_wait().expect("wait"));
    assert!(ended.success(), "{ended}");
}

#[test]
fn a_refused_password_is_not_sent_again_until_another_is_given() {
    let (mount, proxy) = behind(Tls::Yes, "");
    let proxy = proxy.with_user("me", PASSWORD);
    mount.mount_with(&[("HTTPS_PROXY", &proxy.url_of("me:wrong"))]);
    for _ in 0..3 {
        let (errno, told) = mount.refused("a");
        assert_eq!(errno, libc::EHOSTUNREACH);
        assert!(told.contains("not tried again"), "{told}");
        assert!(!told.contains("wrong"), "{told}");
    }
    assert_eq!(proxy.asked().len(), 1, "an account would be locked");
    let output = mount
        .opening(["unlock"])
        .env("HTTPS_PROXY", proxy.url_of(&format!("me:{PASSWORD}")))
        .output()
        .expect("secretfs");
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(mount.read("a").expect("the value"), b"the value of A");
}

#[test]
fn a_proxy_that_is_not_well_is_told_apart_from_the_server_and_passes() {
    let (mount, proxy) = behind(Tls::Yes, "open_timeout: 2s, stale: 0");
    mount.mount_with(&[("HTTPS_PROXY", &proxy.url())]);
    let origin = proxy.url();
    for (fault, errno, says) in [
        (ProxyFault::Page(502), libc::EHOSTUNREACH, "status 502"),
        (ProxyFault::Page(503), libc::EHOSTUNREACH, "status 503"),
        (ProxyFault::Page(403), libc::EHOSTUNREACH, "NO_PROXY"),
        (ProxyFault::Page(407), libc::EHOSTUNREACH, "wants a user"),
        (ProxyFault::Page(200), libc::EHOSTUNREACH, "TLS"),
        (
            ProxyFault::Close,
            libc::EHOSTUNREACH,
            "broke the connection off",
        ),
        (
            ProxyFault::Garbage,
            libc::EHOSTUNREACH,
            "broke the connection off",
        ),
        (
            ProxyFault::Endless,
            libc::EHOSTUNREACH,
            "broke the connection off",
        ),
        (
            ProxyFault::BreakAfter(100),
            libc::EHOSTUNREACH,
            "broke the connection off",
        ),
    ] {
        proxy.fault(Some(fault.clone()));
        let (got, told) = mount.refused("a");
        assert_eq!(got, errno, "{fault:?}: {told}");
        assert!(told.contains(says), "{fault:?}: {told}");
        let is_proxys = !matches!(fault, ProxyFault::Page(200) | ProxyFault::BreakAfter(_));
        assert_eq!(told.contains(&origin), is_proxys, "{fault:?}: {told}");
        assert!(!told.contains("<html>"), "{fault:?}: {told}");
        // By itself, with the next open.
        proxy.fault(None);
        assert_eq!(
            mount.read("a").expect("the value"),
            b"the value of A",
            "{fault:?}"
        );
        mount.run(["refresh"]);
        // Ends the connection that is kept: the next open needs the proxy again.
        mount.sim.outage(Some(Outage::Refuse));
        mount.sim.outage(None);
    }
}

#[test]
fn a_proxy_that_hangs_at_connect_ends_the_open_in_time_and_is_named() {
    let (mount, proxy) = behind(Tls::Yes, "open_timeout: 1s");
    mount.mount_with(&[("HTTPS_PROXY", &proxy.url())]);
    proxy.fault(Some(ProxyFault::Hang));
    let asked = std::time::Instant::now();
    let (errno, told) = mount.refused("a");
    assert_eq!(errno, libc::ETIMEDOUT, "{told}");
    assert!(asked.elapsed() < std::time::Duration::from_secs(10));
    // The flight goes on a little longer, and knows what it waited for.
    wait::until("the proxy is named", || {
        let error = &mount.status()["providers"][0]["last_error"];
        let message = error["message"].as_str().unwrap_or_default();
        let named = message.contains(&proxy.url()) && message.contains("in time");
        named.then_some(())
    });
    proxy.fault(None);
    let value = wait::until("it is well again", || mount.read("a").ok());
    assert_eq!(value, b"the value of A");
}

#[test]
fn a_proxy_that_is_not_there_is_told_by_its_address() {
    let (mount, proxy) = behind(Tls::Yes, "open_timeout: 2s");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = nobody.local_addr().expect("an address");
    drop(nobody);
    mount.mount_with(&[("HTTPS_PROXY", &address.to_string())]);
    let (errno, told) = mount.refused("a");
    assert_eq!(errno, libc::EHOSTUNREACH);
    assert!(
        told.contains(&format!("the proxy http://{address} refuses connections")),
        "{told}"
    );
    assert_eq!(proxy.asked(), []);
}

#[test]
fn an_outage_behind_a_proxy_serves_what_is_stale() {
    let (mount, proxy) = behind(Tls::Yes, "ttl: 1s, stale: 1h");
    mount.mount_with(&[("HTTPS_PROXY", &proxy.url())]);
    assert_eq!(mount.read("a").expect("the value"), b"the value of A");
    proxy.fault(Some(ProxyFault::Page(407)));
    mount.advance(std::time::Duration::from_secs(2));
    assert_eq!(mount.read("a").expect("the stale value"), b"the value of A");
    proxy.fault(None);
    mount.sim.outage(Some(Outage::Refuse));
    mount.advance(std::time::Duration::from_secs(2));
    assert_eq!(mount.read("a").expect("the stale value"), b"the value of A");
    mount.sim.outage(None);
    mount.sim.set("/", "A", "rotated");
    mount.advance(std::time::Duration::from_secs(2));
    assert_eq!(mount.read("a").expect("the value"), b"rotated");
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused_at_mount_without_a_word_of_its_password() {
    let (mount, _proxy) = behind(Tls::Yes, "");
    for (value, says) in [
        (format!("socks5h://me:{PASSWORD}@127.0.0.1:1080"), "SOCKS"),
        (format!("http://me:{PASSWORD}@127.0.0.1:port"), "no address"),
    ] {
        let mut command = mount.opening(mount.mount_args());
        let output = command
            .env("HTTPS_PROXY", &value)
            .output()
            .expect("secretfs");
        let text = told(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(
            text.contains("HTTPS_PROXY") && text.contains(says),
            "{text}"
        );
        assert!(
            text.contains("help: ") && !text.contains(PASSWORD),
            "{text}"
        );
        assert!(!mount.is_mounted());
    }
}

#[test]
fn a_reload_adds_no_proxy() {
    let sim = Infisical::start(Tls::Yes);
    sim.set("/", "A", "the value of A");
    let proxy = Proxy::start(sim.address(), Tls::No);
    let scripted = Simulator::start();
    let fixture = Fixture::new();
    let entry = "{name: S, file: s, provider: s}";
    fixture.write_map(&format!(
        "providers: {{s: {}}}\nsecrets: [{entry}]\n",
        scripted.provider()
    ));
    let output = fixture
        .secretfs(fixture.mount_args())
        .env("HTTPS_PROXY", proxy.url())
        .output()
        .expect("secretfs");
    assert!(output.status.success(), "{}", told(&output));
    let url = sim.url().replace("127.0.0.1", BEHIND_A_PROXY);
    fixture.write_map(&format!(
        "config: {{open_timeout: 3s}}\nproviders: {{s: {}, i: {}}}\n\
         secrets: [{entry}, {{name: A, file: a, provider: i}}]\n",
        scripted.provider(),
        sim.provider_with("auth: token").replace(&sim.url(), &url)
    ));
    let mut probe = fixture.probe();
    wait::until("the new file is there", || {
        let names = probe.list(fixture.mountpoint());
        names.contains(&"a".to_owned()).then_some(())
    });
    let output = fixture
        .secretfs(["unlock"])
        .env("HTTPS_PROXY", proxy.url_of("me:secret"))
        .env("INFISICAL_TOKEN", "st.a.b.c")
        .env("INFISICAL_DOMAIN", &url)
        .output()
        .expect("secretfs");
    assert!(output.status.success(), "{}", told(&output));
    assert!(fixture.read("a").is_err());
    assert_eq!(proxy.asked(), []);
    assert_eq!(sim.count(Route::SecretSingle), 0);
}

#[test]
fn a_connect_server_is_reached_through_the_proxy_as_well() {
    let sim = Connect::start(Tls::Yes);
    let vault = sim.vault("Prod");
    sim.item(
        &vault,
        Item::new("router").field(Field::new("f").value("open sesame")),
    );
    let proxy = Proxy::start(sim.address(), Tls::No).with_user("me", PASSWORD);
    let url = sim.url().replace("127.0.0.1", BEHIND_A_PROXY);
    let fixture = Fixture::new();
    fixture.write_map(&format!(
        "providers: {{w: {}}}\nsecrets: [{{ref: 'op://Prod/router/f', file: r}}]\n",
        sim.provider().replace(&sim.url(), &url)
    ));
    let output = fixture
        .secretfs(fixture.mount_args())
        .env("HTTPS_PROXY", proxy.url_of(&format!("me:{PASSWORD}")))
        .env("OP_CONNECT_HOST", &url)
        .env("OP_CONNECT_TOKEN", secretfs_tests::connect::TOKEN)
        .output()
        .expect("secretfs");
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(fixture.read("r").expect("the value"), b"open sesame");
    assert!(proxy.asked().iter().all(|one| one.authorized == Some(true)));
    assert!(!proxy.asked().is_empty());
}

#[test]
fn check_online_goes_through_the_proxy_too() {
    let (mount, proxy) = behind(Tls::Yes, "");
    let proxy = proxy.with_user("me", PASSWORD);
    let output = mount
        .opening(["check", "--online"])
        .env("HTTPS_PROXY", proxy.url_of(&format!("me:{PASSWORD}")))
        .output()
        .expect("secretfs");
    assert!(output.status.success(), "{}", told(&output));
    assert!(proxy.asked().iter().all(|one| one.authorized == Some(true)));
    assert!(!proxy.asked().is_empty());
}

//! One mount of the real executable on a machine of its own, in front of two servers, with a proxy that
//! breaks things before each of them.

use crate::footprint::Baseline;
use crate::published;
use crate::tale::Name;
use secretfs_tests::connect::{Connect, Field, Item, TOKEN};
use secretfs_tests::fault_proxy::FaultProxy;
use secretfs_tests::fixture::{Fixture, told};
use secretfs_tests::http_sim::Tls;
use secretfs_tests::infisical::{CLIENT_ID, CLIENT_SECRET, Infisical};
use secretfs_tests::machine::Machine;
use secretfs_tests::probe::Probe;
use secretfs_tests::script::{Outcome, Step};
use secretfs_tests::user;
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::time::Duration;

/// The name of both servers: their certificates are for it.
const HOST: &str = secretfs_tests::http_sim::tls::BEHIND_A_PROXY;
/// Seconds that a token lives.
pub(crate) const TOKEN_LIFE: u64 = 600;

/// How a lane differs from another.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) tls: bool,
    pub(crate) ttl: Duration,
    pub(crate) stale: Duration,
    pub(crate) open_timeout: Duration,
    /// Further settings of the map.
    pub(crate) config: &'static str,
}

/// A file and where its value is.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) name: String,
    len: usize,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A folder of Infisical.
    Secret(&'static str),
    Field,
    Attached,
}

/// The servers, and what they hold.
pub(crate) struct Servers {
    pub(crate) infisical: Infisical,
    pub(crate) connect: Connect,
    vault: String,
    item: String,
    pub(crate) files: Vec<File>,
}

impl Servers {
    pub(crate) fn start(tls: bool) -> Self {
        let tls = if tls { Tls::Yes } else { Tls::No };
        let infisical = Infisical::start(tls);
        infisical.set_ttl(TOKEN_LIFE, TOKEN_LIFE * 10);
        let connect = Connect::start(tls);
        let mut files = Vec::new();
        let mut add = |name: String, len, place| files.push(File { name, len, place });
        for (at, len) in [64, 90, 300, 1_000, 3_000].into_iter().enumerate() {
            add(format!("a{at}"), len, Place::Secret("/app"));
        }
        for (at, len) in [128, 3_000, 8_000, 20_000].into_iter().enumerate() {
            add(format!("b{at}"), len, Place::Secret("/other"));
        }
        for (at, len) in [64, 500, 3_000].into_iter().enumerate() {
            add(format!("f{at}"), len, Place::Field);
        }
        for (at, len) in [700, 6_000].into_iter().enumerate() {
            add(format!("g{at}"), len, Place::Attached);
        }
        let vault = connect.vault("Prod");
        let mut item = Item::new("db");
        for file in &files {
            let first = published::value(&file.name, 1, file.len);
            item = match file.place {
                Place::Field => item.field(Field::new(&file.name).value(&first)),
                Place::Attached => item.file(&file.name, first.as_bytes()),
                Place::Secret(path) => {
                    infisical.set(path, &file.name, &first);
                    item
                }
            };
        }
        let item = connect.item(&vault, item);
        Self {
            infisical,
            connect,
            vault,
            item,
            files,
        }
    }

    /// Publishes a version of a file.
    pub(crate) fn publish(&self, at: usize, version: u64) {
        let file = &self.files[at];
        let value = published::value(&file.name, version, file.len);
        match file.place {
            Place::Secret(path) => self.infisical.set(path, &file.name, &value),
            Place::Field => self.connect.change(&self.vault, &self.item, |item| {
                item.set(&file.name, &value);
            }),
            Place::Attached => self.connect.change(&self.vault, &self.item, |item| {
                item.set_file(&file.name, value.as_bytes());
            }),
        }
    }

    /// What they were asked is counted by nobody here.
    pub(crate) fn forget_requests(&self) {
        self.infisical.forget_requests();
        self.connect.forget_requests();
    }

    fn map(&self, kind: &Kind, ports: [u16; 2]) -> String {
        let at = |url: String, port: u16| {
            let scheme = if kind.tls { "https" } else { "http" };
            (url, format!("{scheme}://{HOST}:{port}"))
        };
        let insecure = if kind.tls {
            ""
        } else {
            ", allow_insecure_http: true"
        };
        let moved = |provider: String, (from, to): (String, String)| {
            let provider = provider.replace(&from, &to);
            format!("{}{insecure}}}", provider.trim_end_matches('}'))
        };
        let i = moved(
            self.infisical.provider(),
            at(self.infisical.url(), ports[0]),
        );
        let c = moved(self.connect.provider(), at(self.connect.url(), ports[1]));
        let millis = |time: Duration| match time.as_millis() {
            0 => "0".to_owned(),
            millis => format!("{millis}ms"),
        };
        let (ttl, stale, timeout) = (
            millis(kind.ttl),
            millis(kind.stale),
            millis(kind.open_timeout),
        );
        let more = kind.config;
        let mut text = format!(
            "config: {{provider: i, ttl: {ttl}, stale: {stale}, open_timeout: {timeout}{more}}}\n\
             providers:\n  i: {i}\n  c: {c}\nsecrets:\n"
        );
        for File { name, place, .. } in &self.files {
            text.push_str(&match place {
                Place::Secret(path) => format!("- {{name: {name}, path: {path}, file: {name}}}\n"),
                _ => format!("- {{ref: \"op://Prod/db/{name}\", file: {name}}}\n"),
            });
        }
        text
    }
}

/// See the module. Its parts borrow a fixture and a machine, which outlive it.
pub(crate) struct Lane<'a> {
    pub(crate) fixture: &'a Fixture,
    machine: &'a Machine<'a>,
    pub(crate) servers: &'a Servers,
    pub(crate) proxies: &'a [FaultProxy; 2],
    pub(crate) kind: Kind,
    pub(crate) agent: Probe,
    /// The version of each file that is published now.
    pub(crate) versions: Vec<u64>,
    /// The name server that says nothing.
    mute: UdpSocket,
    map: String,
    /// Whether the name leads here.
    is_named: bool,
    pub(crate) baseline: Option<Baseline>,
}

/// Makes a lane, mounts it, does something with it, and unmounts it.
pub(crate) fn with_lane(fixture: &Fixture, kind: Kind, act: impl FnOnce(&mut Lane<'_>)) {
    let machine = Machine::new(fixture);
    let servers = Servers::start(kind.tls);
    let proxies = [servers.infisical.address(), servers.connect.address()].map(FaultProxy::start);
    let map = servers.map(&kind, [0, 1].map(|at: usize| proxies[at].address().port()));
    fixture.write_map(&map);
    // The address is this lane's own, the port is that of name servers.
    let port = proxies[0].address().port().to_be_bytes();
    let quiet = SocketAddr::from(([127, 53, port[0], port[1].max(1)], 53));
    let mute = UdpSocket::bind(quiet).expect("the port of a name server, as root");
    let mut lane = Lane {
        fixture,
        machine: &machine,
        servers: &servers,
        proxies: &proxies,
        agent: Probe::start(machine.user(user::mounting(), fixture.probe_path())),
        versions: vec![1; servers.files.len()],
        mute,
        kind,
        map,
        is_named: true,
        baseline: None,
    };
    lane.name(None);
    lane.secretfs_ok("mount");
    act(&mut lane);
    if !fixture.processes().is_empty() {
        lane.unmount();
    }
}

impl Lane<'_> {
    /// `secretfs` on the machine, with what opens both servers.
    pub(crate) fn secretfs<S: AsRef<std::ffi::OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let scheme = if self.kind.tls { "https" } else { "http" };
        let url = |at: usize| format!("{scheme}://{HOST}:{}", self.proxies[at].address().port());
        let mut command = self.machine.user(user::mounting(), "env");
        command
            .arg(format!("INFISICAL_DOMAIN={}", url(0)))
            .arg(format!("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID={CLIENT_ID}"))
            .arg(format!(
                "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET={CLIENT_SECRET}"
            ))
            .arg(format!("OP_CONNECT_HOST={}", url(1)))
            .arg(format!("OP_CONNECT_TOKEN={TOKEN}"))
            .arg(self.fixture.executable());
        command.args(args);
        command
    }

    /// A command about this mount that has to work.
    pub(crate) fn secretfs_ok(&self, command: &str) {
        let place = self.fixture.mountpoint();
        let output = self
            .secretfs([command.as_ref(), place.as_os_str()])
            .output()
            .expect("secretfs");
        assert!(output.status.success(), "{command}: {}", told(&output));
    }

    /// Unmounts, and waits for the end of every process.
    pub(crate) fn unmount(&self) {
        self.secretfs_ok("unmount");
        self.fixture.wait_for_no_process();
    }

    /// A program as root on the machine, that has to work; what it says.
    pub(crate) fn root(&self, program: &str, args: &[&str]) -> String {
        let output = self.machine.root(program).args(args).output();
        let output = output.expect("a program");
        assert!(
            output.status.success(),
            "{program} {args:?}: {}",
            told(&output)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What `status` says, for a failed assertion.
    pub(crate) fn status(&self) -> String {
        let output = self.secretfs(["status"]).output().expect("secretfs");
        told(&output)
    }

    /// Saves the map again, with a line that changes nothing.
    pub(crate) fn save_map(&self, remark: &str) {
        self.fixture.write_map(&format!("# {remark}\n{}", self.map));
    }

    /// A process of the user on the machine that does system calls.
    pub(crate) fn reader(&self) -> Probe {
        Probe::start(
            self.machine
                .user(user::mounting(), self.fixture.probe_path()),
        )
    }

    /// The servers' name is this machine's again.
    pub(crate) fn mend_name(&mut self) {
        if !self.is_named {
            self.name(None);
        }
    }

    /// What becomes of the servers' name; `None`: it is this machine's.
    pub(crate) fn name(&mut self, name: Option<Name>) {
        self.is_named = name.is_none();
        let server = match name {
            Some(Name::Mute) => self.mute.local_addr().expect("an address").ip().to_string(),
            // Nobody listens there: the look-up fails at once.
            _ => "127.0.0.1".to_owned(),
        };
        let resolv = format!("nameserver {server}\noptions timeout:1 attempts:1\n");
        self.machine.write_etc("resolv.conf", &resolv);
        let hosts = match name {
            None => format!("127.0.0.1 localhost {HOST}\n"),
            Some(Name::Elsewhere) => format!("127.0.0.1 localhost\n127.9.9.9 {HOST}\n"),
            Some(Name::Unknown | Name::Mute) => "127.0.0.1 localhost\n".to_owned(),
        };
        self.machine.write_etc("hosts", &hosts);
    }

    fn mountpoint(&self) -> String {
        let place = self.fixture.mountpoint();
        place.to_str().expect("UTF-8").to_owned()
    }

    /// Moves the daemon's clock.
    pub(crate) fn advance(&mut self, by: Duration) {
        let step = Step::Advance {
            mountpoint: self.mountpoint(),
            by_ms: u64::try_from(by.as_millis()).expect("not for ever"),
        };
        assert_eq!(self.agent.run(&step), Outcome::Done);
    }

    /// Bytes in sealed areas.
    pub(crate) fn sealed(&mut self) -> u64 {
        let step = Step::Sealed {
            mountpoint: self.mountpoint(),
        };
        match self.agent.run(&step) {
            Outcome::Number(bytes) => bytes,
            other => panic!("{other:?}"),
        }
    }

    /// Reads files at once: each outcome, and how long it took.
    pub(crate) fn read(&mut self, files: &[usize]) -> Vec<(Result<Vec<u8>, i32>, Duration)> {
        let path = |at: &usize| {
            let file = self.fixture.file(&self.servers.files[*at].name);
            file.to_str().expect("UTF-8").to_owned()
        };
        let paths = files.iter().map(path).collect();
        let Outcome::Timed(timed) = self.agent.run(&Step::SlurpTimed { paths }) else {
            panic!("the agent does not time");
        };
        let told = |(outcome, took)| {
            let read = match outcome {
                Outcome::Bytes(hex) => Ok(secretfs_tests::script::from_hex(&hex)),
                Outcome::Failed(errno) => Err(errno),
                other => panic!("{other:?}"),
            };
            (read, Duration::from_micros(took))
        };
        timed.into_iter().map(told).collect()
    }

    /// The version that bytes of a file are.
    pub(crate) fn version(&self, at: usize, bytes: &[u8]) -> Result<u64, String> {
        published::version(&self.servers.files[at].name, bytes)
    }
}

//! A real mount, as a process of its user finds it.

use super::check::{Providers, System};
use super::shape::Shape;
use secretfs_mount_helper::control::{Request, Response};
use secretfs_tests::fixture::Fixture;
use secretfs_tests::probe::Probe;
use secretfs_tests::script::{Change, Outcome, Stat, Step, from_hex};

/// A mount, and who uses it.
pub(crate) struct Mounted {
    // First, so that nothing asks a simulator that is gone.
    probe: Probe,
    fixture: Fixture,
    providers: Providers,
}

impl Mounted {
    pub(crate) fn new() -> Self {
        let providers = Providers::start();
        let fixture = Fixture::new();
        fixture.write_map(&providers.yaml(&Shape::FIRST));
        fixture.mount();
        Self {
            probe: fixture.probe(),
            fixture,
            providers,
        }
    }

    fn path(&self, path: &str) -> String {
        let path = self.fixture.file(path.trim_start_matches('/'));
        path.to_str().expect("UTF-8").to_owned()
    }

    /// Says something to the helper; the answer, or that it refused.
    fn ask(&mut self, request: &Request) -> Option<Response> {
        let step = Step::Control {
            mountpoint: self.path(""),
            request: serde_json::to_string(request).expect("JSON"),
        };
        match self.probe.run(&step) {
            Outcome::Answer(answer) => Some(serde_json::from_str(&answer).expect("JSON")),
            Outcome::Failed(_) => None,
            other => panic!("{request:?}: {other:?}"),
        }
    }

    fn tell(&mut self, request: &Request) {
        let told = self.ask(request);
        assert!(
            matches!(told, Some(Response::Done { .. })),
            "{request:?}: {told:?}"
        );
    }

    fn bytes(outcome: Outcome) -> Result<Vec<u8>, i32> {
        match outcome {
            Outcome::Bytes(hex) => Ok(from_hex(&hex)),
            Outcome::Failed(errno) => Err(errno),
            other => panic!("no bytes: {other:?}"),
        }
    }

    fn stat_of(outcome: Outcome) -> Result<Stat, i32> {
        match outcome {
            Outcome::Stat(stat) => Ok(stat),
            Outcome::Failed(errno) => Err(errno),
            other => panic!("no attributes: {other:?}"),
        }
    }
}

impl System for Mounted {
    type Handle = i32;

    fn open(&mut self, path: &str) -> Result<(i32, Stat), i32> {
        let path = self.path(path);
        let fd = self.probe.try_open(&path)?;
        let stat = self.probe.fstat(fd);
        if stat.mode & libc::S_IFMT == libc::S_IFDIR {
            self.close(fd);
            // open(2) does not say so where it is only for reading.
            return Err(libc::EISDIR);
        }
        Ok((fd, stat))
    }

    fn read(&mut self, fd: &i32, offset: usize, len: usize) -> Result<Vec<u8>, i32> {
        let offset = offset as u64;
        Self::bytes(self.probe.run(&Step::Pread {
            fd: *fd,
            offset,
            len,
        }))
    }

    fn measure(&mut self, fd: &i32) -> Result<Stat, i32> {
        Self::stat_of(self.probe.run(&Step::Fstat { fd: *fd }))
    }

    fn close(&mut self, fd: i32) {
        self.probe.run(&Step::Close { fd });
    }

    fn stat(&mut self, path: &str) -> Result<Stat, i32> {
        let path = self.path(path);
        Self::stat_of(self.probe.run(&Step::Stat { path }))
    }

    fn list(&mut self, path: &str) -> Result<Vec<(String, bool)>, i32> {
        let of = self.path(path);
        let names = match self.probe.run(&Step::List { path: of }) {
            Outcome::Names(names) => names,
            Outcome::Failed(errno) => return Err(errno),
            other => panic!("no names: {other:?}"),
        };
        let kinds = names.into_iter().map(|name| {
            // Those of a `dir:` folder are files, and looking might ask for them again.
            let is_folder = path != "dir"
                && self
                    .stat(&format!("{path}/{name}"))
                    .is_ok_and(|stat| stat.mode & libc::S_IFMT == libc::S_IFDIR);
            (name, is_folder)
        });
        Ok(kinds.collect())
    }

    fn open_for_writing(&mut self, path: &str) -> Result<(), i32> {
        let path = self.path(path);
        match self.probe.attempt(Change::OpenForWriting, path) {
            0 => Ok(()),
            errno => Err(errno),
        }
    }

    fn error(&mut self, path: &str) -> Result<String, i32> {
        let path = self.path(path);
        self.probe.attribute(path, "user.secretfs.error")
    }

    fn advance(&mut self, seconds: u64) {
        self.tell(&Request::AdvanceClock {
            by_ms: seconds * 1_000,
        });
    }

    fn lock(&mut self) {
        self.tell(&Request::Lock);
    }

    fn unlock(&mut self) {
        self.tell(&Request::Unlock {
            with_credentials: false,
        });
    }

    fn refresh(&mut self, path: Option<&str>) -> Result<u32, i32> {
        let paths = path.map(str::to_owned).into_iter().collect();
        match self.ask(&Request::Refresh { paths }) {
            Some(Response::Done { count }) => Ok(count),
            None => Err(libc::ENOENT),
            other => panic!("refresh: {other:?}"),
        }
    }

    fn reload(&mut self, yaml: &str) {
        self.fixture.write_map(yaml);
        self.tell(&Request::Reload);
    }

    /// The daemon takes its messages in order: whatever it was told before is done when it answers.
    fn settle(&mut self) {
        self.tell(&Request::Settle);
    }

    fn remembers(&self) -> bool {
        true
    }

    fn providers(&self) -> &Providers {
        &self.providers
    }
}

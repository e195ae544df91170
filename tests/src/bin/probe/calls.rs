//! The system calls, and what is kept between them: descriptors and mappings.

use crate::mapping::Mapping;
use crate::{changes, timing};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{MemfdFlags, Mode, OFlags, SeekFrom};
use rustix::io::Errno;
use rustix::pipe::{SpliceFlags, pipe};
use secretfs_mount_helper::control::client;
use secretfs_tests::script::{Outcome, Stat, Step, to_hex};
use std::collections::BTreeMap;
use std::io::IoSliceMut;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What is open.
#[derive(Default)]
pub(crate) struct Calls {
    open: BTreeMap<i32, OwnedFd>,
    mappings: Vec<Option<Mapping>>,
}

impl Calls {
    /// Does one step.
    pub(crate) fn run(&mut self, step: Step) -> Outcome {
        self.attempt(step)
            .unwrap_or_else(|errno| Outcome::Failed(errno.raw_os_error()))
    }

    fn fd(&self, fd: i32) -> Result<BorrowedFd<'_>, Errno> {
        self.open.get(&fd).map(AsFd::as_fd).ok_or(Errno::BADF)
    }

    fn attempt(&mut self, step: Step) -> Result<Outcome, Errno> {
        match step {
            Step::Open { path, flags } => {
                let flags = OFlags::from_bits_retain(flags.cast_unsigned());
                let fd = rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty())?;
                let number = fd.as_raw_fd();
                self.open.insert(number, fd);
                Ok(Outcome::Handle(number))
            }
            Step::Close { fd } => {
                self.open.remove(&fd).ok_or(Errno::BADF)?;
                Ok(Outcome::Done)
            }
            Step::Fstat { fd } => stat_of(self.fd(fd)?).map(Outcome::Stat),
            Step::Stat { path } => {
                let metadata = std::fs::symlink_metadata(path).map_err(errno)?;
                Ok(Outcome::Stat(attributes(&metadata)))
            }
            Step::Read { fd, len } => {
                let mut buffer = vec![0; len];
                let read = rustix::io::read(self.fd(fd)?, &mut buffer)?;
                Ok(Outcome::Bytes(to_hex(&buffer[..read])))
            }
            Step::Pread { fd, offset, len } => {
                let mut buffer = vec![0; len];
                let read = rustix::io::pread(self.fd(fd)?, &mut buffer, offset)?;
                Ok(Outcome::Bytes(to_hex(&buffer[..read])))
            }
            Step::ReadVector { fd, offset, lens } => {
                let mut buffers: Vec<Vec<u8>> = lens.iter().map(|len| vec![0; *len]).collect();
                let mut slices: Vec<IoSliceMut<'_>> =
                    buffers.iter_mut().map(|b| IoSliceMut::new(b)).collect();
                let read = rustix::io::preadv(self.fd(fd)?, &mut slices, offset)?;
                let all = buffers.concat();
                Ok(Outcome::Bytes(to_hex(&all[..read])))
            }
            Step::SeekHole { fd, offset, data } => {
                let from = if data {
                    SeekFrom::Data(offset)
                } else {
                    SeekFrom::Hole(offset)
                };
                rustix::fs::seek(self.fd(fd)?, from).map(Outcome::Number)
            }
            Step::Seek { fd, offset } => {
                rustix::fs::seek(self.fd(fd)?, SeekFrom::Start(offset)).map(Outcome::Number)
            }
            Step::SeekEnd { fd, offset } => {
                rustix::fs::seek(self.fd(fd)?, SeekFrom::End(offset)).map(Outcome::Number)
            }
            Step::Map { fd, len, shared } => {
                let mapping = Mapping::new(self.fd(fd)?, len, shared)?;
                self.mappings.push(Some(mapping));
                let number = i32::try_from(self.mappings.len() - 1).expect("few mappings");
                Ok(Outcome::Handle(number))
            }
            Step::Peek { map, len } => match self.mappings.get(map) {
                Some(Some(mapping)) => Ok(Outcome::Bytes(to_hex(&mapping.peek(len)?))),
                _ => Err(Errno::BADF),
            },
            Step::Unmap { map } => {
                *self.mappings.get_mut(map).ok_or(Errno::BADF)? = None;
                Ok(Outcome::Done)
            }
            Step::Sendfile { fd, offset, len } => {
                let (reader, writer) = pipe()?;
                let mut offset = offset;
                let sent = rustix::fs::sendfile(writer, self.fd(fd)?, Some(&mut offset), len)?;
                drain(reader.as_fd(), sent)
            }
            Step::Splice { fd, offset, len } => {
                let (reader, writer) = pipe()?;
                let mut offset = offset;
                let from = self.fd(fd)?;
                let flags = SpliceFlags::empty();
                let moved =
                    rustix::pipe::splice(from, Some(&mut offset), writer, None, len, flags)?;
                drain(reader.as_fd(), moved)
            }
            Step::CopyRange { fd, len } => {
                let target = rustix::fs::memfd_create("copy", MemfdFlags::CLOEXEC)?;
                let mut from = 0;
                let copied =
                    rustix::fs::copy_file_range(self.fd(fd)?, Some(&mut from), &target, None, len)?;
                let mut buffer = vec![0; copied];
                let read = rustix::io::pread(&target, &mut buffer, 0)?;
                Ok(Outcome::Bytes(to_hex(&buffer[..read])))
            }
            Step::Slurp { path } => slurp(&path),
            Step::SlurpConcurrently { path, threads } => Ok(slurp_concurrently(&path, threads)),
            Step::SlurpEach { paths } => {
                let timed = slurp_at_once(&paths).into_iter();
                Ok(Outcome::Each(timed.map(|(outcome, _)| outcome).collect()))
            }
            Step::SlurpTimed { paths } => Ok(Outcome::Timed(slurp_at_once(&paths))),
            #[cfg(feature = "test-hooks")]
            Step::Advance { mountpoint, by_ms } => {
                crate::clock::advance(&mountpoint, by_ms);
                Ok(Outcome::Done)
            }
            #[cfg(feature = "test-hooks")]
            Step::Sealed { mountpoint } => Ok(Outcome::Number(crate::clock::sealed(&mountpoint))),
            #[cfg(not(feature = "test-hooks"))]
            Step::Advance { .. } | Step::Sealed { .. } => Err(Errno::OPNOTSUPP),
            Step::SlurpRepeatedly { path, times } => {
                let mut last = Outcome::Done;
                for _ in 0..times {
                    last = slurp(&path)?;
                }
                Ok(last)
            }
            Step::List { path } => {
                let mut names = Vec::new();
                for entry in std::fs::read_dir(path).map_err(errno)? {
                    let name = entry.map_err(errno)?.file_name();
                    names.push(name.into_string().map_err(|_| Errno::ILSEQ)?);
                }
                names.sort();
                Ok(Outcome::Names(names))
            }
            Step::Attribute { path, name } => {
                let mut buffer = vec![0_u8; 64 * 1024];
                let len = rustix::fs::getxattr(path, name, &mut buffer[..])?;
                Ok(Outcome::Bytes(to_hex(&buffer[..len])))
            }
            Step::Attempt { what, path } => {
                changes::attempt(what, &path)?;
                Ok(Outcome::Done)
            }
            Step::Enter { path } => {
                std::env::set_current_dir(path).map_err(errno)?;
                Ok(Outcome::Done)
            }
            Step::CachedPages { fd } => cached_pages(self.fd(fd)?).map(Outcome::Number),
            Step::Time { path, times } => timing::rounds(&path, times)
                .map(|took| Outcome::Nanoseconds(took / u64::from(times))),
            Step::TimeCrowd {
                path,
                readers,
                times,
            } => Ok(Outcome::Crowd(timing::crowd(&path, readers, times))),
            Step::Launch { args } => timing::launch(&args).map_err(errno),
            Step::Control {
                mountpoint,
                request,
            } => Ok(control(&mountpoint, &request)),
        }
    }
}

/// The helper looks at who asks: it has to be a process of the user.
fn control(mountpoint: &str, request: &str) -> Outcome {
    let request = serde_json::from_str(request).expect("a request");
    let answer = client::expect(Path::new(mountpoint))
        .and_then(|found| client::request(&found, &request, Vec::new()));
    match answer {
        Ok(answer) => Outcome::Answer(serde_json::to_string(&answer).expect("JSON")),
        Err(error) => Outcome::Failed(error.status.into()),
    }
}

fn errno(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}

fn attributes(metadata: &std::fs::Metadata) -> Stat {
    Stat {
        size: metadata.len(),
        ino: metadata.ino(),
        mode: metadata.mode(),
        uid: metadata.uid(),
        gid: metadata.gid(),
        nlink: metadata.nlink(),
        mtime_ms: metadata.mtime() * 1000 + metadata.mtime_nsec() / 1_000_000,
    }
}

fn stat_of(fd: BorrowedFd<'_>) -> Result<Stat, Errno> {
    let file = std::fs::File::from(fd.try_clone_to_owned().map_err(errno)?);
    file.metadata().map(|m| attributes(&m)).map_err(errno)
}

fn drain(reader: BorrowedFd<'_>, len: usize) -> Result<Outcome, Errno> {
    let mut bytes = vec![0; len];
    let mut have = 0;
    while have < len {
        let read = rustix::io::read(reader, &mut bytes[have..])?;
        if read == 0 {
            return Err(Errno::PIPE);
        }
        have += read;
    }
    Ok(Outcome::Bytes(to_hex(&bytes)))
}

/// open, fstat, read to the end, close: what most programs do. The size must be exact.
fn slurp(path: &str) -> Result<Outcome, Errno> {
    let fd = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let size = stat_of(fd.as_fd())?.size;
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let read = rustix::io::read(&fd, &mut buffer)?;
        if read == 0 {
            break;
        }
        bytes.extend_from_slice(&buffer[..read]);
    }
    if u64::try_from(bytes.len()).ok() != Some(size) {
        // Not an errno of the kernel's for this: an fstat that does not agree with the bytes.
        return Err(Errno::BADMSG);
    }
    Ok(Outcome::Bytes(to_hex(&bytes)))
}

/// The outcomes, and the microseconds of each.
fn slurp_at_once<P: AsRef<str> + Sync>(paths: &[P]) -> Vec<(Outcome, u64)> {
    let barrier = std::sync::Barrier::new(paths.len());
    let read = |path: &str| {
        barrier.wait();
        let begun = std::time::Instant::now();
        let outcome = slurp(path).unwrap_or_else(|e| Outcome::Failed(e.raw_os_error()));
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        (outcome, took)
    };
    let read = &read;
    std::thread::scope(|scope| {
        let readers: Vec<_> = paths
            .iter()
            .map(|path| scope.spawn(move || read(path.as_ref())))
            .collect();
        readers
            .into_iter()
            .map(|reader| reader.join().expect("a reader"))
            .collect()
    })
}

fn slurp_concurrently(path: &str, threads: usize) -> Outcome {
    let outcomes = slurp_at_once(&vec![path; threads]);
    let mut tally: Vec<(Outcome, usize)> = Vec::new();
    for (outcome, _) in outcomes {
        match tally.iter_mut().find(|(seen, _)| *seen == outcome) {
            Some((_, count)) => *count += 1,
            None => tally.push((outcome, 1)),
        }
    }
    Outcome::Tally(tally)
}

/// cachestat(2), Linux 6.5: how many pages of the file the page cache holds.
#[expect(unsafe_code, reason = "neither rustix nor libc has cachestat(2)")]
fn cached_pages(fd: BorrowedFd<'_>) -> Result<u64, Errno> {
    const CACHESTAT: libc::c_long = 451;
    let range: [u64; 2] = [0, 0];
    let mut stat: [u64; 5] = [0; 5];
    // SAFETY: the two arrays have the layout and size of struct cachestat_range and cachestat.
    let result = unsafe {
        libc::syscall(
            CACHESTAT,
            fd.as_raw_fd(),
            range.as_ptr(),
            stat.as_mut_ptr(),
            0,
        )
    };
    if result == 0 {
        return Ok(stat[0]);
    }
    Err(errno(std::io::Error::last_os_error()))
}

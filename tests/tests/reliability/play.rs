//! Plays a script on a lane: whatever goes wrong, each read ends in time with one value that was
//! published or with an errno of the table; then all is mended, and everything reads right again.

use crate::lane::{Lane, TOKEN_LIFE};
use crate::tale::{Side, Tale, Trouble};
use std::time::{Duration, Instant};

/// How long after the mending everything may take to be right: half of the ttl of the scripts' lanes, and
/// as long as a flight may go on that waits for what will never come.
pub(crate) const RECOVERY: Duration = Duration::from_secs(30);

/// What was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) scripts: u64,
    pub(crate) values: u64,
    pub(crate) errnos: std::collections::BTreeMap<i32, u64>,
    /// The longest read, beyond `open_timeout`.
    pub(crate) over: Duration,
    /// The longest time from the mending until everything was right.
    pub(crate) recovery: Duration,
    /// Scripts after which each first read was right.
    pub(crate) at_once: u64,
}

impl Seen {
    pub(crate) fn add(&mut self, other: &Self) {
        self.scripts += other.scripts;
        self.values += other.values;
        for (errno, count) in &other.errnos {
            *self.errnos.entry(*errno).or_default() += count;
        }
        self.over = self.over.max(other.over);
        self.recovery = self.recovery.max(other.recovery);
        self.at_once += other.at_once;
    }
}

/// Plays it; what is wrong with what was seen.
pub(crate) fn play(lane: &mut Lane<'_>, tale: &Tale, seen: &mut Seen) -> Result<(), String> {
    for at in &tale.rotated {
        lane.versions[*at] += 1;
        lane.servers.publish(*at, lane.versions[*at]);
    }
    for (number, phase) in tale.phases.iter().enumerate() {
        for trouble in &phase.troubles {
            begin(lane, trouble);
        }
        if phase.expire {
            lane.advance(lane.kind.ttl);
        }
        for (at, (read, took)) in phase.reads.iter().zip(lane.read(&phase.reads)) {
            let name = &lane.servers.files[*at].name;
            let of = |what: String| format!("phase {number}, {name}: {what}");
            let limit = lane.kind.open_timeout;
            seen.over = seen.over.max(took.saturating_sub(limit));
            // A promised bound, at ten times the figure.
            if took > 10 * limit {
                return Err(of(format!("the read took {took:?}")));
            }
            match read {
                Ok(bytes) => {
                    let version = lane.version(*at, &bytes).map_err(of)?;
                    // All was read in the last version when this script began.
                    let now = lane.versions[*at];
                    let rotations = tale.rotated.iter().filter(|it| *it == at).count();
                    let oldest = now - u64::try_from(rotations).expect("few");
                    if !(oldest..=now).contains(&version) {
                        return Err(of(format!(
                            "version {version}, which {oldest} had replaced"
                        )));
                    }
                    seen.values += 1;
                }
                Err(errno) => {
                    if !may_fail(errno, tale) {
                        return Err(of(format!("errno {errno}")));
                    }
                    *seen.errnos.entry(errno).or_default() += 1;
                }
            }
        }
    }
    mend(lane, tale.resets);
    recover(lane, seen)?;
    seen.scripts += 1;
    lane.servers.forget_requests();
    if lane.baseline.is_some_and(|baseline| !baseline.lives()) {
        return Err("a process of the mount is gone".to_owned());
    }
    Ok(())
}

/// Which errno a fault of network or server may become (docs/network.md). None of them is one that
/// speaks of the secret or of the credential: nobody deleted, denied or refused anything.
fn may_fail(errno: i32, tale: &Tale) -> bool {
    match errno {
        libc::EHOSTUNREACH | libc::ETIMEDOUT | libc::EBUSY | libc::EIO => true,
        libc::EFBIG => tale.is_large(),
        _ => false,
    }
}

/// Something goes wrong from now on.
pub(crate) fn begin(lane: &mut Lane<'_>, trouble: &Trouble) {
    let proxy = |side: Side| &lane.proxies[usize::from(side == Side::Connect)];
    match trouble {
        Trouble::Wire(side, None, plan) => proxy(*side).all(*plan),
        Trouble::Wire(side, Some(times), plan) => {
            (0..*times).for_each(|_| proxy(*side).next(*plan));
        }
        Trouble::Door(side, door) => proxy(*side).door(*door),
        Trouble::Name(name) => lane.name(Some(*name)),
        Trouble::Answer(Side::Infisical, None, fault) => {
            lane.servers.infisical.fault_all(fault.clone());
        }
        Trouble::Answer(Side::Connect, None, fault) => {
            lane.servers.connect.fault_all(fault.clone());
        }
        Trouble::Answer(Side::Infisical, Some(times), fault) => {
            let server = &lane.servers.infisical;
            server.fault_next_any(*times, fault.clone());
        }
        Trouble::Answer(Side::Connect, Some(times), fault) => {
            let server = &lane.servers.connect;
            server.fault_next_any(*times, fault.clone());
        }
        Trouble::TokenGone => lane.servers.infisical.revoke_tokens(),
        Trouble::TokenOver => {
            let life = Duration::from_secs(TOKEN_LIFE + 1);
            lane.servers.infisical.advance(life);
        }
        Trouble::Jump(by) => lane.advance(*by),
    }
}

/// All is as it should be. What stalls goes on, or is reset.
pub(crate) fn mend(lane: &mut Lane<'_>, resets: bool) {
    lane.mend_name();
    lane.servers.infisical.mend_all();
    lane.servers.connect.mend_all();
    for proxy in lane.proxies {
        proxy.mend(resets);
    }
}

/// One ttl later everything reads right, in the version that is published.
pub(crate) fn recover(lane: &mut Lane<'_>, seen: &mut Seen) -> Result<(), String> {
    lane.advance(lane.kind.ttl);
    let begun = Instant::now();
    let mut left: Vec<usize> = (0..lane.servers.files.len()).collect();
    let mut first = true;
    loop {
        let mut still = Vec::new();
        let mut wrong = String::new();
        for (at, (read, _)) in left.iter().zip(lane.read(&left)) {
            let name = &lane.servers.files[*at].name;
            let version = read.map(|bytes| lane.version(*at, &bytes));
            match version {
                Ok(Ok(version)) if version == lane.versions[*at] => continue,
                Ok(Err(what)) => return Err(format!("after the mending, {name}: {what}")),
                other => wrong = format!("{name}: {other:?}, not {}", lane.versions[*at]),
            }
            still.push(*at);
        }
        if still.is_empty() {
            break;
        }
        if begun.elapsed() > RECOVERY {
            return Err(format!("not recovered after {RECOVERY:?}: {wrong}"));
        }
        first = false;
        left = still;
    }
    seen.at_once += u64::from(first);
    seen.recovery = seen.recovery.max(begun.elapsed());
    Ok(())
}

//! Any sequence of events, against a naive model that says which value an open may see, and how many
//! requests it may make.

use super::fake::Reply;
use super::rig::{Rig, bytes, entry, kind, settle, with_fallback};
use crate::cache::{Peek, Snapshot, VersionId};
use crate::error::OpenError;
use proptest::prelude::*;
use secretfs_providers::ErrorKind;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

const NAMES: [&str; 5] = ["a/1", "a/2", "a/3", "b/1", "c/1"];
const TTL: Duration = Duration::from_secs(300);
const STALE: Duration = Duration::from_secs(3600);
const NEGATIVE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
enum Event {
    Open(usize),
    Ahead(usize),
    Hold(usize),
    Release,
    Advance(u64),
    Rotate(usize, u8),
    Delete(usize),
    Outage(bool),
    Refresh(Option<usize>),
    Evict,
    Lock,
    Unlock,
}

fn event() -> impl Strategy<Value = Event> {
    let which = 0..NAMES.len();
    prop_oneof![
        8 => which.clone().prop_map(Event::Open),
        2 => which.clone().prop_map(Event::Ahead),
        2 => which.clone().prop_map(Event::Hold),
        1 => Just(Event::Release),
        4 => prop_oneof![
            Just(1), Just(500), Just(1999), Just(2000), Just(5000), Just(60_000), Just(239_999),
            Just(240_000), Just(299_999), Just(300_000), Just(3_600_000)
        ].prop_map(Event::Advance),
        3 => (which.clone(), 0_u8..3).prop_map(|(at, value)| Event::Rotate(at, value)),
        1 => which.clone().prop_map(Event::Delete),
        2 => any::<bool>().prop_map(Event::Outage),
        1 => proptest::option::of(which).prop_map(Event::Refresh),
        1 => Just(Event::Evict),
        1 => Just(Event::Lock),
        2 => Just(Event::Unlock),
    ]
}

/// What is known of one secret.
#[derive(Debug, Clone, Default)]
struct Known {
    /// At the provider; `None`: deleted.
    truth: Option<Vec<u8>>,
    held: Option<(Vec<u8>, Instant)>,
    missing_until: Option<Instant>,
}

struct Model {
    rig: Rig,
    known: BTreeMap<&'static str, Known>,
    outage: bool,
    locked: bool,
    handles: Vec<(Snapshot, Vec<u8>)>,
    /// Of each secret: what was last published, since the last lock.
    last: BTreeMap<&'static str, (Vec<u8>, VersionId)>,
    used: BTreeSet<VersionId>,
    requests: usize,
}

/// What an open should come to.
#[derive(Debug, PartialEq)]
enum Expected {
    Value(Vec<u8>),
    Error(ErrorKind),
    Locked,
}

impl Model {
    fn new() -> Self {
        let mut entries: Vec<_> = NAMES.iter().map(|name| entry(name)).collect();
        entries[4] = with_fallback(NAMES[4]);
        let rig = Rig::new(entries);
        rig.spare.set(NAMES[4], "spare");
        let mut model = Self {
            rig,
            known: NAMES.iter().map(|name| (*name, Known::default())).collect(),
            outage: false,
            locked: false,
            handles: Vec::new(),
            last: BTreeMap::new(),
            used: BTreeSet::new(),
            requests: 0,
        };
        for name in NAMES {
            model.set(name, Some(b"0".to_vec()));
        }
        model
    }

    fn set(&mut self, name: &'static str, value: Option<Vec<u8>>) {
        match &value {
            Some(value) => self.rig.main.set(name, value),
            None => self.rig.main.reply(name, Reply::Fail(ErrorKind::Missing)),
        }
        self.known.get_mut(name).unwrap().truth = value;
    }

    /// Which value an open of this secret must see now, and whether it has to ask for it.
    fn expect(&self, name: &str) -> (Expected, bool) {
        if self.locked {
            return (Expected::Locked, false);
        }
        let known = &self.known[name];
        let now = Instant::now();
        if let Some((value, fetched)) = &known.held
            && now - *fetched < TTL
        {
            return (Expected::Value(value.clone()), false);
        }
        if known.missing_until.is_some_and(|until| now < until) {
            return (Expected::Error(ErrorKind::Missing), false);
        }
        if !self.outage {
            let expected = match &known.truth {
                Some(value) => Expected::Value(value.clone()),
                None => Expected::Error(ErrorKind::Missing),
            };
            return (expected, true);
        }
        let expected = match &known.held {
            Some((value, fetched)) if now - *fetched < TTL + STALE => {
                Expected::Value(value.clone())
            }
            _ if name == NAMES[4] => Expected::Value(b"spare".to_vec()),
            _ => Expected::Error(ErrorKind::Unreachable),
        };
        (expected, true)
    }

    /// Takes in what was asked since the last look: all of it was answered now.
    fn take_in(&mut self) -> usize {
        let requests = self.rig.main.requests();
        let new = requests.len() - self.requests;
        let now = Instant::now();
        for request in &requests[self.requests..] {
            for name in request.split(' ').skip(1) {
                let known = self.known.get_mut(name).unwrap();
                if self.outage {
                    continue;
                }
                match &known.truth {
                    Some(value) => {
                        known.held = Some((value.clone(), now));
                        known.missing_until = None;
                    }
                    None => {
                        known.held = None;
                        known.missing_until = Some(now + NEGATIVE);
                    }
                }
            }
        }
        self.requests = requests.len();
        new
    }

    async fn open(&mut self, name: &'static str) -> Option<Snapshot> {
        let (expected, asks) = self.expect(name);
        let peek = self.rig.cache.peek(self.rig.key(name));
        assert_eq!(
            matches!(peek, Peek::Fresh { .. }),
            !asks && matches!(expected, Expected::Value(_)),
            "a look sees what is fresh, and nothing else"
        );
        let outcome = self.rig.open(name).await;
        let got = match &outcome {
            Ok(snapshot) => Expected::Value(bytes(snapshot)),
            Err(OpenError::Locked) => Expected::Locked,
            Err(error) => Expected::Error(kind(error).unwrap()),
        };
        assert_eq!(got, expected, "{name}");
        assert_eq!(self.take_in(), usize::from(asks), "one request at most");
        let snapshot = outcome.ok()?;
        self.check_version(name, &snapshot);
        Some(snapshot)
    }

    fn check_version(&mut self, name: &'static str, snapshot: &Snapshot) {
        let value = bytes(snapshot);
        if let Some((last, version)) = self.last.get(name) {
            if *last == value && *version == snapshot.version {
                return;
            }
            assert_ne!(*version, snapshot.version, "other bytes, other version");
        }
        // A version that the model did not see come: by a list, say. New all the same.
        assert!(self.used.insert(snapshot.version), "a version is used once");
        self.last.insert(name, (value, snapshot.version));
    }

    async fn apply(&mut self, event: Event) {
        match event {
            Event::Open(at) => {
                self.open(NAMES[at]).await;
            }
            Event::Hold(at) => {
                if let Some(snapshot) = self.open(NAMES[at]).await {
                    let value = bytes(&snapshot);
                    self.handles.push((snapshot, value));
                }
            }
            Event::Release => self.handles.clear(),
            Event::Ahead(at) => {
                let plan = self.rig.plan(NAMES[at]);
                if self.rig.ageing(NAMES[at]) {
                    self.rig.cache.refresh_ahead(plan);
                    settle().await;
                    assert!(self.take_in() <= 1);
                }
            }
            Event::Advance(ms) => tokio::time::advance(Duration::from_millis(ms)).await,
            Event::Rotate(at, value) => self.set(NAMES[at], Some(vec![b'0' + value])),
            Event::Delete(at) => self.set(NAMES[at], None),
            Event::Outage(outage) => {
                self.outage = outage;
                if outage {
                    self.rig.main.fail(ErrorKind::Unreachable);
                } else {
                    self.rig.main.work();
                }
            }
            Event::Refresh(at) => {
                let keys = at.map(|at| [self.rig.key(NAMES[at])]);
                self.rig.cache.forget(keys.as_ref().map(<[_; 1]>::as_slice));
                for (name, known) in &mut self.known {
                    if at.is_none_or(|at| NAMES[at] == *name) {
                        known.held = None;
                        known.missing_until = None;
                    }
                }
            }
            Event::Evict => {
                let kept: BTreeSet<_> = self.handles.iter().map(|(one, _)| one.version).collect();
                self.rig.cache.guard().evict(usize::MAX);
                for name in NAMES {
                    let last = self
                        .rig
                        .cache
                        .guard()
                        .values
                        .peek(&self.rig.key(name))
                        .cloned();
                    match last {
                        Some(held) => assert!(kept.contains(&held.version), "held: {name}"),
                        None => self.known.get_mut(name).unwrap().held = None,
                    }
                }
            }
            Event::Lock => {
                self.locked = true;
                self.rig.cache.lock();
                for known in self.known.values_mut() {
                    known.held = None;
                    known.missing_until = None;
                }
                for (handle, _) in self.handles.drain(..) {
                    assert!(handle.value.read_at(0, &mut [0]).is_err());
                }
                self.last.clear();
            }
            Event::Unlock => {
                self.locked = false;
                self.rig.cache.unlock();
            }
        }
        for (handle, value) in &self.handles {
            assert_eq!(bytes(handle), *value, "an open handle sees one version");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_sequence_of_events_serves_what_the_model_says(
        events in proptest::collection::vec(event(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut model = Model::new();
            for event in events {
                model.apply(event).await;
            }
        });
    }
}

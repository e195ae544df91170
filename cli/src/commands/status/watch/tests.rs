//! The watch, with a clock, a terminal and mounts of the tests.

use super::changes::{Change, Changes};
use super::observe::{Mounts, Observer, Seen};
use super::screen::{Event, Next, Screen, Terminal, frame};
use crate::commands::status::tests::serving;
use crate::output::Paint;
use secretfs_fs::link::message::FileStatus;
use secretfs_mount_helper::control::MountStatus;
use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn shown(seen: &[Seen], size: (usize, usize)) -> Vec<String> {
    let lines = frame(seen, size);
    lines.iter().map(|line| line.paint(Paint(false))).collect()
}

fn answered(mount: MountStatus) -> Seen {
    Seen::Answered(Box::new(mount))
}

fn seen() -> Vec<Seen> {
    vec![answered(serving())]
}

/// A mount with so many files; the last one has failed.
fn with_files(place: &str, count: u32) -> Seen {
    let mut mount = serving();
    mount.mountpoint = place.into();
    mount.entries = (0..count).map(|i| format!("file-{i}")).collect();
    let page = mount.daemon.as_mut().expect("a page");
    let failure = (2, "it is not there".to_owned(), "make it".to_owned());
    page.files = vec![FileStatus {
        entry: count - 1,
        cached: false,
        last_error: Some(failure),
        ..page.files[0].clone()
    }];
    page.providers.truncate(1);
    mount.providers.truncate(1);
    answered(mount)
}

#[test]
fn the_first_line_says_all_of_it_and_how_to_get_out() {
    let lines = shown(&seen(), (80, 40));
    assert_eq!(
        lines[0],
        format!("{:72} q quits", "1 mount, 6 files, 4 cached, 1 failed")
    );
    assert_eq!(lines[2], "/run/user/1000/app  serving");
    assert_eq!(
        shown(&[], (80, 24))[2].split(';').next(),
        Some("nothing is mounted")
    );
    let asked = shown(&[Seen::Asked("/a".into())], (80, 24));
    assert_eq!(asked[2], "/a  asking …");
    let mut silent = serving();
    silent.daemon = None;
    let lines = shown(&[answered(silent)], (80, 40));
    assert!(
        lines[0].starts_with("1 mount, 1 without an answer, "),
        "{lines:?}"
    );
    assert_eq!(lines[2], "/run/user/1000/app  no answer");
}

#[test]
fn no_frame_is_wider_or_higher_than_the_terminal() {
    let mounts = [with_files("/a", 30), with_files("/b", 3), seen().remove(0)];
    for width in [0, 1, 2, 7, 20, 39, 40, 79, 80, 120] {
        for height in 0..60 {
            let lines = frame(&mounts, (width, height));
            assert!(lines.len() <= height, "{width}x{height}: {lines:?}");
            let too_wide = lines.iter().find(|line| line.width() > width);
            assert_eq!(too_wide, None, "{width}x{height}");
        }
    }
}

#[test]
fn details_make_room_for_files_first() {
    let all = shown(&seen(), (80, 28));
    assert!(
        all.iter().any(|line| line.starts_with("  sandbox")),
        "{all:#?}"
    );
    let some = shown(&seen(), (80, 27));
    assert!(
        !some.iter().any(|line| line.starts_with("  sandbox")),
        "{some:#?}"
    );
    assert!(
        some.iter().any(|line| line.contains("left out:")),
        "{some:#?}"
    );
}

#[test]
fn a_long_list_says_how_many_more_and_keeps_what_has_failed() {
    let lines = shown(&[with_files("/a", 100)], (80, 24));
    assert_eq!(lines.len(), 24, "{lines:#?}");
    assert_eq!(lines[23], "  … 85 more files");
    let failed = lines.iter().position(|line| line.starts_with("  file-99"));
    let failed = failed.unwrap_or_else(|| panic!("{lines:#?}"));
    assert_eq!(lines[failed + 1], "    ENOENT: it is not there");
    assert_eq!(lines[failed + 2], "    help: make it");
}

#[test]
fn several_long_lists_share_the_room_and_a_short_one_is_whole() {
    let mounts = [
        with_files("/a", 100),
        with_files("/b", 2),
        with_files("/c", 100),
    ];
    let lines = shown(&mounts, (80, 50));
    assert_eq!(lines.len(), 50, "{lines:#?}");
    let mores: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("more files"))
        .collect();
    assert_eq!(
        mores,
        ["  … 88 more files", "  … 88 more files"],
        "{lines:#?}"
    );
    assert!(
        lines.iter().any(|line| line.starts_with("/c")),
        "{lines:#?}"
    );
}

#[test]
fn what_has_failed_is_named_where_there_is_no_room_for_why() {
    let lines = shown(&[with_files("/a", 100)], (80, 8));
    assert_eq!(lines.len(), 8, "{lines:#?}");
    assert!(lines[6].starts_with("  file-99  failed"), "{lines:#?}");
    assert_eq!(lines[7], "  … 99 more files");
}

#[test]
fn a_terminal_that_is_too_low_for_anything_says_how_many_lines_more() {
    let lines = shown(&[with_files("/a", 100), with_files("/b", 100)], (80, 6));
    assert_eq!(lines.len(), 6);
    assert!(
        lines[5].starts_with("… ") && lines[5].ends_with(" more lines"),
        "{lines:#?}"
    );
}

/// A terminal that remembers what was done to it.
#[derive(Clone, Default)]
struct Fake(Rc<RefCell<Told>>);

#[derive(Default)]
struct Told {
    size: (usize, usize),
    entered: bool,
    calls: Vec<&'static str>,
    written: Vec<String>,
    is_full: bool,
}

impl Terminal for Fake {
    fn size(&self) -> (usize, usize) {
        self.0.borrow().size
    }
    fn enter(&mut self) -> io::Result<()> {
        self.0.borrow_mut().entered = true;
        self.0.borrow_mut().calls.push("enter");
        Ok(())
    }
    fn leave(&mut self) {
        self.0.borrow_mut().entered = false;
        self.0.borrow_mut().calls.push("leave");
    }
    fn write(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let mut told = self.0.borrow_mut();
        assert!(told.entered, "drawn on a terminal that is not ours");
        if told.is_full {
            return Ok(false);
        }
        told.written
            .push(String::from_utf8_lossy(bytes).into_owned());
        Ok(true)
    }
    fn stop(&mut self) {
        self.0.borrow_mut().calls.push("stop");
    }
}

fn screen() -> (Fake, Screen<Fake>) {
    let fake = Fake::default();
    fake.0.borrow_mut().size = (80, 40);
    let screen = Screen::open(fake.clone(), Paint(false)).expect("opened");
    (fake, screen)
}

#[test]
fn what_has_not_changed_is_not_written_again_and_what_has_is_without_flicker() {
    let (fake, mut screen) = screen();
    screen.draw(&seen()).expect("drawn");
    screen.draw(&seen()).expect("drawn");
    assert_eq!(fake.0.borrow().written.len(), 1);
    assert!(fake.0.borrow().written[0].starts_with("\x1b[H\x1b[2J1 mount"));
    let mut older = serving();
    older.daemon.as_mut().expect("a page").files[0].age_ms = Some(13_000);
    screen.draw(&[answered(older)]).expect("drawn");
    let told = fake.0.borrow();
    assert_eq!(told.written.len(), 2, "an age is a second older");
    assert!(!told.written[1].contains("\x1b[2J"), "{}", told.written[1]);
    assert!(told.written[1].ends_with("\x1b[J"));
}

#[test]
fn another_size_and_ctrl_l_draw_all_of_it_anew() {
    let (fake, mut screen) = screen();
    screen.draw(&seen()).expect("drawn");
    fake.0.borrow_mut().size = (40, 10);
    for event in [Event::Resized, Event::Key(12)] {
        assert_eq!(screen.handle(event).expect("handled"), Next::On);
        screen.draw(&seen()).expect("drawn");
    }
    let told = fake.0.borrow();
    assert_eq!(told.written.len(), 3);
    assert!(told.written.iter().all(|text| text.contains("\x1b[2J")));
    let lines: Vec<_> = told.written[1].split("\r\n").collect();
    assert_eq!(lines.len(), 10, "{lines:?}");
}

#[test]
fn a_terminal_that_takes_nothing_is_drawn_on_when_it_does_again() {
    let (fake, mut screen) = screen();
    fake.0.borrow_mut().is_full = true;
    screen.draw(&seen()).expect("not drawn");
    fake.0.borrow_mut().is_full = false;
    screen.draw(&seen()).expect("drawn");
    assert_eq!(fake.0.borrow().written.len(), 1);
}

#[test]
fn the_terminal_is_given_back_at_every_end_and_while_we_are_stopped() {
    for (event, end) in [
        (Event::Key(b'q'), Next::Quit),
        (Event::Key(3), Next::Quit),
        (Event::Ended(15), Next::Signalled(15)),
    ] {
        let (fake, mut screen) = screen();
        screen.draw(&seen()).expect("drawn");
        assert_eq!(screen.handle(Event::Suspended).expect("handled"), Next::On);
        screen.draw(&seen()).expect("drawn anew");
        assert_eq!(screen.handle(event).expect("handled"), end);
        drop(screen);
        let told = fake.0.borrow();
        assert_eq!(told.calls, ["enter", "leave", "stop", "enter", "leave"]);
        assert_eq!(told.written.len(), 2);
    }
    let (fake, mut screen) = screen();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        screen.draw(&seen()).expect("drawn");
        panic!("as a test wants it");
    }));
    assert!(panicked.is_err());
    assert!(!fake.0.borrow().entered, "after a panic");
}

/// Mounts that answer when a test says so.
struct Scripted {
    list: Mutex<Vec<(PathBuf, u32)>>,
    asked: Mutex<Vec<(PathBuf, Sender<MountStatus>)>>,
}

fn scripted(places: &[(&str, u32)]) -> (Arc<Scripted>, Observer<Arc<Scripted>>, Receiver<()>) {
    let mounts = Arc::new(Scripted {
        list: Mutex::new(Vec::new()),
        asked: Mutex::default(),
    });
    mounts.are(places);
    let (woken, wakes) = channel();
    let observer = Observer::new(mounts.clone(), move || {
        let _ = woken.send(());
    });
    (mounts, observer, wakes)
}

impl Scripted {
    fn are(&self, places: &[(&str, u32)]) {
        *self.list.lock().expect("a list") = places
            .iter()
            .map(|(place, id)| (place.into(), *id))
            .collect();
    }

    /// Answers the oldest question about a mount, once it has been asked.
    fn answer(&self, place: &str, pid: u32) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let asked = loop {
            let mut asked = self.asked.lock().expect("questions");
            if let Some(at) = asked.iter().position(|one| one.0 == Path::new(place)) {
                break asked.remove(at).1;
            }
            assert!(Instant::now() < deadline, "{place} was not asked");
            drop(asked);
            std::thread::yield_now();
        };
        let status = MountStatus {
            mountpoint: place.into(),
            pid,
            ..serving()
        };
        asked.send(status).expect("somebody waits");
    }
}

impl Mounts for Arc<Scripted> {
    type One = (PathBuf, u32);

    fn list(&self) -> Vec<Self::One> {
        self.list.lock().expect("a list").clone()
    }
    fn place(one: &Self::One) -> &Path {
        &one.0
    }
    fn ask(&self, one: &Self::One) -> MountStatus {
        let (answer, answered) = channel();
        self.asked
            .lock()
            .expect("questions")
            .push((one.0.clone(), answer));
        answered.recv().unwrap_or_else(|_| serving())
    }
    fn unanswered(&self, one: &Self::One) -> MountStatus {
        MountStatus {
            mountpoint: one.0.clone(),
            daemon: None,
            ..serving()
        }
    }
}

fn pids(seen: &[Seen]) -> Vec<Option<u32>> {
    seen.iter()
        .map(|seen| match seen {
            Seen::Answered(status) => Some(status.pid),
            Seen::Asked(_) => None,
        })
        .collect()
}

#[test]
fn a_mount_that_hangs_keeps_nobody_from_seeing_the_others() {
    let (mounts, mut observer, wakes) = scripted(&[("/a", 1), ("/b", 1)]);
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    assert_eq!(pids(&observer.look(at(0))), [None, None]);
    mounts.answer("/b", 7);
    wakes.recv().expect("woken");
    assert_eq!(pids(&observer.look(at(10))), [None, Some(7)]);
    // Not asked again at once, but after a while.
    observer.look(at(400));
    assert!(
        !mounts
            .asked
            .lock()
            .expect("questions")
            .iter()
            .any(|one| one.0 == Path::new("/b"))
    );
    observer.look(at(600));
    mounts.answer("/b", 8);
    wakes.recv().expect("woken");
    assert_eq!(pids(&observer.look(at(700))), [None, Some(8)]);
    // Whatever the one who asks it has promised.
    let silent = observer.look(at(5_001));
    assert!(
        matches!(&silent[0], Seen::Answered(status) if status.daemon.is_none()),
        "{silent:?}"
    );
}

#[test]
fn a_mount_that_vanishes_is_gone_and_one_that_has_changed_is_asked_at_once() {
    let (mounts, mut observer, wakes) = scripted(&[("/a", 1), ("/b", 1)]);
    let now = Instant::now();
    observer.look(now);
    mounts.answer("/b", 7);
    wakes.recv().expect("woken");
    observer.look(now);
    mounts.are(&[("/b", 2)]);
    assert_eq!(
        pids(&observer.look(now)),
        [Some(7)],
        "what is known of it stays"
    );
    mounts.answer("/b", 8);
    wakes.recv().expect("woken");
    assert_eq!(pids(&observer.look(now)), [Some(8)]);
    // An answer of one that is gone is nobody's.
    mounts.answer("/a", 9);
    wakes.recv().expect("woken");
    assert_eq!(pids(&observer.look(now)), [Some(8)]);
    mounts.are(&[]);
    assert_eq!(observer.look(now), []);
}

#[test]
fn without_a_terminal_there_is_something_to_tell_where_more_than_time_has_passed() {
    let mut changes = Changes::default();
    assert_eq!(changes.next(vec![Seen::Asked("/a".into())]), Change::Asked);
    assert_eq!(changes.next(seen()), Change::Changed(vec![serving()]));
    assert_eq!(changes.next(seen()), Change::Same);
    let mut older = serving();
    let page = older.daemon.as_mut().expect("a page");
    page.files[0].age_ms = Some(99_000);
    page.heap_bytes += 4096;
    assert_eq!(changes.next(vec![answered(older)]), Change::Same);
    let mut refreshed = serving();
    refreshed.daemon.as_mut().expect("a page").files[0].cached = false;
    let changed = changes.next(vec![answered(refreshed.clone())]);
    assert_eq!(changed, Change::Changed(vec![refreshed]));
    assert_eq!(changes.next(Vec::new()), Change::Changed(Vec::new()));
    assert_eq!(changes.next(Vec::new()), Change::Same);
}

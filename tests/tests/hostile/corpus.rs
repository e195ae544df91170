//! The corpus of the fuzz targets, and a fixed number of changes of it, with a stable compiler. What libFuzzer
//! found once is found here for ever; `tests/fuzz.sh` looks for more.

use secretfs_tests::fuzzing::mutate::{Random, mutated};
use secretfs_tests::fuzzing::{TARGETS, Target};
use std::path::Path;
use std::time::{Duration, Instant};

/// Changed inputs for each target; twenty times as many with `SECRETFS_LONG`.
const CHANGED: u64 = 4_000;
/// What the whole process may have had in memory at its peak. An input has at most a few KiB.
const PEAK: usize = 256 << 20;
/// No input of a few KiB takes longer than this: a hundred times what the slowest takes.
const SLOWEST: Duration = Duration::from_secs(2);

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let files = std::fs::read_dir(&folder).expect("the corpus");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    // The same order on every machine.
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).expect("a file"))
        .collect()
}

fn number(of: &str, field: &str) -> usize {
    let line = of
        .lines()
        .find(|line| line.starts_with(field))
        .expect("a field");
    line.split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect("a number")
}

fn replay(target: &str) {
    let (name, run): Target = *TARGETS
        .iter()
        .find(|(name, _)| *name == target)
        .expect("a target");
    let inputs = corpus(name);
    assert!(inputs.len() >= 10, "{} files of {name}", inputs.len());
    let descriptors = || std::fs::read_dir("/proc/self/fd").expect("/proc").count();
    // Pools and runtimes are made by the first that need them.
    inputs.iter().for_each(|input| run(input));
    let before = descriptors();
    let mut slowest = Duration::ZERO;
    let mut timed = |input: &[u8]| {
        let start = Instant::now();
        // An input that panics is shown, so that it can be put into the corpus.
        let run = std::panic::catch_unwind(|| run(input));
        slowest = slowest.max(start.elapsed());
        assert!(
            run.is_ok(),
            "{name}: this input panics: {:?}",
            String::from_utf8_lossy(input)
        );
    };
    inputs.iter().for_each(|input| timed(input));
    let times = if std::env::var_os("SECRETFS_LONG").is_some() {
        20
    } else {
        1
    };
    let mut random = Random::new(1);
    for _ in 0..CHANGED * times {
        let one = &inputs[random.below(inputs.len())];
        let other = &inputs[random.below(inputs.len())];
        timed(&mutated(one, other, &mut random));
    }
    assert!(slowest < SLOWEST, "{name}: {slowest:?}");
    // Of a process of its own, as nextest gives each test; neighbours have descriptors too.
    if std::env::var_os("NEXTEST").is_some() {
        assert_eq!(descriptors(), before, "{name}: descriptors are left");
    }
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let peak = number(&status, "VmHWM:") << 10;
    assert!(peak < PEAK, "{name}: {peak} bytes");
    println!(
        "{name}: {} files, slowest {slowest:?}, peak {peak}",
        inputs.len()
    );
}

#[test]
fn any_text_is_a_map_or_diagnostics_and_a_map_is_the_same_printed_and_compiled() {
    replay("map");
}

#[test]
fn any_bytes_are_a_compiled_map_that_can_be_walked_or_refused() {
    replay("archive");
}

#[test]
fn a_reference_is_what_was_written_or_refused() {
    replay("references");
}

#[test]
fn an_answer_is_the_same_however_it_is_cut_and_no_error_tells_a_value() {
    replay("answers");
}

#[test]
fn any_bytes_on_a_socket_are_messages_or_an_error_however_they_arrive() {
    replay("control");
}

#[test]
fn a_dotenv_that_is_read_can_be_written_and_read_again_and_no_error_tells_a_value() {
    replay("dotenv");
}

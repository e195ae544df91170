//! Any sequence of operations against a reference model: what a mount may answer, said as plainly as
//! possible.
//!
//! | file | idea |
//! |---|---|
//! | `reference` | the model |
//! | `provider`, `shape` | what providers and maps may be |
//! | `ops` | what may be done |
//! | `check` | a system and the model, step by step |
//! | `assembled`, `mounted` | the systems: the crate `fs` without a mount, and a real mount |
//!
//! A longer run: `PROPTEST_CASES=20000 cargo nextest run -p secretfs-tests --all-features --test model`.
#![cfg(feature = "test-hooks")]

mod assembled;
mod check;
mod mounted;
mod ops;
mod provider;
mod reference;
mod shape;

use check::System;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cell::RefCell;

/// Draws so many sequences of at most `length` operations, `PROPTEST_CASES` if that is set, and runs them
/// one after the other on one system.
fn compare(system: impl System, cases: u32, length: usize) {
    let cases =
        std::env::var("PROPTEST_CASES").map_or(cases, |cases| cases.parse().expect("cases"));
    let config = ProptestConfig {
        // The report has the whole case.
        failure_persistence: None,
        max_shrink_time: 60_000,
        ..ProptestConfig::with_cases(cases)
    };
    let system = RefCell::new(system);
    let sequences = ops::sequences(length);
    let outcome = TestRunner::new(config).run(&sequences, |ops| {
        check::run(&mut *system.borrow_mut(), &ops).map_err(TestCaseError::fail)
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// The provider is told how long an encoded value may be, so one that is longer never comes to be decoded.
const TOO_LONG_TO_DECODE: [ops::Op; 3] = [
    ops::Op::Rotate("eight/G", 5),
    ops::Op::Reload(shape::Shape::SHORT),
    ops::Op::Slurp("coded"),
];

#[test]
fn what_is_longer_than_any_encoded_value_of_that_size_is_too_large_and_not_undecodable() {
    let outcome = check::run(&mut assembled::Assembled::new(), &TOO_LONG_TO_DECODE);
    outcome.unwrap_or_else(|report| panic!("{report}"));
}

#[test]
fn on_a_real_mount_what_is_longer_than_any_encoded_value_of_that_size_is_too_large() {
    let outcome = check::run(&mut mounted::Mounted::new(), &TOO_LONG_TO_DECODE);
    outcome.unwrap_or_else(|report| panic!("{report}"));
}

/// A neighbour that came along and was never opened has its first version with its first open, which the
/// kernel repeats with a look at the folder: by then the folder does not have that name any more.
const GONE_BETWEEN_TWO_LOOKS: [ops::Op; 7] = [
    ops::Op::Slurp("dir/I"),
    ops::Op::Refresh(Some("dir/I")),
    ops::Op::Slurp("dir/I"),
    ops::Op::LookForError("dir/H"),
    ops::Op::Break("seven/H", secretfs_providers::ErrorKind::Server),
    ops::Op::Advance(300),
    ops::Op::Slurp("dir/H"),
];

#[test]
fn on_a_real_mount_a_stale_file_that_its_folder_has_no_more_is_missing() {
    let outcome = check::run(&mut mounted::Mounted::new(), &GONE_BETWEEN_TWO_LOOKS);
    outcome.unwrap_or_else(|report| panic!("{report}"));
}

#[test]
fn without_a_mount_any_sequence_of_operations_comes_to_what_the_reference_says() {
    compare(assembled::Assembled::new(), 2_000, 40);
}

#[test]
fn on_a_real_mount_any_sequence_of_operations_comes_to_what_the_reference_says() {
    compare(mounted::Mounted::new(), 2_000, 25);
}

//! See `tests/src/fuzzing/control.rs`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| secretfs_tests::fuzzing::control::run(data));

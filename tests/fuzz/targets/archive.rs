//! See `tests/src/fuzzing/archive.rs`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| secretfs_tests::fuzzing::archive::run(data));

//! See `tests/src/fuzzing/map.rs`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| secretfs_tests::fuzzing::map::run(data));

//! See `tests/src/fuzzing/references.rs`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| secretfs_tests::fuzzing::references::run(data));

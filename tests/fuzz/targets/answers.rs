//! See `tests/src/fuzzing/answers.rs`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| secretfs_tests::fuzzing::answers::run(data));

//! See `tests/src/fuzzing/dotenv.rs`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| secretfs_tests::fuzzing::dotenv::run(data));

//! Text from outside on its way into headers and subjects of the log, and back.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| steward_log::fuzzing::header(bytes));

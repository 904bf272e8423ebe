//! Bodies of commands and of messages that are posted.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| steward_ingestion::fuzzing::command(bytes));

//! Forms and events of Mailgun.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| steward_ingestion::fuzzing::mailgun(bytes));

//! URLs that messages of SNS name.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| steward_ingestion::fuzzing::sns_url(bytes));

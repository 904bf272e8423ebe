//! The text of mails, of which quotations and signatures are cut.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| steward_ingestion::fuzzing::reply(bytes));

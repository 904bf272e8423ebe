//! Raw mails. What the mail parser itself asserts is caught where it is called, so it is no finding.

#![no_main]

use std::panic;

libfuzzer_sys::fuzz_target!(
    init: {
        let abort = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            if !panicked.location().is_some_and(|at| at.file().contains("/mail-parser-")) {
                abort(panicked);
            }
        }));
    },
    |bytes: &[u8]| {
        steward_ingestion::fuzzing::mail(bytes)
    }
);

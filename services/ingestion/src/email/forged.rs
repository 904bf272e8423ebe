//! Who a mail makes take a conversation over, and who only claims to be one of ours.

use chrono_tz::Tz;
use steward_settings::Email;

use super::{
    arrival::{Folder, Mailbox, read},
    fuzzing,
    message::Mail,
};
use crate::arrival::What;

const RECEIVED: &str = "Received: from x by mx.example.test; Fri, 27 Nov 2026 10:00:00 +0000\n";
const PASSED: &str = "Authentication-Results: mx.example.test; dmarc=pass header.from=example.test\n";

/// Whether a mail from our own address to a client makes a human of ours active.
fn takes_over(trusted: Option<&str>, folder: Folder, headers: &str) -> bool {
    let raw = format!("{headers}From: agent@example.test\nTo: ana@example.org\nMessage-ID: <1@x>\n\nI am here")
        .replace('\n', "\r\n");
    let settings = Email { trusted_authserv_id: trusted.map(str::to_owned), ..fuzzing::settings() };
    let mailbox = Mailbox { settings: &settings, operators: &[], timezone: Tz::UTC, folder };
    let arrivals = read(&Mail::read(raw.as_bytes()).unwrap(), &mailbox);
    arrivals.iter().any(|arrival| matches!(arrival.what, What::HumanWrote { takes_over: Some(_), .. }))
}

#[test]
fn without_a_trusted_server_only_the_sent_folder_shows_that_one_of_ours_wrote() {
    for headers in ["", RECEIVED, PASSED, &format!("{PASSED}{RECEIVED}")] {
        assert!(takes_over(None, Folder::Sent, headers), "{headers}");
        for folder in [Folder::Inbox, Folder::Posted] {
            assert!(!takes_over(None, folder, headers), "{folder:?} {headers}");
        }
    }
}

#[test]
fn with_one_its_word_counts_and_so_does_whoever_holds_the_secret() {
    let trusted = Some("mx.example.test");
    for folder in [Folder::Inbox, Folder::Posted, Folder::Sent] {
        assert!(takes_over(trusted, folder, &format!("{PASSED}{RECEIVED}")), "{folder:?}");
    }
    assert!(takes_over(trusted, Folder::Posted, ""));
    // What a provider posts has the headers that it likes to list.
    assert!(!takes_over(trusted, Folder::Inbox, ""));
    let failed = PASSED.replace("pass", "fail");
    for headers in [RECEIVED, &failed, &format!("{failed}{PASSED}"), &PASSED.replace("mx.example", "evil.example")] {
        for folder in [Folder::Inbox, Folder::Posted] {
            assert!(!takes_over(trusted, folder, headers), "{folder:?} {headers}");
        }
    }
}

//! What a client writes through a group of ours is a client's word, whatever the group makes of the mail.

use chrono_tz::Tz;

use super::{
    arrival::{Folder, Mailbox, read},
    fuzzing,
    message::Mail,
};
use crate::arrival::{Arrival, What};

const LIST: &str = "Precedence: list\nMailing-list: list support@example.test; contact support+owners@example.test\nList-ID: <support.example.test>\nList-Unsubscribe: <mailto:support+unsubscribe@example.test>\n";
const PASSED: &str = "Authentication-Results: mx.example.test; dmarc=pass header.from=example.test\n";

fn meaning(headers: &str) -> Arrival {
    let raw = format!("{headers}Message-ID: <1@x>\n\nWrite on Monday, please.").replace('\n', "\r\n");
    let (settings, operators) = (fuzzing::settings(), ["operator@example.test".to_owned()]);
    let mailbox = Mailbox { settings: &settings, operators: &operators, timezone: Tz::UTC, folder: Folder::Inbox };
    read(&Mail::read(raw.as_bytes()).unwrap(), &mailbox).into_iter().next().unwrap()
}

fn client(arrival: &Arrival) -> &str {
    arrival.chat.as_ref().map_or("", |chat| &*chat.contact)
}

#[test]
fn a_client_writes_through_a_group() {
    let arrival = meaning(&format!("{LIST}From: Ana <ana@example.org>\nTo: support@example.test\n"));
    assert!(matches!(arrival.what, What::Said(_)), "{arrival:?}");
    assert_eq!(client(&arrival), "ana@example.org");
}

#[test]
fn a_group_that_writes_itself_into_the_from_says_who_wrote() {
    for named in [
        "X-Original-From: Ana <ana@example.org>\n",
        "X-Original-Sender: ana@example.org\n",
        "Reply-To: Ana <ana@example.org>\n",
        "Reply-To: support@example.test, Ana <ana@example.org>\n",
    ] {
        let arrival = meaning(&format!("{LIST}From: 'Ana' via Support <support@example.test>\n{named}"));
        assert!(matches!(arrival.what, What::Said(_)), "{arrival:?}");
        assert_eq!(client(&arrival), "ana@example.org", "{named}");
    }
}

#[test]
fn nobody_becomes_an_operator_through_a_group() {
    let body = "From: support@example.test\nX-Original-From: operator@example.test\nTo: ana@example.org\n";
    let arrival = meaning(&format!("{PASSED}{LIST}{body}"));
    assert!(matches!(arrival.what, What::Said(_)), "{arrival:?}");
}

#[test]
fn what_other_lists_send_stays_a_lists() {
    let arrival = meaning("From: ana@example.org\nList-Id: <news.example.org>\nPrecedence: bulk\n");
    assert!(matches!(arrival.what, What::Aside { kind: "list", .. }), "{arrival:?}");
    let arrival = meaning(&format!("{LIST}From: ana@example.org\nAuto-Submitted: auto-replied\n"));
    assert!(matches!(arrival.what, What::Aside { kind: "auto_reply", .. }), "{arrival:?}");
}

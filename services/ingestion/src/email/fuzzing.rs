//! Entries into the parsers of mail, with what they promise of any input.

use chrono_tz::Tz;
use steward_settings::{Email, Secret};

use super::{
    arrival::{self, Folder, Mailbox},
    html,
    message::Mail,
    reply,
};

/// A mailbox that believes nobody and has one operator.
pub fn settings() -> Email {
    Email {
        address: "agent@example.test".to_owned(),
        smtp_url: Secret::new(""),
        imap_url: None,
        inbound_secret: Secret::new("secret"),
        inbound: Vec::new(),
        trusted_authserv_id: Some("mx.example.test".to_owned()),
        groups: vec!["support@example.test".to_owned()],
    }
}

/// A mail as it came off the wire: what it means, whose it is, what is new in it.
pub fn mail(raw: &[u8]) {
    if let Some(mail) = Mail::read(raw) {
        meaning(&mail);
    }
}

/// Every mail means something.
pub fn meaning(mail: &Mail) {
    let settings = settings();
    let operators = ["operator@example.test".to_owned()];
    let timezone = Tz::Europe__Berlin;
    let mailbox = Mailbox { settings: &settings, operators: &operators, timezone, folder: Folder::Inbox };
    let arrivals = arrival::read(mail, &mailbox);
    assert!(!arrivals.is_empty() && arrivals.iter().all(|a| !a.key.is_empty()), "{arrivals:?}");
}

/// The text of a mail: something is left of whatever says something.
pub fn reply(text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    let reply = reply::read(&text, "Ana Borg");
    assert!(text.trim().is_empty() || !reply.new.is_empty(), "{text:?}");
    assert!(reply.new.len() <= text.len(), "{text:?}");
}

/// The HTML of a mail.
pub fn page(html: &[u8]) {
    let html = String::from_utf8_lossy(html);
    let _ = html::to_text(&html);
}

/// An iCalendar object.
pub fn calendar(object: &[u8]) {
    let object = String::from_utf8_lossy(object).into_owned();
    let _ = super::calendar::news(&[object], Tz::Europe__Berlin);
}

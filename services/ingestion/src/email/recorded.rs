//! Tests of what mails mean, on recorded ones (`tests/fixtures/email`) and on broken copies of them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};
use steward_settings::{Email, Secret};

use chrono_tz::Tz;
use proptest::prelude::*;

use super::{
    arrival::{Folder, Mailbox, read},
    html,
    message::Mail,
    reply,
};
use crate::arrival::{Arrival, What};

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/email").join(folder)
}

/// Every file below a folder, by its path from there.
fn files(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let (root, mut found, mut open) = (fixtures(folder), BTreeMap::new(), vec![fixtures(folder)]);
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Every recorded mail.
static MAILS: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(mails);

fn mails() -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for folder in ["raw", "auto", "replies/mailgun+talon/standard"] {
        let mails = files(folder).into_iter().filter(|(name, _)| !name.ends_with(".txt"));
        all.extend(mails.map(|(name, raw)| (format!("{folder}/{name}"), raw)));
    }
    all
}

fn meaning_of(mail: &Mail) -> Vec<Arrival> {
    let settings = Email {
        address: "agent@example.test".to_owned(),
        smtp_url: Secret::new(""),
        imap_url: None,
        inbound_secret: Secret::new("secret"),
        inbound: Vec::new(),
        trusted_authserv_id: Some("mx.example.test".to_owned()),
        groups: vec!["support@example.test".to_owned()],
    };
    let operators = ["operator@example.test".to_owned()];
    let mailbox = Mailbox { settings: &settings, operators: &operators, timezone: Tz::UTC, folder: Folder::Inbox };
    read(mail, &mailbox)
}

fn meaning(raw: &[u8]) -> Arrival {
    let mail = Mail::read(raw).expect("it has headers");
    meaning_of(&mail).into_iter().next().expect("every mail means something")
}

fn name(what: &What) -> String {
    match what {
        What::Said(_) => "said".to_owned(),
        What::Aside { kind, .. } | What::Noted { kind, .. } => (*kind).to_owned(),
        What::Kept(kind) => format!("kept {kind}"),
        What::Meeting(_) => "meeting".to_owned(),
        other => format!("{other:?}"),
    }
}

fn count(kinds: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    kinds.fold(BTreeMap::new(), |mut counts, kind| {
        *counts.entry(kind).or_default() += 1;
        counts
    })
}

#[test]
fn every_published_automatic_mail_is_recognised() {
    let counts = count(files("auto").iter().map(|(file, raw)| {
        let kind = name(&meaning(raw).what);
        // RFC 3834 is about answers, all the others tell of a mail's fate.
        let expected = if file.contains("/rfc3834-") { "auto_reply" } else { "bounce" };
        assert!(kind == expected || kind == format!("kept {expected}"), "{file}: {kind}");
        expected.to_owned()
    }));
    println!("automatic mails: {counts:?}");
    assert_eq!(counts.values().sum::<usize>(), 80);
}

#[test]
fn no_persons_mail_is_taken_for_a_machines() {
    let machines = [
        "raw/chatwoot+chatwoot/auto_reply.eml",
        "raw/chatwoot+chatwoot/auto_reply_with_auto_submitted.eml",
        "raw/chatwoot+chatwoot/bounced_gmail.eml",
        "raw/chatwoot+chatwoot/bounced_with_no_from.eml",
        // Auto-Submitted: auto-replied.
        "raw/chatwoot+chatwoot/non_utf_encoded_mail.eml",
        // A warning of a mail system.
        "raw/mikel+mail/mime_emails/raw_email_with_mimepart_without_content_type.eml",
        // From noreply@.
        "raw/mikel+mail/plain_emails/raw_email_trailing_dot.eml",
    ];
    for (file, raw) in MAILS.iter().filter(|(file, _)| !file.starts_with("auto/")) {
        let kind = name(&meaning(raw).what);
        let machine = ["auto_reply", "bounce", "list"].iter().any(|k| kind.ends_with(k));
        assert_eq!(machine, machines.contains(&file.as_str()), "{file}: {kind}");
    }
}

#[test]
fn every_recorded_mail_is_read() {
    let counts = count(MAILS.values().map(|raw| name(&meaning(raw).what)));
    println!("recorded mails: {counts:?}");
    let without_sender = counts.get("kept mail_without_sender").copied().unwrap_or_default();
    // Examples of RFCs whose From is `Moderator-Address` and the like.
    assert!(without_sender <= 5, "{counts:?}");
    assert_eq!(counts.values().sum::<usize>(), 227, "{counts:?}");
}

/// Of a set: how many replies are exactly as published, and which aren't.
fn score(set: &str, cases: &[(String, String, String)]) -> (usize, usize) {
    let same = |(_, expected, found): &&(String, String, String)| expected.trim() == found.trim();
    let exact = cases.iter().filter(same).count();
    for (name, expected, found) in cases.iter().filter(|c| !same(c)) {
        println!("{set}/{name} differs:\n--- published\n{expected}\n--- found\n{found}");
    }
    for (name, expected, found) in cases {
        let lost = lost_words(expected, found);
        assert!(lost.is_empty(), "{set}/{name} loses {lost:?}");
    }
    println!("{set}: {exact} of {} exact", cases.len());
    (exact, cases.len())
}

/// Words of the published reply that aren't in the found one.
fn lost_words<'a>(expected: &'a str, found: &str) -> Vec<&'a str> {
    let mut left = count(found.split_whitespace().map(str::to_owned));
    let mut lost = Vec::new();
    for word in expected.split_whitespace() {
        match left.get_mut(word) {
            Some(n) if *n > 0 => *n -= 1,
            _ => lost.push(word),
        }
    }
    lost
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("\r\n", "\n")
}

/// Pairs of a file and the one that says what is expected of it.
fn published(folder: &str, ending: &str, source: &str) -> Vec<(String, Vec<u8>, String)> {
    let files = files(folder);
    let named = files.iter().filter_map(|(file, expected)| Some((file.strip_suffix(ending)?, expected)));
    named.map(|(name, expected)| (name.to_owned(), files[&format!("{name}{source}")].clone(), text(expected))).collect()
}

#[test]
fn replies_are_stripped_as_published() {
    let trimmer: Vec<_> = published("replies/discourse+email_reply_trimmer", ".expected_trimmed.txt", ".txt")
        .into_iter()
        .map(|(name, mail, expected)| (name, expected, reply::read(&text(&mail), "").new))
        .collect();
    // This set's replies keep their signatures.
    let talon: Vec<_> = published("replies/mailgun+talon/standard", ".expected.txt", ".eml")
        .into_iter()
        .map(|(name, mail, expected)| (name, expected, reply::read(&Mail::read(&mail).unwrap().text, "").signed))
        .collect();
    let signatures = files("replies/mailgun+talon/signature");
    let signed: Vec<_> = signatures
        .iter()
        .filter_map(|(file, mail)| Some((file.strip_suffix("_body")?, text(mail))))
        .filter(|(name, _)| name.starts_with("stripped__"))
        .map(|(name, mail)| {
            let of =
                |what| signatures.get(&format!("{name}_{what}")).map(|b| text(b).trim().to_owned()).unwrap_or_default();
            let expected = mail.trim_end().strip_suffix(&of("signature")).unwrap_or(&mail).to_owned();
            (name.to_owned(), expected, reply::read(&mail, &of("sender")).new)
        })
        .collect();
    let parser: Vec<_> = files("replies/github+email_reply_parser")
        .into_iter()
        .filter_map(|(file, mail)| {
            let mail = text(&mail);
            let expected = of_email_reply_parser(&file, &mail)?;
            Some((file, expected, reply::read(&mail, "").new))
        })
        .collect();
    let scores = [
        score("email_reply_trimmer", &trimmer),
        score("talon, quotations", &talon),
        score("talon, signatures", &signed),
        score("email_reply_parser", &parser),
    ];
    let (exact, all) = scores.iter().fold((0, 0), |(exact, all), (e, a)| (exact + e, all + a));
    println!("replies: {exact} of {all} exact, {:.1} %", 100.0 * exact as f64 / all as f64);
    assert_eq!((exact, all), (70, 70));
}

/// What that project's tests assert of its mails; `None`: nothing of the visible text.
fn of_email_reply_parser(file: &str, mail: &str) -> Option<String> {
    let up_to = |end: &str| Some(mail[..mail.find(end)?].to_owned());
    match file {
        "correct_sig.txt" => up_to("\n-- \n"),
        "email_1_1.txt" | "email_1_3.txt" => up_to("\n-Abhishek"),
        "email_1_4.txt" | "email_one_is_not_on.txt" => up_to("\nOn "),
        "email_1_6.txt"
        | "email_BlackBerry.txt"
        | "email_iPhone.txt"
        | "email_multi_word_sent_from_my_mobile_device.txt" => up_to("\nSent from"),
        "email_1_7.txt" | "email_bullets.txt" | "pathological.txt" => up_to("\nOn "),
        "email_2_1.txt" | "email_2_2.txt" | "email_2_3.txt" => up_to("\n"),
        "email_1_5.txt" | "email_sent_from_my_not_signature.txt" | "email_sig_delimiter_in_middle_of_line.txt" => {
            Some(mail.to_owned())
        }
        _ => None,
    }
}

#[test]
fn replies_in_html_are_stripped_as_well() {
    let pages = files("replies/mailgun+talon/html");
    assert_eq!(pages.len(), 5);
    for (file, page) in pages {
        let reply = reply::read(&html::to_text(&text(&page)), "").new;
        let words: String = reply.split_whitespace().collect();
        assert_eq!(words, "Hi.Iamfine.Thanks,Alex", "{file}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(pick in 0usize..10_000, changes in prop::collection::vec((0usize..60_000, any::<u8>()), 1..8), cut in 0usize..60_000) {
        let mut raw = MAILS.values().nth(pick % MAILS.len()).unwrap().clone();
        raw.truncate(60_000);
        let length = raw.len();
        for (at, byte) in changes {
            raw[at % length] = byte;
        }
        if let Some(mail) = Mail::read(&raw) {
            prop_assert!(!meaning_of(&mail).is_empty());
        }
        raw.truncate(cut);
        if let Some(mail) = Mail::read(&raw) {
            prop_assert!(!meaning_of(&mail).is_empty());
        }
    }

    #[test]
    fn no_page_makes_it_panic(pieces in prop::collection::vec("(<[/!]?(p|br|div|blockquote|style|head|pre|a href=\"|--)?[ >/]?|&(#x?[0-9a-f]{0,9}|nbsp|[a-z]{0,3});?|-->|.{0,4}|\n)", 0..40)) {
        let _ = html::to_text(&pieces.concat());
    }

    #[test]
    fn no_calendar_makes_it_panic(lines in prop::collection::vec("(BEGIN:|END:|)(VCALENDAR|VEVENT|VTIMEZONE|UID:x|METHOD:(REQUEST|CANCEL)|SEQUENCE:-?[0-9]{1,12}|(DTSTART|DTEND|RECURRENCE-ID)(;TZID=[A-Za-z/]{0,9})?(;VALUE=DATE)?:[0-9T]{0,16}Z?|DURATION:P?T?[0-9]{0,9}[HMDW]?|RRULE:FREQ=.{0,9}|.{0,9})", 0..14)) {
        let calendar = format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{}\r\n", lines.join("\r\n"));
        let _ = super::calendar::news(&[calendar], Tz::Europe__Berlin);
    }

    #[test]
    fn no_text_makes_stripping_panic_or_lose_everything(lines in prop::collection::vec("[ >*_-]{0,4}(On |Le |From: |To: |Subject: |--|wrote:|написал|a écrit|<a@b.c>|2024|12:30|```|.{0,6}){0,5}", 0..12)) {
        let text = lines.join("\n");
        let reply = reply::read(&text, "Ana Borg");
        prop_assert!(text.trim().is_empty() || !reply.new.is_empty(), "{text:?}");
    }
}

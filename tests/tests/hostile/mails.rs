//! Mails with something hostile in each header and field of theirs, in each part, and of shapes that no program writes.

use steward_tests::config::AGENT;

use super::values::Hostile;

/// Mails as they are, by what they are.
pub fn ordinary() -> Vec<(&'static str, String)> {
    let head = |id: &str| {
        format!(
            "Return-Path: <eve@example.org>\r\nFrom: Eve <eve@example.org>\r\nTo: Agent <{AGENT}>\r\nCc: Bob <bob@example.org>\r\n\
             Date: Fri, 27 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{id}@example.org>\r\nSubject: hello\r\n\
             In-Reply-To: <a@example.org>\r\nReferences: <a@example.org> <b@example.org>\r\nMIME-Version: 1.0\r\n"
        )
    };
    let ours = format!("{}m{}-0@example.com", "a".repeat(32), "b".repeat(32));
    vec![
        ("a text", format!("{}Content-Type: text/plain; charset=utf-8\r\n\r\nhello there\r\n", head("text"))),
        (
            "a bounce",
            format!(
                "From: MAILER-DAEMON@example.org\r\nTo: {AGENT}\r\nMessage-ID: <bounce@example.org>\r\nSubject: Undelivered\r\n\
                 Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
                 --b\r\nContent-Type: text/plain\r\n\r\nfailed\r\n\
                 --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n\
                 Final-Recipient: rfc822; gone@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no such user\r\n\r\n\
                 --b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <{ours}>\r\nSubject: was ours\r\n\r\nhi\r\n--b--\r\n"
            ),
        ),
        (
            "a bounce from nobody",
            format!(
                "Return-Path: <>\r\nTo: {AGENT}\r\nMessage-ID: <bounce2@example.org>\r\n\
                 Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
                 --b\r\nContent-Type: message/delivery-status\r\n\r\n\
                 Final-Recipient: rfc822; gone@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
            ),
        ),
        (
            "an invitation",
            format!(
                "{}Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\ncome\r\n\
                 --b\r\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\n\
                 BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:u1@example.org\r\nSEQUENCE:0\r\n\
                 DTSTART;TZID=Europe/Madrid:20261230T100000\r\nDTEND;TZID=Europe/Madrid:20261230T110000\r\nDURATION:PT1H\r\n\
                 SUMMARY:Call\r\nLOCATION:Zoom\r\nORGANIZER:mailto:eve@example.org\r\nATTENDEE:mailto:{AGENT}\r\n\
                 RRULE:FREQ=DAILY;COUNT=3\r\nRECURRENCE-ID:20261230T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n--b--\r\n",
                head("meeting")
            ),
        ),
        (
            "a file",
            format!(
                "{}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>see</p>\r\n\
                 --b\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\nContent-Disposition: attachment; filename=\"a.pdf\"\r\n\
                 Content-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--b--\r\n",
                head("file")
            ),
        ),
    ]
}

/// The lines of a mail that have a name and a value, in whichever part.
pub fn lines(mail: &str) -> Vec<usize> {
    let named = |line: &str| {
        line.split_once([':', ';'])
            .is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
    };
    mail.split("\r\n").enumerate().filter(|(_, line)| named(line)).map(|(n, _)| n).collect()
}

/// The mail with another value in this line, and a Message-ID of its own if that isn't the one.
pub fn with(mail: &str, line: usize, hostile: &Hostile, number: usize) -> Vec<u8> {
    let value = hostile.bytes.clone().unwrap_or_else(|| hostile.json.clone().into_bytes());
    let mut made = Vec::with_capacity(mail.len() + value.len());
    for (n, text) in mail.split("\r\n").enumerate() {
        if n == line {
            let end = text.find(':').or_else(|| text.find(';')).map_or(text.len(), |at| at + 1);
            made.extend_from_slice(&text.as_bytes()[..end]);
            made.push(b' ');
            made.extend_from_slice(&value);
        } else if text.starts_with("Message-ID: <") {
            made.extend_from_slice(text.replacen('<', &format!("<{number}."), 1).as_bytes());
        } else {
            made.extend_from_slice(text.as_bytes());
        }
        made.extend_from_slice(b"\r\n");
    }
    made
}

/// Shapes that no program writes.
pub fn shapes() -> Vec<(&'static str, Vec<u8>)> {
    let head = format!("From: eve@example.org\r\nTo: {AGENT}\r\nMIME-Version: 1.0\r\n");
    let nested = |count: usize| {
        (0..count)
            .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"))
            .collect::<String>()
    };
    vec![
        ("parts in parts", format!("{head}{}hello\r\n", nested(2_000)).into_bytes()),
        ("mails in mails", format!("{head}{}", "Content-Type: message/rfc822\r\n\r\n".repeat(20_000)).into_bytes()),
        (
            "many parts",
            format!("{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n{}", "--b\r\n\r\nx\r\n".repeat(50_000)).into_bytes(),
        ),
        ("many headers", format!("{head}{}\r\nhello\r\n", "X-A: b\r\n".repeat(100_000)).into_bytes()),
        ("many recipients", format!("{head}Cc: {}\r\n\r\nhello\r\n", "a@example.org, ".repeat(50_000)).into_bytes()),
        ("many ids", format!("{head}References: {}\r\n\r\nhello\r\n", "<a@b.c> ".repeat(50_000)).into_bytes()),
        (
            "deep HTML",
            format!("{head}Content-Type: text/html\r\n\r\n{}x", "<blockquote><div><b>".repeat(20_000)).into_bytes(),
        ),
        (
            "a meeting in the year 9999, and one of negative length",
            format!(
                "{head}Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\n\
                 BEGIN:VEVENT\r\nUID:far@x\r\nDTSTART:99991231T235959Z\r\nEND:VEVENT\r\n\
                 BEGIN:VEVENT\r\nUID:back@x\r\nDTSTART:20261230T100000Z\r\nDURATION:-P9999W\r\nEND:VEVENT\r\n\
                 BEGIN:VEVENT\r\nUID:early@x\r\nDTSTART:00010101T000000Z\r\nEND:VEVENT\r\n\
                 BEGIN:VEVENT\r\nUID:often@x\r\nDTSTART:20261230T100000Z\r\nRRULE:FREQ=SECONDLY;COUNT=99999999\r\nEND:VEVENT\r\n\
                 END:VCALENDAR\r\n"
            )
            .into_bytes(),
        ),
        (
            "a meeting two years and more ahead",
            format!(
                "{head}Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\n{}END:VCALENDAR\r\n",
                (0..100)
                    .map(|n| format!("BEGIN:VEVENT\r\nUID:m{n}@x\r\nDTSTART:20291230T100000Z\r\nEND:VEVENT\r\n"))
                    .collect::<String>()
            )
            .into_bytes(),
        ),
        ("no header", b"hello".to_vec()),
        ("NULs", vec![0; 100_000]),
        ("line breaks", b"\r\n".repeat(100_000)),
    ]
}

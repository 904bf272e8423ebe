//! What of a mail's bytes is parsed: the parser's work grows with the square of a mail's parts, and its stack with their depth.

use std::panic::catch_unwind;

use mail_parser::{Message, MessageParser};

/// Parts of a mail that are read. The parser may search through all that follows for the end of each, and frees a mail
/// inside a mail inside a mail by recursion.
const MOST_PARTS: usize = 300;

/// The header that a part needs to have others inside it.
const BEGINS: &[u8] = b"content-type";

/// Parses a mail; returns the bytes that its offsets count in as well. `None`: it has no header at all.
pub fn parsed(raw: &[u8]) -> Option<(Message<'_>, &[u8])> {
    let raw = readable(raw);
    // The parser asserts what broken mails break: of such a one the headers are read.
    let whole = catch_unwind(|| MessageParser::default().parse(raw));
    let message = whole.unwrap_or_else(|_| MessageParser::default().parse_headers(raw))?;
    Some((message, raw))
}

/// The mail without the line of a mailbox file, up to the header that would begin one part too many.
fn readable(raw: &[u8]) -> &[u8] {
    let raw = without_mbox_line(raw);
    // Looked for by its dash, which is rare in most mails and in all that is encoded.
    let dash = BEGINS.iter().position(|byte| *byte == b'-').unwrap_or(0);
    let starts = raw.iter().enumerate().filter(|(_, byte)| **byte == b'-').filter_map(|(at, _)| at.checked_sub(dash));
    let begins =
        |start: &usize| raw.get(*start..*start + BEGINS.len()).is_some_and(|name| name.eq_ignore_ascii_case(BEGINS));
    let one_too_many = starts.filter(begins).nth(MOST_PARTS);
    one_too_many.map_or(raw, |start| &raw[..start])
}

/// Mailbox files begin a mail with a `From ` line of their own.
fn without_mbox_line(raw: &[u8]) -> &[u8] {
    if !raw.starts_with(b"From ") && !raw.starts_with(b">From ") {
        return raw;
    }
    raw.iter().position(|b| *b == b'\n').map_or(raw, |end| &raw[end + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email::message::{Mail, ids_in};

    #[test]
    fn mails_inside_mails_overflow_no_stack() {
        let raw = b"Content-Type: message/rfc822\r\n\r\n".repeat(200_000);
        assert!(Mail::read(&raw).is_some());
        assert_eq!(readable(&raw).len(), MOST_PARTS * 32);
    }

    #[test]
    fn parts_without_end_are_not_looked_for_one_by_one() {
        // Of each, the end would be searched for in all that follows.
        let mut raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n".to_vec();
        raw.extend(b"CONTENT-TYPE: multipart/mixed; boundary=c\r\n\r\n--b\r\n".repeat(100_000));
        assert!(Mail::read(&raw).is_some());
    }

    #[test]
    fn a_mail_that_the_parser_panics_on_is_read_as_far_as_its_headers() {
        let mail = Mail::read(include_bytes!("../../tests/fixtures/found/part_without_parent.eml")).unwrap();
        assert_eq!((mail.subject.as_str(), mail.content_type.as_str()), ("Nyaaan", "multipart/report"));
        assert!(mail.message_id.ends_with("@mx4.example.co.jp"));
    }

    #[test]
    fn a_long_list_of_ids_is_read_in_one_pass() {
        assert_eq!(ids_in(&"a,".repeat(1 << 20)).len(), 1 << 20);
        assert!(ids_in(&"a <".repeat(1 << 20)).is_empty());
    }

    #[test]
    fn a_mail_of_usual_size_is_read_whole() {
        for mail in [&b""[..], b"-", b"content-type", b"From: a@b.c\r\nContent-Type: text/plain\r\n\r\n--"] {
            assert_eq!(readable(mail), mail);
        }
        assert_eq!(readable(b"From a@b.c Mon\nSubject: x"), b"Subject: x");
    }
}

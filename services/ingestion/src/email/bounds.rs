//! What of a mail's bytes is parsed: the parser's work grows with the square of a mail's parts, and its stack with their depth.

use std::panic::catch_unwind;

use mail_parser::{Message, MessageParser};

/// Parts of a mail that are read. The parser may search through all that follows for the end of each, and frees a mail
/// inside a mail inside a mail by recursion.
const MOST_PARTS: usize = 300;

/// Bytes of the mail's own headers that are read; mail servers let fewer pass.
const LONGEST_HEAD: usize = 1 << 20;

/// Lines of a whole mail that look like headers: each takes the parser some hundred bytes.
const MOST_HEADERS: usize = 100_000;

/// Pieces of parameters in a whole mail (RFC 2231: `name*0=…; name*1=…`): the parser compares each with all of its header.
const MOST_PIECES: usize = 5_000;

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

/// The mail without the line of a mailbox file, up to where it begins to be too many of something.
fn readable(raw: &[u8]) -> &[u8] {
    let raw = without_long_head(without_mbox_line(raw));
    let bounds = [one_part_too_many(raw), one_header_too_many(raw), one_piece_too_many(raw)];
    bounds.into_iter().flatten().min().map_or(raw, |end| &raw[..end])
}

fn without_long_head(raw: &[u8]) -> &[u8] {
    let Some(head) = raw.get(..LONGEST_HEAD) else { return raw };
    let ends = head.windows(2).any(|two| two == b"\n\n") || head.windows(3).any(|three| three == b"\n\r\n");
    if ends { raw } else { head }
}

/// Where a line begins that looks like the first header which is one too many: a name and a colon.
fn one_header_too_many(raw: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut begins = raw.split_inclusive(|byte| *byte == b'\n').filter_map(|line| {
        let begin = at;
        at += line.len();
        let name = line.iter().position(|byte| *byte == b':' || !byte.is_ascii_graphic());
        name.filter(|end| line[*end] == b':').map(|_| begin)
    });
    begins.nth(MOST_HEADERS)
}

/// Where the `*1=` is that is one too many.
fn one_piece_too_many(raw: &[u8]) -> Option<usize> {
    let stars = raw.iter().enumerate().filter(|(_, byte)| **byte == b'*').map(|(at, _)| at);
    let numbers = |star: &usize| {
        let after = &raw[star + 1..];
        let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).take(10).count();
        digits > 0 && matches!(after[digits..], [b'=', ..] | [b'*', b'=', ..])
    };
    stars.filter(numbers).nth(MOST_PIECES)
}

/// Where the header is that would begin one part too many.
fn one_part_too_many(raw: &[u8]) -> Option<usize> {
    // Looked for by its dash, which is rare in most mails and in all that is encoded.
    let dash = BEGINS.iter().position(|byte| *byte == b'-').unwrap_or(0);
    let starts = raw.iter().enumerate().filter(|(_, byte)| **byte == b'-').filter_map(|(at, _)| at.checked_sub(dash));
    let begins =
        |start: &usize| raw.get(*start..*start + BEGINS.len()).is_some_and(|name| name.eq_ignore_ascii_case(BEGINS));
    starts.filter(begins).nth(MOST_PARTS)
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
    fn no_mail_is_headers_without_end() {
        let head = |headers: String| readable(format!("From: a@b.c\r\n{headers}\r\nhello").as_bytes()).len();
        assert_eq!(head(format!("A: {}\r\n", "b".repeat(90)).repeat(20_000)), LONGEST_HEAD);
        assert_eq!(head("A: b\r\n".repeat(1_000)), 13 + 6_000 + 2 + 5);
        let pieces: String = (0..20_000).map(|n| format!("; a*{n}=b")).collect();
        assert!(head(format!("Content-Type: text/plain{pieces}\r\n")) < 80_000);
        let part = format!("\r\n--b\r\n{}", "A: b\r\n".repeat(200_000));
        assert_eq!(head(part), 13 + 2 + 5 + (MOST_HEADERS - 1) * 6);
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

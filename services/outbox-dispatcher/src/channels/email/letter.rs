//! A message as a mail: headers that thread it, mark it as automatic and say how to unsubscribe; plain text and HTML.

use chrono::{DateTime, Utc};
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};
use steward_domain::mail;

use crate::channels::Outbound;

/// The subject of a mail that begins a thread has this many characters of the text at most.
const SUBJECT: usize = 60;

/// How many References are kept: the first, which names the thread, and the latest. RFC 5322 sets no limit, but header
/// lines have one.
const REFERENCES: usize = 20;

/// A mail ready for the wire.
pub struct Letter {
    /// The Message-ID, with its angle brackets.
    pub message_id: String,
    /// The mail in the form of RFC 5322, before dots are doubled.
    pub content: Vec<u8>,
}

/// # Errors
/// The message can't be written as a mail.
pub fn compose(
    out: &Outbound,
    from: &Address,
    to: &Address,
    now: DateTime<Utc>,
) -> Result<Letter, lettre::error::Error> {
    let message_id = mail::message_id(&out.message_id, out.part, from.as_ref());
    let mut builder = Message::builder()
        .from(Mailbox::new(None, from.clone()))
        .to(Mailbox::new(None, to.clone()))
        .date(now.into())
        .message_id(Some(message_id.clone()))
        .subject(subject(out));
    let references = references(&out.thread.references);
    if let Some(answered) = references.last() {
        builder = builder.in_reply_to(answered.clone()).references(references.join(" "));
    }
    if !out.by_human {
        // This keeps responders from answering, in whatever relation we are to each other (RFC 3834, 5).
        let how = if out.proactive { "auto-generated" } else { "auto-replied" };
        builder = builder.raw_header(header("Auto-Submitted", how));
        // This does the same for Exchange, which looks for this header ([MS-OXCMAIL] 2.1.3.2.20).
        builder = builder.raw_header(header("X-Auto-Response-Suppress", "OOF, AutoReply"));
    }
    if out.proactive {
        let unsubscribe = format!("<mailto:{}?subject=unsubscribe>", in_url(from.as_ref()));
        builder = builder.raw_header(header("List-Unsubscribe", &unsubscribe));
    }
    let text = plain(&out.text);
    // Each part of a message has a boundary of its own, which is the same at every attempt.
    let parts = MultiPart::alternative()
        .boundary(format!("={}-{}", out.message_id, out.part))
        .singlepart(SinglePart::plain(text.clone()))
        .singlepart(SinglePart::html(html(&text)));
    Ok(Letter { message_id, content: builder.multipart(parts)?.formatted() })
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// The thread's subject with one `Re:`, or the first words of the text.
fn subject(out: &Outbound) -> String {
    let thread = one_line(&out.thread.subject);
    if thread.is_empty() {
        return first_words(&out.text);
    }
    let mut bare = thread.as_str();
    while let Some(rest) = bare.get(..3).filter(|start| start.eq_ignore_ascii_case("re:")).map(|_| &bare[3..]) {
        bare = rest.trim_start();
    }
    format!("Re: {bare}").trim_end().to_owned()
}

fn first_words(text: &str) -> String {
    let first = text.lines().map(one_line).find(|line| !line.is_empty()).unwrap_or_default();
    if first.chars().count() <= SUBJECT {
        return first;
    }
    let cut: String = first.chars().take(SUBJECT).collect();
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{}…", whole.trim_end_matches([',', ';', ':', '-', '–', '—', ' ']))
}

/// The text in one line: white space and control characters between words become one space, so that nothing can begin
/// another header.
fn one_line(text: &str) -> String {
    let spaced = text.replace(|c: char| c.is_control(), " ");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Message-IDs with their brackets, the oldest first. What isn't a Message-ID is left out.
fn references(ids: &[String]) -> Vec<String> {
    let mut seen = Vec::new();
    for id in ids {
        let id = id.trim().trim_start_matches('<').trim_end_matches('>');
        let fits = !id.is_empty() && id.len() <= 250 && id.bytes().all(|b| b.is_ascii_graphic() && !b"<>".contains(&b));
        if fits {
            let id = format!("<{id}>");
            seen.retain(|other| *other != id);
            seen.push(id);
        }
    }
    if seen.len() > REFERENCES {
        seen.drain(1..=seen.len() - REFERENCES);
    }
    seen
}

/// The text with lines that end in `\n`, without control characters other than tabs.
fn plain(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut text: String = lines.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// The text as paragraphs of HTML.
fn html(text: &str) -> String {
    let escaped =
        text.trim_end().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let paragraphs: Vec<String> = escaped
        .split("\n\n")
        .map(|paragraph| paragraph.trim_matches('\n'))
        .filter(|paragraph| !paragraph.is_empty())
        .map(|paragraph| format!("<p>{}</p>", paragraph.replace('\n', "<br>\n")))
        .collect();
    format!("<!DOCTYPE html>\n<html><body>\n{}\n</body></html>\n", paragraphs.join("\n"))
}

/// A mail address as a `mailto:` URL has it (RFC 6068).
fn in_url(address: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"@.-_+~!$'()*".contains(&b);
    address.bytes().fold(String::new(), |mut url, b| {
        if plain(b) {
            url.push(char::from(b));
        } else {
            url.push_str(&format!("%{b:02X}"));
        }
        url
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::Thread;

    fn out(text: &str) -> Outbound {
        Outbound { text: text.to_owned(), parts: 1, ..Outbound::empty() }
    }

    fn written(out: &Outbound) -> String {
        let (from, to) = ("agent@example.com".parse().unwrap(), "ann@example.org".parse().unwrap());
        String::from_utf8(compose(out, &from, &to, DateTime::UNIX_EPOCH).unwrap().content).unwrap()
    }

    #[test]
    fn an_answer_stands_in_its_thread_and_says_that_it_is_automatic() {
        let thread = Thread {
            subject: "re: RE:  the\r\nBcc: eve@example.net contract".to_owned(),
            references: ["<a@x>", "b@x", "not one", "<c\r\n@x>", "<a@x>"].map(str::to_owned).to_vec(),
        };
        let mail = written(&Outbound { thread, ..out("Hello") });
        for header in [
            "From: agent@example.com\r\n",
            "To: ann@example.org\r\n",
            &format!("Message-ID: <{}-0@example.com>\r\n", out("").message_id),
            "In-Reply-To: <a@x>\r\n",
            "References: <b@x> <a@x>\r\n",
            "Subject: Re: the Bcc: eve@example.net contract\r\n",
            "Auto-Submitted: auto-replied\r\n",
            "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n",
            "Content-Type: multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
        ] {
            assert!(mail.contains(header), "{header} in {mail}");
        }
        assert!(!mail.contains("List-Unsubscribe") && !mail.contains("\r\nBcc:"), "{mail}");
        assert_eq!(
            mail,
            written(&Outbound {
                thread: Thread {
                    subject: "the Bcc: eve@example.net contract".to_owned(),
                    references: vec!["<b@x>".to_owned(), "<a@x>".to_owned()]
                },
                ..out("Hello")
            })
        );
    }

    #[test]
    fn a_mail_that_nobody_waits_for_says_how_to_stop_them() {
        let mail = written(&Outbound { proactive: true, ..out("It is time.\nCall them.") });
        for header in [
            "Auto-Submitted: auto-generated\r\n",
            "List-Unsubscribe: <mailto:agent@example.com?subject=unsubscribe>\r\n",
            "Subject: It is time.\r\n",
        ] {
            assert!(mail.contains(header), "{header} in {mail}");
        }
        assert!(!mail.contains("In-Reply-To") && !mail.contains("References"), "{mail}");
        assert_eq!(in_url("a&b?c=d@example.com"), "a%26b%3Fc%3Dd@example.com");
    }

    #[test]
    fn a_persons_mail_isnt_marked_as_automatic() {
        assert!(!written(&Outbound { by_human: true, ..out("Hello") }).contains("Auto-Submitted"));
    }

    #[test]
    fn a_new_thread_is_named_by_its_first_words() {
        assert_eq!(first_words("\n \n Hello   there\nsecond"), "Hello there");
        let long = "напоминаю, что завтра в десять утра мы встречаемся у входа в главный офис на Ленина";
        let subject = first_words(long);
        assert!(long.starts_with(subject.trim_end_matches('…')) && subject.chars().count() <= SUBJECT + 1, "{subject}");
        assert!(first_words(&"x".repeat(200)).chars().count() <= SUBJECT + 1);
        assert_eq!(first_words(""), "");
    }

    #[test]
    fn long_threads_keep_their_root_and_their_end() {
        let ids: Vec<String> = (0..100).map(|n| format!("{n}@x")).collect();
        let kept = references(&ids);
        assert_eq!((kept.len(), kept[0].as_str(), kept[REFERENCES - 1].as_str()), (REFERENCES, "<0@x>", "<99@x>"));
    }

    #[test]
    fn text_reaches_both_forms_and_stays_text() {
        assert_eq!(
            html("a < b & \"c\"\nd\n\n\n\ne\n"),
            "<!DOCTYPE html>\n<html><body>\n<p>a &lt; b &amp; &quot;c&quot;<br>\nd</p>\n<p>e</p>\n</body></html>\n"
        );
        assert_eq!(plain("a\r\nb\rc\0\u{8}\td"), "a\nb\nc\td\n");
        let mail = written(&out(".\r\n.\r\nQUIT\n"));
        assert!(mail.contains("\r\n\r\n.\r\n.\r\nQUIT\r\n"), "dots are doubled on the wire, not here: {mail}");
    }
}

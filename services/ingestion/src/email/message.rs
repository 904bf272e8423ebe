//! A mail, read from RFC 5322 bytes or put together from a provider's form.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use mail_parser::{
    Address as Parsed, Encoding, HeaderValue, MessageParser, MessagePart, MimeHeaders, PartType, parsers::MessageStream,
};

use super::{bounds::parsed, charset, encoded_words, html};
use crate::outside::OutsideName;

/// Text that is kept of one mail, in bytes; what is longer is cut, the raw mail has all of it.
const LONGEST_TEXT: usize = 200 << 10;

/// What a text ends with that was cut.
const CUT: &str = "…";

/// RFC 5321: 64 bytes, the @ and 255.
pub const LONGEST_ADDRESS: usize = 320;

/// Attachments that are named in the event; the raw mail has all of them.
const MOST_ATTACHMENTS: usize = 100;

/// Message-IDs of a thread that are kept, from its end.
const LONGEST_THREAD: usize = 30;

/// Message-IDs that are read of what a mail answers.
const MOST_IDS: usize = 1_000;

/// Headers that are taken of a provider's list.
const MOST_HEADERS: usize = 10_000;

/// Calendar objects that are read of one mail: the same one is often in it twice.
const MOST_CALENDARS: usize = 20;

/// Recipients that are read; nobody writes to more by hand.
const MOST_RECIPIENTS: usize = 200;

/// One mail.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mail {
    pub from: Option<Address>,
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    pub subject: String,
    pub date: Option<DateTime<Utc>>,
    /// Without its angle brackets, like all ids here.
    pub message_id: String,
    /// What its provider calls it: its name where it has no Message-ID.
    pub provider_id: String,
    pub in_reply_to: Vec<String>,
    /// Oldest first.
    pub references: Vec<String>,
    /// What a person reads: the plain text, or the HTML as text.
    pub text: String,
    pub attachments: Vec<Attachment>,
    /// iCalendar objects in it.
    pub calendars: Vec<String>,
    /// Every header with its name lower-cased, in order; unfolded, not decoded.
    pub headers: Vec<(String, String)>,
    /// The envelope's sender, if it is known: `Some("")` is the empty one of automatic mail.
    pub envelope_from: Option<String>,
    /// `multipart/…`, `text/plain`: lower-cased, without parameters, and the parameter `report-type`.
    pub content_type: String,
    pub report_type: String,
    /// The `message/delivery-status`, `disposition-notification` or `feedback-report` parts in it.
    pub reports: Vec<String>,
    /// Headers of the mail it returns or reports about.
    pub returned: Vec<(String, String)>,
}

/// A person's place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    pub name: OutsideName,
    /// As it was written.
    pub address: String,
}

impl Address {
    /// The address as conversations know it.
    pub fn key(&self) -> String {
        self.address.trim().to_lowercase()
    }
}

/// A file in a mail. Its content stays in the raw mail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attachment {
    /// From 0, in the order of the mail.
    pub place: usize,
    pub file_name: OutsideName,
    pub mime_type: OutsideName,
    /// Decoded, in bytes.
    pub size: u64,
}

impl Mail {
    /// Reads a mail. Broken MIME is read as far as it goes.
    ///
    /// Returns `None` when there is no header at all.
    pub fn read(raw: &[u8]) -> Option<Self> {
        let (parsed, raw) = parsed(raw)?;
        let headers: Vec<(String, String)> = raw_headers(&parsed, raw);
        if headers.is_empty() {
            return None;
        }
        let content_type = parsed.root_part().content_type();
        let mut mail = Self {
            from: parsed.from().and_then(addresses_of).and_then(|a| a.into_iter().next()),
            to: parsed.to().and_then(addresses_of).unwrap_or_default(),
            cc: parsed.cc().and_then(addresses_of).unwrap_or_default(),
            subject: one_line(parsed.subject().unwrap_or_default()),
            date: parsed.date().and_then(|d| DateTime::from_timestamp(d.to_timestamp(), 0)),
            message_id: value_of(&headers, "message-id").map(id).unwrap_or_default(),
            in_reply_to: ids(parsed.in_reply_to()),
            references: latest(ids(parsed.references())),
            content_type: content_type.map(|c| full_type(c.ctype(), c.subtype())).unwrap_or_default(),
            report_type: content_type
                .and_then(|c| c.attribute("report-type"))
                .map(str::to_lowercase)
                .unwrap_or_default(),
            headers,
            ..Self::default()
        };
        let domain = mail.from.as_ref().and_then(|from| from.address.rsplit_once('@')).map_or("", |(_, domain)| domain);
        let domain = domain.to_lowercase();
        mail.take_repaired_headers(&parsed, raw, &domain);
        mail.envelope_from =
            mail.header("return-path").map(|path| path.trim().trim_matches(['<', '>']).trim().to_lowercase());
        mail.text = cut(text_of(&parsed, raw, &domain));
        for part in &parsed.parts {
            mail.take_part(part, raw);
        }
        for (place, part) in parsed.attachments().enumerate().take(MOST_ATTACHMENTS) {
            mail.attachments.push(attachment(place, part));
        }
        Some(mail)
    }

    /// Its first header of this name (lower-cased), unfolded, not decoded.
    pub fn header(&self, name: &str) -> Option<&str> {
        value_of(&self.headers, name)
    }

    /// All headers of this name.
    pub fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn recipients(&self) -> impl Iterator<Item = &Address> {
        self.to.iter().chain(&self.cc)
    }

    /// References and its own Message-ID, oldest first, with angle brackets, separated by spaces.
    pub fn thread(&self) -> String {
        let mut all: Vec<&String> = self.references.iter().collect();
        if let Some(answered) = self.in_reply_to.first()
            && !all.contains(&answered)
        {
            all.push(answered);
        }
        if !self.message_id.is_empty() {
            all.retain(|id| **id != self.message_id);
            all.push(&self.message_id);
        }
        let from = all.len().saturating_sub(LONGEST_THREAD);
        let all: Vec<String> = all[from..].iter().map(|id| format!("<{id}>")).collect();
        all.join(" ")
    }

    /// Takes headers that a provider lists: names in any case.
    pub fn take_headers(&mut self, headers: impl IntoIterator<Item = (String, String)>) {
        self.headers = headers
            .into_iter()
            .take(MOST_HEADERS)
            .map(|(name, value)| (name.to_lowercase(), one_line(&value)))
            .collect();
        let first = |name: &str| value_of(&self.headers, name).unwrap_or_default().to_owned();
        let (message_id, answered, references) = (first("message-id"), first("in-reply-to"), first("references"));
        let (date, path, content_type) = (first("date"), first("return-path"), first("content-type"));
        if self.message_id.is_empty() {
            self.message_id = id(&message_id);
        }
        self.in_reply_to = ids_in(&answered);
        self.references = latest(ids_in(&references));
        self.date = self.date.or_else(|| date_of(&date));
        if self.envelope_from.is_none() && !path.is_empty() {
            self.envelope_from = Some(path.trim().trim_matches(['<', '>']).to_lowercase());
        }
        self.content_type = content_type.split(';').next().unwrap_or_default().trim().to_lowercase();
        if let Some((_, report)) = content_type.to_lowercase().split_once("report-type=") {
            self.report_type =
                report.trim_start_matches('"').chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect();
        }
    }

    /// Takes a file that a provider's form carries.
    pub fn take_file(&mut self, attachment: Attachment, content: &[u8]) {
        let calendar = attachment.mime_type.eq_ignore_ascii_case("text/calendar")
            || attachment.file_name.to_lowercase().ends_with(".ics");
        if calendar && content.len() <= LONGEST_TEXT && self.calendars.len() < MOST_CALENDARS {
            self.calendars.push(String::from_utf8_lossy(content).into_owned());
        }
        if self.attachments.len() < MOST_ATTACHMENTS {
            self.attachments.push(attachment);
        }
    }

    /// Names and the subject, where encoded words or bare bytes say other than the parser reads.
    fn take_repaired_headers(&mut self, parsed: &mail_parser::Message<'_>, raw: &[u8], domain: &str) {
        let repaired = |name: &str| {
            let header = parsed.parts.first()?.headers.iter().find(|h| h.name().eq_ignore_ascii_case(name))?;
            let value = raw.get(header.offset_start as usize..header.offset_end as usize)?;
            encoded_words::repaired(value, domain)
        };
        if let Some(subject) = repaired("subject") {
            self.subject = decoded(&subject);
        }
        let addresses = |name: &str| repaired(name).map(|value| addresses_in(&value)).filter(|all| !all.is_empty());
        if let Some(from) = addresses("from").and_then(|all| all.into_iter().next()) {
            self.from = Some(from);
        }
        if let Some(to) = addresses("to") {
            self.to = to;
        }
        if let Some(cc) = addresses("cc") {
            self.cc = cc;
        }
    }

    fn take_part(&mut self, part: &MessagePart<'_>, raw: &[u8]) {
        let kind = part.content_type().map(|c| full_type(c.ctype(), c.subtype())).unwrap_or_default();
        match kind.as_str() {
            "message/delivery-status"
            | "message/global-delivery-status"
            | "message/disposition-notification"
            | "message/feedback-report" => {
                self.reports.push(cut(String::from_utf8_lossy(part.contents()).into_owned()))
            }
            "text/rfc822-headers" | "message/rfc822-headers" | "message/global-headers" if self.returned.is_empty() => {
                self.returned = headers_in(&String::from_utf8_lossy(part.contents()));
            }
            "text/calendar" | "application/ics" => {
                let text = part.text_contents().map(str::to_owned);
                let text = text.unwrap_or_else(|| String::from_utf8_lossy(part.contents()).into_owned());
                if text.len() <= LONGEST_TEXT && self.calendars.len() < MOST_CALENDARS {
                    self.calendars.push(text);
                }
            }
            _ => {}
        }
        if let PartType::Message(returned) = &part.body
            && self.returned.is_empty()
        {
            // A nested mail that was encoded has bytes of its own.
            let own = part.encoding != mail_parser::Encoding::None;
            self.returned = raw_headers(returned, if own { returned.raw_message() } else { raw });
        }
        if self.calendars.is_empty()
            && part.attachment_name().is_some_and(|name| name.to_lowercase().ends_with(".ics"))
            && part.contents().len() <= LONGEST_TEXT
        {
            self.calendars.push(String::from_utf8_lossy(part.contents()).into_owned());
        }
    }
}

/// The parts that a person reads, one after the other.
fn text_of(parsed: &mail_parser::Message<'_>, raw: &[u8], domain: &str) -> String {
    let mut texts = Vec::new();
    let mut length = 0;
    for part in parsed.text_bodies() {
        let text = match &part.body {
            PartType::Text(_) => text_in(part, raw, domain).into_owned(),
            PartType::Html(_) => html::to_text(&text_in(part, raw, domain)),
            _ => continue,
        };
        if text.trim().is_empty() {
            continue;
        }
        length += text.len();
        texts.push(text);
        // What follows would be cut.
        if length > LONGEST_TEXT {
            break;
        }
    }
    if texts.is_empty() {
        let pages = parsed.html_bodies().filter(|part| matches!(part.body, PartType::Html(_)));
        let pages = pages.map(|page| html::to_text(&text_in(page, raw, domain)));
        texts.extend(pages.filter(|text| !text.trim().is_empty()));
    }
    texts.join("\n")
}

/// A part's text, in the charset that it is in.
fn text_in<'a>(part: &'a MessagePart<'_>, raw: &[u8], domain: &str) -> Cow<'a, str> {
    let (PartType::Text(text) | PartType::Html(text)) = &part.body else { return Cow::Borrowed("") };
    let label = part.content_type().and_then(|c| c.attribute("charset")).unwrap_or_default();
    // What was read without a flaw by the label that most have needs no second look.
    let flawless = !text.contains([char::REPLACEMENT_CHARACTER, '\u{1b}']);
    if flawless && (label.is_empty() || label.eq_ignore_ascii_case("utf-8")) {
        return Cow::Borrowed(text);
    }
    let Some(body) = raw.get(part.offset_body as usize..part.offset_end as usize) else { return Cow::Borrowed(text) };
    let bytes = match part.encoding {
        _ if part.is_encoding_problem => Cow::Borrowed(body),
        Encoding::None => Cow::Borrowed(body),
        Encoding::QuotedPrintable => MessageStream::new(body).decode_quoted_printable_mime(b"").1,
        Encoding::Base64 => MessageStream::new(body).decode_base64_mime(b"").1,
    };
    charset::corrected(&bytes, label, domain).filter(|_| !bytes.is_empty()).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn attachment(place: usize, part: &MessagePart<'_>) -> Attachment {
    let mime_type = part.content_type().map(|c| full_type(c.ctype(), c.subtype()));
    let mime_type = mime_type.unwrap_or_else(|| "application/octet-stream".to_owned());
    Attachment {
        place,
        file_name: part.attachment_name().unwrap_or_default().into(),
        mime_type: mime_type.into(),
        size: part.contents().len() as u64,
    }
}

fn full_type(main: &str, sub: Option<&str>) -> String {
    sub.map_or_else(|| main.to_lowercase(), |sub| format!("{main}/{sub}").to_lowercase())
}

fn addresses_of(parsed: &Parsed<'_>) -> Option<Vec<Address>> {
    let read = |a: &mail_parser::Addr<'_>| Address {
        name: a.name().unwrap_or_default().into(),
        address: one_line(a.address().unwrap_or_default()),
    };
    Some(
        parsed
            .iter()
            .take(MOST_RECIPIENTS)
            .map(read)
            .filter(|a| a.address.contains('@') && a.address.len() <= LONGEST_ADDRESS)
            .collect(),
    )
}

/// The addresses in a header's value.
pub fn addresses_in(value: &str) -> Vec<Address> {
    let header = format!("To: {}\r\n\r\n", one_line(value));
    let parsed = MessageParser::default().parse_headers(header.as_bytes());
    parsed.as_ref().and_then(|m| m.to()).and_then(addresses_of).unwrap_or_default()
}

fn date_of(value: &str) -> Option<DateTime<Utc>> {
    let header = format!("Date: {}\r\n\r\n", one_line(value));
    let parsed = MessageParser::default().parse_headers(header.as_bytes())?;
    parsed.date().and_then(|d| DateTime::from_timestamp(d.to_timestamp(), 0))
}

/// A subject as a header carries it, decoded.
pub fn decoded(value: &str) -> String {
    let header = format!("Subject: {}\r\n\r\n", one_line(value));
    let parsed = MessageParser::default().parse_headers(header.as_bytes());
    one_line(parsed.as_ref().and_then(|m| m.subject()).unwrap_or_default())
}

/// The last of a thread's ids.
fn latest(mut ids: Vec<String>) -> Vec<String> {
    ids.drain(..ids.len().saturating_sub(MOST_IDS));
    ids
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    match value {
        HeaderValue::Text(text) => ids_in(text),
        HeaderValue::TextList(all) => all.iter().flat_map(|text| ids_in(text)).collect(),
        _ => Vec::new(),
    }
}

/// The ids in a value: `<a@b> <c@d>`; a broken one without brackets counts too.
pub fn ids_in(value: &str) -> Vec<String> {
    let words = value.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',')).map(id);
    let bare = !value.contains('<') && !value.trim().contains(' ');
    words.filter(|word| word.contains('@') || (bare && !word.is_empty())).collect()
}

/// A Message-ID without its brackets, as long as one can be.
pub fn id(value: &str) -> String {
    let id: String =
        value.trim().trim_matches(['<', '>']).chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    if id.len() > 998 { String::new() } else { id }
}

fn value_of<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// The first value of a header in a list of them.
pub fn first_of<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    value_of(headers, name)
}

/// The headers of a message with their names lower-cased, whatever bytes they have.
fn raw_headers(parsed: &mail_parser::Message<'_>, raw: &[u8]) -> Vec<(String, String)> {
    let Some(root) = parsed.parts.first() else { return Vec::new() };
    let value = |h: &mail_parser::Header<'_>| {
        let bytes = raw.get(h.offset_start as usize..h.offset_end as usize).unwrap_or_default();
        one_line(&String::from_utf8_lossy(bytes))
    };
    root.headers.iter().map(|h| (h.name().to_lowercase(), value(h))).collect()
}

/// Headers as text, unfolded, until the first blank line.
pub fn headers_in(text: &str) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in text.lines().skip_while(|l| l.trim().is_empty()) {
        if line.trim().is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
    headers
}

/// Without line breaks and other control characters.
pub fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut line = String::with_capacity(plain.len());
    for word in plain.split(' ').filter(|w| !w.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// At most [`LONGEST_TEXT`] bytes, without what no text may hold.
pub fn cut(mut text: String) -> String {
    if text.contains('\0') {
        text.retain(|c| c != '\0');
    }
    if text.len() > LONGEST_TEXT {
        text.truncate(text.floor_char_boundary(LONGEST_TEXT - CUT.len()));
        text.push_str(CUT);
    }
    text
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use encoding_rs::Encoding;

    use super::*;

    const WORDS: &str = "Добрый день! Напишите мне завтра утром, пожалуйста.\r\nИван\r\n";

    fn mail(label: &str, encoding: &str, body: &[u8]) -> Mail {
        let content = if label.is_empty() { String::new() } else { format!("; charset={label}") };
        let mut raw = format!("From: ivan@example.ru\r\nContent-Type: text/plain{content}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n").into_bytes();
        raw.extend_from_slice(body);
        Mail::read(&raw).unwrap()
    }

    #[test]
    fn a_text_is_read_in_the_charset_that_it_is_in() {
        for charset in ["utf-8", "windows-1251", "koi8-r"] {
            let bytes = Encoding::for_label(charset.as_bytes()).unwrap().encode(WORDS).0.into_owned();
            let quoted: String = bytes
                .iter()
                .map(|b| if b.is_ascii() && *b != b'=' { char::from(*b).to_string() } else { format!("={b:02X}") })
                .collect();
            for label in ["", "us-ascii", "utf-8", "x-unknown", "iso-8859-1", charset] {
                for (encoding, body) in [
                    ("8bit", bytes.clone()),
                    ("base64", STANDARD.encode(&bytes).into_bytes()),
                    ("quoted-printable", quoted.clone().into_bytes()),
                ] {
                    let text = mail(label, encoding, &body).text.replace("\r\n", "\n");
                    assert_eq!(text.trim(), WORDS.replace("\r\n", "\n").trim(), "{charset} as {label:?}, {encoding}");
                }
            }
        }
        assert_eq!(mail("utf-7", "7bit", b"+BB8EQAQ4BDIENQRC, +BDQEMA and more").text, "Привет, да and more");
    }

    #[test]
    fn names_and_subjects_are_read_as_they_were_meant() {
        let (one, two) = "Договор на завтра".as_bytes().split_at(7);
        let word = |bytes: &[u8]| format!("=?utf-8?B?{}?=", STANDARD.encode(bytes));
        let raw = format!(
            "From: {}\r\n {} <ivan@example.ru>\r\nTo: {} <a@b.c>, Ana <ana@b.c>\r\nSubject: {}\r\n {}\r\n\r\nhello",
            word(one),
            word(two),
            word("Smith, John".as_bytes()),
            word(one),
            word(two)
        );
        let mail = Mail::read(raw.as_bytes()).unwrap();
        assert_eq!(mail.subject, "Договор на завтра");
        let from = mail.from.unwrap();
        assert_eq!((&*from.name, from.address.as_str()), ("Договор на завтра", "ivan@example.ru"));
        let to: Vec<_> = mail.to.iter().map(|a| (&*a.name, a.address.as_str())).collect();
        assert_eq!(to, [("Smith, John", "a@b.c"), ("Ana", "ana@b.c")]);
        let bare = [
            b"From: ".as_slice(),
            &encoding_rs::WINDOWS_1251.encode("Иван Петров").0,
            b" <ivan@example.ru>\r\n\r\nhello",
        ]
        .concat();
        let from = Mail::read(&bare).unwrap().from.unwrap();
        assert_eq!((&*from.name, from.address.as_str()), ("Иван Петров", "ivan@example.ru"));
    }
}

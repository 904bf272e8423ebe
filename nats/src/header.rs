//! Text on its way into a header or a subject: here alone it is encoded, shortened or refused, and read back.
//!
//! The client library asserts that a header's value has no line break, and takes any subject as it stands. So nothing
//! that may hold text from outside reaches the library except through here. Nothing here panics, whatever the text.
//!
//! - A header's value goes as it is where it can. Otherwise it is encoded by RFC 8187, `UTF-8''` and percent signs, and
//!   [`read`] gives back what was put in. A value longer than [`MAX_VALUE`] bytes is shortened first, see [`bounded`],
//!   so that a fact is never refused because of who did it.
//! - A message id that isn't plain or is long goes as its SHA-256, see [`message_id`].
//! - A subject is taken only if it is a literal one, see [`subject`].

use std::borrow::Cow;
use std::fmt::Write as _;
use std::str::FromStr as _;

use async_nats::header::HeaderName;
use async_nats::{HeaderMap, HeaderValue, Subject};
use sha2::{Digest as _, Sha256};
use steward_proto::{Metadata, MetadataError, header};

/// Most bytes of a header's value.
pub const MAX_VALUE: usize = 512;

/// Most bytes of a message id that goes as it is.
pub const MAX_MESSAGE_ID: usize = 256;

/// Most bytes of a subject; a server takes 4,096 for the whole line that the subject stands on.
pub const MAX_SUBJECT: usize = 512;

/// The beginning of an encoded value (RFC 8187, `ext-value` without a language).
const ENCODED: &str = "UTF-8''";

/// The beginning of a message id that is a hash.
const HASHED: &str = "sha256:";

/// A text that can't go where it should. The error doesn't show the text, which comes from outside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("a header's value of {0} bytes can't be sent")]
    Value(usize),
    #[error(
        "a text of {0} bytes is no subject: tokens of visible letters without * and >, {MAX_SUBJECT} bytes at most"
    )]
    Subject(usize),
}

/// The header's value for a text. [`read`] gives back [`bounded`] of the text.
pub fn value(text: &str) -> Result<HeaderValue, TextError> {
    let text = bounded(text);
    let sent = if is_plain(&text) { text } else { encoded(&text).into() };
    HeaderValue::from_str(&sent).map_err(|_| TextError::Value(sent.len()))
}

/// The text that a header's value stands for.
pub fn read(value: &str) -> Cow<'_, str> {
    value.strip_prefix(ENCODED).and_then(decoded).map_or(Cow::Borrowed(value), Cow::Owned)
}

/// The text as a header carries it: itself, unless the value would be too long. Then it is the beginning, `…sha256:`
/// and the hash of the whole, so that two actors are still told apart by it.
pub fn bounded(text: &str) -> Cow<'_, str> {
    let sent = if is_plain(text) { text.len() } else { encoded_len(text) };
    if sent <= MAX_VALUE {
        return Cow::Borrowed(text);
    }
    let mut rest = format!("…{HASHED}");
    rest.push_str(&sha256(text));
    let mut room = MAX_VALUE.saturating_sub(encoded_len(&rest));
    let mut end = 0;
    for (at, letter) in text.char_indices() {
        let cost = letter.len_utf8() * 3;
        if cost > room {
            break;
        }
        room -= cost;
        end = at + letter.len_utf8();
    }
    Cow::Owned(format!("{}{rest}", &text[..end]))
}

/// The id under which the server keeps a message from being stored twice: the key itself where it is plain and short,
/// else its SHA-256. Different keys have different ids.
pub fn message_id(key: &str) -> String {
    let fits = is_plain(key) && (1..=MAX_MESSAGE_ID).contains(&key.len()) && !key.starts_with(HASHED);
    if fits { key.to_owned() } else { format!("{HASHED}{}", sha256(key)) }
}

/// A subject to publish on: tokens divided by dots, none of them empty or a wildcard, and nothing that would end the
/// line.
pub fn subject(text: &str) -> Result<Subject, TextError> {
    let visible = |letter: char| !letter.is_whitespace() && !letter.is_control() && !matches!(letter, '*' | '>');
    let is_token = |token: &str| !token.is_empty() && token.chars().all(visible);
    let fine = text.len() <= MAX_SUBJECT && text.split('.').all(is_token);
    if fine { Ok(Subject::from(text)) } else { Err(TextError::Subject(text.len())) }
}

/// The headers that carry an event's metadata.
pub fn of(metadata: &Metadata) -> Result<HeaderMap, TextError> {
    let mut map = HeaderMap::new();
    for (name, text) in metadata.headers() {
        map.insert(HeaderName::from_static(name), value(&text)?);
    }
    Ok(map)
}

/// Brings metadata into the form in which the log gives it back.
pub fn cleaned(metadata: &mut Metadata) {
    for text in [&mut metadata.type_name, &mut metadata.actor, &mut metadata.traceparent] {
        if let Cow::Owned(shortened) = bounded(text) {
            *text = shortened;
        }
    }
}

const NAMES: [&str; 8] = [
    header::EVENT_ID,
    header::TYPE,
    header::SCHEMA_VERSION,
    header::TIME,
    header::CAUSATION_ID,
    header::CORRELATION_ID,
    header::ACTOR,
    header::TRACEPARENT,
];

/// Reads an event's metadata.
///
/// One pass over the headers: looking each one up would hash its name, which costs more than all the rest.
pub fn metadata(headers: Option<&HeaderMap>) -> Result<Metadata, MetadataError> {
    let mut values = [None; NAMES.len()];
    for (name, found) in headers.into_iter().flat_map(HeaderMap::iter) {
        let name: &str = name.as_ref();
        if let Some(index) = NAMES.iter().position(|&known| known == name) {
            values[index] = found.first().map(|value| value.as_str());
        }
    }
    let mut metadata = Metadata::from_headers(|name| values[NAMES.iter().position(|&known| known == name)?])?;
    for text in [&mut metadata.type_name, &mut metadata.actor, &mut metadata.traceparent] {
        if let Cow::Owned(decoded) = read(text) {
            *text = decoded;
        }
    }
    Ok(metadata)
}

/// Whether a reader gets this value as it was sent: it has no control characters and no white space at its ends, and
/// doesn't look like an encoded value.
fn is_plain(text: &str) -> bool {
    !text.contains(char::is_control) && text.trim().len() == text.len() && !text.starts_with(ENCODED)
}

/// Whether RFC 8187 leaves this byte as it is (`attr-char`).
fn goes_as_it_is(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte)
}

fn encoded_len(text: &str) -> usize {
    ENCODED.len() + text.bytes().map(|byte| if goes_as_it_is(byte) { 1 } else { 3 }).sum::<usize>()
}

fn encoded(text: &str) -> String {
    text.bytes().fold(ENCODED.to_owned(), |mut out, byte| {
        if goes_as_it_is(byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Decodes an encoded value; `None` if it isn't in our encoding.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            u8::try_from(digit()? * 16 + digit()?).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).ok()
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(any(test, feature = "fuzzing"))]
pub mod promises {
    //! What must hold for any text, for the tests beside and for the fuzzer.

    use chrono::{DateTime, Utc};
    use uuid::Uuid;

    use super::*;

    /// Sends these texts in every place where text can go, as a server and a client would pass them on.
    ///
    /// # Panics
    /// One of the promises is broken.
    pub fn hold(actor: &str, traceparent: &str, key: &str, other_key: &str, tokens: &str) {
        let mut metadata = Metadata {
            event_id: Uuid::nil(),
            type_name: "UpdateKept".to_owned(),
            schema_version: 1,
            at: DateTime::<Utc>::UNIX_EPOCH,
            causation_id: Uuid::nil(),
            correlation_id: Uuid::max(),
            actor: actor.to_owned(),
            traceparent: traceparent.to_owned(),
        };
        let sent = of(&metadata).expect("any metadata can be sent");
        let passed_on: HeaderMap = sent.iter().map(|(name, values)| (name.clone(), pass_on(&values[0]))).collect();
        let came = super::metadata(Some(&passed_on)).expect("what was sent can be read");
        cleaned(&mut metadata);
        assert_eq!(came, metadata);
        for text in [actor, traceparent] {
            let bounded_once = bounded(text);
            assert_eq!(bounded(&bounded_once), bounded_once);
            assert!(bounded_once == text || bounded_once.contains("…sha256:"));
        }

        let id = message_id(key);
        assert!(id.len() <= MAX_MESSAGE_ID);
        assert_eq!(pass_on(&HeaderValue::from_str(&id).expect("a message id has no line break")).as_str(), id);
        assert_eq!(key == other_key, id == message_id(other_key));

        if let Ok(subject) = subject(tokens) {
            assert_eq!(subject.as_str(), tokens);
            assert!(!tokens.contains([' ', '\t', '\r', '\n', '\0', '*', '>']) && !tokens.contains(".."));
        }
    }

    /// The value as it arrives on the other side: one line, without white space at its ends.
    fn pass_on(value: &HeaderValue) -> HeaderValue {
        let value = value.as_str();
        assert!(value.len() <= MAX_VALUE, "{} bytes", value.len());
        assert!(!value.contains(char::is_control), "{value:?}");
        HeaderValue::from_str(value.trim()).expect("it has no line break")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_goes_as_it_is_and_the_rest_comes_back() {
        for text in ["", "client:tg/7001", "brain:rules", "клиент 7", "50 % off", "a%0Ab"] {
            assert_eq!(value(text).expect("sent").as_str(), text);
        }
        for (text, sent) in [
            ("a\r\nNats-Rollup: all", "UTF-8''a%0D%0ANats-Rollup%3A%20all"),
            (" padded", "UTF-8''%20padded"),
            ("\u{a0}padded\u{2003}", "UTF-8''%C2%A0padded%E2%80%83"),
            ("nul\0", "UTF-8''nul%00"),
            ("UTF-8''%41", "UTF-8''UTF-8%27%27%2541"),
        ] {
            let value = value(text).expect("sent");
            assert_eq!(value.as_str(), sent);
            assert_eq!(read(value.as_str()), text);
        }
        // Values that an earlier build may have stored.
        for kept in ["UTF-8''%4", "UTF-8''%zz", "UTF-8''%FF", "a%41"] {
            assert_eq!(read(kept), kept);
        }
    }

    #[test]
    fn long_text_keeps_its_beginning_and_what_tells_it_apart() {
        let (one, other) = (format!("client:{}1", "x".repeat(10_000)), format!("client:{}2", "x".repeat(10_000)));
        let short = bounded(&one);
        assert!(short.starts_with("client:xxx") && short.len() <= MAX_VALUE, "{short}");
        assert_ne!(short, bounded(&other));
        let lines = "\n".repeat(1 << 20);
        assert!(value(&lines).expect("sent").as_str().len() <= MAX_VALUE);
    }

    #[test]
    fn a_hash_is_nobodys_own_message_id() {
        let long = "k".repeat(6_000);
        let id = message_id(&long);
        assert_eq!(id.len(), HASHED.len() + 64);
        assert_ne!(message_id(&id), id);
        assert_ne!(message_id(""), "");
        assert_eq!(message_id("tg-main/17"), "tg-main/17");
    }

    #[test]
    fn a_subject_can_neither_end_its_line_nor_mean_others() {
        for refused in ["", "dead.a b.1", "dead.a\r\nPUB x 0\r\n.1", "dead.*.1", "dead.>", "dead..1", ".", "a\0"] {
            assert_eq!(subject(refused), Err(TextError::Subject(refused.len())), "{refused:?}");
        }
        assert!(subject(&"a".repeat(MAX_SUBJECT + 1)).is_err());
        assert!(subject("ev.default.conversation.0192-a_b.update_kept").is_ok());
    }

    /// Any text, with what once did harm more often than chance would have it.
    fn text() -> impl Strategy<Value = String> {
        let odd = "[a-z%'\r\n\0\t \u{85}\u{a0}\u{2028}\u{feff}\u{202e}é😀.*>]{0,40}";
        prop_oneof![any::<String>(), odd, odd.prop_map(|s| format!("UTF-8''{s}")), "(\r\n|%41|x){100,900}"]
    }

    proptest! {
        #[test]
        fn whatever_the_text_it_is_sent_and_comes_back(
            actor in text(), traceparent in text(), key in text(), other in text(), tokens in text(),
        ) {
            promises::hold(&actor, &traceparent, &key, &other, &tokens);
        }
    }
}

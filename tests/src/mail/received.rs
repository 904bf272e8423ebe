//! A mail that the SMTP server took, read by code that shares nothing with Steward's own.

use base64::Engine as _;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// A mail that the SMTP server took.
#[derive(Debug, Clone)]
pub struct Received {
    /// The envelope's sender; empty for a bounce.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// The mail as it came (RFC 5322).
    pub content: String,
    /// The account that logged in to send it.
    pub login: Option<String>,
    pub subject: String,
    /// When the test was told of it.
    pub at: DateTime<Utc>,
}

impl Received {
    pub(super) fn read(mail: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let content = base64::engine::general_purpose::STANDARD.decode(text(&mail["content"])).unwrap_or_default();
        let content = String::from_utf8_lossy(&content).into_owned();
        let to = mail["to"].as_array().into_iter().flatten().map(text).collect();
        let mut mail = Self {
            from: text(&mail["from"]),
            to,
            content,
            login: mail["login"].as_str().map(str::to_owned),
            subject: String::new(),
            at: Utc::now(),
        };
        mail.subject = words(&mail.header("Subject").unwrap_or_default());
        mail
    }

    pub fn is_to(&self, address: &str) -> bool {
        self.to.iter().any(|to| to.eq_ignore_ascii_case(address))
    }

    /// A header's value, unfolded and not decoded.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.content.split("\r\n\r\n").next()?.replace("\r\n ", " ").replace("\r\n\t", " ");
        head.split("\r\n").find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    /// The Message-ID, with its brackets.
    pub fn message_id(&self) -> String {
        self.header("Message-ID").unwrap_or_default()
    }

    /// The part of this type (`text/plain`), decoded.
    pub fn part(&self, content_type: &str) -> Option<String> {
        let boundary = self.header("Content-Type")?.split_once("boundary=")?.1.trim_matches('"').to_owned();
        self.content.split(&format!("--{boundary}")).find_map(|part| {
            let (head, body) = part.split_once("\r\n\r\n")?;
            let head = head.to_ascii_lowercase();
            if !head.contains(&format!("content-type: {content_type}")) {
                return None;
            }
            let bytes = if head.contains("quoted-printable") {
                quoted_printable(body)
            } else if head.contains("base64") {
                let packed: String = body.split_whitespace().collect();
                base64::engine::general_purpose::STANDARD.decode(packed).ok()?
            } else {
                body.as_bytes().to_vec()
            };
            Some(String::from_utf8(bytes).ok()?.replace("\r\n", "\n").trim_end().to_owned())
        })
    }

    /// The plain text; for a mail of one part, the whole of it.
    pub fn text(&self) -> String {
        let whole = || self.content.split_once("\r\n\r\n").map(|(_, body)| body.trim_end().to_owned());
        self.part("text/plain").or_else(whole).unwrap_or_default()
    }
}

/// Decodes quoted-printable text (RFC 2045, 6.7).
fn quoted_printable(body: &str) -> Vec<u8> {
    let body = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = body.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'=' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|d| char::from(d).to_digit(16)).unwrap_or(0);
        bytes.push((digit() * 16 + digit()) as u8);
    }
    bytes
}

/// Decodes the encoded words of a header (RFC 2047), which must be in UTF-8.
fn words(value: &str) -> String {
    let mut out = Vec::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("=?") {
        let mut fields = after.splitn(4, '?');
        let (Some(_), Some(how), Some(text), Some(tail)) = (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            break;
        };
        // White space between two encoded words isn't a part of the text.
        if !before.trim().is_empty() || out.is_empty() {
            out.extend_from_slice(before.as_bytes());
        }
        match how {
            "b" | "B" => out.extend(base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default()),
            _ => out.extend(quoted_printable(&text.replace('_', " "))),
        }
        rest = tail.strip_prefix('=').unwrap_or(tail);
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}

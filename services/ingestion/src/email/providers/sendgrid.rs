//! SendGrid: Inbound Parse as a form, and its events (docs.sendgrid.com, "Inbound Email Parse Webhook", "Event Webhook").

use axum::http::HeaderMap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use steward_http::Problem;
use steward_settings::Email;

use super::{Form, Freshness, Incoming, News, key_of, not_configured, refused};
use crate::{
    email::{
        html,
        message::{Attachment, Mail, addresses_in, cut, decoded, headers_in},
    },
    json::Object,
};

const NAME: &str = "SendGrid";
const SIGNATURE_HEADER: &str = "x-twilio-email-event-webhook-signature";
const TIMESTAMP_HEADER: &str = "x-twilio-email-event-webhook-timestamp";

/// SendGrid tries for three days. What is older may be a copy of what was taken in when the log no longer knows its key
/// (eight days).
const FRESH: TimeDelta = TimeDelta::days(7);

/// An uncompressed point of P-256: what a public key ends with.
const POINT: usize = 65;

/// The signature is ECDSA on P-256 with SHA-256 over the timestamp and the body.
///
/// # Errors
/// 401 when it isn't made with one of the keys.
pub fn check(keys: Vec<&str>, headers: &HeaderMap, body: &Bytes, now: DateTime<Utc>) -> Result<Freshness, Problem> {
    if keys.is_empty() {
        return Err(not_configured(NAME));
    }
    let header = |name: &str| headers.get(name).map(|v| v.as_bytes()).unwrap_or_default();
    let signature = STANDARD.decode(header(SIGNATURE_HEADER)).unwrap_or_default();
    let mut signed = header(TIMESTAMP_HEADER).to_vec();
    signed.extend_from_slice(body);
    let right = |key: &&str| {
        point(key).is_some_and(|point| {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(&signed, &signature).is_ok()
        })
    };
    if keys.iter().any(right) {
        let seconds = std::str::from_utf8(header(TIMESTAMP_HEADER)).ok().and_then(|s| s.trim().parse().ok());
        let age = seconds.and_then(|s| DateTime::from_timestamp(s, 0)).map(|at| now - at);
        let fresh = age.is_some_and(|age| age < FRESH && age > -FRESH);
        return Ok(if fresh { Freshness::Fresh } else { Freshness::Stale });
    }
    Err(refused(NAME, "its signature isn't made for this channel's public_key; switch the security policy on"))
}

/// Whether a request claims to be signed at all.
pub fn claims(headers: &HeaderMap) -> bool {
    headers.contains_key(SIGNATURE_HEADER) && headers.contains_key(TIMESTAMP_HEADER)
}

/// The point in a key as SendGrid shows it: DER in base64, with or without PEM's lines.
fn point(key: &str) -> Option<Vec<u8>> {
    let base64: String = key.lines().filter(|l| !l.starts_with("-----")).flat_map(str::split_whitespace).collect();
    let der = STANDARD.decode(base64).ok()?;
    let point = der.get(der.len().checked_sub(POINT)?..)?;
    (point.first() == Some(&4)).then(|| point.to_vec())
}

/// A mail as Inbound Parse posts it.
pub fn form(form: &Form, body: &Bytes) -> Vec<Incoming> {
    if let Some(mail) = form.bytes("email").and_then(|raw| Mail::read(raw)) {
        return vec![Incoming::Mail(Box::new(mail))];
    }
    let charsets = form.text("charsets");
    let charsets = Object::read(&charsets).unwrap_or_default();
    let text = |name: &str| form.text_in(name, charsets.text(name).as_deref());
    let mut mail = Mail::default();
    mail.take_headers(headers_in(&text("headers")));
    mail.from = addresses_in(&text("from")).into_iter().next();
    mail.to = addresses_in(&text("to"));
    mail.cc = addresses_in(&text("cc"));
    mail.subject = decoded(&text("subject"));
    let envelope = form.text("envelope");
    if let Ok(envelope) = Object::read(&envelope) {
        mail.envelope_from = envelope.text("from").map(|from| from.trim().to_lowercase());
        if mail.from.is_none() {
            mail.from = mail.envelope_from.as_deref().and_then(|from| addresses_in(from).into_iter().next());
        }
    }
    mail.text = cut(text("text"));
    if mail.text.trim().is_empty() {
        mail.text = cut(html::to_text(&text("html")));
    }
    for (place, file) in form.files("attachment").enumerate() {
        let attachment = Attachment {
            place,
            file_name: file.file_name.as_deref().unwrap_or_default().into(),
            mime_type: file.mime_type.as_str().into(),
            size: file.value.len() as u64,
        };
        mail.take_file(attachment, &file.value);
    }
    mail.provider_id = key_of("sendgrid", body);
    vec![Incoming::Mail(Box::new(mail))]
}

/// What became of mails, several at once. `None`: no such list.
pub fn events(email: &Email, text: &str) -> Option<Vec<Incoming>> {
    let wrapped = format!("{{\"all\":{text}}}");
    let list = Object::read(&wrapped).ok()?;
    let one = |event: Object<'_>| {
        let kind = event.text("event").unwrap_or_default();
        let status = match kind.as_str() {
            "delivered" => "delivered",
            "bounce" | "dropped" => "failed",
            _ => "",
        };
        let id = event.text("sg_event_id").unwrap_or_else(|| key_of("sendgrid", format!("{event:?}").as_bytes()));
        let news = News {
            kind: &kind,
            key: format!("sendgrid:{id}"),
            status,
            message_id: &event.text("smtp-id").unwrap_or_default(),
            recipient: &event.text("email").unwrap_or_default(),
            code: event.text("status").unwrap_or_default(),
            text: &event.text("reason").or_else(|| event.text("response")).unwrap_or_default(),
            at: event.int("timestamp").and_then(|at| DateTime::from_timestamp(at, 0)),
        };
        news.arrival(email)
    };
    Some(list.objects("all").into_iter().take(10_000).map(one).collect())
}

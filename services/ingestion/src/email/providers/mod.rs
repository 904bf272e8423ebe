//! Mail as providers post it: which provider's form it is, whether it is genuine, and what is in it.

mod form;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod hmac;
mod mailgun;
mod postmark;
mod sendgrid;
mod ses;
mod sns;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::http::HeaderMap;
use bytes::Bytes;
use steward_domain::mail::own_message;
use steward_http::Problem;
use steward_settings::{Channel, Email, Inbound};

use super::message::{Mail, one_line};
use crate::{
    arrival::{Arrival, Chat, Report, What},
    intake::Intake,
    json::Object,
    outside::OutsideId,
};
use form::Form;

/// What the checks of providers remember from one request to the next. Cheap to clone.
#[derive(Clone, Default)]
pub struct Memory {
    certificates: sns::Certificates,
}

/// Whether a body is known to come from whom it says: only such a one is kept where it can't be read. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct Genuine(Arc<AtomicBool>);

impl Genuine {
    pub fn is_known(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn is_shown(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// One thing that a provider brought.
#[derive(Debug)]
pub enum Incoming {
    Mail(Box<Mail>),
    /// News of a mail of ours, or something to keep as it is.
    Event(Box<Arrival>),
}

/// What the provider says became of a mail.
#[derive(Debug, Default)]
pub struct News<'a> {
    /// The provider's name for the event; names it when it is only kept.
    pub kind: &'a str,
    /// Names the event within the channel.
    pub key: String,
    /// `delivered` or `failed`; empty when it says neither.
    pub status: &'static str,
    /// Of our mail, with or without brackets.
    pub message_id: &'a str,
    pub recipient: &'a str,
    pub code: String,
    pub text: &'a str,
    pub at: Option<chrono::DateTime<chrono::Utc>>,
}

impl News<'_> {
    /// As an arrival: a report if it is about a mail of ours, else kept by its name.
    pub fn arrival(self, email: &Email) -> Incoming {
        let recipient = self.recipient.trim().to_lowercase();
        let ours = own_message(self.message_id, &email.address).filter(|_| recipient.contains('@'));
        let (chat, what) = match ours {
            Some((message_id, part)) if !self.status.is_empty() => {
                let failed = self.status == "failed";
                let report = Report {
                    message_id: Some(message_id),
                    part,
                    provider_message_id: format!("<{}>", self.message_id.trim().trim_matches(['<', '>'])).into(),
                    status: self.status,
                    at: self.at,
                    failure: failed.then(|| ("bounced", one_line(self.text).into())),
                    permanent: failed && !self.code.starts_with('4'),
                    provider_code: self.code.into(),
                    ..Report::default()
                };
                let recipient = OutsideId::from(recipient);
                let chat = Chat {
                    external_id: recipient.clone(),
                    contact: recipient,
                    private: true,
                    may_be_bound: true,
                    ..Chat::default()
                };
                (Some(chat), What::Reported(report))
            }
            _ => return self.arrival_kept(),
        };
        Incoming::Event(Box::new(Arrival { key: self.key.into(), at: self.at, chat, from: None, what }))
    }

    /// As an arrival that is only kept by its name.
    pub fn arrival_kept(self) -> Incoming {
        let what = What::Kept(event_name(self.kind).into());
        Incoming::Event(Box::new(Arrival { key: self.key.into(), at: self.at, chat: None, from: None, what }))
    }
}

/// A provider's name of an event as a kind: `mail_` and its letters.
fn event_name(kind: &str) -> String {
    let plain: String =
        kind.chars().take(40).map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    format!("mail_{plain}")
}

/// A key for what has no id of its own: the hash of the body.
fn key_of(provider: &str, body: &[u8]) -> String {
    use sha2::Digest as _;
    format!("{provider}:sha256:{}", hex::encode(sha2::Sha256::digest(body)))
}

/// Whether what a provider signed is of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freshness {
    Fresh,
    /// It was genuine once, and may be sent again by anybody who has seen it.
    Stale,
}

/// Genuine once, but too old to be believed: it is kept, and changes nothing.
fn stale(provider: &str, body: &[u8]) -> Incoming {
    News { kind: "stale_signature", key: key_of(provider, body), ..News::default() }.arrival_kept()
}

/// Refuses, before its body is read, what no provider of this channel can have sent. Mailgun's proof stands in the body,
/// and SNS's too.
///
/// # Errors
/// 401.
pub fn check_headers(email: &Email, headers: &HeaderMap) -> Result<(), Problem> {
    let keys = keys(email);
    if !keys.mailgun.is_empty() || !keys.ses.is_empty() {
        return Ok(());
    }
    let of_sendgrid = !keys.sendgrid.is_empty() && sendgrid::claims(headers);
    let of_postmark = !keys.postmark.is_empty() && postmark::check(keys.postmark, headers).is_ok();
    if of_sendgrid || of_postmark {
        return Ok(());
    }
    Err(Problem::unauthorized(
        "wrong_signature",
        "nothing in the headers proves who sends this: post a raw mail with X-Steward-Signature, or what a provider in this channel's `inbound` signs",
    ))
}

/// Reads a provider's request, whichever it is by its shape.
///
/// # Errors
/// 401 when its check fails or isn't configured, 400 when it is no provider's form.
pub async fn read(
    intake: &Intake,
    channel: &Channel,
    (email, memory): (&Email, &Memory),
    headers: &HeaderMap,
    body: &Bytes,
    genuine: &Genuine,
) -> Result<Vec<Incoming>, Problem> {
    let tokens = mailgun::Tokens { intake, channel, genuine };
    if let Some(form) = Form::read(headers, body).await {
        if form.is_of_mailgun() {
            return mailgun::form(email, keys(email).mailgun, &tokens, &form, body).await;
        }
        if form.is_of_sendgrid() {
            let freshness = sendgrid::check(keys(email).sendgrid, headers, body, intake.log.clock().now())?;
            genuine.is_shown();
            return Ok(match freshness {
                Freshness::Fresh => sendgrid::form(&form, body),
                Freshness::Stale => vec![stale("sendgrid", body)],
            });
        }
        return Err(unknown());
    }
    let text = std::str::from_utf8(body).map_err(|_| unknown())?.trim();
    if text.starts_with('[') {
        let freshness = sendgrid::check(keys(email).sendgrid, headers, body, intake.log.clock().now())?;
        genuine.is_shown();
        return match freshness {
            Freshness::Fresh => sendgrid::events(email, text).ok_or_else(unknown),
            Freshness::Stale => Ok(vec![stale("sendgrid", body)]),
        };
    }
    let json = Object::read(text).map_err(|_| unknown())?;
    if json.has("TopicArn") || headers.contains_key("x-amz-sns-message-type") {
        return ses::read(email, keys(email).ses, &memory.certificates, &json, body, genuine).await;
    }
    if json.has("event-data") || json.has("signature") {
        return mailgun::event(email, keys(email).mailgun, &tokens, &json, body).await;
    }
    if json.has("RecordType") || json.has("FromFull") || json.has("MessageID") {
        postmark::check(keys(email).postmark, headers)?;
        genuine.is_shown();
        return Ok(postmark::read(&json, body));
    }
    Err(unknown())
}

fn unknown() -> Problem {
    Problem::bad_request(
        "no_mail",
        "this is neither a raw mail (message/rfc822 with X-Steward-Signature) nor an inbound form of Mailgun, Postmark, SendGrid or SES",
    )
}

/// A provider's check failed.
fn refused(provider: &str, why: &str) -> Problem {
    Problem::unauthorized("wrong_signature", format!("it looks like {provider}'s, but {why}"))
}

fn not_configured(provider: &str) -> Problem {
    refused(provider, "this channel's `inbound` has no such provider; add its key there")
}

/// What each provider's check needs, if it is configured.
#[derive(Default)]
struct Keys<'a> {
    mailgun: Vec<&'a str>,
    sendgrid: Vec<&'a str>,
    postmark: Vec<(&'a str, &'a str)>,
    ses: Vec<&'a str>,
}

fn keys(email: &Email) -> Keys<'_> {
    let mut keys = Keys::default();
    for inbound in &email.inbound {
        match inbound {
            Inbound::Mailgun { signing_key } => keys.mailgun.push(signing_key.expose()),
            Inbound::Sendgrid { public_key } => keys.sendgrid.push(public_key),
            Inbound::Postmark { user, password } => keys.postmark.push((user, password.expose())),
            Inbound::Ses { topic_arn } => keys.ses.push(topic_arn),
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn email() -> Email {
        Email {
            address: "agent@example.test".to_owned(),
            smtp_url: steward_settings::Secret::new(""),
            imap_url: None,
            inbound_secret: steward_settings::Secret::new(""),
            inbound: Vec::new(),
            trusted_authserv_id: None,
            groups: Vec::new(),
        }
    }

    /// JSON with a provider's names and anything as values.
    fn json() -> impl Strategy<Value = String> {
        let names = "(From|FromFull|ToFull|Email|Headers|Name|Value|Attachments|Content|RawEmail|RecordType|event|smtp-id|timestamp|notificationType|content|receipt|action|encoding|mail|headers|destination|bounce|bouncedRecipients|event-data|delivery-status)";
        let leaf = prop_oneof![
            any::<i64>().prop_map(|n| n.to_string()),
            "[a-z<>@:.= /+]{0,12}".prop_map(|s| format!("{s:?}")),
            Just("null".to_owned()),
            Just("\"base64\"".to_owned()),
            Just("\"Bounce\"".to_owned()),
        ];
        leaf.prop_recursive(3, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|all| format!("[{}]", all.join(","))),
                prop::collection::vec((names, inner), 0..6).prop_map(|fields| {
                    let fields: Vec<String> =
                        fields.into_iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
                    format!("{{{}}}", fields.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_json_makes_a_provider_panic(text in json()) {
            let body = Bytes::from(text.clone());
            if let Ok(object) = Object::read(&text) {
                let _ = postmark::read(&object, &body);
            }
            let _ = sendgrid::events(&email(), &text);
            let _ = ses::notification(&email(), &text, "sns:1".to_owned());
        }

        #[test]
        fn no_form_makes_a_provider_panic(
            fields in prop::collection::vec(("(from|to|subject|text|html|headers|envelope|charsets|email|attachment1|attachments|message-headers|body-plain)", prop::collection::vec(any::<u8>(), 0..60)), 0..8),
            cut in 0usize..2_000,
        ) {
            let mut body = Vec::new();
            for (name, value) in fields {
                let file = if name.starts_with("attachment1") { "; filename=\"a.ics\"" } else { "" };
                body.extend_from_slice(format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes());
                body.extend_from_slice(&value);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"--x--\r\n");
            for body in [body.clone(), body[..cut.min(body.len())].to_vec()] {
                let body = Bytes::from(body);
                for content_type in ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"] {
                    let headers = HeaderMap::from_iter([(axum::http::header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
                    if let Some(form) = futures::executor::block_on(Form::read(&headers, &body)) {
                        let _ = sendgrid::form(&form, &body);
                        let _ = mailgun::mail_of(&form);
                    }
                }
            }
        }
    }
}

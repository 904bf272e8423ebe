//! Mail as providers post it: which provider's form it is, whether it is genuine, and what is in it.

mod form;
pub mod hmac;
mod mailgun;
mod postmark;
mod sendgrid;
mod ses;
mod sns;

use axum::http::HeaderMap;
use bytes::Bytes;
use steward_domain::{
    mail::own_message,
    settings::{Email, Inbound},
};
use steward_http::Problem;

use super::message::{Mail, one_line};
use crate::{
    arrival::{Arrival, Chat, Report, What},
    json::Object,
};
use form::Form;

/// What the checks of providers remember from one request to the next. Cheap to clone.
#[derive(Clone, Default)]
pub struct Memory {
    tokens: mailgun::Tokens,
    certificates: sns::Certificates,
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
                let text: String = one_line(self.text).chars().take(300).collect();
                let report = Report {
                    message_id: message_id.to_owned(),
                    part,
                    provider_message_id: format!("<{}>", self.message_id.trim().trim_matches(['<', '>'])),
                    status: self.status,
                    at: self.at,
                    failure: failed.then_some(("bounced", text)),
                    permanent: failed && !self.code.starts_with('4'),
                    provider_code: self.code,
                    ..Report::default()
                };
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
        Incoming::Event(Box::new(Arrival { key: self.key, at: self.at, chat, from: None, what }))
    }

    /// As an arrival that is only kept by its name.
    pub fn arrival_kept(self) -> Incoming {
        let what = What::Kept(event_name(self.kind));
        Incoming::Event(Box::new(Arrival { key: self.key, at: self.at, chat: None, from: None, what }))
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

/// Reads a provider's request, whichever it is by its shape.
///
/// # Errors
/// 401 when its check fails or isn't configured, 400 when it is no provider's form.
pub async fn read(email: &Email, memory: &Memory, headers: &HeaderMap, body: &Bytes) -> Result<Vec<Incoming>, Problem> {
    if let Some(form) = Form::read(headers, body).await {
        if form.is_of_mailgun() {
            return mailgun::form(email, keys(email).mailgun, &memory.tokens, &form, body);
        }
        if form.is_of_sendgrid() {
            sendgrid::check(keys(email).sendgrid, headers, body)?;
            return Ok(sendgrid::form(&form, body));
        }
        return Err(unknown());
    }
    let text = std::str::from_utf8(body).map_err(|_| unknown())?.trim();
    if text.starts_with('[') {
        sendgrid::check(keys(email).sendgrid, headers, body)?;
        return sendgrid::events(email, text).ok_or_else(unknown);
    }
    let json = Object::read(text).map_err(|_| unknown())?;
    if json.has("TopicArn") || headers.contains_key("x-amz-sns-message-type") {
        return ses::read(email, keys(email).ses, &memory.certificates, &json, body).await;
    }
    if json.has("event-data") || json.has("signature") {
        return mailgun::event(email, keys(email).mailgun, &memory.tokens, &json, body);
    }
    if json.has("RecordType") || json.has("FromFull") || json.has("MessageID") {
        postmark::check(keys(email).postmark, headers)?;
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
            Inbound::Mailgun { signing_key } => keys.mailgun.push(signing_key),
            Inbound::Sendgrid { public_key } => keys.sendgrid.push(public_key),
            Inbound::Postmark { user, password } => keys.postmark.push((user, password)),
            Inbound::Ses { topic_arn } => keys.ses.push(topic_arn),
        }
    }
    keys
}

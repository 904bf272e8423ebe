//! Mailgun: routes that forward a mail as a form, and its events (documentation.mailgun.com, "Webhooks" and "Routes").

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};
use steward_domain::settings::Email;
use steward_http::Problem;

use super::{Form, Incoming, News, hmac, key_of, not_configured, refused};
use crate::{
    email::{
        html,
        message::{Attachment, Mail, addresses_in, cut, decoded},
    },
    json::Object,
};

const NAME: &str = "Mailgun";

/// Mailgun tries for eight hours. A signature covers neither body nor headers, so an older one may carry anything.
const FRESH: TimeDelta = TimeDelta::hours(24);

/// Tokens that are remembered while they are fresh, at most.
const REMEMBERED: u64 = 200_000;

/// Tokens in use, each with the hash of the one body it came with.
#[derive(Clone)]
pub struct Tokens(Cache<String, [u8; 32]>);

impl Default for Tokens {
    fn default() -> Self {
        let fresh = Duration::from_secs(FRESH.num_seconds().unsigned_abs());
        Self(Cache::builder().max_capacity(REMEMBERED).time_to_live(fresh).build())
    }
}

impl Tokens {
    /// Whether a token comes for the first time, or again with the same body.
    fn fits(&self, token: &str, body: &[u8]) -> bool {
        let hash: [u8; 32] = Sha256::digest(body).into();
        self.0.get_with(token.to_owned(), || hash) == hash
    }
}

struct Signature {
    timestamp: String,
    token: String,
    signature: String,
}

impl Signature {
    /// Whether it is fresh; a stale one proves only that Mailgun made it once.
    fn check(&self, keys: &[&str], tokens: &Tokens, body: &[u8]) -> Result<bool, Problem> {
        if keys.is_empty() {
            return Err(not_configured(NAME));
        }
        let signed =
            |key: &&str| hmac::is_signed(key, &[self.timestamp.as_bytes(), self.token.as_bytes()], &self.signature);
        if !keys.iter().any(signed) {
            return Err(refused(NAME, "its signature isn't made with this channel's signing_key"));
        }
        let age = self.at().map(|at| Utc::now() - at);
        if !age.is_some_and(|age| age < FRESH && age > -FRESH) {
            return Ok(false);
        }
        if tokens.fits(&self.token, body) {
            Ok(true)
        } else {
            Err(refused(NAME, "its token was used before, for something else"))
        }
    }

    fn at(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(self.timestamp.trim().parse().ok()?, 0)
    }
}

/// A route's form, or an event in the form that came before JSON.
pub fn form(
    email: &Email,
    keys: Vec<&str>,
    tokens: &Tokens,
    form: &Form,
    body: &Bytes,
) -> Result<Vec<Incoming>, Problem> {
    let signature =
        Signature { timestamp: form.text("timestamp"), token: form.text("token"), signature: form.text("signature") };
    if !signature.check(&keys, tokens, body)? {
        return Ok(vec![stale(&signature)]);
    }
    Ok(vec![of_form(email, &signature.token, signature.at(), form)])
}

/// What a genuine form brings.
pub fn of_form(email: &Email, token: &str, at: Option<DateTime<Utc>>, form: &Form) -> Incoming {
    if form.has("event") {
        let (kind, recipient) = (form.text("event"), form.text("recipient"));
        let (message_id, code, text) = (form.text("Message-Id"), form.text("code"), form.text("error"));
        let status = status_of(&kind, "permanent");
        let key = format!("mailgun:{token}");
        let news =
            News { kind: &kind, key, status, message_id: &message_id, recipient: &recipient, code, text: &text, at };
        return news.arrival(email);
    }
    if let Some(mail) = form.bytes("body-mime").and_then(|raw| Mail::read(raw)) {
        return Incoming::Mail(Box::new(mail));
    }
    Incoming::Mail(Box::new(Mail { provider_id: token.to_owned(), ..mail_of(form) }))
}

pub fn mail_of(form: &Form) -> Mail {
    let mut mail = Mail::default();
    let listed: Vec<(String, String)> = serde_json::from_str(&form.text("message-headers")).unwrap_or_default();
    mail.take_headers(listed);
    let first =
        |names: [&str; 2]| names.iter().map(|n| form.text(n)).find(|v| !v.trim().is_empty()).unwrap_or_default();
    mail.from = addresses_in(&first(["from", "From"])).into_iter().next();
    if mail.from.is_none() {
        mail.from = addresses_in(&form.text("sender")).into_iter().next();
    }
    mail.to = addresses_in(&first(["To", "recipient"]));
    mail.cc = addresses_in(&first(["Cc", "cc"]));
    mail.subject = decoded(&first(["subject", "Subject"]));
    if mail.message_id.is_empty() {
        let id = first(["Message-Id", "message-id"]);
        mail.message_id = id.trim().trim_matches(['<', '>']).to_owned();
    }
    if form.has("sender") {
        mail.envelope_from = Some(form.text("sender").trim().to_lowercase());
    }
    mail.text = cut(form.text("body-plain"));
    if mail.text.trim().is_empty() {
        mail.text = cut(html::to_text(&form.text("body-html")));
    }
    for (place, file) in form.files("attachment").enumerate() {
        mail.take_file(
            Attachment {
                place,
                file_name: file.file_name.clone().unwrap_or_default(),
                mime_type: file.mime_type.clone(),
                size: file.value.len() as u64,
            },
            &file.value,
        );
    }
    // Stored by Mailgun: their names only.
    let stored = format!("{{\"all\":{}}}", form.text("attachments"));
    for file in Object::read(&stored).map(|o| o.objects("all")).unwrap_or_default() {
        let place = mail.attachments.len();
        mail.attachments.push(Attachment {
            place,
            file_name: file.text("name").unwrap_or_default(),
            mime_type: file.text("content-type").unwrap_or_default(),
            size: file.int("size").and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
        });
    }
    mail
}

/// An event.
pub fn event(
    email: &Email,
    keys: Vec<&str>,
    tokens: &Tokens,
    json: &Object<'_>,
    body: &Bytes,
) -> Result<Vec<Incoming>, Problem> {
    let given = json.object("signature").unwrap_or_default();
    let text = |name: &str| given.text(name).unwrap_or_default();
    let signature = Signature { timestamp: text("timestamp"), token: text("token"), signature: text("signature") };
    if !signature.check(&keys, tokens, body)? {
        return Ok(vec![stale(&signature)]);
    }
    Ok(vec![of_event(email, signature.at(), json, body)])
}

/// What a genuine event tells.
pub fn of_event(email: &Email, at: Option<DateTime<Utc>>, json: &Object<'_>, body: &Bytes) -> Incoming {
    let event = json.object("event-data").unwrap_or_default();
    let headers = event.object("message").and_then(|m| m.object("headers")).unwrap_or_default();
    let outcome = event.object("delivery-status").unwrap_or_default();
    let kind = event.text("event").unwrap_or_default();
    let severity = event.text("severity").unwrap_or_default();
    let said = ["message", "description"].iter().find_map(|n| outcome.text(n).filter(|t| !t.is_empty()));
    let news = News {
        kind: &kind,
        key: event.text("id").map_or_else(|| key_of("mailgun", body), |id| format!("mailgun:{id}")),
        status: status_of(&kind, &severity),
        message_id: &headers.text("message-id").unwrap_or_default(),
        recipient: &event.text("recipient").unwrap_or_default(),
        code: outcome.int("code").map(|n| n.to_string()).unwrap_or_default(),
        text: &said.unwrap_or_default(),
        at,
    };
    news.arrival(email)
}

/// A passing failure is tried again by Mailgun itself.
fn status_of(event: &str, severity: &str) -> &'static str {
    match event {
        "delivered" => "delivered",
        "bounced" | "dropped" => "failed",
        "failed" if severity != "temporary" => "failed",
        _ => "",
    }
}

/// Genuine once, but too old to be believed: it is kept, and changes nothing.
fn stale(signature: &Signature) -> Incoming {
    let key = format!("mailgun:{}", signature.token.chars().take(128).collect::<String>());
    News { kind: "stale_signature", key, ..News::default() }.arrival_kept()
}

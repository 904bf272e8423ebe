//! Mailgun: routes that forward a mail as a form, and its events (documentation.mailgun.com, "Webhooks" and "Routes").

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    convert::Infallible,
};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};
use steward_domain::ids;
use steward_http::{Problem, Trace};
use steward_log::AtLeast;
use steward_proto::{Cause, Event, Fold, Recorded, TenantId, v1};
use steward_settings::{Channel, Email};

use super::{Form, Genuine, Incoming, News, hmac, key_of, not_configured, refused};
use crate::{
    email::{
        html,
        message::{self, Attachment, Mail, addresses_in, cut, decoded},
    },
    intake::{Intake, never_refused},
    json::Object,
    origin::new_event,
    outside::OutsideId,
    patience::in_time,
};

const NAME: &str = "Mailgun";

/// Files that Mailgun stored and that are named, at most.
const MOST_STORED: usize = 100;

/// Mailgun tries for eight hours. A signature covers neither body nor headers, so an older one may carry anything.
const FRESH: TimeDelta = TimeDelta::hours(24);

/// Tokens that were used, each with the one body it came with: in the log, so that a restart forgets none and every process
/// knows all.
pub struct Tokens<'a> {
    pub intake: &'a Intake,
    pub channel: &'a Channel,
    /// Told once a signature is right and its token new.
    pub genuine: &'a Genuine,
}

/// The kind of the record of a token.
const USED: &str = "mailgun_token";

/// Tokens in use, as one shard of the channel's inbox records them: each with the hash of its body.
#[derive(Debug, Clone, Default)]
struct Used {
    order: VecDeque<(DateTime<Utc>, String)>,
    bodies: HashMap<String, String>,
}

impl Fold for Used {
    fn evolve(&mut self, recorded: &Recorded) {
        let Event::UpdateKept(kept) = &recorded.event else { return };
        let (USED, Some(source)) = (kept.kind.as_str(), &kept.source) else { return };
        let at = recorded.metadata.at;
        // A signature as old as this is believed no more, whatever it came with.
        while self.order.front().is_some_and(|(then, _)| at - *then > FRESH * 2) {
            if let Some((_, old)) = self.order.pop_front() {
                self.bodies.remove(&old);
            }
        }
        if let Entry::Vacant(place) = self.bodies.entry(source.key.clone()) {
            place.insert(kept.about.clone());
            self.order.push_back((at, source.key.clone()));
        }
    }
}

impl Tokens<'_> {
    /// Whether a token comes for the first time, or again with the same body.
    async fn fits(&self, token: &str, body: &[u8]) -> Result<bool, Problem> {
        let channel = self.channel;
        let tenant = TenantId::new(&channel.tenant).expect("the configuration was checked");
        let key = OutsideId::from(format!("token:{token}"));
        let hash = hex::encode(Sha256::digest(body));
        let aggregate = ids::inbox(&tenant, &channel.id, &key);
        let cause = Cause::outside(format!("channel:{}", channel.id), Trace::begin().traceparent);
        let decided = self.intake.log.decide(&aggregate, AtLeast::Cached, |used: &Used, _| {
            if let Some(known) = used.bodies.get(key.as_str()) {
                return Ok::<_, Infallible>((Vec::new(), *known == hash));
            }
            let source = v1::Source {
                channel_id: channel.id.clone(),
                channel: channel.kind.name().to_owned(),
                key: key.to_string(),
                ..v1::Source::default()
            };
            let kept = v1::UpdateKept {
                source: Some(source),
                kind: USED.to_owned(),
                about: hash.clone(),
                ..v1::UpdateKept::default()
            };
            Ok((vec![new_event(&self.intake.log, &cause, kept)], true))
        });
        in_time(async { never_refused(decided.await) }).await
    }
}

struct Signature {
    timestamp: String,
    token: String,
    signature: String,
}

impl Signature {
    /// Whether it is fresh; a stale one proves only that Mailgun made it once.
    async fn check(&self, keys: &[&str], tokens: &Tokens<'_>, body: &[u8]) -> Result<bool, Problem> {
        if keys.is_empty() {
            return Err(not_configured(NAME));
        }
        let signed =
            |key: &&str| hmac::is_signed(key, &[self.timestamp.as_bytes(), self.token.as_bytes()], &self.signature);
        if !keys.iter().any(signed) {
            return Err(refused(NAME, "its signature isn't made with this channel's signing_key"));
        }
        let age = self.at().map(|at| tokens.intake.log.clock().now() - at);
        if !age.is_some_and(|age| age < FRESH && age > -FRESH) {
            return Ok(false);
        }
        if tokens.fits(&self.token, body).await? {
            tokens.genuine.is_shown();
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
pub async fn form(
    email: &Email,
    keys: Vec<&str>,
    tokens: &Tokens<'_>,
    form: &Form,
    body: &Bytes,
) -> Result<Vec<Incoming>, Problem> {
    let signature =
        Signature { timestamp: form.text("timestamp"), token: form.text("token"), signature: form.text("signature") };
    if !signature.check(&keys, tokens, body).await? {
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
        mail.message_id = message::id(&id);
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
                file_name: file.file_name.as_deref().unwrap_or_default().into(),
                mime_type: file.mime_type.as_str().into(),
                size: file.value.len() as u64,
            },
            &file.value,
        );
    }
    // Stored by Mailgun: their names only.
    let stored = format!("{{\"all\":{}}}", form.text("attachments"));
    for file in Object::read(&stored).map(|o| o.objects("all")).unwrap_or_default().into_iter().take(MOST_STORED) {
        let place = mail.attachments.len();
        mail.attachments.push(Attachment {
            place,
            file_name: file.text("name").unwrap_or_default().into(),
            mime_type: file.text("content-type").unwrap_or_default().into(),
            size: file.int("size").and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
        });
    }
    mail
}

/// An event.
pub async fn event(
    email: &Email,
    keys: Vec<&str>,
    tokens: &Tokens<'_>,
    json: &Object<'_>,
    body: &Bytes,
) -> Result<Vec<Incoming>, Problem> {
    let given = json.object("signature").unwrap_or_default();
    let text = |name: &str| given.text(name).unwrap_or_default();
    let signature = Signature { timestamp: text("timestamp"), token: text("token"), signature: text("signature") };
    if !signature.check(&keys, tokens, body).await? {
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
    let key = format!("mailgun:{}", signature.token);
    News { kind: "stale_signature", key, ..News::default() }.arrival_kept()
}

//! Amazon SES through SNS: received mail, bounces and deliveries (docs.aws.amazon.com/ses, "Receiving", "Notification contents").

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use steward_domain::settings::Email;
use steward_http::Problem;

use super::{Incoming, News, key_of, not_configured, sns};
use crate::{email::message::Mail, json::Object};

const NAME: &str = "Amazon SES";

/// Reads a message of SNS once its topic and signature are checked; a subscription to our own topic is confirmed.
pub async fn read(
    email: &Email,
    topics: Vec<&str>,
    certificates: &sns::Certificates,
    json: &Object<'_>,
    body: &Bytes,
) -> Result<Vec<Incoming>, Problem> {
    if topics.is_empty() {
        return Err(not_configured(NAME));
    }
    sns::check(&topics, certificates, json).await?;
    let id = json.text("MessageId").unwrap_or_default();
    let key = if id.is_empty() { key_of("sns", body) } else { format!("sns:{id}") };
    match json.text("Type").as_deref() {
        Some("SubscriptionConfirmation") => {
            certificates.confirm(&json.text("SubscribeURL").unwrap_or_default()).await?;
            Ok(vec![News { kind: "sns_subscribed", key, ..News::default() }.arrival_kept()])
        }
        Some("Notification") => Ok(vec![notification(email, &json.text("Message").unwrap_or_default(), key)]),
        _ => Ok(vec![News { kind: "sns_message", key, ..News::default() }.arrival_kept()]),
    }
}

fn notification(email: &Email, message: &str, key: String) -> Incoming {
    let Ok(message) = Object::read(message) else {
        return News { kind: "sns_message", key, ..News::default() }.arrival_kept();
    };
    let kind = message.text("notificationType").or_else(|| message.text("eventType")).unwrap_or_default();
    if let Some(content) = message.text("content") {
        let action = message.object("receipt").and_then(|r| r.object("action")).unwrap_or_default();
        let encoded = action.text("encoding").is_some_and(|e| e.eq_ignore_ascii_case("base64"));
        let raw = if encoded { STANDARD.decode(content.trim()).unwrap_or_default() } else { content.into_bytes() };
        if let Some(mail) = Mail::read(&raw) {
            return Incoming::Mail(Box::new(mail));
        }
    }
    let mail = message.object("mail").unwrap_or_default();
    let (status, told) = match kind.as_str() {
        "Delivery" => ("delivered", message.object("delivery")),
        "Bounce" => ("failed", message.object("bounce")),
        _ => ("", None),
    };
    let told = told.unwrap_or_default();
    // A transient bounce is a full mailbox or an absence: SES has stopped trying all the same.
    let bounced = told.objects("bouncedRecipients");
    let recipient = bounced.first().and_then(|r| r.text("emailAddress")).or_else(|| first(&mail, "destination"));
    let news = News {
        kind: &format!("ses_{kind}"),
        key,
        status,
        message_id: &message_id(&mail),
        recipient: &recipient.unwrap_or_default(),
        code: bounced.first().and_then(|r| r.text("status")).unwrap_or_default(),
        text: &bounced
            .first()
            .and_then(|r| r.text("diagnosticCode"))
            .or_else(|| told.text("bounceType"))
            .unwrap_or_default(),
        at: told.text("timestamp").and_then(|t| chrono::DateTime::parse_from_rfc3339(&t).ok()).map(|t| t.to_utc()),
    };
    news.arrival(email)
}

/// The Message-ID that we gave; SES puts its own in its place on the way out.
fn message_id(mail: &Object<'_>) -> String {
    let named = |h: &Object<'_>| h.text("name").is_some_and(|n| n.eq_ignore_ascii_case("message-id"));
    mail.objects("headers").iter().find(|h| named(h)).and_then(|h| h.text("value")).unwrap_or_default()
}

fn first(object: &Object<'_>, list: &str) -> Option<String> {
    serde_json::from_str::<Vec<String>>(object.get(list)?.get()).ok()?.into_iter().next()
}

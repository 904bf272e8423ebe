//! Amazon SES through SNS: received mail, bounces and deliveries (docs.aws.amazon.com/ses, "Receiving", "Notification contents").

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use steward_http::Problem;
use steward_settings::Email;

use super::{Genuine, Incoming, News, key_of, not_configured, sns};
use crate::{email::message::Mail, json::Object};

const NAME: &str = "Amazon SES";

/// Reads a message of SNS once its topic and signature are checked; a subscription to our own topic is confirmed.
pub async fn read(
    email: &Email,
    topics: Vec<&str>,
    certificates: &sns::Certificates,
    json: &Object<'_>,
    body: &Bytes,
    genuine: &Genuine,
) -> Result<Vec<Incoming>, Problem> {
    if topics.is_empty() {
        return Err(not_configured(NAME));
    }
    sns::check(&topics, certificates, json).await?;
    genuine.is_shown();
    let id = json.text("MessageId").unwrap_or_default();
    let key = if id.is_empty() { key_of("sns", body) } else { format!("sns:{id}") };
    match json.text("Type").as_deref() {
        Some("SubscriptionConfirmation") => {
            let topic = json.text("TopicArn").unwrap_or_default();
            certificates.confirm(&json.text("SubscribeURL").unwrap_or_default(), &topic).await?;
            Ok(vec![News { kind: "sns_subscribed", key, ..News::default() }.arrival_kept()])
        }
        Some("Notification") => Ok(vec![notification(email, &json.text("Message").unwrap_or_default(), key)]),
        _ => Ok(vec![News { kind: "sns_message", key, ..News::default() }.arrival_kept()]),
    }
}

pub fn notification(email: &Email, message: &str, key: String) -> Incoming {
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

#[cfg(test)]
mod tests {
    use ring::{
        rand::SystemRandom,
        signature::{RSA_PKCS1_SHA256, RsaKeyPair},
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::arrival::What;

    const TOPIC: &str = "arn:aws:sns:us-east-1:111111111111:SES_Inbound";
    const CERTIFICATE: &str = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem";

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

    /// Signs a message as SNS does, version 2.
    fn signed(mut message: Value) -> Value {
        let key = include_bytes!("../../../tests/fixtures/keys/sns.pk8");
        let key = RsaKeyPair::from_pkcs8(key).unwrap();
        message["SignatureVersion"] = json!("2");
        message["SigningCertURL"] = json!(CERTIFICATE);
        let mut text = String::new();
        for field in ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"] {
            if let Some(value) = message[field].as_str() {
                text.push_str(&format!("{field}\n{value}\n"));
            }
        }
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
        message["Signature"] = json!(STANDARD.encode(signature));
        message
    }

    async fn read_of(message: &Value, topic: &str) -> Result<Vec<Incoming>, Problem> {
        let certificates = sns::Certificates::default();
        certificates.seen(CERTIFICATE, include_bytes!("../../../tests/fixtures/keys/sns.pem"));
        let body = Bytes::from(message.to_string());
        let text = message.to_string();
        read(&email(), vec![topic], &certificates, &Object::read(&text).unwrap(), &body, &Genuine::default()).await
    }

    fn recorded() -> Vec<(String, Value)> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/email/inbound_webhooks/amazon_ses");
        let files = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
        let bodies = files.filter(|path| path.to_string_lossy().ends_with(".body.json"));
        bodies
            .map(|path| (path.display().to_string(), serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()))
            .collect()
    }

    #[tokio::test]
    async fn every_recorded_notification_is_taken_in_once_it_is_signed_for_our_topic() {
        let recorded = recorded();
        assert_eq!(recorded.len(), 8);
        let mut mails = 0;
        for (file, mut message) in recorded {
            message["TopicArn"] = json!(TOPIC);
            message["SigningCertURL"] = json!(CERTIFICATE);
            assert!(read_of(&message, TOPIC).await.is_err(), "{file}: it isn't signed");
            if message["Type"] != "Notification" {
                continue;
            }
            let message = signed(message);
            assert!(read_of(&message, "arn:aws:sns:us-east-1:2:Other").await.is_err(), "{file}: it isn't our topic");
            let mut forged = message.clone();
            forged["Message"] = json!("{}");
            assert!(read_of(&forged, TOPIC).await.is_err(), "{file}: it isn't what was signed");
            for incoming in read_of(&message, TOPIC).await.unwrap() {
                match incoming {
                    Incoming::Mail(mail) => {
                        assert_eq!(mail.message_id, "CAEPk3RKsi@mail.example.org");
                        assert!(mail.text.starts_with("It's a body"), "{}", mail.text);
                        mails += 1;
                    }
                    Incoming::Event(arrival) => assert!(matches!(arrival.what, What::Kept(_)), "{file}"),
                }
            }
        }
        assert_eq!(mails, 1);
    }

    #[tokio::test]
    async fn a_bounce_of_a_mail_of_ours_is_told_of_its_message() {
        let id = format!("{}m{}-1@example.test", "0".repeat(32), "f".repeat(32));
        let message = json!({"notificationType": "Bounce",
            "bounce": {"bounceType": "Permanent", "timestamp": "2026-11-21T10:00:00Z",
                "bouncedRecipients": [{"emailAddress": "Ana@b.com", "status": "5.1.1", "diagnosticCode": "no such user"}]},
            "mail": {"headers": [{"name": "Message-ID", "value": format!("<{id}>")}]}});
        let message = signed(
            json!({"Type": "Notification", "MessageId": "1", "TopicArn": TOPIC, "Message": message.to_string()}),
        );
        let mut read = read_of(&message, TOPIC).await.unwrap();
        let Some(Incoming::Event(arrival)) = read.pop() else { panic!("{read:?}") };
        assert_eq!(arrival.chat.unwrap().external_id, "ana@b.com");
        let What::Reported(report) = arrival.what else { panic!() };
        assert_eq!(
            (report.status, report.part, report.provider_code.as_str(), report.permanent),
            ("failed", 1, "5.1.1", true)
        );
    }
}

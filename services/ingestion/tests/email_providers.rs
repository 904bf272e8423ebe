//! Mail as providers post it: every recorded request is checked and taken in.

#![allow(clippy::unwrap_used)]

mod world;

use axum::http::{Method, StatusCode};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::Utc;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use serde_json::{Value, json};
use steward_domain::ids;
use steward_proto::Event;
use uuid::Uuid;
use world::{
    MAILGUN_KEY, World,
    mails::{PATH, conversation, hex_hmac, mail, of, post, recorded, said},
};

/// One recorded request of a provider: its headers and its body.
struct Request {
    name: String,
    content_type: String,
    body: Vec<u8>,
}

fn requests(provider: &str) -> Vec<Request> {
    let files = recorded(&format!("inbound_webhooks/{provider}"));
    let mut found = Vec::new();
    for (name, file) in files.iter().filter(|(name, _)| name.ends_with(".request.json")) {
        let request: Value = serde_json::from_slice(file).unwrap();
        let folder = name.rsplit_once('/').unwrap().0;
        let body = files[&format!("{folder}/{}", request["body_file"].as_str().unwrap())].clone();
        found.push(Request {
            name: name.clone(),
            content_type: request["content_type"].as_str().unwrap().to_owned(),
            body,
        });
    }
    // Some are bodies alone.
    for (name, body) in files.iter().filter(|(name, _)| !name.contains(".body.") && !name.ends_with(".request.json")) {
        found.push(Request { name: name.clone(), content_type: "application/json".to_owned(), body: body.clone() });
    }
    found
}

fn replaced(body: &[u8], from: &str, to: &str) -> Vec<u8> {
    // Bodies of forms aren't always UTF-8; these pieces are.
    let (from, mut rest, mut out) = (from.as_bytes(), body, Vec::new());
    while let Some(at) = rest.windows(from.len()).position(|w| w == from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to.as_bytes());
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// The value of a field of a multipart form, or of JSON, as it stands there.
fn field<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    if let Some((_, rest)) = body.split_once(&format!("name=\"{name}\"\r\n\r\n")) {
        return rest.split("\r\n").next();
    }
    let (_, rest) = body.split_once(&format!("\"{name}\": \""))?;
    rest.split('"').next()
}

/// Events that aren't merely kept for a signature of long ago.
async fn believed(world: &World) -> usize {
    // Nor the record that a token was used.
    let kept = ["mail_stale_signature", "mailgun_token"];
    let only_kept = |event: &Event| matches!(event, Event::UpdateKept(e) if kept.contains(&e.kind.as_str()));
    world.events().await.iter().filter(|r| !only_kept(&r.event)).count()
}

#[tokio::test]
async fn every_recorded_request_of_mailgun_is_taken_in() {
    let world = World::start().await;
    let requests = requests("mailgun");
    assert_eq!(requests.len(), 9);
    let mut taken = 0;
    for (n, request) in requests.into_iter().enumerate() {
        let content_type = [("content-type", request.content_type.as_str())];
        let as_recorded = world.send(Method::POST, PATH, &content_type, request.body.clone()).await;
        let text = String::from_utf8_lossy(&request.body).into_owned();
        let Some(signature) = field(&text, "signature").filter(|s| s.len() == 64) else {
            assert_eq!(as_recorded.status, StatusCode::UNAUTHORIZED, "{}", request.name);
            continue;
        };
        // Its signature is right, and years old: it is kept, and believed in nothing.
        assert_eq!(as_recorded.status, StatusCode::OK, "{}: {:?}", request.name, as_recorded.body);
        assert_eq!(believed(&world).await, taken, "{}", request.name);

        let (now, token) = (Utc::now().timestamp().to_string(), format!("{n:050}"));
        let (old_time, old_token) = (field(&text, "timestamp").unwrap(), field(&text, "token").unwrap());
        let fresh = hex_hmac(MAILGUN_KEY, &[now.as_bytes(), token.as_bytes()]);
        // The times in some of them begin their tokens as well.
        let body = replaced(&replaced(&request.body, signature, &fresh), old_token, &token);
        let body = replaced(&body, old_time, &now);
        for _ in 0..2 {
            let answer = world.send(Method::POST, PATH, &content_type, body.clone()).await;
            assert_eq!(answer.status, StatusCode::OK, "{}: {:?}", request.name, answer.body);
        }
        // The signature covers neither headers nor body: its token is good for one body.
        let mut other = body.clone();
        other.extend_from_slice(b" ");
        let answer = world.send(Method::POST, PATH, &content_type, other).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", request.name);
        taken += 1;
        assert_eq!(believed(&world).await, taken, "{}", request.name);
    }
    println!("Mailgun: {taken} requests taken in");
    let said = said(&world, "envelope-from@example.org").await;
    assert_eq!((said.text.as_str(), said.media[0].file_name.as_str()), ("Test body plain", "attachment.pdf"));
}

#[tokio::test]
async fn a_mail_in_a_form_as_it_was_is_the_same_mail() {
    let world = World::start().await;
    let raw = "From: Ana <ana@b.com>\r\nTo: agent@example.test\r\nMessage-ID: <1@b.com>\r\nSubject: plan\r\n\r\nOn Monday.\r\n";
    let (now, token) = (Utc::now().timestamp().to_string(), "t1");
    let signature = hex_hmac(MAILGUN_KEY, &[now.as_bytes(), token.as_bytes()]);
    let fields = [("timestamp", now.as_str()), ("token", token), ("signature", &signature), ("body-mime", raw)];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(world.send(Method::POST, PATH, &form, body).await.status, StatusCode::OK);
    let said = said(&world, "ana@b.com").await;
    assert_eq!((said.text.as_str(), said.subject.as_str()), ("On Monday.", "plan"));
    // The same mail by another way is no second one.
    assert_eq!(post(&world, raw.as_bytes()).await.status, StatusCode::OK);
    assert_eq!(of(&world, "ana@b.com").await.len(), 1);
}

#[tokio::test]
async fn a_provider_tells_what_became_of_our_message() {
    let world = World::start().await;
    mail(&world, "From: ana@b.com\nMessage-ID: <1@b.com>", "hello").await;
    let message = ids::message(conversation(&world, "ana@b.com"), Uuid::from_u128(5));
    let (now, token) = (Utc::now().timestamp().to_string(), "t2");
    let signature = hex_hmac(MAILGUN_KEY, &[now.as_bytes(), token.as_bytes()]);
    let event = json!({"signature": {"timestamp": now, "token": token, "signature": signature},
        "event-data": {"event": "failed", "severity": "permanent", "id": "e1", "recipient": "Ana@b.com",
            "delivery-status": {"code": 550, "message": "no such user"},
            "message": {"headers": {"message-id": format!("{message}-0@example.test")}}}});
    let answer = world.send(Method::POST, PATH, &[("content-type", "application/json")], event.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let events = of(&world, "ana@b.com").await;
    let [Event::ClientResponded(_), Event::DeliveryReported(report)] = &events[..] else {
        panic!("{} events", events.len())
    };
    assert_eq!((report.status.as_str(), report.message_id.as_str()), ("failed", message.to_string().as_str()));
    assert_eq!((report.provider_code.as_str(), report.permanent), ("550", true));
}

#[tokio::test]
async fn every_recorded_request_of_postmark_is_taken_in() {
    let world = World::start().await;
    let login = format!("Basic {}", STANDARD.encode("postmark:p4ss"));
    let requests = requests("postmark");
    assert_eq!(requests.len(), 5);
    for request in &requests {
        let headers = [("content-type", "application/json"), ("authorization", login.as_str())];
        let answer = world.send(Method::POST, PATH, &headers, request.body.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}: {:?}", request.name, answer.body);
    }
    let events = world.events().await;
    let kinds: Vec<_> = events.iter().map(|r| r.event.type_name()).collect();
    assert_eq!(events.len(), requests.len(), "{kinds:?}");
    let said = of(&world, "support@postmarkapp.com").await;
    let Event::ClientResponded(said) = &said[0] else { panic!("{kinds:?}") };
    assert!(said.text.contains("This is a test text body."), "{}", said.text);
    assert_eq!(said.subject, "Test subject");
}

#[tokio::test]
async fn every_recorded_request_of_sendgrid_is_taken_in() {
    let world = World::start().await;
    let key = include_bytes!("fixtures/keys/sendgrid.pk8");
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key, &random).unwrap();
    let requests = requests("sendgrid");
    assert_eq!(requests.len(), 7);
    for request in &requests {
        let now = Utc::now().timestamp().to_string();
        let signed = [now.as_bytes(), &request.body].concat();
        let signature = STANDARD.encode(key.sign(&random, &signed).unwrap());
        let mut headers = vec![
            ("content-type", request.content_type.as_str()),
            ("x-twilio-email-event-webhook-timestamp", now.as_str()),
        ];
        let unsigned = world.send(Method::POST, PATH, &headers, request.body.clone()).await;
        assert_eq!(unsigned.status, StatusCode::UNAUTHORIZED, "{}", request.name);
        headers.push(("x-twilio-email-event-webhook-signature", &signature));
        let answer = world.send(Method::POST, PATH, &headers, request.body.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}: {:?}", request.name, answer.body);
    }
    let kinds: Vec<String> = world
        .events()
        .await
        .iter()
        .map(|r| match &r.event {
            Event::ClientResponded(_) => "said".to_owned(),
            Event::UpdateKept(kept) => kept.kind.clone(),
            other => other.type_name().to_owned(),
        })
        .collect();
    // None of the events is of a mail of ours; one list is empty, one mail has no sender.
    let count = |kind: &str| kinds.iter().filter(|k| *k == kind).count();
    assert_eq!((count("mail_bounce"), count("mail_dropped"), count("mail_deferred")), (1, 2, 1), "{kinds:?}");
    assert_eq!((count("said"), count("mail_without_sender"), kinds.len()), (1, 1, 6), "{kinds:?}");
    assert_eq!(said(&world, "sender@example.com").await.text, "Test the ESP’s inbound charset handling…");
}

#[tokio::test]
async fn a_token_of_mailguns_is_used_once_in_all_processes_and_after_a_restart() {
    let world = World::start().await;
    let (now, token) = (Utc::now().timestamp().to_string(), "t3");
    let signature = hex_hmac(MAILGUN_KEY, &[now.as_bytes(), token.as_bytes()]);
    let form = |from: &str| {
        let fields = [("timestamp", now.as_str()), ("token", token), ("signature", &signature), ("from", from)];
        let more = [("body-plain", "hello"), ("Message-Id", "<t3@b.com>")];
        form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).extend_pairs(more).finish()
    };
    let content_type = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(world.send(Method::POST, PATH, &content_type, form("ana@b.com")).await.status, StatusCode::OK);
    // A process that never saw it, as after a restart.
    let beside = World::start_beside(&world).await;
    assert_eq!(beside.send(Method::POST, PATH, &content_type, form("ana@b.com")).await.status, StatusCode::OK);
    let replayed = beside.send(Method::POST, PATH, &content_type, form("eve@b.com")).await;
    assert_eq!(replayed.status, StatusCode::UNAUTHORIZED, "{:?}", replayed.body);
    assert!(of(&world, "eve@b.com").await.is_empty());
    assert_eq!(of(&world, "ana@b.com").await.len(), 1);
}

#[tokio::test]
async fn what_sendgrid_signed_long_ago_is_kept_and_believed_in_nothing() {
    let world = World::start().await;
    let random = SystemRandom::new();
    let pkcs8 = include_bytes!("fixtures/keys/sendgrid.pk8");
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8, &random).unwrap();
    let form = "--x\r\nContent-Disposition: form-data; name=\"from\"\r\n\r\nana@b.com\r\n\
        --x\r\nContent-Disposition: form-data; name=\"sender_ip\"\r\n\r\n192.0.2.1\r\n\
        --x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nhello\r\n--x--\r\n";
    for (age, said) in
        [(chrono::TimeDelta::days(8), 0), (chrono::TimeDelta::days(-8), 0), (chrono::TimeDelta::zero(), 1)]
    {
        let at = (Utc::now() - age).timestamp().to_string();
        let signature = STANDARD.encode(key.sign(&random, &[at.as_bytes(), form.as_bytes()].concat()).unwrap());
        let headers = [
            ("content-type", "multipart/form-data; boundary=x"),
            ("x-twilio-email-event-webhook-timestamp", at.as_str()),
            ("x-twilio-email-event-webhook-signature", &signature),
        ];
        assert_eq!(world.send(Method::POST, PATH, &headers, form).await.status, StatusCode::OK);
        assert_eq!(of(&world, "ana@b.com").await.len(), said, "{age}");
    }
}

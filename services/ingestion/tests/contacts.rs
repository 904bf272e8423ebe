//! Which contacts are one person: by an operator's command or WhatsApp's proof, and never by what a mail claims.

#![allow(clippy::unwrap_used)]

mod world;

use axum::http::{Method, StatusCode};
use chrono::Utc;
use hmac::{Hmac, KeyInit as _, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use steward_domain::{
    contact::Contact,
    ids::{self, ContactId},
};
use steward_log::{Append, AtLeast, Expected};
use steward_proto::{Cause, Event, NewEvent, TenantId, new_traceparent, v1};
use uuid::Uuid;
use world::{Answer, PHONE_NUMBER_ID, SECRET, World, mails};

/// Somebody who wrote on the web.
async fn on_web(world: &World, name: &str) -> ContactId {
    let body = json!({ "channel_id": "web", "contact": { "id": name }, "text": "hello" });
    assert_eq!(world.command(Method::POST, "/api/v1/messages", body).await.status, StatusCode::CREATED);
    ids::contact(&world.tenant, "web", name)
}

async fn merge(world: &World, contact: ContactId, into: ContactId) -> Answer {
    world.command(Method::POST, &format!("/api/v1/contacts/{contact}/merge"), json!({ "into": into })).await
}

async fn contact(world: &World, id: ContactId) -> Contact {
    let aggregate = ids::contact_aggregate(&world.tenant, id);
    (*world.log.load::<Contact>(&aggregate, AtLeast::Latest).await.unwrap().state).clone()
}

async fn merges(world: &World) -> Vec<v1::ContactMerged> {
    let of = |event| if let Event::ContactMerged(e) = event { Some(e) } else { None };
    world.events().await.into_iter().filter_map(|recorded| of(recorded.event)).collect()
}

#[tokio::test]
async fn a_merge_is_recorded_on_both_once_and_a_split_undoes_it() {
    let world = World::start().await;
    let conversation = world.client(42).await;
    let (telegram, web) = (ids::contact(&world.tenant, "tg", "42"), on_web(&world, "ana").await);
    let path = format!("/api/v1/contacts/{telegram}/merge");
    let body = json!({ "into": web, "reason": "she said so" });
    let merged = world.keyed("k1", &path, body.clone()).await;
    assert_eq!((merged.status, merged.text("id")), (StatusCode::OK, telegram.to_string()), "{:?}", merged.body);
    assert_eq!(world.keyed("k1", &path, body).await.json(), merged.json(), "a repeat changes nothing");
    assert_eq!(merge(&world, telegram, web).await.status, StatusCode::OK, "nor does asking again");
    let other = world.keyed("k1", &path, json!({ "into": telegram })).await;
    assert_eq!((other.status, other.text("code").as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "key_reused"));

    let recorded = merges(&world).await;
    assert_eq!((recorded.len(), &recorded[0]), (2, &recorded[1]), "one on each contact");
    let event = &recorded[0];
    assert_eq!((event.how.as_str(), event.reason.as_ref().unwrap().text.as_str()), ("command", "she said so"));
    assert!(event.by.starts_with("operator:"), "{}", event.by);
    let on_the_web = ids::conversation(&world.tenant, "web", "ana").to_string();
    assert_eq!((&event.conversations[..], &event.into_conversations[..]), (&[conversation][..], &[on_the_web][..]));
    assert_eq!(contact(&world, telegram).await.merged_into, Some(web));

    // Settings are the surviving one's to change.
    let change = json!({ "timezone": "Asia/Makassar" });
    let refused = world.command(Method::PATCH, &format!("/api/v1/contacts/{telegram}"), change.clone()).await;
    assert_eq!((refused.status, refused.text("code").as_str()), (StatusCode::CONFLICT, "contact_merged"));
    world.command(Method::PATCH, &format!("/api/v1/contacts/{web}"), change).await;
    let promise = json!({ "conversation_id": event.conversations[0], "text": "x", "phrase": "in 3 days" });
    assert_eq!(world.command(Method::POST, "/api/v1/follow-ups", promise).await.status, StatusCode::CREATED);
    let Event::FollowUpScheduled(promised) = world.last_of(&event.conversations[0]).await else { panic!() };
    assert_eq!(promised.timezone, "Asia/Makassar");

    let path = format!("/api/v1/contacts/{telegram}/split");
    let split = world.keyed("k2", &path, json!({})).await;
    assert_eq!(split.status, StatusCode::OK, "{:?}", split.body);
    assert_eq!(world.keyed("k2", &path, json!({})).await.json(), split.json());
    assert_eq!(contact(&world, telegram).await.merged_into, None);
    assert!(contact(&world, web).await.merged.is_empty());
    let again = world.command(Method::POST, &path, json!({})).await;
    assert_eq!((again.status, again.text("code").as_str()), (StatusCode::CONFLICT, "not_merged"));
}

#[tokio::test]
async fn a_merge_that_makes_no_sense_is_refused_and_leaves_nothing() {
    let world = World::start().await;
    let (ana, ben, cleo) = (on_web(&world, "ana").await, on_web(&world, "ben").await, on_web(&world, "cleo").await);
    // Another tenant's contact is nobody here.
    let others = TenantId::new("others").unwrap();
    let theirs = ids::contact(&others, "foreign", "ana");
    let conversation = ids::conversation(&others, "foreign", "ana");
    let said = v1::ClientResponded { contact_id: theirs.to_string(), ..v1::ClientResponded::default() };
    let cause = Cause::outside("client:ana", new_traceparent([7; 24]));
    let events = vec![NewEvent::new(Uuid::now_v7(), Utc::now(), &cause, said)];
    let aggregate = ids::conversation_aggregate(&others, conversation);
    world.log.append(Append { aggregate, events, expected: Expected::Any, dedupe_key: None }).await.unwrap();
    let nobody = ContactId::new(Uuid::from_u128(7));
    for (contact, into, status, code) in [
        (ana, ana, StatusCode::CONFLICT, "same_contact"),
        (ana, nobody, StatusCode::NOT_FOUND, "unknown_contact"),
        (nobody, ana, StatusCode::NOT_FOUND, "unknown_contact"),
        (ana, theirs, StatusCode::NOT_FOUND, "unknown_contact"),
        (theirs, ana, StatusCode::NOT_FOUND, "unknown_contact"),
    ] {
        let refused = merge(&world, contact, into).await;
        assert_eq!((refused.status, refused.text("code").as_str()), (status, code));
    }
    for (path, body) in [
        (format!("/api/v1/contacts/{ana}/merge"), json!({ "into": "ben" })),
        ("/api/v1/contacts/ana/merge".to_owned(), json!({ "into": ben })),
        ("/api/v1/contacts/ana/split".to_owned(), json!({})),
    ] {
        assert_eq!(world.command(Method::POST, &path, body).await.text("code"), "unknown_contact");
    }
    assert!(merges(&world).await.is_empty());

    assert_eq!(merge(&world, ana, ben).await.status, StatusCode::OK);
    for (contact, into, code) in
        [(ben, ana, "merge_cycle"), (ana, cleo, "already_merged"), (ben, cleo, "has_merged_contacts")]
    {
        let refused = merge(&world, contact, into).await;
        assert_eq!((refused.status, refused.text("code").as_str()), (StatusCode::CONFLICT, code));
    }
    // Into one that was merged itself is into the one that stands for it.
    assert_eq!(merge(&world, cleo, ana).await.status, StatusCode::OK);
    assert_eq!(contact(&world, cleo).await.merged_into, Some(ben));
    assert_eq!(merges(&world).await.len(), 4);
}

#[tokio::test]
async fn two_merges_into_each_other_at_once_leave_no_circle() {
    let world = World::start().await;
    let beside = World::start_beside(&world).await;
    for n in 0..5 {
        let (a, b) = (on_web(&world, &format!("a{n}")).await, on_web(&world, &format!("b{n}")).await);
        let (one, other) = tokio::join!(merge(&world, a, b), merge(&beside, b, a));
        let carried_out = [&one, &other].iter().filter(|answer| answer.status == StatusCode::OK).count();
        assert!(carried_out <= 1, "{:?} {:?}", one.body, other.body);
        let (a, b) = (contact(&world, a).await, contact(&world, b).await);
        assert_eq!([a.merged_into, b.merged_into].iter().flatten().count(), carried_out);
        assert_eq!(a.merged.len() + b.merged.len(), carried_out, "nothing half done is left");
    }
}

async fn whatsapp(world: &World, number: Option<&str>, user_id: Option<&str>, words: &str) {
    let mut message = json!({ "id": format!("wamid.{}", world.update_id()), "type": "text",
        "timestamp": Utc::now().timestamp().to_string(), "text": { "body": words } });
    for (name, value) in [("from", number), ("from_user_id", user_id)] {
        if let Some(value) = value {
            message[name] = json!(value);
        }
    }
    let value = json!({ "metadata": { "phone_number_id": PHONE_NUMBER_ID }, "messages": [message] });
    let notification: Value = json!({ "object": "whatsapp_business_account",
        "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }] });
    let body = notification.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    let answer = world.send(Method::POST, "/webhooks/whatsapp/wa", &[("x-hub-signature-256", &signature)], body).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
}

/// The contact of the person whose conversation began at this address.
fn on_whatsapp(world: &World, address: &str) -> ContactId {
    let conversation = ids::conversation(&world.tenant, "wa", address);
    ids::contact(&world.tenant, "wa", &conversation.to_string())
}

#[tokio::test]
async fn a_number_that_whatsapp_tells_of_an_id_makes_them_one_person() {
    let world = World::start().await;
    whatsapp(&world, Some("34600111222"), None, "by number").await;
    whatsapp(&world, None, Some("ES.1"), "by id").await;
    assert!(merges(&world).await.is_empty());
    for _ in 0..2 {
        whatsapp(&world, Some("34600111222"), Some("ES.1"), "by both").await;
    }
    let (number, id) = (on_whatsapp(&world, "34600111222"), on_whatsapp(&world, "ES.1"));
    let recorded = merges(&world).await;
    assert_eq!(recorded.len(), 2, "one on each contact, once");
    assert_eq!((recorded[0].how.as_str(), recorded[0].by.as_str()), ("verified", "channel:wa"));
    assert_eq!(
        contact(&world, id).await.merged_into,
        Some(number),
        "the one that has been known longer stands for both"
    );
    let split = world.command(Method::POST, &format!("/api/v1/contacts/{id}/split"), json!({})).await;
    assert_eq!(split.status, StatusCode::OK);
    whatsapp(&world, Some("34600111222"), Some("ES.1"), "again").await;
    assert_eq!(contact(&world, id).await.merged_into, None, "what an operator split stays split");
}

#[tokio::test]
async fn a_number_that_may_have_been_somebody_elses_merges_nobody() {
    let world = World::start().await;
    // The id had another number before, so the new one may have had another owner.
    whatsapp(&world, Some("34600111222"), Some("ES.1"), "my number").await;
    whatsapp(&world, Some("34600999888"), None, "somebody's").await;
    whatsapp(&world, Some("34600999888"), Some("ES.1"), "my new number").await;
    // At this number another id was told.
    whatsapp(&world, Some("34600333444"), Some("ES.2"), "another person").await;
    whatsapp(&world, None, Some("ES.3"), "by id").await;
    whatsapp(&world, Some("34600333444"), Some("ES.3"), "the number is mine now").await;
    assert!(merges(&world).await.is_empty());
}

#[tokio::test]
async fn a_mail_merges_nobody_whatever_it_claims() {
    let world = World::start().await;
    let web = on_web(&world, "ana@example.test").await;
    for result in ["pass", "fail"] {
        let claims = format!(
            "Authentication-Results: mx.example.test; dmarc={result} header.from=example.test\nFrom: ana@example.test\n\
             To: agent@example.test\nSubject: It's me\nMessage-ID: <{result}@example.test>"
        );
        mails::mail(&world, &claims, "I am ana of the web chat").await;
    }
    let mail = ids::contact(&world.tenant, "mail", "ana@example.test");
    assert_eq!(mails::types(&world, "ana@example.test").await, ["ClientResponded", "ClientResponded"]);
    assert!(merges(&world).await.is_empty());
    assert_eq!(merge(&world, mail, web).await.status, StatusCode::OK, "an operator may");
}

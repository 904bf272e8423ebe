//! Outgoing webhooks: who is told what, which secrets sign, and when nothing is told any more.
#![allow(clippy::unwrap_used, reason = "tests")]

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use steward_domain::{
    ids::WebhookId,
    kernel::{Refusal as _, Why},
    webhook::{Filter, New, OVERLAP, Secret, Standing, Webhook, is_told},
};
use steward_proto::{Cause, Event, Fold as _, NewEvent, Recorded, TenantId, v1};
use uuid::Uuid;

fn at(seconds: i64) -> DateTime<Utc> {
    Utc.timestamp_opt(1_795_251_600 + seconds, 0).unwrap()
}

fn recorded(position: u64, subject: &str, when: DateTime<Utc>, event: impl Into<Event>) -> Recorded {
    let cause = Cause::outside("operator:test", "");
    let new = NewEvent::new(Uuid::from_u128(position.into()), when, &cause, event);
    let payload = new.event.encode();
    Recorded { position, subject: subject.parse().unwrap(), metadata: new.metadata, event: new.event, payload }
}

/// What was decided, as it will be in the log.
fn apply(webhook: &mut Webhook, position: u64, when: DateTime<Utc>, events: Vec<Event>) {
    for event in events {
        webhook.evolve(&recorded(position, "ev.t.webhook.w.any", when, event));
    }
}

fn new(types: &[&str], filter: Filter) -> New {
    New {
        id: WebhookId::new(Uuid::from_u128(0xdd)),
        url: "https://example.com/hook".to_owned(),
        types: types.iter().map(|&t| t.to_owned()).collect(),
        filter,
        secret: Secret::of_bytes(&[1; 32]),
        by: "operator:test".to_owned(),
    }
}

fn made(types: &[&str], filter: Filter) -> Webhook {
    let mut webhook = Webhook::default();
    let events = webhook.create(&new(types, filter)).unwrap();
    apply(&mut webhook, 10, at(0), events);
    webhook
}

fn said(position: u64, conversation: &str) -> Recorded {
    let subject = format!("ev.t.conversation.{conversation}.client_responded");
    recorded(position, &subject, at(1), v1::ClientResponded::default())
}

#[test]
fn subjects_and_types_say_the_same_and_own_events_are_never_told() {
    let tenant = TenantId::new("t").unwrap();
    let named = made(&["ClientResponded", "FollowUpDue"], Filter::default());
    assert_eq!(named.subjects(&tenant), ["ev.t.*.*.client_responded", "ev.t.*.*.follow_up_due"]);
    assert!(named.wants(&said(11, "c")));
    assert!(!named.wants(&recorded(11, "ev.t.conversation.c.message_due", at(1), v1::MessageDue::default())));

    let all = made(&["*"], Filter::default());
    let subjects = all.subjects(&tenant);
    assert!(subjects.contains(&"ev.t.conversation.>".to_owned()) && subjects.contains(&"ev.t.inbox.>".to_owned()));
    for own in ["tenant", "webhook", "delivery"] {
        assert!(!subjects.iter().any(|s| s.starts_with(&format!("ev.t.{own}."))), "{subjects:?}");
        let event = recorded(11, &format!("ev.t.{own}.x.any"), at(1), v1::WebhookDelivered::default());
        assert!(!all.wants(&event), "{own}");
    }

    let one = made(&["*"], Filter { conversation_id: Some(Uuid::from_u128(0xc).to_string()), channel_id: None });
    let here = "00000000-0000-0000-0000-00000000000c";
    assert_eq!(one.subjects(&tenant), [format!("ev.t.conversation.{here}.>")]);
    assert!(one.wants(&said(11, here)) && !one.wants(&said(11, "d")));
    // An id of a conversation is no id of a contact.
    assert!(!one.wants(&recorded(
        11,
        &format!("ev.t.contact.{here}.contact_archived"),
        at(1),
        v1::ContactArchived::default()
    )));
}

#[test]
fn what_is_our_own_matter_cannot_be_asked_for() {
    for name in Event::TYPES {
        let own = ["Webhook", "ApiKey", "Session"].iter().any(|own| name.starts_with(own));
        assert_eq!(is_told(name), !own, "{name}");
    }
    assert!(is_told("*") && !is_told("") && !is_told("Nonsense"));
}

#[test]
fn after_a_rotation_both_secrets_sign_for_a_day_the_new_one_first() {
    let mut webhook = made(&["*"], Filter::default());
    let (first, second) = (webhook.secret().unwrap().clone(), Secret::of_bytes(&[2; 32]));
    let events = webhook.rotate("r1", &second, at(100), "operator:test").unwrap();
    apply(&mut webhook, 11, at(100), events);
    let signed = |webhook: &Webhook, when: DateTime<Utc>| webhook.signatures("id", when, b"{}");
    let by = |secret: &Secret, when: DateTime<Utc>| secret.sign("id", when.timestamp(), b"{}");
    let last = at(100) + OVERLAP - TimeDelta::seconds(1);
    assert_eq!(signed(&webhook, last), format!("{} {}", by(&second, last), by(&first, last)));
    let after = at(100) + OVERLAP;
    assert_eq!(signed(&webhook, after), by(&second, after));
    // The same command again is the same rotation.
    assert!(webhook.rotate("r1", &Secret::of_bytes(&[3; 32]), at(101), "operator:test").unwrap().is_empty());
    // However often it is rotated, the header stays short.
    for n in 0..20 {
        let events = webhook.rotate(&format!("again {n}"), &Secret::of_bytes(&[n; 32]), at(200), "operator:test");
        apply(&mut webhook, 12, at(200), events.unwrap());
    }
    assert_eq!(signed(&webhook, at(201)).split(' ').count(), 5);
}

#[test]
fn the_same_command_again_makes_nothing_and_another_under_its_key_is_refused() {
    let webhook = made(&["*"], Filter::default());
    assert!(webhook.create(&new(&["*"], Filter::default())).unwrap().is_empty());
    assert_eq!(webhook.create(&new(&["FollowUpDue"], Filter::default())).unwrap_err().code(), "key_reused");
}

#[test]
fn a_disabled_one_is_told_nothing_and_a_deleted_one_is_unknown() {
    let mut webhook = made(&["ClientResponded"], Filter::default());
    webhook.may_retry(&said(11, "c")).unwrap();
    assert_eq!(webhook.may_retry(&said(9, "c")).unwrap_err().code(), "unknown_delivery", "it came before the webhook");
    let due = recorded(11, "ev.t.conversation.c.message_due", at(1), v1::MessageDue::default());
    assert_eq!(webhook.may_retry(&due).unwrap_err().code(), "unknown_delivery");

    let why = Why::new("gone", "410", "");
    let events = webhook.disable(&why);
    assert_eq!(events.len(), 1);
    apply(&mut webhook, 12, at(2), events);
    assert_eq!(webhook.standing, Standing::Disabled(why.clone()));
    assert!(webhook.disable(&why).is_empty(), "once");
    assert_eq!(webhook.may_retry(&said(11, "c")).unwrap_err().code(), "disabled");

    let events = webhook.delete("operator:test").unwrap();
    apply(&mut webhook, 13, at(3), events);
    assert!(webhook.secret().is_none(), "nothing of the secret is left in memory");
    for refused in [
        webhook.delete("operator:test").unwrap_err(),
        webhook.rotate("r", &Secret::of_bytes(&[2; 32]), at(4), "operator:test").unwrap_err(),
        webhook.may_retry(&said(11, "c")).unwrap_err(),
        Webhook::default().delete("operator:test").unwrap_err(),
    ] {
        assert_eq!(refused.code(), "unknown_webhook");
    }
}

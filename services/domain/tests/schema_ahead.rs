//! What a fold says it can't read, so that nothing is decided on it: a type or a value that a later version brought.
#![allow(clippy::unwrap_used, reason = "tests")]

use steward_domain::{
    address::Address, contact::Contact, conversation::Conversation, inbox::Inbox, tenant::Tenant, webhook::Webhook,
};
use steward_proto::{
    AddressEvent, ContactEvent, ConversationEvent, Event, Fold, InboxEvent, SCHEMA_VERSION, TenantEvent, WebhookEvent,
    v1,
};

/// An aggregate's fold, and which events are its own.
struct Folded {
    name: &'static str,
    unread: fn(&Event) -> Option<String>,
    own: fn(&Event) -> bool,
}

const FOLDED: [Folded; 6] = [
    Folded { name: "address", unread: Address::unread, own: |e| AddressEvent::of(e).is_some() },
    Folded { name: "contact", unread: Contact::unread, own: |e| ContactEvent::of(e).is_some() },
    Folded { name: "conversation", unread: Conversation::unread, own: |e| ConversationEvent::of(e).is_some() },
    Folded { name: "inbox", unread: Inbox::unread, own: |e| InboxEvent::of(e).is_some() },
    Folded { name: "tenant", unread: Tenant::unread, own: |e| TenantEvent::of(e).is_some() },
    Folded { name: "webhook", unread: Webhook::unread, own: |e| WebhookEvent::of(e).is_some() },
];

#[test]
fn each_aggregate_reads_its_own_events_and_no_others() {
    for Folded { name, unread, own } in FOLDED {
        let mut owned = 0;
        for type_name in Event::TYPES {
            let event = Event::decode(type_name, SCHEMA_VERSION, &[]).unwrap();
            owned += usize::from(own(&event));
            assert_eq!(unread(&event), (!own(&event)).then(|| (*type_name).to_owned()), "{name}");
        }
        assert!(owned > 0, "{name}");
    }
}

#[test]
fn no_aggregate_reads_a_type_or_a_version_from_the_future() {
    let unknown = Event::decode("MoonPhaseChanged", SCHEMA_VERSION, &[]).unwrap();
    for Folded { name, unread, .. } in FOLDED {
        assert_eq!(unread(&unknown).as_deref(), Some("MoonPhaseChanged"), "{name}");
        for type_name in Event::TYPES {
            let newer = Event::decode(type_name, SCHEMA_VERSION + 1, &[]).unwrap();
            assert_eq!(unread(&newer).as_deref(), Some(*type_name), "{name}");
        }
    }
}

#[test]
fn a_value_from_the_future_is_not_taken_for_one_that_is_known() {
    let outgoing = |on_reply: &str, author: &str| {
        let message = v1::Outgoing { on_reply: on_reply.into(), author: author.into(), ..Default::default() };
        [
            Event::from(v1::MessageQueued { message: Some(message.clone()) }),
            Event::from(v1::FollowUpDue { message: Some(message), ..Default::default() }),
        ]
    };
    let promised = |cancel_on: &str| v1::FollowUpScheduled { cancel_on: cancel_on.into(), ..Default::default() };
    for event in outgoing("keep", "bot").into_iter().chain(outgoing("", "")).chain([promised("never").into()]) {
        assert_eq!(Conversation::unread(&event), None);
    }
    for (event, what) in [
        (promised("weekend").into(), "FollowUpScheduled with cancel_on `weekend`"),
        (outgoing("forward", "bot")[0].clone(), "MessageQueued with on_reply `forward`"),
        (outgoing("keep", "partner")[1].clone(), "FollowUpDue with author `partner`"),
        (
            v1::FollowUpScheduled { follow_up_id: "f1".to_owned(), ..Default::default() }.into(),
            "FollowUpScheduled with follow_up_id `f1`",
        ),
        (
            v1::ClientResponded { message_id: "m1".to_owned(), ..Default::default() }.into(),
            "ClientResponded with message_id `m1`",
        ),
        (v1::TurnStarted { turn_id: "t1".to_owned(), ..Default::default() }.into(), "TurnStarted with turn_id `t1`"),
        (
            v1::DispatchStarted { claim_id: "c1".to_owned(), ..Default::default() }.into(),
            "DispatchStarted with claim_id `c1`",
        ),
    ] {
        assert_eq!(Conversation::unread(&event).as_deref(), Some(what));
    }
    let key = |role: &str| Event::from(v1::ApiKeyCreated { role: role.into(), ..Default::default() });
    assert_eq!(Tenant::unread(&key("reader")), None);
    assert_eq!(Tenant::unread(&key("auditor")).as_deref(), Some("ApiKeyCreated with role `auditor`"));
}

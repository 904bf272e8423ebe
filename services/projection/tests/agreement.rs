//! The read models say what the domain says, whatever events come, in whatever order, through any number of restarts.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../../domain/tests/conversation_world/any_event.rs"]
#[allow(dead_code, reason = "another crate's test uses the rest")]
mod any_event;
mod support;

use std::collections::BTreeMap;

use proptest::{strategy::Strategy as _, strategy::ValueTree as _, test_runner::TestRunner};
use prost_reflect::{DescriptorPool, DynamicMessage, Value};
use steward_domain::{
    conversation::{Conversation, FollowUpState, MessageState},
    ids::{self, ConversationId},
};
use steward_log::AtLeast;
use steward_proto::{Event, FILE_DESCRIPTORS};
use support::{Api, System, stories::Chat, tenant};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn any_events_in_any_order_leave_the_states_that_the_domain_says() {
    let system = System::start().await;
    let chats: Vec<Chat> = (0..60).map(|n| Chat::new(&tenant("default"), &format!("chat-{n}"))).collect();
    let mut runner = TestRunner::deterministic();
    let pool = DescriptorPool::decode(FILE_DESCRIPTORS).unwrap();
    let mut inbound = 0x1000_u128;
    for round in 0..6 {
        // A projector that has just started knows only the rows.
        let projector = system.project();
        for chat in &chats {
            let mut events = Vec::new();
            let here: ConversationId = chat.aggregate.id().parse().unwrap();
            // So few that the domain doesn't forget what has ended, which a table never does.
            while events.len() < 30 {
                let mut event = any_event::any_event().new_tree(&mut runner).unwrap().current();
                inbound += 1;
                match &mut event {
                    // The log doesn't take events that it doesn't know.
                    Event::Unknown { .. } => continue,
                    // Messages that come in have ids of their own.
                    Event::ClientResponded(e) => e.message_id = message(here, inbound),
                    Event::HumanResponded(e) => e.message_id = message(here, inbound),
                    _ => {}
                }
                // Ids are made by Steward: everything made has one, and no id contains NUL.
                let name = format!("steward.v1.{}", event.type_name());
                let message = pool.get_message_by_name(&name).unwrap();
                let message = DynamicMessage::decode(message, event.encode()).unwrap();
                if !holds_nul_id(&message) && !makes_something_nameless(&event) {
                    events.push(event);
                }
            }
            for some in events.chunks(1 + round * 7) {
                system.record(&chat.aggregate, some.to_vec()).await;
            }
        }
        system.caught_up().await;
        projector.stop().await;
        compare(&system, &chats).await;
    }
    let before = states(&system.api(), &chats).await;
    steward_projection::rebuild(&system.log, &system.pool).await.unwrap();
    assert_eq!(states(&system.api(), &chats).await, before, "a rebuild makes the same read models");
}

fn message(conversation: ConversationId, number: u128) -> String {
    ids::message(conversation, Uuid::from_u128(number)).to_string()
}

fn makes_something_nameless(event: &Event) -> bool {
    match event {
        Event::FollowUpScheduled(e) => e.follow_up_id.is_empty(),
        Event::FollowUpDue(e) => e.message.as_ref().is_some_and(|m| m.message_id.is_empty()),
        Event::MessageQueued(e) => e.message.as_ref().is_some_and(|m| m.message_id.is_empty()),
        _ => false,
    }
}

fn holds_nul_id(message: &DynamicMessage) -> bool {
    message.fields().any(|(field, value)| match value {
        Value::String(text) => (field.name().ends_with("_id") || field.name() == "renews") && text.contains('\0'),
        Value::Message(inner) => holds_nul_id(inner),
        _ => false,
    })
}

/// The state of each follow-up and message, by conversation and id.
type States = BTreeMap<(String, String), String>;

async fn states(api: &Api, chats: &[Chat]) -> States {
    let mut states = States::new();
    for chat in chats {
        for list in ["follow-ups", "outbox"] {
            for item in api.items(&format!("/api/v1/{list}?conversation_id={}", chat.id)).await {
                let state = item["state"].as_str().unwrap().to_owned();
                let reason = item["reason"]["code"].as_str().filter(|_| state != "pending" && state != "deferred");
                let id = format!("{list} {}", item["id"].as_str().unwrap());
                states.insert((chat.external_id.clone(), id), format!("{state} {}", reason.unwrap_or_default()));
            }
        }
    }
    states
}

async fn compare(system: &System, chats: &[Chat]) {
    let shown = states(&system.api(), chats).await;
    let mut told = States::new();
    for chat in chats {
        let state = system.log.load::<Conversation>(&chat.aggregate, AtLeast::Latest).await.unwrap().state;
        let mut tell = |list: &str, id: String, state: &str, code: &str| {
            let id = format!("{list} {id}");
            told.insert((chat.external_id.clone(), id), format!("{state} {code}").replace('\0', "\u{fffd}"));
        };
        for (id, follow_up) in &state.follow_ups {
            let (state, code) = match &follow_up.state {
                FollowUpState::Pending | FollowUpState::Due { .. } => ("pending", ""),
                FollowUpState::Sent => ("sent", ""),
                FollowUpState::Done => ("done", ""),
                FollowUpState::Cancelled(why) => ("cancelled", why.code.as_str()),
                FollowUpState::Expired(why) => ("expired", why.code.as_str()),
                FollowUpState::Failed(why) => ("failed", why.code.as_str()),
                FollowUpState::Unknown(why) => ("unknown", why.code.as_str()),
            };
            tell("follow-ups", id.to_string(), state, code);
        }
        for (id, message) in &state.outbox {
            let key = (chat.external_id.clone(), format!("outbox {id}"));
            let (state, code) = match &message.state {
                // The domain doesn't distinguish a message that was put off.
                MessageState::Queued { .. } if shown.get(&key).is_some_and(|s| s == "deferred ") => ("deferred", ""),
                MessageState::Queued { .. } => ("queued", ""),
                MessageState::Claimed(_) => ("claimed", ""),
                MessageState::Sent(receipts) => (receipts.state(), ""),
                MessageState::Held { why, .. } => ("held", why.code.as_str()),
                MessageState::Failed(why) => ("failed", why.code.as_str()),
                MessageState::Unknown(why) => ("unknown", why.code.as_str()),
                MessageState::Cancelled(why) => ("cancelled", why.code.as_str()),
                MessageState::Expired(why) => ("expired", why.code.as_str()),
            };
            tell("outbox", id.to_string(), state, code);
        }
    }
    assert!(told.len() >= 20, "something happened: {}", told.len());
    assert_eq!(shown, told);
}

//! Who of ours takes a conversation over, and how: by command, by prefix, by writing past Steward.

#![allow(clippy::unwrap_used)]

mod world;

use serde_json::{Value, json};
use steward_domain::{address::Address, conversation::Conversation, ids};
use steward_log::AtLeast;
use steward_proto::Event;
use world::{OPERATOR, World};

async fn state(world: &World, external_id: &str) -> Conversation {
    let id = ids::conversation_aggregate(&world.tenant, world.conversation(external_id));
    (*world.log.load::<Conversation>(&id, AtLeast::Latest).await.unwrap().state).clone()
}

/// Waits until the username leads somewhere.
async fn name_known(world: &World, name: &str) {
    let address = ids::address(&world.tenant, "tg", name);
    let mut known = false;
    while !known {
        known = world.log.load::<Address>(&address, AtLeast::Latest).await.unwrap().state.conversation_id.is_some();
    }
}

#[tokio::test]
async fn from_a_clients_own_hand_commands_are_ordinary_text() {
    let world = World::start().await;
    for text in ["/human_active", "HUMAN: hello", "/human_release", "/human_active @user42"] {
        world.update(&world.message(42, 42, text)).await;
    }
    assert_eq!(world.types(&world.conversation("42").to_string()).await, ["ClientResponded"; 4]);
    assert!(!state(&world, "42").await.human_active());
}

#[tokio::test]
async fn an_operator_commands_in_the_clients_chat() {
    let world = World::start().await;
    world.update(&world.message(42, -5, "/start")).await;
    let active = world.message(OPERATOR, -5, "/human_active@steward_bot");
    world.update(&active).await;
    world.update(&active).await;
    let takeover = state(&world, "-5").await.takeover.unwrap();
    assert_eq!((takeover.by.as_str(), takeover.via.as_str()), ("7001", "command"));
    world.update(&world.message(OPERATOR, -5, "/human_active")).await;
    world.update(&world.message(OPERATOR, -5, "how can I help?")).await;
    world.update(&world.message(OPERATOR, -5, "/human_release")).await;
    assert_eq!(
        world.types(&world.conversation("-5").to_string()).await,
        ["ClientResponded", "HumanTakeoverStarted", "UpdateKept", "HumanResponded", "HumanTakeoverEnded"]
    );
    world.update(&world.message(OPERATOR, -5, "HUMAN: one moment")).await;
    let takeover = state(&world, "-5").await.takeover.unwrap();
    assert_eq!(takeover.via, "prefix");
}

#[tokio::test]
async fn writing_from_a_business_account_is_a_takeover_once() {
    let world = World::start().await;
    let business = |from: i64, text: &str| -> Value {
        json!({"update_id": world.update_id(), "business_message": {"message_id": 1, "text": text,
            "date": chrono::Utc::now().timestamp(), "business_connection_id": "bc",
            "from": {"id": from, "is_bot": false, "first_name": "B"}, "chat": {"id": 42, "type": "private"}}})
    };
    // Ours writes first: the conversation begins with it.
    let first = business(9, "good morning");
    world.update(&first).await;
    world.update(&first).await;
    world.update(&business(42, "hi")).await;
    world.update(&business(9, "how are you?")).await;
    assert_eq!(
        world.types(&world.conversation("bc:42").to_string()).await,
        ["HumanResponded", "HumanTakeoverStarted", "ClientResponded", "HumanResponded"]
    );
    let state = state(&world, "bc:42").await;
    assert_eq!(state.takeover.as_ref().unwrap().via, "detected");
    let client = ids::contact(&world.tenant, "tg", "42");
    assert_eq!(state.place.unwrap().contact_id, Some(client));
}

#[tokio::test]
async fn alone_with_the_bot_an_operator_names_the_client() {
    let world = World::start().await;
    let client = world.client(42).await;
    name_known(&world, "@user42").await;
    let write = world.message(OPERATOR, OPERATOR, "HUMAN: @User42 добрый день");
    world.update(&write).await;
    world.update(&write).await;
    assert_eq!(world.types(&client).await, ["ClientResponded", "HumanTakeoverStarted", "MessageQueued"]);
    let Event::MessageQueued(queued) = world.last_of(&client).await else { panic!("nothing was queued") };
    let message = queued.message.unwrap();
    assert_eq!((message.text.as_str(), message.author.as_str()), ("добрый день", "human"));
    world.update(&world.message(OPERATOR, OPERATOR, "/human_release 42")).await;
    world.update(&world.message(OPERATOR, OPERATOR, "/human_active 42")).await;
    assert_eq!(world.types(&client).await[3..], ["HumanTakeoverEnded", "HumanTakeoverStarted"]);
    let own = world.conversation(&OPERATOR.to_string()).to_string();
    assert_eq!(world.types(&own).await, ["UpdateKept"; 3], "commands are kept and need no answer");
}

#[tokio::test]
async fn an_operator_is_told_what_could_not_be_done() {
    let world = World::start().await;
    let own = world.conversation(&OPERATOR.to_string()).to_string();
    for (text, word) in [
        ("/human_active @nobody", "@nobody"),
        ("/human_active 4711", "4711"),
        ("HUMAN: who is this for", "Name the client"),
        ("/human_active", "Name the client"),
    ] {
        let command = world.message(OPERATOR, OPERATOR, text);
        world.update(&command).await;
        world.update(&command).await;
        let Event::MessageQueued(queued) = world.last_of(&own).await else { panic!("{text}: no answer") };
        let message = queued.message.unwrap();
        assert!(message.text.contains(word), "{text}: {}", message.text);
    }
    assert_eq!(world.types(&own).await, ["UpdateKept", "MessageQueued"].repeat(4));
    assert!(world.types(&world.conversation("4711").to_string()).await.is_empty());
}

//! What is remembered of a client: set by tools and by the rules, shown to the model, found in the background, and nobody else's.

use serde_json::{Value, json};
use steward_tests::llm::{Format, Piece};

use crate::world::{CHAT, FORMATS, SOON, World, data};

/// A contact's events of this type, once there are so many.
async fn known(world: &World, type_name: &str, count: usize) -> Vec<Value> {
    world.noted(type_name, count).await
}

async fn contact(world: &World, chat: i64) -> Value {
    let conversation = world.system.conversation(chat).await.unwrap();
    let read = world.system.get(&format!("/api/v1/conversations/{conversation}")).await.unwrap();
    world.system.get(&format!("/api/v1/contacts/{}", read["contact"]["id"].as_str().unwrap())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_goal_that_a_model_sets_is_the_same_in_every_wire_format() {
    for format in FORMATS {
        let world = World::with(&[format], "").await;
        let quote = "speaking Italian with my nonna";
        let call = json!({ "title": "speak Italian", "quote": quote });
        world.llm.play(vec![
            Piece::call("set_goal", json!({ "title": "speak Italian", "quote": "Speaking italian" })),
            Piece::call("set_goal", call),
        ]);
        world.llm.play("Lovely!");
        world.says(&format!("you know, {quote} is what keeps me going these days")).await;
        world.heard(1).await;
        let set = known(&world, "GoalSet", 1).await;
        assert_eq!(set.len(), 1, "{format:?}: words that weren't said are no evidence");
        assert_eq!(
            (data(&set[0], "title"), set[0]["data"]["evidence"][0]["quote"].as_str()),
            ("speak Italian", Some(quote))
        );
        let look = || async {
            Ok(Some(contact(&world, CHAT).await).filter(|read| read["goals"][0]["title"] == "speak Italian"))
        };
        let read = world.system.until(SOON, look).await.unwrap();
        assert_eq!(read["goals"][0]["state"], "open", "{read}");
        world.all_sound();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_remembered_is_shown_to_the_model_and_never_anybody_elses() {
    let world = World::with(&[Format::Anthropic], "").await;
    world.llm.play("Good luck.");
    world.says("My goal is to climb Elbrus").await;
    world.heard(1).await;
    world.llm.play("And to you.");
    world.says_in(8, "My goal is to open a bakery").await;
    world.heard_in(8, 1).await;
    known(&world, "GoalSet", 2).await;
    world.llm.play(Piece::call("forget", json!({ "number": 1, "quote": "climbing is off" })));
    world.llm.play("As you like.");
    world.says("hey, climbing is off for me").await;
    world.heard(2).await;
    let asked = world.llm.asked();
    let shown = format!("{:?}", asked[asked.len() - 2]);
    assert!(shown.contains("goals of the client, by number") && shown.contains("climb Elbrus"), "{shown}");
    assert!(!shown.contains("bakery"), "{shown}");
    let gone = known(&world, "GoalAbandoned", 1).await;
    assert_eq!(gone[0]["data"]["reason"]["code"], "forgotten");
    world.llm.play("Yes?");
    world.says("one more thing, are you there").await;
    world.heard(3).await;
    let shown = format!("{:?}", world.llm.asked().last().unwrap());
    assert!(!shown.contains("goals of the client, by number"), "what is retired isn't shown: {shown}");
    world.all_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_conversation_is_searched_once_and_only_the_clients_exact_words_count() {
    let world = World::with(&[Format::Openai], "conversation_idle = \"2s\"").await;
    world.llm.play("I see.");
    let found = json!({ "found": [
        { "kind": "goal", "text": "leave the bank", "quote": "one day I will leave the bank", "message": 1, "confidence": 85 },
        { "kind": "goal", "text": "buy a boat", "quote": "buy a boat", "message": 1, "confidence": 95 },
    ], "ended": [] });
    world.llm.play(found.to_string().as_str());
    world.says("honestly, one day I will leave the bank and bake bread").await;
    world.heard(1).await;
    let searched = known(&world, "TalkSearched", 1).await;
    assert_eq!(searched[0]["data"]["found"], 1, "{searched:?}");
    let set = known(&world, "GoalSet", 1).await;
    assert_eq!((set.len(), data(&set[0], "title")), (1, "leave the bank"));
    let calls = known(&world, "ModelCallStarted", 2).await;
    assert_eq!(data(calls.iter().find(|c| data(c, "job") == "extraction").unwrap(), "job"), "extraction");
    world.all_sound();
}

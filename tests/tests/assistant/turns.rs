//! Turns in which all goes well: tools, times, silence, people.

use serde_json::json;
use steward_tests::llm::{Format, Piece};

use crate::world::{FORMATS, World, data, schedules};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promise_that_a_model_makes_is_the_same_in_every_wire_format() {
    for format in FORMATS {
        let world = World::with(&[format], "").await;
        world.llm.play(schedules("tomorrow at 9", "the invoice"));
        world.llm.play("Of course.");
        world.says("could you remind me of the invoice tomorrow at 9? I keep forgetting").await;
        let heard = world.heard(1).await;
        assert!(heard[0].starts_with("Of course."), "{format:?}: {heard:?}");
        let events = world.events(1, &["FollowUpScheduled", "TurnCompleted"]).await;
        let types: Vec<_> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["FollowUpScheduled", "TurnCompleted"], "{format:?}");
        assert_eq!(
            (data(&events[0], "phrase"), data(&events[0], "rule"), data(&events[0], "topic")),
            ("tomorrow at 9", "relative_day", "the invoice")
        );
        let ended = &events[1]["data"];
        assert_eq!((ended["outcome"].as_str(), ended["model_calls"].as_u64()), (Some("replied"), Some(2)), "{ended}");
        assert!(ended["micro_usd"].as_u64().is_some_and(|cost| cost > 0), "{ended}");
        assert_eq!(ended["prompt_hash"].as_str().map(str::len), Some(64));
        assert_eq!(world.noted("ModelCallStarted", 2).await.len(), 2);
        let conversation = world.system.conversation(crate::world::CHAT).await.unwrap();
        let path = format!("/api/v1/usage?by=conversation_id,model&conversation_id={conversation}");
        let used = world.system.get(&path).await.unwrap();
        assert_eq!(used["items"].as_array().map(Vec::len), Some(1), "{used}");
        assert_eq!((&used["total"]["calls"], &used["total"]["open"]), (&json!(2), &json!(0)), "{used}");
        assert_eq!(used["total"]["micro_usd"], ended["micro_usd"], "the sum is what the turn says: {used}");
        let answered = world.noted("ModelCallCompleted", 2).await;
        assert_eq!((data(&answered[0], "stop"), data(&answered[1], "stop")), ("calls", "end"));
        let returned = world.noted("ToolCallReturned", 1).await;
        assert!(data(&returned[0], "result").contains("would_hold"), "{returned:?}");
        world.all_sound();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_in_doubt_comes_back_to_the_model_and_its_question_is_remembered() {
    let world = World::with(&[Format::Anthropic], "").await;
    world.llm.play(schedules("at the weekend", "the roof"));
    world.llm.play("Saturday or Sunday, and at what time?");
    world.says("ping me about the roof at the weekend please, will you").await;
    assert_eq!(world.heard(1).await, ["Saturday or Sunday, and at what time?"]);
    let returned = world.noted("ToolCallReturned", 1).await;
    assert_eq!(returned[0]["data"]["failed"], true, "{returned:?}");
    let events = world.events(1, &["FollowUpScheduled", "QuestionAsked"]).await;
    assert_eq!(events.len(), 1);
    assert_eq!(data(&events[0], "topic"), "the roof");
    world.all_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_may_stay_silent_or_call_a_person() {
    let world = World::with(&[Format::Gemini], "").await;
    world.llm.play(Piece::call("stay_silent", json!({ "why": "a sticker's worth of words" })));
    world.llm.play(Vec::new());
    world.says("hm, well, whatever").await;
    let ended = world.events(1, &["TurnCompleted"]).await;
    assert_eq!(data(&ended[0], "outcome"), "silent");
    world.llm.play(Piece::call("hand_off_to_human", json!({ "why": "they are upset" })));
    world.llm.play("Somebody of ours will write to you.");
    world.says("this is the third time my parcel is lost, do something").await;
    assert_eq!(world.heard(1).await, ["Somebody of ours will write to you."]);
    assert_eq!(world.events(2, &["HumanRequested"]).await.len(), 1);
    world.all_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_is_none_and_arguments_that_are_wrong_are_told_and_can_be_mended() {
    let world = World::with(&[Format::Openai], "").await;
    world.llm.play(vec![
        Piece::call("launch_rocket", json!({})),
        Piece::call("cancel_followup", json!({ "promise": 9 })),
        Piece::call("schedule_followup", json!({ "when": "tomorrow", "kind": "shout" })),
        Piece::Broken { name: "list_promises", arguments: "{\"a\": " },
    ]);
    world.llm.play(schedules("tomorrow", "the keys"));
    world.llm.play("Fine.");
    world.says("the keys, tomorrow, don't let me forget").await;
    world.heard(1).await;
    let returned = world.noted("ToolCallReturned", 5).await;
    let failed: Vec<_> = returned.iter().map(|e| e["data"]["failed"] == true).collect();
    assert_eq!(failed.iter().filter(|failed| **failed).count(), 4, "{returned:?}");
    assert_eq!(world.events(1, &["FollowUpScheduled"]).await.len(), 1);
    world.all_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_no_model_asks_none_and_an_opt_out_is_heard() {
    let world = World::with(&[Format::Openai], "").await;
    world.says("STOP").await;
    world.heard(1).await;
    let events = world.events(1, &["ContactOptedOut", "TurnCompleted"]).await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["data"]["model_calls"].as_u64().unwrap_or_default(), 0);
    assert!(world.llm.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promise_that_a_message_cancelled_is_kept_moved_or_told_to_be_lost() {
    let world = World::with(&[Format::Anthropic], "").await;
    let writes = |when: &str, about: &str| {
        Piece::call("schedule_followup", json!({ "when": when, "about": about, "kind": "write" }))
    };
    world.llm.play(vec![writes("in 3 days", "the roof"), writes("in 4 days", "the cellar")]);
    world.llm.play("Both noted.");
    world.says("write to me about the roof in 3 days and about the cellar in 4 days, would you").await;
    world.heard(1).await;
    world.llm.play(Piece::call("keep_followup", json!({ "promise": 1 })));
    world.llm.play("The colour is called slate.");
    world.says("what is the colour of the tiles called?").await;
    let heard = world.heard(2).await;
    assert!(heard[1].starts_with("The colour is called slate."), "{heard:?}");
    assert!(heard[1].contains("the cellar"), "what is lost is said: {heard:?}");
    assert!(!heard[1].contains("the roof"), "{heard:?}");
    let conversation = world.system.conversation(crate::world::CHAT).await.unwrap();
    let path = format!("/api/v1/follow-ups?conversation_id={conversation}&state=pending");
    let pending = world.system.items(&path).await.unwrap();
    assert_eq!(pending.len(), 1, "{pending:?}");
    assert_eq!(pending[0]["topic"], "the roof");
    world.all_sound();
}

//! Turns in which something fails: providers, processes, and clients who go on writing.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use steward_tests::llm::{Cut, Fault, Format, Manner, Piece, Play, Says};

use crate::world::{World, data, schedules};

/// An answer that begins and never ends.
fn endless() -> Play {
    Play {
        says: Says::Pieces(vec![Piece::text("Well")]),
        manner: Manner { cut: Some(Cut::Silence), ..Manner::default() },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_without_money_is_left_for_the_next_with_what_the_tools_found() {
    let world = World::with(&[Format::Openai, Format::Anthropic], "").await;
    world.llm.play(schedules("tomorrow at 9", "the invoice"));
    world.llm.play(Fault::Money);
    world.llm.play("It is noted.");
    world.says("remind me of the invoice tomorrow at 9, could you please").await;
    world.heard(1).await;
    let events = world.events(1, &["FollowUpScheduled", "TurnCompleted"]).await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["data"]["fallback"], true, "{:?}", events[1]);
    let failed = world.noted("ModelCallFailed", 1).await;
    assert_eq!((data(&failed[0], "code"), data(&failed[0], "provider")), ("money", "openai"));
    assert_eq!(world.noted("ToolCallStarted", 1).await.len(), 1, "no tool twice");
    world.all_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_model_answers_the_rules_do_and_the_client_learns_of_no_error() {
    let world = World::with(&[Format::Openai], "").await;
    world.llm.play(Fault::Auth);
    world.says("ping me in 2 hours").await;
    let heard = world.heard(1).await;
    assert!(heard[0].starts_with("OK"), "{heard:?}");
    let events = world.events(1, &["FollowUpScheduled", "TurnCompleted"]).await;
    assert_eq!(events.len(), 2);
    assert_eq!(data(&events[1], "degraded"), "auth");
    let told = world.noted("BrainUnavailable", 1).await;
    assert_eq!((data(&told[0], "code"), data(&told[0], "instead")), ("auth", "rules"));
    // The key stays refused: the next message doesn't ask in vain.
    world.says("and in 3 hours, too: ping me").await;
    world.heard(2).await;
    assert_eq!(world.llm.asked().len(), 1);
    let ended = world.events(2, &["TurnCompleted"]).await;
    assert_eq!(data(&ended[1], "degraded"), "unavailable");
    world.noted("ModelCallFailed", 2).await;
    let used = world.system.get("/api/v1/usage").await.unwrap();
    let total = &used["total"];
    assert_eq!((&total["calls"], &total["failed"], &total["open"]), (&json!(1), &json!(1), &json!(0)), "{used}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_an_answer_that_is_not_shown_and_silence_or_a_sentence_may_stand_for_it() {
    let keys = "without_answer = \"holding\"\nholding = \"One moment, please.\"";
    let world = World::with(&[Format::Anthropic], keys).await;
    world.llm.play(Says::Refusal("I can't help with that."));
    world.says("tell me something forbidden, now").await;
    assert_eq!(world.heard(1).await, ["One moment, please."]);
    let ended = world.events(1, &["TurnCompleted"]).await;
    assert_eq!(data(&ended[0], "degraded"), "refused");
    world.all_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_during_a_call_ends_the_call_and_the_next_turn_answers_both() {
    let world = World::with(&[Format::Anthropic], "").await;
    world.llm.play(endless());
    world.says("remind me of the invoice").await;
    world.llm.until_asked(1, crate::world::SOON).await.unwrap();
    world.noted("ModelCallStarted", 1).await;
    world.llm.play(schedules("tomorrow at 9", "the invoice"));
    world.llm.play("Done.");
    let wrote = tokio::time::Instant::now();
    world.says("tomorrow at 9, I mean, if you would").await;
    world.heard(1).await;
    assert!(wrote.elapsed() < Duration::from_secs(25), "the lease isn't waited for");
    world.llm.until_nobody_listens(crate::world::SOON).await.unwrap();
    let events = world.events(1, &["TurnSuperseded", "FollowUpScheduled", "TurnCompleted"]).await;
    let types: Vec<_> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["TurnSuperseded", "FollowUpScheduled", "TurnCompleted"]);
    assert_eq!(events[0]["data"]["model_calls"], 1, "what it took is known: {:?}", events[0]);
    let dropped = world.noted("ModelCallFailed", 1).await;
    assert_eq!(data(&dropped[0], "code"), "dropped");
    world.all_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_while_a_model_is_asked_loses_nothing_and_says_nothing_twice() {
    let mut world = World::with(&[Format::Openai], "").await;
    world.llm.play(schedules("tomorrow at 9", "the invoice"));
    world.llm.play(endless());
    world.says("remind me of the invoice tomorrow at 9, could you please").await;
    world.llm.until_asked(2, crate::world::SOON).await.unwrap();
    world.noted("ModelCallStarted", 2).await;
    world.system.kill().await.unwrap();
    world.llm.play(schedules("tomorrow at 9", "the invoice"));
    world.llm.play("Done.");
    world.system.start_again().await.unwrap();
    let heard = world.heard(1).await;
    assert_eq!(heard.len(), 1);
    let events = world.events(1, &["FollowUpScheduled", "MessageQueued", "TurnCompleted"]).await;
    let types: Vec<_> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["FollowUpScheduled", "MessageQueued", "TurnCompleted"]);
    // The call that was under way when the process died is in the log with what it must have taken.
    let started = world.noted("ModelCallStarted", 4).await;
    assert!(started.iter().all(|e| e["data"]["estimated_input"].as_u64().is_some_and(|n| n > 0)), "{started:?}");
    world.all_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spent_budget_stops_asking_for_the_day_also_after_a_restart_and_the_rules_go_on() {
    // A call may cost up to its input and 2,000 tokens of output at 2 USD a million: some 6,100 micro-USD; it does cost 2,500.
    let mut world = World::with(&[Format::Openai], "budget = { per_day = 9800 }").await;
    for n in 0..2 {
        world.llm.play("Well, well.");
        world.says(&format!("tell me something nice, the {n}th time")).await;
        world.heard(n + 1).await;
        world.noted("ModelCallCompleted", n + 1).await;
    }
    world.says("ping me in 2 hours").await;
    let heard = world.heard(3).await;
    assert!(heard[2].starts_with("OK"), "{heard:?}");
    let ended = world.events(3, &["TurnCompleted"]).await;
    let begun = world.noted("ModelCallStarted", 2).await;
    let degraded = (data(&ended[1], "degraded"), data(&ended[2], "degraded"));
    assert_eq!(
        degraded,
        ("", "over_budget"),
        "a call may cost {}, and does {}",
        begun[0]["data"]["reserved_micro_usd"],
        world.noted("ModelCallCompleted", 2).await[0]["data"]["micro_usd"]
    );
    let unpriced = json!({ "provider": "openai", "model": "m-2" });
    let refused = world.system.command(Method::PUT, "/api/v1/settings/brain", &unpriced).await.unwrap();
    assert_eq!(refused.body["code"], "unpriced_model", "no way around the budget: {:?}", refused.body);
    world.system.kill().await.unwrap();
    world.system.start_again().await.unwrap();
    world.says("ping me in 3 hours").await;
    world.heard(4).await;
    let ended = world.events(4, &["TurnCompleted"]).await;
    assert_eq!(data(&ended[3], "degraded"), "over_budget");
    assert_eq!(world.llm.asked().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_only_calls_and_never_speaks_comes_to_an_end() {
    let world = World::with(&[Format::Gemini], "steps = 3").await;
    for _ in 0..3 {
        world.llm.play(Piece::call("list_promises", json!({})));
    }
    world.says("ping me in 2 hours").await;
    let heard = world.heard(1).await;
    assert!(heard[0].starts_with("OK"), "the rules answer: {heard:?}");
    let ended = world.events(1, &["TurnCompleted"]).await;
    assert_eq!(data(&ended[0], "degraded"), "too_many_steps");
    let returned = world.noted("ToolCallReturned", 3).await;
    assert_eq!(returned[2]["data"]["failed"], true, "the same call a third time isn't carried out");
    world.all_sound();
}

//! Meetings that a model books: at times that our parser reads, in the turn's one batch, with their reminders.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use steward_tests::llm::{Format, Piece};

use crate::world::{CHAT, SOON, World, data};

fn books(when: &str) -> Piece {
    Piece::call("book_meeting", json!({ "when": when, "minutes": 45, "title": "about the roof" }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_meeting_is_booked_with_its_reminders_and_only_at_a_time_that_is_clear() {
    let world = World::with(&[Format::Gemini], "").await;
    world.llm.play(vec![books("on Friday"), books("at the weekend"), books("yesterday at 9")]);
    world.llm.play(books("in 3 days at 3 pm"));
    world.llm.play("Agreed, I've booked it.");
    world.says("let us meet about the roof in 3 days at 3 pm, shall we?").await;
    world.heard(1).await;
    let returned = world.noted("ToolCallReturned", 4).await;
    let failed: Vec<bool> = returned.iter().map(|e| e["data"]["failed"] == true).collect();
    assert_eq!(failed, [true, true, true, false], "{returned:?}");
    assert!(data(&returned[3], "result").contains("15:00"), "{returned:?}");
    let events = world.events(1, &["MeetingBooked", "MessageQueued", "TurnCompleted", "ClaimCorrected"]).await;
    let types: Vec<&str> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(types.iter().filter(|name| **name == "MeetingBooked").count(), 1, "{types:?}");
    assert!(world.system.events_of_type("ClaimCorrected").await.unwrap().is_empty(), "what was booked may be said");
    let booked = events.iter().find(|e| e["type"] == "MeetingBooked").unwrap();
    let completed = events.iter().find(|e| e["type"] == "TurnCompleted").unwrap();
    let position = |event: &serde_json::Value| event["position"].as_u64().unwrap();
    assert!(position(completed) - position(booked) < 4, "it is one batch with the turn's end");
    let meeting = &booked["data"]["meeting"];
    let time = |key: &str| meeting[key].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert_eq!(
        (time("ends_at") - time("starts_at"), meeting["title"].as_str()),
        (TimeDelta::minutes(45), Some("about the roof"))
    );
    let conversation = world.system.conversation(CHAT).await.unwrap();
    let path = format!("/api/v1/follow-ups?conversation_id={conversation}&state=pending");
    let look = || async { Ok(Some(world.system.items(&path).await?).filter(|pending| pending.len() == 2)) };
    let mut due: Vec<DateTime<Utc>> = world
        .system
        .until(SOON, look)
        .await
        .unwrap()
        .iter()
        .map(|f| f["due_at"].as_str().unwrap().parse().unwrap())
        .collect();
    due.sort_unstable();
    assert_eq!(due, [24, 1].map(|hours| time("starts_at") - TimeDelta::hours(hours)));
    world.all_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_meeting_that_is_only_said_to_be_booked_is_not_said() {
    let world = World::with(&[Format::Openai], "").await;
    world.llm.play("I've booked our meeting for Friday at 3 pm. See you!");
    world.llm.play("I've booked our meeting for Friday at 3 pm. See you!");
    world.says("let us meet about the roof some day, shall we?").await;
    let heard = world.heard(1).await;
    assert!(!heard[0].contains("booked"), "{heard:?}");
    assert_eq!(data(&world.noted("ClaimCorrected", 1).await[0], "kind"), "booked");
    world.all_sound();
}

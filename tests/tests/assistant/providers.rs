//! Whose model it is makes no difference to what is promised (N12), and which one is asked is chosen while all runs.

use reqwest::Method;
use serde_json::{Value, json};
use steward_tests::llm::{Format, Piece};

use crate::world::{FORMATS, World, data, provider, schedules};

/// Blocks of four turns.
const BLOCKS: usize = 10;

/// What is decided, without what differs from one conversation to the next by its nature.
const DECIDED: [&str; 6] =
    ["FollowUpScheduled", "FollowUpMoved", "FollowUpCancelled", "QuestionAsked", "HumanRequested", "TurnCompleted"];

async fn chooses(world: &World, chat: i64, format: Format) {
    let conversation = world.system.conversation(chat).await.unwrap();
    let path = format!("/api/v1/conversations/{conversation}/brain");
    let answer = world.system.command(Method::PUT, &path, &json!({ "provider": provider(format) })).await.unwrap();
    assert_eq!(answer.status, 200, "{:?}", answer.body);
}

/// What the client says in turn `n`, and what the model does about it.
fn turn(n: usize) -> (String, Vec<Piece>, &'static str) {
    let block = n / 4;
    let about = format!("matter {block}");
    match n % 4 {
        0 => {
            let when = format!("in {} days at 9", block + 2);
            (format!("don't let me forget {about}, {when}, if you would"), vec![schedules(&when, &about)], "Noted.")
        }
        1 => {
            let moved = Piece::call("move_followup", json!({ "promise": 1, "when": "at 6 pm" }));
            ("hm, the evening suits me more, say six".to_owned(), vec![moved], "Moved.")
        }
        2 => ("you are a great help to an old man".to_owned(), Vec::new(), "You're welcome."),
        _ => {
            let cancelled = Piece::call("cancel_followup", json!({ "promise": 1 }));
            (format!("I did {about} today already, so that's settled"), vec![cancelled], "Good.")
        }
    }
}

/// A talk of forty turns; `speaks`: whose model answers turn n. What was decided in it.
async fn talk(world: &World, chat: i64, speaks: impl Fn(usize) -> Format) -> Vec<String> {
    for n in 0..4 * BLOCKS {
        if n > 0 {
            chooses(world, chat, speaks(n)).await;
        }
        let (says, calls, reply) = turn(n);
        if !calls.is_empty() {
            world.llm.play(calls);
        }
        world.llm.play(reply);
        world.says_in(chat, &says).await;
        let heard = world.heard_in(chat, n + 1).await;
        assert_eq!(heard.last().map(String::as_str), Some(reply), "turn {n}");
    }
    let events = world.events_in(chat, 4 * BLOCKS, &DECIDED).await;
    let asked: Vec<&str> = events.iter().filter(|e| e["type"] == "TurnCompleted").map(|e| data(e, "brain")).collect();
    let expected: Vec<&str> = (0..4 * BLOCKS).map(|n| provider(if n == 0 { FORMATS[0] } else { speaks(n) })).collect();
    assert_eq!(asked, expected, "the choice holds from the next turn on");
    world.all_sound();
    events.iter().map(decided).collect()
}

fn decided(event: &Value) -> String {
    let keys =
        ["phrase", "rule", "topic", "due_at", "intention", "text", "cancel_on", "outcome", "degraded", "decisions"];
    let told: Vec<String> = keys.iter().filter_map(|key| Some(format!("{key}={}", event["data"].get(key)?))).collect();
    format!("{} {} {}", event["type"], told.join(" "), event["data"]["reason"]["code"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_turns_end_in_the_same_events_whoever_answers_and_with_another_provider_at_every_turn() {
    let world = World::with(&FORMATS, "").await;
    let mut all = Vec::new();
    for (i, format) in FORMATS.into_iter().enumerate() {
        all.push(talk(&world, 100 + i as i64, |_| format).await);
    }
    all.push(talk(&world, 200, |n| FORMATS[n % FORMATS.len()]).await);
    assert!(all[0].iter().filter(|e| e.contains("FollowUpScheduled")).count() >= BLOCKS, "{:#?}", all[0]);
    for other in &all[1..] {
        assert_eq!(other, &all[0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_brain_is_chosen_by_command_and_holds_from_the_next_turn_on() {
    let world = World::with(&[Format::Openai], "").await;
    let put = |body: Value| world.system.command(Method::PUT, "/api/v1/settings/brain", Box::leak(Box::new(body)));
    assert_eq!(put(json!({ "provider": "rules" })).await.unwrap().status, 200);
    let look = || async {
        world.system.telegram(&steward_tests::updates::text(7, "ping me in 2 hours")).await?;
        let ended = world.system.events_of_type("TurnCompleted").await?;
        Ok(ended.iter().any(|e| e["data"]["brain"] == "rules").then_some(()))
    };
    world.system.until(crate::world::SOON, look).await.unwrap();
    assert!(world.llm.asked().is_empty());
    let wrong = put(json!({ "provider": "oracle" })).await.unwrap();
    assert_eq!((wrong.status.as_u16(), wrong.body["code"].as_str()), (422, Some("no_such_brain")), "{:?}", wrong.body);
    let chosen = world.noted("BrainChosen", 1).await;
    assert_eq!((data(&chosen[0], "provider"), data(&chosen[0], "job")), ("rules", "chat"));
    assert_eq!(put(json!({ "provider": null })).await.unwrap().status, 200);
    world.noted("BrainChosen", 2).await;
}

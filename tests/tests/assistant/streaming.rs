//! Words in the making: told live while a model speaks, kept nowhere, and to the client not before the turn is recorded.

use serde_json::{Value, json};
use steward_tests::{
    Browser,
    live::{Live, LiveEvent},
    llm::{Cut, Format, Manner, Piece, Play, Says, Split},
};

use crate::world::{CHAT, SOON, World, schedules};

/// What a watcher has who puts the pieces together as they say, and the piece that was the last.
async fn until_made(live: &mut Live, mut done: impl FnMut(&str, &LiveEvent) -> bool) -> LiveEvent {
    let mut seen = String::new();
    live.until(SOON, |event| {
        if event.data["type"] == "WordsInTheMaking" {
            assert_eq!(event.id, None, "what is in no log has no id: {event:?}");
            seen.truncate(usize::try_from(event.data["words"]["from"].as_u64().unwrap()).unwrap());
            seen.push_str(event.data["words"]["text"].as_str().unwrap_or_default());
        }
        done(&seen, event)
    })
    .await
    .unwrap()
}

fn is(event: &LiveEvent, type_name: &str) -> bool {
    event.data["type"] == type_name
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_model_says_is_told_as_it_comes_in_every_wire_format_and_is_in_no_log() {
    for format in [Format::Anthropic, Format::Openai, Format::Responses, Format::Gemini] {
        let world = World::with(&[format], "").await;
        let mut live = world.system.live("", None).await.unwrap();
        live.joined().await.unwrap();
        let story = "Once upon a time there was a cat, «кот», who kept every promise it made, ".repeat(20);
        world.llm.play(Play {
            says: Says::Pieces(vec![Piece::text(&story)]),
            manner: Manner { split: Split::WithinCharacters, ..Manner::default() },
        });
        world.says("tell me a story about a cat, will you?").await;
        // The last words and what they became come by two ways, so either may be first.
        let mut completed = false;
        until_made(&mut live, |seen, event| {
            completed |= is(event, "TurnCompleted");
            assert!(!is(event, "WordsInTheMaking") || event.event == "task_update", "{format:?}: {event:?}");
            completed && seen == story
        })
        .await;
        assert_eq!(world.heard(1).await.len(), 1);
        let log = world.system.items("/api/v1/events").await.unwrap();
        assert!(log.iter().all(|event| event["type"] != "WordsInTheMaking"));
        world.all_sound();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_of_a_turn_that_is_superseded_are_taken_back_and_the_client_never_hears_them() {
    let world = World::with(&[Format::Anthropic], "").await;
    let mut live = world.system.live("?types=task_update", None).await.unwrap();
    live.joined().await.unwrap();
    let endless = Manner { cut: Some(Cut::SilenceBehindWords), ..Manner::default() };
    world.llm.play(Play { says: Says::Pieces(vec![Piece::text("Well")]), manner: endless });
    world.says("remind me of the invoice").await;
    until_made(&mut live, |seen, _| seen == "Well").await;
    world.llm.play(schedules("tomorrow at 9", "the invoice"));
    world.llm.play("Done.");
    world.says("tomorrow at 9, I mean, if you would").await;
    let taken_back = live.until(SOON, |event| is(event, "WordsInTheMaking")).await.unwrap();
    assert_eq!(taken_back.data["words"], json!({ "from": 0, "text": null }), "{taken_back:?}");
    until_made(&mut live, |seen, _| seen == "Done.").await;
    assert!(!world.heard(1).await[0].contains("Well"));
    world.all_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_another_conversation_or_kind_is_told_nothing_of_it() {
    let world = World::with(&[Format::Openai], "").await;
    world.llm.play("Hello.");
    world.says_in(8, "hello there, how do you do?").await;
    world.heard_in(8, 1).await;
    let other = world.system.conversation(8).await.unwrap();
    let mut elsewhere = world.system.live(&format!("?conversation_id={other}"), None).await.unwrap();
    let mut messages = world.system.live("?types=new_message", None).await.unwrap();
    let mut all = world.system.live("", None).await.unwrap();
    for live in [&mut elsewhere, &mut messages, &mut all] {
        live.joined().await.unwrap();
    }
    world.llm.play("A story, then.");
    world.says("tell me a story, will you?").await;
    until_made(&mut all, |seen, _| seen == "A story, then.").await;
    world.heard(1).await;
    let none = |event: &LiveEvent| assert!(!is(event, "WordsInTheMaking"), "{event:?}");
    messages
        .until(SOON, |event| {
            none(event);
            event.data["message"]["direction"] == "out"
        })
        .await
        .unwrap();
    world.llm.play("Yes?");
    world.says_in(8, "and I am here as well").await;
    let own = |event: &LiveEvent| event.data["conversation_id"].as_str() == Some(other.as_str());
    elsewhere
        .until(SOON, |event| {
            assert!(own(event), "{event:?}");
            is(event, "TurnCompleted")
        })
        .await
        .unwrap();
    world.all_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_conversations_page_shows_words_in_the_making_until_they_are_said() {
    let world = World::with(&[Format::Anthropic], "").await;
    world.llm.play("Hello.");
    world.says("hello there, how do you do?").await;
    world.heard(1).await;
    let conversation = world.system.conversation(CHAT).await.unwrap();
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&world.system.read, true).await.unwrap();
    tab.open(&format!("/inbox/{conversation}?tab=all")).await.unwrap();
    tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();
    let endless = Manner { cut: Some(Cut::SilenceBehindWords), ..Manner::default() };
    world.llm.play(Play { says: Says::Pieces(vec![Piece::text("Let me think")]), manner: endless });
    world.says("what is the meaning of it all?").await;
    let making = "(m => !m.hidden && m.innerText.length > 0)(document.getElementById('making'))";
    tab.until(making).await.unwrap();
    world.llm.play("Forty-two.");
    world.says("in a word, please").await;
    let said =
        "document.getElementById('chat').innerText.includes('Forty-two.') && document.getElementById('making').hidden";
    tab.until(said).await.unwrap();
    let shown: Value = tab.run("document.getElementById('making').innerText").await.unwrap();
    assert_eq!(shown, json!(""), "nothing is left of what wasn't said");
    world.all_sound();
}

//! Any conversation as it was: what `at` shows is what the reads showed when the log ended there.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use axum::http::StatusCode;
use chrono::{TimeDelta, Utc};
use serde_json::Value;
use steward_proto::{Event, v1};
use support::{Api, System, stories::Chat, tenant};

/// What the reads show of one conversation.
async fn shown(api: &Api, chat: &Chat, at: &str) -> [Value; 4] {
    let id = chat.id;
    let mut all = Vec::new();
    for path in [
        format!("/api/v1/conversations/{id}?{at}"),
        format!("/api/v1/conversations/{id}/messages?{at}"),
        format!("/api/v1/follow-ups?conversation_id={id}&{at}"),
        format!("/api/v1/outbox?conversation_id={id}&{at}"),
    ] {
        let answer = api.get(path.trim_end_matches(['?', '&'])).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        all.push(answer.body);
    }
    // What waits for a person is only told of now.
    all[0]["attention"] = Value::Null;
    all.try_into().unwrap()
}

/// A client who asks, writes before it is due, asks again and is answered; asks for a person, who comes and goes.
fn story(chat: &Chat) -> Vec<Vec<Event>> {
    let due = Utc::now() + TimeDelta::hours(1);
    let takeover = v1::HumanTakeoverStarted { by: "kim".to_owned(), via: "http".to_owned(), ..Default::default() };
    let end = v1::HumanTakeoverEnded { by: "kim".to_owned(), via: "http".to_owned(), ..Default::default() };
    let mut story = vec![vec![chat.writes("1", "ping me in an hour")], vec![chat.promises(1, due)]];
    story.push(vec![chat.promises(2, due), chat.promises(3, due)]);
    story.extend(chat.keeps(2, due).into_iter().map(|event| vec![event]));
    story.push(vec![chat.writes("2", "never mind")]);
    story.push(vec![v1::HumanRequested::default().into()]);
    story.push(vec![takeover.into()]);
    story.push(vec![end.into(), chat.promises(4, due)]);
    story.extend(chat.keeps(4, due).into_iter().map(|event| vec![event]));
    story
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_shown_as_it_was_after_any_event() {
    let system = System::start().await;
    let projector = system.project();
    let (chat, other) = (Chat::new(&tenant("default"), "ana"), Chat::new(&tenant("default"), "boris"));
    let api = system.api();
    let mut seen = Vec::new();
    for (events, others) in story(&chat).into_iter().zip(story(&other)) {
        let position = system.record(&chat.aggregate, events).await;
        system.caught_up().await;
        seen.push((position, shown(&api, &chat, "").await));
        system.record(&other.aggregate, others).await;
    }
    for (position, then) in &seen {
        assert_eq!(shown(&api, &chat, &format!("at={position}")).await, *then, "after {position}");
    }
    // By pages, the same.
    let last = seen.last().unwrap();
    let path = format!("/api/v1/follow-ups?conversation_id={}&at={}", chat.id, last.0);
    let first = api.get(&format!("{path}&limit=1")).await.body;
    let rest = api.get(&format!("{path}&cursor={}", first["next_cursor"].as_str().unwrap())).await.body;
    let all: Vec<&Value> = [&first, &rest].iter().flat_map(|page| page["items"].as_array().unwrap()).collect();
    assert_eq!(all, last.1[2]["items"].as_array().unwrap().iter().collect::<Vec<_>>());
    let before = api.get(&format!("/api/v1/conversations/{}?at=0", chat.id)).await;
    assert_eq!(before.status, StatusCode::NOT_FOUND);
    projector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_needs_a_person_comes_first_and_nobody_elses_conversation_is_shown() {
    let system = System::start().await;
    let projector = system.project();
    let chats: Vec<Chat> = ["ana", "boris", "clara"].map(|name| Chat::new(&tenant("default"), name)).into();
    let theirs = Chat::new(&tenant("other"), "dora");
    for chat in chats.iter().chain([&theirs]) {
        system.record(&chat.aggregate, vec![chat.writes("1", "hello"), chat.promises(1, Utc::now())]).await;
    }
    let unknown = |chat: &Chat| {
        let [due, started, _] = chat.keeps(1, Utc::now()).try_into().unwrap();
        let Event::DispatchStarted(claim) = &started else { unreachable!() };
        let (message_id, claim_id) = (claim.message_id.clone(), claim.claim_id.clone());
        let lost = v1::DispatchUnknown { message_id, claim_id, ..Default::default() };
        vec![due, started, lost.into()]
    };
    system.record(&chats[2].aggregate, unknown(&chats[2])).await;
    for chat in [&chats[1], &theirs] {
        system.record(&chat.aggregate, vec![v1::HumanRequested::default().into()]).await;
    }
    system.caught_up().await;
    let api = system.api();
    let ids = |items: Vec<Value>| items.iter().map(|c| c["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let pressing = api.items("/api/v1/conversations?sort=attention").await;
    let codes: Vec<&Value> = pressing.iter().map(|c| &c["attention"][0]["code"]).collect();
    assert_eq!(codes, ["asked_for_person", "unknown"]);
    assert_eq!(ids(pressing.clone()), [chats[1].id.to_string(), chats[2].id.to_string()]);
    let first = api.get("/api/v1/conversations?sort=attention&limit=1").await.body;
    let next = first["next_cursor"].as_str().unwrap();
    let rest = api.get(&format!("/api/v1/conversations?sort=attention&cursor={next}")).await.body;
    assert_eq!(rest["items"][0]["id"], chats[2].id.to_string());
    assert_eq!(rest["next_cursor"], Value::Null);
    assert_eq!(ids(api.items("/api/v1/conversations?attention=unknown,held").await), [chats[2].id.to_string()]);
    let counts = api.get("/api/v1/attention").await.body;
    assert_eq!((&counts["conversations"], &counts["outbox"]), (&2.into(), &1.into()), "{counts}");
    assert_eq!(counts["codes"]["asked_for_person"], 1);

    let latest = api.items("/api/v1/conversations?sort=latest").await;
    assert_eq!(latest[0]["id"], chats[2].id.to_string());
    assert_eq!(
        (&latest[0]["last_message"]["text"], &latest[0]["last_message"]["state"]),
        (&"ping".into(), &"unknown".into())
    );
    assert_eq!(latest[1]["last_message"]["text"], "hello");
    assert!(latest[1]["next_follow_up"]["due_at"].is_string());

    // A person who comes has seen to it; what nobody knows stays.
    let takeover = v1::HumanTakeoverStarted { by: "kim".to_owned(), via: "http".to_owned(), ..Default::default() };
    for chat in &chats[1..] {
        system.record(&chat.aggregate, vec![takeover.clone().into()]).await;
    }
    system.caught_up().await;
    assert_eq!(ids(api.items("/api/v1/conversations?sort=attention").await), [chats[2].id.to_string()]);
    assert_eq!(api.items("/api/v1/conversations?owner=human").await.len(), 2);
    assert_eq!(ids(api.items("/api/v1/conversations?owner=bot&q=aN").await), [chats[0].id.to_string()]);
    assert_eq!(api.items("/api/v1/conversations?q=100%25").await, Vec::<Value>::new());
    projector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_conversation_is_folded_piece_by_piece() {
    let system = System::start().await;
    let projector = system.project();
    let chat = Chat::new(&tenant("default"), "ana");
    let due = Utc::now() + TimeDelta::hours(1);
    for piece in 0..25_u128 {
        let mut events = Vec::new();
        for n in 0..200 {
            let number = piece * 200 + n;
            events.push(chat.writes(&number.to_string(), &format!("message {number}")));
            if n % 20 == 0 {
                events.push(chat.promises(number, due));
            }
        }
        system.record(&chat.aggregate, events).await;
    }
    system.caught_up().await;
    let api = system.api();
    let now = shown(&api, &chat, "").await;
    let last = system.log.last_position().await.unwrap();
    let began = std::time::Instant::now();
    let then = shown(&api, &chat, &format!("at={last}")).await;
    println!("5,250 events folded four times in {:?}", began.elapsed());
    assert_eq!(then, now);
    projector.stop().await;
}

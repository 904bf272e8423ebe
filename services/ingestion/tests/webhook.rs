//! Telegram's webhook: what is accepted is kept once, what isn't is refused in words.

#![allow(clippy::unwrap_used)]

mod world;

use std::{fs, path::Path};

use axum::http::{Method, StatusCode};
use chrono::Utc;
use rand::seq::SliceRandom;
use serde_json::{Value, json};
use steward_domain::ids;
use steward_log::{Append, Expected};
use steward_proto::{AggregateId, Cause, Event, NewEvent, new_traceparent, v1};
use uuid::Uuid;
use world::{SECRET, World};

const PATH: &str = "/webhooks/telegram/tg";

fn source(event: &Event) -> &v1::Source {
    match event {
        Event::ClientResponded(e) => e.source.as_ref(),
        Event::HumanResponded(e) => e.source.as_ref(),
        Event::UpdateKept(e) => e.source.as_ref(),
        Event::RecipientBlocked(e) => e.source.as_ref(),
        Event::RecipientUnblocked(e) => e.source.as_ref(),
        other => panic!("{} has no source", other.type_name()),
    }
    .unwrap()
}

#[tokio::test]
async fn bad_input_is_refused_with_words_and_a_status_of_its_own() {
    let world = World::start().await;
    let good = world.message(42, 42, "x").to_string();
    let secret: &[(&str, &str)] = &[("x-telegram-bot-api-secret-token", SECRET)];
    let wrong: &[(&str, &str)] = &[("x-telegram-bot-api-secret-token", "s3creT")];
    let post = Method::POST;
    type Case<'a> = (&'a str, StatusCode, Method, &'a str, &'a [(&'a str, &'a str)], Vec<u8>);
    let cases: Vec<Case> = vec![
        ("no secret", StatusCode::UNAUTHORIZED, post.clone(), PATH, &[], good.clone().into()),
        ("wrong secret", StatusCode::UNAUTHORIZED, post.clone(), PATH, wrong, good.clone().into()),
        ("broken JSON", StatusCode::BAD_REQUEST, post.clone(), PATH, secret, b"{\"update_id\": 1, ".to_vec()),
        (
            "not UTF-8",
            StatusCode::BAD_REQUEST,
            post.clone(),
            PATH,
            secret,
            b"{\"update_id\": 1, \"x\": \"\xff\xfe\"}".to_vec(),
        ),
        ("no Update", StatusCode::BAD_REQUEST, post.clone(), PATH, secret, b"[1]".to_vec()),
        ("empty", StatusCode::BAD_REQUEST, post.clone(), PATH, secret, Vec::new()),
        ("10 MB", StatusCode::PAYLOAD_TOO_LARGE, post.clone(), PATH, secret, vec![b'x'; 10_000_000]),
        (
            "unknown channel",
            StatusCode::NOT_FOUND,
            post.clone(),
            "/webhooks/telegram/nope",
            secret,
            good.clone().into(),
        ),
        ("no webhook", StatusCode::NOT_FOUND, post.clone(), "/webhooks/telegram/web", secret, good.clone().into()),
        ("unknown kind", StatusCode::NOT_FOUND, post.clone(), "/webhooks/pigeon", secret, good.clone().into()),
        ("not UTF-8 in the path", StatusCode::NOT_FOUND, post, "/webhooks/telegram/%ff", secret, good.into()),
        ("GET", StatusCode::METHOD_NOT_ALLOWED, Method::GET, PATH, secret, Vec::new()),
    ];
    for (name, status, method, path, headers, body) in cases {
        let answer = world.send(method, path, headers, body).await;
        assert_eq!(answer.status, status, "{name}");
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{name}");
        let problem = answer.json();
        assert_eq!(problem["status"], status.as_u16(), "{name}");
        assert!(!answer.text("title").is_empty() && answer.text("detail").len() > 20, "{name}: {problem}");
    }
    assert!(world.events().await.is_empty());
    let named = world.send(Method::POST, "/webhooks/telegram/nope", secret, "{}").await;
    assert!(named.text("detail").contains(PATH));
}

#[tokio::test]
async fn a_message_is_durable_when_it_is_answered_and_a_redelivery_changes_nothing() {
    let world = World::start().await;
    let update = world.message(42, 42, "напиши через 2 минуты");
    for _ in 0..3 {
        world.update(&update).await;
    }
    let events = world.events().await;
    let responded: Vec<_> = events.iter().filter(|r| matches!(r.event, Event::ClientResponded(_))).collect();
    let [recorded] = responded[..] else { panic!("{} events", responded.len()) };
    let Event::ClientResponded(e) = &recorded.event else { unreachable!() };
    let from = e.from.as_ref().unwrap();
    assert_eq!((e.text.as_str(), e.kind.as_str()), ("напиши через 2 минуты", "text"));
    assert_eq!((from.id.as_str(), from.name.as_str(), from.language.as_str()), ("42", "Ana", "en"));
    let source = source(&recorded.event);
    assert_eq!((source.external_id.as_str(), source.channel.as_str()), ("42", "telegram"));
    assert_eq!(source.raw, update.to_string().into_bytes());
    assert_eq!(recorded.metadata.actor, "client:42");
    assert_eq!(&*recorded.subject.id, world.conversation("42").to_string());
}

/// As the log holds an update that came in longer ago than its duplicate window: the message id is forgotten.
async fn held(world: &World, update_id: i64, aggregate: AggregateId, event: impl Fn(v1::Source) -> Event) {
    let source = v1::Source {
        channel_id: "tg".to_owned(),
        channel: "telegram".to_owned(),
        key: format!("update:{update_id}"),
        external_id: "42".to_owned(),
        ..v1::Source::default()
    };
    let cause = Cause::outside("client:42", new_traceparent([7; 24]));
    let events = vec![NewEvent::new(Uuid::now_v7(), Utc::now(), &cause, event(source))];
    world.log.append(Append { aggregate, events, expected: Expected::Any, dedupe_key: None }).await.unwrap();
}

#[tokio::test]
async fn an_old_redelivery_is_looked_up() {
    let world = World::start().await;
    let mut update = world.message(42, 42, "from the day before yesterday");
    let chat = ids::conversation_aggregate(&world.tenant, world.conversation("42"));
    held(&world, update["update_id"].as_i64().unwrap(), chat, |source| {
        v1::ClientResponded { source: Some(source), ..v1::ClientResponded::default() }.into()
    })
    .await;
    // Old by its time, without any, and by a clock that is ahead of ours.
    for date in [Utc::now().timestamp() - 2 * 86_400, 0, Utc::now().timestamp() + 3_600] {
        update["message"]["date"] = json!(date);
        world.update(&update).await;
    }
    assert_eq!(world.types(&world.conversation("42").to_string()).await, ["ClientResponded"]);

    // What has no conversation is looked up in its inbox.
    let id = world.update_id();
    let poll = json!({"update_id": id, "poll_answer": {"poll_id": "1", "user": {"id": 42}, "option_ids": [1]}});
    held(&world, id, ids::inbox(&world.tenant, "tg", &format!("update:{id}")), |source| {
        v1::UpdateKept { source: Some(source), ..v1::UpdateKept::default() }.into()
    })
    .await;
    let before = world.log.last_position().await.unwrap();
    world.update(&poll).await;
    assert_eq!(world.log.last_position().await.unwrap(), before);
}

#[tokio::test]
async fn every_recorded_update_posted_three_times_in_any_order_is_kept_once() {
    let world = World::start().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/telegram");
    let mut updates = Vec::new();
    for source in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        for file in fs::read_dir(source).unwrap() {
            let mut update: Value = serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap();
            update["update_id"] = json!(world.update_id());
            updates.push(update);
        }
    }
    let mut posts: Vec<&Value> = updates.iter().cycle().take(updates.len() * 3).collect();
    posts.shuffle(&mut rand::rng());
    for update in posts {
        world.update(update).await;
    }
    let mut keys: Vec<String> = Vec::new();
    for recorded in world.events().await {
        if !matches!(recorded.event, Event::AddressBound(_) | Event::HumanTakeoverStarted(_)) {
            keys.push(source(&recorded.event).key.clone());
        }
    }
    keys.sort();
    let mut expected: Vec<String> = updates.iter().map(|u| format!("update:{}", u["update_id"])).collect();
    expected.sort();
    assert_eq!(keys, expected);
}

#[tokio::test]
async fn deep_json_a_large_body_and_any_content_type_are_taken() {
    let world = World::start().await;
    let deep = format!("{{\"update_id\": 5, \"x\": {}{}}}", "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(world.webhook(deep).await.status, StatusCode::OK);
    let mut large = world.message(42, 42, "x");
    large["message"]["padding"] = json!("y".repeat(600_000));
    world.update(&large).await;
    let headers = [("x-telegram-bot-api-secret-token", SECRET), ("content-type", "text/plain")];
    let plain = world.send(Method::POST, "/webhooks/telegram", &headers, world.message(42, 42, "z").to_string()).await;
    assert_eq!((plain.status, &plain.body[..]), (StatusCode::OK, &b""[..]));
    let conversation = world.conversation("42").to_string();
    let events = world.events().await;
    let of_chat: Vec<_> = events.iter().filter(|r| *r.subject.id == conversation).collect();
    let source = source(&of_chat[0].event);
    assert!(source.raw.is_empty());
    let blob = world.log.get_blob(&source.raw_blob).await.unwrap();
    assert_eq!(blob, large.to_string());
    assert_eq!(of_chat.len(), 2);
}

#[tokio::test]
async fn a_group_that_became_a_supergroup_stays_one_conversation() {
    let world = World::start().await;
    let group = world.message(42, -5, "/start in the group");
    let mut to = world.message(42, -5, "");
    to["message"].as_object_mut().unwrap().remove("text");
    let mut from = to.clone();
    to["message"]["migrate_to_chat_id"] = json!(-1005);
    from["update_id"] = json!(world.update_id());
    from["message"]["chat"]["id"] = json!(-1005);
    from["message"]["migrate_from_chat_id"] = json!(-5);
    for update in [&group, &from, &to, &world.message(42, -1005, "/start in the supergroup")] {
        world.update(update).await;
    }
    let conversation = world.conversation("-5").to_string();
    let types = world.types(&conversation).await;
    assert_eq!(
        types,
        ["ClientResponded", "UpdateKept", "AddressBound", "UpdateKept", "AddressBound", "ClientResponded"]
    );
    assert!(world.types(&world.conversation("-1005").to_string()).await.is_empty());
}

#[tokio::test]
async fn a_block_and_its_end_are_recorded() {
    let world = World::start().await;
    let conversation = world.client(42).await;
    for (old, new) in [("member", "kicked"), ("kicked", "member")] {
        world
            .update(&json!({"update_id": world.update_id(), "my_chat_member": {"date": Utc::now().timestamp(),
                "chat": {"id": 42, "type": "private"}, "from": {"id": 42, "is_bot": false},
                "old_chat_member": {"status": old}, "new_chat_member": {"status": new}}}))
            .await;
    }
    assert_eq!(world.types(&conversation).await, ["ClientResponded", "RecipientBlocked", "RecipientUnblocked"]);
}

#[tokio::test]
async fn without_the_log_nothing_is_acknowledged_and_nothing_is_lost() {
    let mut world = World::start().await;
    let conversation = world.client(42).await;
    let update = world.message(42, 42, "while it is down");
    world.server.as_mut().unwrap().kill();
    let refused = world.webhook(update.to_string()).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.text("detail").len() > 20);
    world.server.as_mut().unwrap().run().await;
    while world.webhook(update.to_string()).await.status != StatusCode::OK {}
    assert_eq!(world.types(&conversation).await, ["ClientResponded", "ClientResponded"]);
}

#[tokio::test]
async fn a_full_log_is_said_to_be_full() {
    let server = world::server::Server::start_with("max_file_store: 4MB").await;
    let world = World::start_on(server, |_| steward_http::Guard::open()).await;
    let mut update = world.message(42, 42, "x");
    update["message"]["padding"] = json!("y".repeat(200_000));
    let mut answer = world.webhook(update.to_string()).await;
    for _ in 0..40 {
        if answer.status != StatusCode::OK {
            break;
        }
        update["update_id"] = json!(world.update_id());
        answer = world.webhook(update.to_string()).await;
    }
    assert_eq!(answer.status, StatusCode::INSUFFICIENT_STORAGE, "{:?}", answer.body);
    assert_eq!(answer.text("code"), "log_full");
}

#[tokio::test]
async fn many_at_once_are_each_kept_once_and_takeovers_between_them_too() {
    let world = World::start().await;
    let clients: Vec<Value> = (0..200).map(|i| world.message(42 + i % 20, -5 - i % 3, "hello")).collect();
    let operators: Vec<Value> =
        (0..20).map(|i| world.message(world::OPERATOR, -5, ["/human_active", "/human_release"][i % 2])).collect();
    let twice = clients.iter().chain(&operators).chain(&clients).chain(&operators);
    futures::future::join_all(twice.map(|update| world.update(update))).await;
    let mut events = 0;
    for chat in ["-5", "-6", "-7"] {
        events += world.types(&world.conversation(chat).to_string()).await.len();
    }
    assert_eq!(events, clients.len() + operators.len());
}

#[tokio::test]
async fn channels_are_named_to_their_tenant_and_to_nobody_else() {
    let server = world::server::Server::start().await;
    let world = World::start_on(server, steward_http::Guard::keys).await;
    let (own, theirs) = (world.key("default", "reader").await, world.key("others", "reader").await);
    for path in ["/webhooks/x", "/webhooks/telegram/nope", "/webhooks/web", "/webhooks/web/web"] {
        let told = async |headers: &[(&str, &str)]| {
            let answer = world.send(Method::POST, path, headers, "{}").await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            answer.text("detail")
        };
        assert!(told(&[("authorization", &own)]).await.contains(PATH), "{path}");
        for stranger in [told(&[]).await, told(&[("authorization", &theirs)]).await] {
            assert!(
                !stranger.contains("/tg") && !stranger.contains("/wa") && !stranger.contains("/mail"),
                "{stranger}"
            );
        }
    }
}

#[tokio::test]
async fn no_body_is_read_for_whoever_shows_no_proof() {
    let world = World::start().await;
    for (path, status) in [
        ("/webhooks/telegram/tg", StatusCode::UNAUTHORIZED),
        ("/webhooks/whatsapp/wa", StatusCode::UNAUTHORIZED),
        ("/webhooks/email/bare", StatusCode::UNAUTHORIZED),
        ("/webhooks/telegram/nope", StatusCode::NOT_FOUND),
        ("/webhooks/nope", StatusCode::NOT_FOUND),
    ] {
        for headers in [
            &[][..],
            &[("x-telegram-bot-api-secret-token", "wrong"), ("x-hub-signature-256", "sha256=00")],
            &[("content-type", "message/rfc822")],
            &[("x-steward-signature", "00")],
            &[("authorization", "Basic eDp5")],
        ] {
            let body = futures::stream::pending::<Result<axum::body::Bytes, std::convert::Infallible>>();
            let sent = world.send(Method::POST, path, headers, axum::body::Body::from_stream(body));
            let answer = tokio::time::timeout(std::time::Duration::from_secs(120), sent).await;
            assert_eq!(
                answer.unwrap_or_else(|_| panic!("{path} waits for a body")).status,
                status,
                "{path} {headers:?}"
            );
        }
    }
}

#[tokio::test]
async fn an_ugly_fact_is_kept_with_clean_ids() {
    let world = World::start().await;
    let mut update = world.message(42, 42, "a\0b");
    update["business_message"] = update["message"].take();
    update.as_object_mut().unwrap().remove("message");
    update["business_message"]["business_connection_id"] = json!("b".repeat(6_000));
    update["business_message"]["from"]["first_name"] = json!("Ana\r\nNats-Msg-Id: x\u{202e}");
    update["business_message"]["chat"]["title"] = json!("t".repeat(10_000));
    update["business_message"]["date"] = json!(i64::MAX);
    world.update(&update).await;
    let events = world.events().await;
    let [recorded] = &events[..] else { panic!("{} events", events.len()) };
    let Event::ClientResponded(said) = &recorded.event else { panic!("{}", recorded.event.type_name()) };
    let (source, from) = (said.source.as_ref().unwrap(), said.from.as_ref().unwrap());
    assert!(source.external_id.starts_with("sha256:") && source.title.len() < 1_000 && source.sent_at.is_none());
    assert_eq!((said.text.as_str(), from.name.as_str()), ("ab", "Ana Nats-Msg-Id: x"));
    assert_eq!(source.raw, update.to_string().into_bytes(), "all of it is in the raw body");
    // The same person is the same conversation.
    let mut again = update.clone();
    again["update_id"] = json!(world.update_id());
    world.update(&again).await;
    let events = world.events().await;
    assert_eq!((events.len(), &events[0].subject.id), (2, &events[1].subject.id));
}

#[tokio::test]
async fn what_may_be_one_part_of_several_is_marked_as_such() {
    let world = World::start().await;
    let photo = json!([{ "file_id": "f1", "file_unique_id": "u1", "width": 1, "height": 1 }]);
    let part = |change: &dyn Fn(&mut Value)| {
        let mut update = world.message(42, 42, "x");
        change(&mut update["message"]);
        update
    };
    let without_text = |message: &mut Value| {
        message.as_object_mut().unwrap().remove("text");
        message["photo"] = photo.clone();
    };
    let long = "é".repeat(4_096);
    let updates = [
        part(&|m| {
            without_text(m);
            m["caption"] = json!("write to me in two days");
            m["media_group_id"] = json!("g1");
        }),
        part(&|m| {
            without_text(m);
            m["media_group_id"] = json!("g1");
        }),
        part(&|m| m["forward_origin"] = json!({ "type": "hidden_user", "sender_user_name": "X", "date": 1 })),
        part(&|m| m["text"] = json!(long)),
        part(&|_| {}),
        part(&without_text),
    ];
    for update in &updates {
        world.update(update).await;
    }
    let marks: Vec<(String, bool, bool)> = world
        .events()
        .await
        .into_iter()
        .filter_map(|recorded| match recorded.event {
            Event::ClientResponded(e) => Some((e.album, e.joins, e.goes_on)),
            _ => None,
        })
        .collect();
    let expected = [
        ("g1", false, false),
        ("g1", true, false),
        ("", true, false),
        ("", false, true),
        ("", false, false),
        ("", true, false),
    ];
    assert_eq!(marks, expected.map(|(album, joins, goes_on)| (album.to_owned(), joins, goes_on)));
}

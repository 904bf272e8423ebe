//! Text from outside in every field of an append: it is stored and read back, and no other append is affected.

#![allow(clippy::unwrap_used)]

mod support;

use steward_log::{
    Append, AppendError, AtLeast, Condition, ConnectOptions, Expected, Log, LogError, TextError, header,
};
use support::events::{Seen, conversation, event};
use support::server::Server;
use tokio_util::sync::CancellationToken;

async fn started() -> (Server, Log) {
    let server = Server::start().await;
    let log = Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.unwrap();
    log.ensure_streams().await.unwrap();
    (server, log)
}

fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "a\r\nNats-Rollup: all",
        "\n",
        "a\rb",
        "\0",
        " padded ",
        "",
        "\u{202e}gnirts",
        "\u{85}\u{2028}",
        "UTF-8''%41",
        "sha256:0",
        "Ünï😀",
        "\r\n\r\nPUB ev.other.conversation.x.y 0\r\n\r\n",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.extend(["x".repeat(10_000), "\n".repeat(10_000), "é\r\n".repeat(350_000)]);
    texts
}

#[tokio::test]
async fn whatever_stands_in_an_actor_or_a_key_is_stored_once_and_reads_back() {
    let (_server, log) = started().await;
    for (i, text) in hostile().into_iter().enumerate() {
        let mut new = event();
        new.metadata.actor = text.clone();
        new.metadata.traceparent = text.clone();
        let append = Append {
            aggregate: conversation(i),
            events: vec![new, event()],
            expected: Expected::Any,
            dedupe_key: Some(text.clone()),
        };
        let appended = log.append(append.clone()).await.unwrap();
        assert!(!appended.duplicate, "{i}: no other text has its key");
        let read = log.read(appended.first).await.unwrap().unwrap();
        assert_eq!(read.metadata.actor, header::bounded(&text), "{i}");
        assert_eq!(read.metadata.traceparent, header::bounded(&text), "{i}");
        assert_eq!(read.event, append.events[0].event);
        assert_eq!(log.append(append).await.unwrap().first, appended.first, "{i}: it was stored twice");
    }
    let conditions = log.health().conditions();
    assert!(conditions.iter().all(|(_, condition)| *condition == Condition::Well), "{conditions:?}");
}

#[tokio::test]
async fn the_cache_holds_what_the_log_gives_back() {
    let (_server, log) = started().await;
    for text in hostile() {
        let aggregate = conversation(uuid::Uuid::new_v4());
        log.decide::<Seen, _, ()>(&aggregate, AtLeast::Latest, |_, _| {
            let mut new = event();
            new.metadata.actor = text.clone();
            Ok((vec![new], ()))
        })
        .await
        .unwrap();
        let cached = log.load::<Seen>(&aggregate, AtLeast::Cached).await.unwrap();
        let fresh = log.read(cached.version).await.unwrap().unwrap();
        assert_eq!(cached.state.actors, [fresh.metadata.actor]);
    }
}

/// One of many in a batch is refused alone.
#[tokio::test]
async fn what_cant_be_stored_is_refused_to_that_one_caller() {
    let (_server, log) = started().await;
    let burst = (0..200).map(|i| {
        let (log, mut events) = (log.clone(), vec![event()]);
        async move {
            if i % 10 == 0 {
                events.clear();
            } else if i % 10 == 1 {
                events[0].metadata.actor = "a\r\nb".repeat(100_000);
            }
            let append = Append { aggregate: conversation(i), events, expected: Expected::Any, dedupe_key: None };
            (i, log.append(append).await)
        }
    });
    for (i, answer) in futures::future::join_all(burst).await {
        match i % 10 {
            0 => assert!(matches!(&answer, Err(error @ AppendError::Empty) if error.is_permanent()), "{answer:?}"),
            _ => assert!(answer.is_ok(), "{i}: {answer:?}"),
        }
    }
}

#[tokio::test]
async fn a_consumers_name_that_an_operator_types_reaches_no_other_subject() {
    let (_server, log) = started().await;
    for name in ["*", ">", "worker.*", "a b", "a\r\nPUB ev.default.conversation.a.x 0\r\n\r\n", ""] {
        for refused in [log.retry_dead_letter(name, 1).await, log.remove_dead_letter(name, 1).await] {
            assert!(matches!(refused, Err(LogError::Text(TextError::Subject(_)))), "{name:?}: {refused:?}");
        }
    }
    assert_eq!(log.last_position().await.unwrap(), 0);
}

//! What one reader takes leaves others their part: pages by size, shares of reads and streams, keys that are revoked.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use axum::{body::BodyDataStream, http::StatusCode};
use futures::{StreamExt as _, future::join_all};
use steward_domain::ids;
use steward_proto::v1;
use support::{Api, System, stories::Chat, tenant};

async fn bytes_of(api: &Api, path: &str) -> (StatusCode, usize, serde_json::Value) {
    let response = api.send(path, &[]).await;
    let status = response.status();
    let said = response.headers().get("content-length").map(|v| v.to_str().unwrap().parse::<usize>().unwrap());
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    if status == StatusCode::OK {
        assert_eq!(said, Some(body.len()));
    }
    (status, body.len(), serde_json::from_slice(&body).unwrap())
}

/// Records `count` messages of `length` bytes each.
async fn write(system: &System, chat: &Chat, count: usize, length: usize) {
    for n in 0..count {
        let text = format!("{n:06}{}", "x".repeat(length - 6));
        system.record(&chat.aggregate, vec![chat.writes(&format!("m:{n}"), &text)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_ends_when_it_is_long_and_the_next_one_goes_on() {
    let mut system = System::start().await;
    system.limits.page_bytes = 100_000;
    let _projector = system.project();
    let chat = Chat::new(&tenant("default"), "ana");
    write(&system, &chat, 40, 20_000).await;
    // A message that is longer than a page may be is a page of its own.
    system.record(&chat.aggregate, vec![chat.writes("long", &"y".repeat(400_000))]).await;
    system.caught_up().await;
    let api = system.api();
    for list in ["events", "messages"] {
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let (status, length, page) = bytes_of(&api, &format!("/api/v1/{list}?limit=1000{cursor}")).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            let items = page["items"].as_array().unwrap();
            assert!(length < 125_000 || items.len() == 1, "{list}: {} items are {length} bytes", items.len());
            seen.extend(items.iter().map(|item| item["position"].as_u64().unwrap()));
            pages += 1;
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, (1..=41).rev().collect::<Vec<_>>(), "{list}: each once");
        assert!(pages >= 9, "{list}: {pages} pages");
    }
    for query in [format!("external_id={}", "x".repeat(3_000)), (0..40).map(|n| format!("p{n}=1&")).collect()] {
        let answer = api.get(&format!("/api/v1/conversations?{query}")).await;
        assert_eq!((answer.status, answer.body["code"].as_str()), (StatusCode::BAD_REQUEST, Some("bad_query")));
    }
}

async fn open(api: &Api, query: &str) -> (StatusCode, Option<String>, BodyDataStream) {
    let response = api.send(&format!("/api/v1/stream{query}"), &[]).await;
    let retry = response.headers().get("retry-after").map(|v| v.to_str().unwrap().to_owned());
    (response.status(), retry, response.into_body().into_data_stream())
}

async fn chunk(stream: &mut BodyDataStream) -> Option<String> {
    let chunk = tokio::time::timeout(Duration::from_secs(120), stream.next()).await.expect("it goes on or ends");
    chunk.map(|chunk| String::from_utf8(chunk.unwrap().to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_keys_stream_ends_at_a_heartbeat() {
    let mut system = System::start().await;
    system.limits.heartbeat = Duration::from_millis(100);
    let _projector = system.project();
    let api = system.api_of("default").await;
    let key = system.key_of("default").await;
    let (status, _, mut revoked) = open(&api.with_key(&key.text), "").await;
    let (_, _, mut other) = open(&api, "").await;
    assert_eq!(status, StatusCode::OK);
    for stream in [&mut revoked, &mut other] {
        chunk(stream).await.unwrap();
        assert!(chunk(stream).await.unwrap().contains("heartbeat"));
    }
    let revocation = v1::ApiKeyRevoked { key_id: key.key_id.clone(), ..v1::ApiKeyRevoked::default() };
    system.record(&ids::tenant_aggregate(&tenant("default")), vec![revocation.into()]).await;
    let mut last = String::new();
    while let Some(chunk) = chunk(&mut revoked).await {
        last = chunk;
    }
    assert!(last.contains("no longer in force"), "{last}");
    // The other tenant's stream goes on.
    let chat = Chat::new(&tenant("default"), "ana");
    system.record(&chat.aggregate, vec![chat.writes("m:1", "hello")]).await;
    while !chunk(&mut other).await.expect("it goes on").contains("hello") {}
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_and_replays_have_their_number_and_each_tenant_its_share() {
    let mut system = System::start().await;
    (system.limits.streams, system.limits.streams_per_tenant, system.limits.streams_per_key) = (4, 3, 2);
    system.limits.replays = 2;
    let _projector = system.project();
    let chat = Chat::new(&tenant("a"), "ana");
    write(&system, &chat, 30, 1_000).await;
    let a = system.api_of("a").await;
    let b = Api { key: Some(system.key_of("b").await.text), ..a.clone() };
    let again = Api { key: Some(system.key_of("a").await.text), ..a.clone() };
    // The stream reads the past as slowly as its reader does.
    let (status, _, replaying) = open(&a, "?after=0").await;
    assert_eq!(status, StatusCode::OK);
    let (status, retry, _) = open(&again, "?after=0").await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "a tenant has half of the replays");
    assert!(retry.is_some());
    assert_eq!(open(&b, "?after=0").await.0, StatusCode::OK, "another tenant has the other half");
    drop(replaying);
    let (status, _, mut replayed) = open(&again, "?after=0").await;
    assert_eq!(status, StatusCode::OK);
    let mut text = String::new();
    while !text.contains("000029") {
        text += &chunk(&mut replayed).await.unwrap();
    }
    drop(replayed);
    let first = (open(&a, "").await, open(&a, "").await);
    assert_eq!((first.0.0, first.1.0), (StatusCode::OK, StatusCode::OK));
    let (status, retry, _) = open(&a, "").await;
    assert_eq!((status, retry.is_some()), (StatusCode::TOO_MANY_REQUESTS, true), "a key has two");
    let third = open(&again, "").await;
    assert_eq!(third.0, StatusCode::OK);
    assert_eq!(open(&again, "").await.0, StatusCode::TOO_MANY_REQUESTS, "a tenant has three");
    let theirs = open(&b, "").await;
    assert_eq!(theirs.0, StatusCode::OK);
    drop(first);
    assert_eq!(open(&again, "").await.0, StatusCode::OK, "a stream that ended has given its place back");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_breaks_off_what_takes_too_long() {
    let system = System::start().await;
    let _projector = system.project();
    let chat = Chat::new(&tenant("default"), "ana");
    write(&system, &chat, 1, 10).await;
    system.caught_up().await;
    let mut client = system.pool.get().await.unwrap();
    let transaction = client.transaction().await.unwrap();
    transaction.batch_execute("LOCK TABLE rm_1.messages IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let api = system.api();
    let waiting = api.get("/api/v1/messages");
    let (answer, took) = async {
        let started = Instant::now();
        (waiting.await, started.elapsed())
    }
    .await;
    assert_eq!((answer.status, answer.body["code"].as_str()), (StatusCode::SERVICE_UNAVAILABLE, Some("too_slow")));
    assert!(took < Duration::from_secs(12), "{took:?}");
    // A reader who has asked and gone away leaves nothing running either.
    let gone = tokio::time::timeout(Duration::from_millis(500), api.get("/api/v1/messages")).await;
    assert!(gone.is_err());
    let running = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%messages%'";
    let ended = async {
        // Postgres tells nobody that a query of somebody else's has ended.
        while transaction.query_one(running, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), ended).await.expect("Postgres cancels it");
    transaction.rollback().await.unwrap();
    assert_eq!(api.get("/api/v1/messages").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heavy_reader_of_one_tenant_keeps_nothing_from_another() {
    let mut system = System::start().await;
    system.limits.reads = 6;
    let _projector = system.project();
    let big = Chat::new(&tenant("big"), "ana");
    write(&system, &big, 60, 200_000).await;
    let flooding = system.api_of("big").await;
    let small = Chat::new(&tenant("small"), "bob");
    let api = Api { key: Some(system.key_of("small").await.text), ..flooding.clone() };
    system.caught_up().await;
    let (done, served, refused) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let pages = join_all((0..24).map(|_| async {
        while !done.load(Ordering::Relaxed) {
            let (status, length, body) = bytes_of(&flooding, "/api/v1/events?limit=1000").await;
            match status {
                StatusCode::OK => {
                    assert!(length < 5_000_000, "{length}");
                    served.fetch_add(1, Ordering::Relaxed)
                }
                StatusCode::TOO_MANY_REQUESTS => refused.fetch_add(1, Ordering::Relaxed),
                other => panic!("{other}: {body}"),
            };
        }
    }));
    let streams = join_all((0..24).map(|_| async {
        while !done.load(Ordering::Relaxed) {
            let (status, _, mut stream) = open(&flooding, "?after=0").await;
            for _ in 0..20 {
                if status != StatusCode::OK || done.load(Ordering::Relaxed) {
                    break;
                }
                let _ = chunk(&mut stream).await;
            }
        }
    }));
    let victim = async {
        let mut slowest = Duration::ZERO;
        let (_, _, mut live) = open(&api, "").await;
        for n in 0..15 {
            let started = Instant::now();
            let position =
                system.record(&small.aggregate, vec![small.writes(&format!("m:{n}"), &format!("small {n}."))]).await;
            let after = position.to_string();
            let answer = api.get_with("/api/v1/messages?limit=1", &[("steward-after", &after)]).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            assert_eq!(answer.body["items"][0]["text"], format!("small {n}."));
            while !chunk(&mut live).await.unwrap().contains(&format!("small {n}.")) {}
            slowest = slowest.max(started.elapsed());
        }
        done.store(true, Ordering::Relaxed);
        slowest
    };
    let (_, _, slowest) = tokio::join!(pages, streams, victim);
    assert!(served.load(Ordering::Relaxed) > 0);
    println!("served {served:?}, refused {refused:?}, the other's slowest write, read and live event {slowest:?}");
    assert!(slowest < Duration::from_secs(20), "{slowest:?}");
}

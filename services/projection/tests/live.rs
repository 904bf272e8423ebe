//! The live stream shows each event once, in order, whatever happens to the connection.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use axum::{body::BodyDataStream, http::StatusCode};
use futures::StreamExt as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;
use steward_domain::ids;
use steward_http::Guard;
use steward_proto::v1;
use support::{Api, System, stories::Chat, tenant};

/// A reader of server-sent events.
struct Reader {
    body: BodyDataStream,
    rest: String,
    ready: std::collections::VecDeque<Seen>,
    /// The last id seen, in comments as well.
    id: Option<u64>,
}

#[derive(Debug, Clone)]
struct Seen {
    id: u64,
    kind: String,
    data: Value,
}

impl Reader {
    async fn open(api: &Api, query: &str, last: Option<u64>) -> Self {
        let last = last.map(|id| id.to_string());
        let headers: Vec<(&str, &str)> = last.as_deref().map(|id| ("last-event-id", id)).into_iter().collect();
        let response = api.send(&format!("/api/v1/stream{query}"), &headers).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut reader = Self {
            body: response.into_body().into_data_stream(),
            rest: String::new(),
            ready: Default::default(),
            id: None,
        };
        while reader.id.is_none() {
            assert!(reader.read().await, "the opening carries an id");
        }
        reader
    }

    /// Reads a piece of the stream; `false` at its end.
    async fn read(&mut self) -> bool {
        let Some(chunk) = self.body.next().await else { return false };
        self.rest.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        while let Some(end) = self.rest.find("\n\n") {
            let block: String = self.rest.drain(..end + 2).collect();
            let field = |name: &str| block.lines().find_map(|l| l.strip_prefix(name)).map(|v| v.trim().to_owned());
            let id: u64 = field("id:").unwrap().parse().unwrap();
            self.id = Some(id);
            if let Some(data) = field("data:") {
                let data = serde_json::from_str(&data).unwrap();
                self.ready.push_back(Seen { id, kind: field("event:").unwrap(), data });
            }
        }
        true
    }

    async fn next(&mut self) -> Seen {
        let coming = async {
            loop {
                if let Some(seen) = self.ready.pop_front() {
                    return seen;
                }
                assert!(self.read().await, "the stream ended");
            }
        };
        // The limit is for the whole wait, since heartbeats aren't events.
        tokio::time::timeout(Duration::from_secs(120), coming).await.expect("an event comes")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_whose_line_breaks_sees_each_event_once_in_order() {
    let system = System::start().await;
    let api = system.api();
    let chat = Chat::new(&tenant("default"), "ana");
    let mut reader = Reader::open(&api, "", None).await;
    let writer = async {
        for n in 0..600 {
            system.record(&chat.aggregate, vec![chat.writes(&format!("m:{n}"), &n.to_string())]).await;
        }
    };
    let listener = async {
        let mut random = StdRng::seed_from_u64(11);
        let mut texts = Vec::new();
        let mut last = reader.id;
        while texts.len() < 600 {
            let seen = reader.next().await;
            assert!(Some(seen.id) > last, "{} after {last:?}", seen.id);
            last = Some(seen.id);
            texts.push(seen.data["message"]["text"].as_str().unwrap().to_owned());
            if random.random_bool(0.05) {
                reader = Reader::open(&api, "", last).await;
            }
        }
        assert_eq!(texts, (0..600).map(|n| n.to_string()).collect::<Vec<_>>());
    };
    tokio::join!(writer, listener);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_catches_up_from_the_log() {
    let system = System::start().await;
    let api = system.api();
    let chat = Chat::new(&tenant("default"), "ana");
    let mut reader = Reader::open(&api, "", None).await;
    // Another reader is quick, so that the shared feed moves on.
    let mut quick = Reader::open(&api, "", None).await;
    // The slow reader joins, and then reads nothing while more goes by than the feed holds.
    system.record(&chat.aggregate, vec![chat.writes("first", "first")]).await;
    assert_eq!(reader.next().await.data["message"]["text"], "first");
    quick.next().await;
    for batch in 0..12 {
        let events = (0..500).map(|n| chat.writes(&format!("m:{batch}:{n}"), &(batch * 500 + n).to_string())).collect();
        system.record(&chat.aggregate, events).await;
    }
    for reader in [&mut quick, &mut reader] {
        for n in 0..6000 {
            assert_eq!(reader.next().await.data["message"]["text"], n.to_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_as_the_kinds_that_users_know_and_filters_hold() {
    let system = System::start().await;
    let api = system.api();
    let (chat, other) = (Chat::new(&tenant("default"), "ana"), Chat::new(&tenant("default"), "bob"));
    let mut all = Reader::open(&api, "", None).await;
    let start = all.id.unwrap();
    let due_at = chrono::Utc::now();
    system.record(&chat.aggregate, vec![chat.writes("m:1", "hello")]).await;
    system.record(&chat.aggregate, vec![chat.writes("m:2", "again"), chat.promises(1, due_at)]).await;
    system.record(&other.aggregate, vec![v1::UpdateKept::default().into(), v1::HumanRequested::default().into()]).await;
    let position = system.record(&chat.aggregate, chat.keeps(1, due_at)).await;
    let mut seen = Vec::new();
    while seen.last().is_none_or(|s: &Seen| s.id < position) {
        seen.push(all.next().await);
    }
    let shown: Vec<_> = seen.iter().map(|s| (s.kind.as_str(), s.data["type"].as_str().unwrap())).collect();
    assert_eq!(
        shown,
        [
            ("new_message", "ClientResponded"),
            ("new_message", "ClientResponded"),
            ("task_update", "FollowUpScheduled"),
            ("system_notification", "HumanRequested"),
            ("task_update", "FollowUpDue"),
            ("task_update", "DispatchStarted"),
            ("new_message", "DispatchSucceeded"),
        ]
    );
    assert_eq!((&seen[0].data["new_lead"], &seen[1].data["new_lead"]), (&true.into(), &false.into()));
    assert_eq!(seen[6].data["message"]["text"], "ping");
    assert_eq!(seen[3].data["code"], "human_requested");
    for s in &seen {
        assert_eq!(s.data["position"], s.id);
        assert!(s.data["event_id"].is_string() && s.data["conversation_id"].is_string(), "{}", s.data);
    }
    // Read again as the past, it is the same as it was live.
    let mut again = Reader::open(&api, &format!("?after={start}"), None).await;
    for s in &seen {
        let past = again.next().await;
        assert_eq!((past.id, &past.kind, &past.data), (s.id, &s.kind, &s.data));
    }
    let query = format!("?after={start}&types=task_update,system_notification&conversation_id={}", chat.id);
    let mut some = Reader::open(&api, &query, None).await;
    for expected in [&seen[2], &seen[4], &seen[5]] {
        assert_eq!(some.next().await.id, expected.id);
    }
    for query in ["?types=nope", "?after=x", "?colour=red"] {
        assert_eq!(api.send(&format!("/api/v1/stream{query}"), &[]).await.status(), StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_shows_only_its_own_tenant_and_ends_at_shutdown() {
    let system = System::start().await;
    let owner = tenant("other");
    let key = steward_http::create_key(&owner);
    let created = v1::ApiKeyCreated {
        key_id: key.key_id.clone(),
        role: "reader".to_owned(),
        hash: key.hash.clone(),
        ..v1::ApiKeyCreated::default()
    };
    system.record(&ids::tenant_aggregate(&owner), vec![created.into()]).await;
    let keys = Guard::keys(system.log.clone());
    let api = Api { router: steward_projection::router(system.reads(keys)), key: Some(key.text) };
    let mut live = Reader::open(&api, "", None).await;
    let ours = Chat::new(&tenant("default"), "ana");
    let theirs = Chat::new(&owner, "ana");
    system.record(&ours.aggregate, vec![ours.writes("m:1", "not theirs")]).await;
    system.record(&theirs.aggregate, vec![theirs.writes("m:1", "theirs")]).await;
    assert_eq!(live.next().await.data["message"]["text"], "theirs");
    let mut past = Reader::open(&api, "?after=0", None).await;
    assert_eq!(past.next().await.data["message"]["text"], "theirs");
    system.shutdown.cancel();
    for reader in [&mut live, &mut past] {
        let ended = tokio::time::timeout(Duration::from_secs(5), async { while reader.read().await {} }).await;
        assert!(ended.is_ok(), "the stream ends");
    }
}

//! Subscribers of the log: each is given what it was made for, and may do nothing else.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use async_nats::{Client, Event, HeaderMap, ServerError, Subscriber};
use futures::StreamExt;
use serde_json::{Value, json};
use steward_tests::System;
use tokio::sync::mpsc;

const SOON: Duration = Duration::from_secs(120);

/// What a command has printed: its success, and both of its outputs.
async fn run(system: &System, arguments: &[&str]) -> (bool, String, String) {
    let output = system.steward(arguments).unwrap().kill_on_drop(true).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

async fn create(system: &System, more: &[&str]) -> Value {
    let arguments = [&["credentials", "create", "--json"], more].concat();
    let (success, out, said) = run(system, &arguments).await;
    assert!(success, "{said}");
    serde_json::from_str(&out).unwrap()
}

/// A connection with a subscriber's credentials, and what comes to pass on it.
struct Third {
    client: Client,
    id: String,
    subject: String,
    inbox: String,
    denials: mpsc::UnboundedReceiver<String>,
    disconnected: mpsc::UnboundedReceiver<()>,
    attempts: usize,
}

impl Third {
    async fn connect(made: &Value) -> Result<Self, async_nats::ConnectError> {
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        let url = reqwest::Url::parse(&text("url")).unwrap();
        let (tell, denials) = mpsc::unbounded_channel();
        let (gone, disconnected) = mpsc::unbounded_channel();
        let options = async_nats::ConnectOptions::with_user_and_password(
            url.username().to_owned(),
            url.password().unwrap().to_owned(),
        );
        let options = options.custom_inbox_prefix(text("inbox_prefix")).max_reconnects(1);
        let options = options.event_callback(move |event| {
            match event {
                Event::ServerError(ServerError::Other(said)) => drop(tell.send(said)),
                Event::Disconnected => drop(gone.send(())),
                _ => {}
            }
            std::future::ready(())
        });
        let client = options.connect(url.as_str()).await?;
        let (id, subject, inbox) = (url.username().to_owned(), text("subject"), text("inbox_prefix"));
        Ok(Self { client, id, subject, inbox, denials, disconnected, attempts: 0 })
    }

    async fn events(&self) -> Subscriber {
        self.client.subscribe(self.subject.clone()).await.unwrap()
    }

    async fn denied(&mut self, subject: &str) {
        self.attempts += 1;
        self.client.flush().await.unwrap();
        let denial = tokio::time::timeout(SOON, self.denials.recv()).await;
        let denial = denial.unwrap_or_else(|_| panic!("{} may touch {subject}", self.id)).unwrap();
        assert!(denial.contains(&format!("\"{subject}\"")), "{subject}: {denial}");
    }
}

async fn next(events: &mut Subscriber) -> async_nats::Message {
    tokio::time::timeout(SOON, events.next()).await.expect("an event comes").expect("it listens")
}

async fn store(admin: &Client, subject: &str, text: &'static str) -> u64 {
    let mut headers = HeaderMap::new();
    headers.insert("Steward-Type", "Any");
    let stored = admin.request_with_headers(subject.to_owned(), headers, text.into()).await.unwrap();
    let stored: Value = serde_json::from_slice(&stored.payload).unwrap();
    stored["seq"].as_u64().unwrap_or_else(|| panic!("{stored}"))
}

async fn last_of(admin: &Client, stream: &str) -> u64 {
    let info = admin.request(format!("$JS.API.STREAM.INFO.{stream}"), "".into()).await.unwrap();
    serde_json::from_slice::<Value>(&info.payload).unwrap()["state"]["last_seq"].as_u64().unwrap()
}

/// Whatever a subscriber might try to get at, or to change.
fn tempting(own: &str, other: &str) -> Vec<String> {
    let calls = [
        "INFO",
        "STREAM.NAMES",
        "STREAM.LIST",
        "STREAM.INFO.EVENTS",
        "STREAM.CREATE.OTHER",
        "STREAM.UPDATE.EVENTS",
        "STREAM.PURGE.EVENTS",
        "STREAM.DELETE.EVENTS",
        "STREAM.MSG.DELETE.EVENTS",
        "STREAM.MSG.GET.EVENTS",
        "STREAM.SNAPSHOT.EVENTS",
        "STREAM.MSG.GET.OBJ_BLOBS",
        "STREAM.MSG.GET.KV_SCHEDULER",
        "DIRECT.GET.EVENTS",
        "DIRECT.GET.EVENTS.ev.other.conversation.x.client_responded",
        "DIRECT.GET.EVENTS.ev.default.conversation.x.client_responded",
        "DIRECT.GET.OBJ_BLOBS.$O.BLOBS.M.eA==",
        "DIRECT.GET.KV_SCHEDULER.$KV.SCHEDULER.sweep_floor",
        "CONSUMER.NAMES.EVENTS",
        "CONSUMER.LIST.EVENTS",
        "CONSUMER.CREATE.EVENTS",
        "CONSUMER.CREATE.EVENTS.mine",
        "CONSUMER.CREATE.EVENTS.mine.ev.other.>",
        "CONSUMER.CREATE.EVENTS.mine.ev.default.conversation.>",
        "CONSUMER.DURABLE.CREATE.EVENTS.mine",
        "CONSUMER.MSG.NEXT.EVENTS.scheduler",
        "CONSUMER.DELETE.EVENTS.scheduler",
    ];
    let mut subjects: Vec<String> = calls.iter().map(|call| format!("$JS.API.{call}")).collect();
    for id in [own, other] {
        for call in ["CREATE", "DURABLE.CREATE", "INFO", "MSG.NEXT", "DELETE", "PAUSE", "RESET", "UNPIN"] {
            subjects.push(format!("$JS.API.CONSUMER.{call}.EVENTS.{id}"));
        }
        subjects.push(format!("$JS.API.CONSUMER.CREATE.EVENTS.{id}.ev.other.>"));
        subjects.push(format!("$JS.API.CONSUMER.CREATE.EVENTS.{id}.ev.default.conversation.>"));
        subjects.push(format!("$JS.FC.EVENTS.{id}.x"));
    }
    let acknowledged = |id: &str| format!("$JS.ACK.EVENTS.{id}.1.1.1.1.0");
    subjects.extend([acknowledged(other), acknowledged("scheduler"), format!("$JS.ACK.TIMERS.{own}.1.1.1.1.0")]);
    let others = [
        "ev.default.conversation.x.client_responded",
        "ev.other.conversation.x.client_responded",
        "ev.default.tenant.default.api_key_created",
        "sch.default.conversation.x.follow_up.y",
        "due.default.conversation.x.follow_up.y",
        "dead.scheduler.1",
        "retry.scheduler.1",
        "$KV.SCHEDULER.sweep_floor",
        "$O.BLOBS.M.eA==",
        "deliver.default.other.x",
        "$SYS.REQ.SERVER.PING",
        "$SYS.REQ.SERVER.x.RELOAD",
        "anything",
    ];
    subjects.extend(others.map(str::to_owned));
    subjects
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_takes_what_it_was_given_and_can_do_nothing_else() {
    let system = System::start_servers().await.unwrap();
    let admin = system.nats().await.unwrap();
    let given = ["--name", "crm", "--after", "0", "--subject", "ev.default.conversation.>"];
    let made = create(&system, &given).await;
    let other = create(&system, &["--name", "crm", "--after", "0", "--subject", "ev.other.>"]).await;
    let mine = "ev.default.conversation.x.client_responded";
    store(&admin, "ev.other.conversation.x.client_responded", "of another tenant").await;
    store(&admin, "ev.default.contact.x.goal_set", "not asked for").await;
    store(&admin, "ev.other.webhook.x.webhook_created", "a secret").await;
    store(&admin, mine, "mine").await;
    let end = store(&admin, "ev.other.webhook.x.webhook_deleted", "no secret").await;
    let mut third = Third::connect(&made).await.unwrap();
    let mut events = third.events().await;
    let event = next(&mut events).await;
    assert_eq!((event.subject.as_str(), &event.payload[..]), (mine, &b"mine"[..]));
    assert_eq!(event.headers.as_ref().unwrap().get("Steward-Type").unwrap().as_str(), "Any");
    let of_other = Third::connect(&other).await.unwrap();
    let mut theirs = of_other.events().await;
    assert_eq!(&next(&mut theirs).await.payload[..], b"of another tenant");
    assert_eq!(&next(&mut theirs).await.payload[..], b"no secret", "all of a tenant is all but its secrets");

    for subject in tempting(&third.id.clone(), &of_other.id) {
        let reply = format!("{}.none", third.inbox);
        third.client.publish_with_reply(subject.clone(), reply, "{}".into()).await.unwrap();
        third.denied(&subject).await;
    }
    let (others_subject, others_inbox) = (of_other.subject.clone(), format!("{}.>", of_other.inbox));
    let listening =
        [">", "ev.>", mine, "deliver.>", "deliver.*.*.*", &others_subject, &others_inbox, "_INBOX.>", "$JS.ACK.>"];
    for subject in
        listening.into_iter().chain(["$JS.EVENT.ADVISORY.>", "$JS.API.>", "$SYS.>", "$KV.>", "$O.>", "due.>"])
    {
        let listens = third.client.subscribe(subject.to_owned()).await.unwrap();
        third.denied(subject).await;
        drop(listens);
    }
    println!("{} attempts refused", third.attempts);
    assert!(third.attempts >= 60);

    // The server doesn't check where an answer is to go; in an account of its own the subscriber can't have it stored.
    let acknowledge = event.reply.clone().unwrap();
    // Nor can it guess where another listens.
    for reply in ["ev.other.conversation.y.client_responded", "$JS.API.STREAM.PURGE.EVENTS", "deliver.other.crm.x"] {
        for body in ["+NXT", "-NAK", "+ACK"] {
            let reply = reply.to_owned();
            third.client.publish_with_reply(acknowledge.clone(), reply, body.into()).await.unwrap();
        }
    }
    // This answer comes after those.
    let answer = tokio::time::timeout(SOON, third.client.request(acknowledge, "+ACK".into())).await.unwrap();
    assert!(answer.unwrap().payload.is_empty());
    assert_eq!(last_of(&admin, "EVENTS").await, end, "nothing was stored, nothing purged");
    let later = store(&admin, "ev.other.conversation.x.client_responded", "later").await;
    assert_eq!(later, end + 1);
    assert_eq!(&next(&mut theirs).await.payload[..], b"later", "nothing else came to the other subscriber");
    for stream in ["TIMERS", "DEAD", "OBJ_BLOBS", "KV_SCHEDULER"] {
        assert_eq!(last_of(&admin, stream).await, 0, "nothing got into {stream}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_while_a_subscriber_or_the_server_is_away_comes_afterwards_until_it_is_revoked() {
    let mut system = System::start_servers().await.unwrap();
    let admin = system.nats().await.unwrap();
    let subject = "ev.default.conversation.x.client_responded";
    store(&admin, subject, "before it was made").await;
    let made = create(&system, &["--subject", subject]).await;
    let third = Third::connect(&made).await.unwrap();
    let mut events = third.events().await;
    store(&admin, subject, "first").await;
    let first = next(&mut events).await;
    assert_eq!(&first.payload[..], b"first", "it is given what happens from now on");
    third.client.request(first.reply.unwrap(), "+ACK".into()).await.unwrap();
    // Once the server knows that nobody listens, it keeps the next one.
    drop(events);
    third.client.flush().await.unwrap();
    drop(third);
    store(&admin, subject, "second").await;
    system.process("servers").unwrap().stop(SOON).await.unwrap();
    system.start_again().await.unwrap();
    let mut third = Third::connect(&made).await.unwrap();
    let mut events = third.events().await;
    assert_eq!(&next(&mut events).await.payload[..], b"second");

    let (success, _, said) = run(&system, &["credentials", "create", "--subject", "ev.default.>"]).await;
    assert!(!success && said.contains("already"), "{said}");
    let (_, listed, _) = run(&system, &["credentials", "list", "--json"]).await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let expected = json!({ "name": "subscriber", "tenant": "default", "subjects": [subject], "listens": true, "waiting": 0, "in_hand": 1 });
    assert_eq!(listed, expected);
    let (_, table, _) = run(&system, &["credentials", "list"]).await;
    assert!(table.contains("subscriber") && table.contains(subject), "{table}");

    let (success, _, said) = run(&system, &["credentials", "revoke", "subscriber"]).await;
    assert!(success, "{said}");
    tokio::time::timeout(SOON, third.disconnected.recv()).await.expect("its connection ends").unwrap();
    assert!(Third::connect(&made).await.is_err(), "it is refused");
    assert_eq!(run(&system, &["credentials", "list", "--json"]).await.1, "");
    let (success, _, said) = run(&system, &["credentials", "revoke", "subscriber"]).await;
    assert!(!success && said.contains("there is no subscriber"), "{said}");
    let again = create(&system, &["--subject", subject, "--after", "1"]).await;
    let third = Third::connect(&again).await.unwrap();
    assert_eq!(&next(&mut third.events().await).await.payload[..], b"first", "one of the same name begins anew");

    for wrong in [">", "ev.>", "ev.*.>", "$JS.API.>", "ev.default.webhook.*.webhook_created", "ev.default.nothing.>"] {
        let (success, _, said) = run(&system, &["credentials", "create", "--name", "w", "--subject", wrong]).await;
        assert!(!success && (said.contains("ev.TENANT") || said.contains("secret")), "{wrong}: {said}");
    }
}

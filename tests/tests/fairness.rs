//! Two tenants in one house: one floods each resource in turn, and the other is served as if it were alone.
//!
//! The measure: the other's p99 under the flood is at most three times what it was alone in the same run, or so much more than
//! alone as a busy machine adds by itself ([`Show::spare`]), whichever is greater. There is such a floor because alone a round
//! trip takes 20 ms: with two processors, an unoptimised build and both tenants' clients and servers on the same machine, the
//! flood's own work is in each of the dozen steps of a round trip, which is no queue that anybody stands in. So the floods are
//! also only as wide as it takes to fill what they are to fill, and their clients throw away what they are answered.
//!
//! A flood comes from other machines, which take nothing from this one's processors. So its clients and its bot's server run
//! apart from what measures, on a thread of the lowest priority ([`Elsewhere`]): beside each figure stands how many processors
//! the house itself took meanwhile, its servers included. All of that counts; only the flood's own part of the work yields.
//! The full show: `STEWARD_FAIRNESS=300` samples each, `just fairness`, optimised. With `STEWARD_FAIRNESS_STAGES=1` it says of
//! the slowest round trips when each of their events was made and stored, and what the house did meanwhile.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use async_nats::jetstream::consumer::{
    DeliverPolicy,
    pull::{Ordered, OrderedConfig},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, stream};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use steward_tests::{
    Api, Config, System, Telegram,
    api::client_builder,
    config::{AGENT, MAIL_SECRET},
    lateness::amount,
    processes,
    updates::{self, Person},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::{self, Handle, Runtime},
    task::JoinSet,
    time::{Instant, timeout},
};

const SOON: Duration = Duration::from_secs(120);

/// Longer than an answer of a busy house pauses.
const SILENT: Duration = Duration::from_secs(2);

/// How much of it is shown.
struct Show {
    samples: usize,
    /// What a machine that is busy with the flood itself may add: one with two cores has it to share. CI's machine is any
    /// machine, so there it only shows whether one waits for the other's flood to end; the full show holds to the ratio.
    spare: Duration,
    writers: usize,
    alarms: usize,
    /// The floods to show, separated by commas, where not all are: `STEWARD_FAIRNESS_OF=streams,turns`.
    only: Option<String>,
}

impl Show {
    fn new() -> Self {
        let only = std::env::var("STEWARD_FAIRNESS_OF").ok();
        match amount("STEWARD_FAIRNESS", 0) {
            0 => Self { samples: 30, spare: Duration::from_secs(6), writers: 450, alarms: 1_000, only },
            samples => Self { samples, spare: Duration::from_millis(250), writers: 3_000, alarms: 5_000, only },
        }
    }

    fn is_of(&self, flood: &str) -> bool {
        let is = self.only.as_ref().is_none_or(|only| only.split(',').any(|one| one == flood));
        if is {
            println!("{flood} flood the house");
        }
        is
    }
}

/// The machine that a flood comes from: a thread that has what time of the processors all others leave.
struct Elsewhere(Option<Runtime>);

impl Elsewhere {
    fn start() -> Self {
        // On Linux the priority is the calling thread's own.
        let yields = || rustix::process::setpriority_process(None, 19).unwrap();
        let mut builder = runtime::Builder::new_multi_thread();
        Self(Some(builder.worker_threads(1).on_thread_start(yields).enable_all().build().unwrap()))
    }

    fn handle(&self) -> &Handle {
        self.0.as_ref().unwrap().handle()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The house with its two tenants.
struct House {
    system: System,
    /// The bot of the one who is to be served.
    bot: Telegram,
    calm: Api,
    flood: Api,
    chat: AtomicI64,
    elsewhere: Elsewhere,
    /// Whether the slowest round trips' stages are said.
    shows_stages: bool,
}

/// A client's message and its answer.
struct Trip {
    wrote: DateTime<Utc>,
    /// After this time the message was taken.
    heard: Duration,
    sent: DateTime<Utc>,
    took: Duration,
}

/// An event of a round trip.
struct Stage {
    event: String,
    made: DateTime<Utc>,
    stored: DateTime<Utc>,
}

/// A flood that goes on until it is dropped.
type Flood = JoinSet<()>;

/// An SMTP server that takes every connection and never says a word. It keeps the lines open until it is dropped.
async fn silent_smtp(tasks: &mut Flood, elsewhere: &Handle) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let accepting = async move {
        let mut lines = Vec::new();
        while let Ok((line, _)) = listener.accept().await {
            lines.push(line);
        }
    };
    tasks.spawn_on(accepting, elsewhere);
    url
}

impl House {
    async fn start(elsewhere: Elsewhere, flood_bot: &Telegram, smtp_url: &str) -> Self {
        let bot = Telegram::start().await.unwrap();
        let mut config = Config::default();
        config.add_telegram("tg-calm", &bot, "tenant = \"calm\"\nrate_limit = \"off\"");
        config.add_telegram("tg-flood", flood_bot, "tenant = \"flood\"\nrate_limit = \"off\"");
        config.add_telegram("tg-limited", flood_bot, "tenant = \"flood\"");
        config.add_mail("mail-flood", AGENT, smtp_url, None, "tenant = \"flood\"\nrate_limit = \"off\"");
        let system = System::start(config.with_auth("keys")).await.unwrap();
        let key = async |tenant| {
            let command = ["keys", "create", "--tenant", tenant, "--role", "operator"];
            let output = system.steward(&command).unwrap().output().await.unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            let mut api = system.api().clone();
            api.key = said.split_whitespace().find(|word| word.starts_with("sk_")).map(str::to_owned);
            api
        };
        let (calm, flood) = (key("calm").await, key("flood").await);
        Self {
            system,
            bot,
            calm,
            flood,
            chat: AtomicI64::new(1_000_000),
            elsewhere,
            shows_stages: std::env::var_os("STEWARD_FAIRNESS_STAGES").is_some(),
        }
    }

    fn chats(&self, n: usize) -> std::ops::Range<i64> {
        let first = self.chat.fetch_add(n as i64, Ordering::Relaxed);
        first..first + n as i64
    }

    async fn writes(&self, channel: &str, chat: i64) {
        let update = updates::message(&Person::new(chat, "en"), "hello");
        let (status, body) = self.system.webhook(channel, &update).await.unwrap();
        assert!(status.is_success(), "{status} {body}");
    }

    /// Does it, and says how many processors the house's programs took meanwhile.
    async fn busy<T>(&self, doing: impl Future<Output = T>) -> (T, String) {
        let (before, began) = (self.processor_time(), Instant::now());
        let done = doing.await;
        let took = began.elapsed().as_secs_f64();
        let said = self.processor_time().into_iter().map(|(program, time)| {
            let before = before.get(&program).copied().unwrap_or_default();
            format!("{program} {:.2}", time.saturating_sub(before).as_secs_f64() / took)
        });
        (done, said.collect::<Vec<_>>().join(", "))
    }

    /// What the house's programs have used; of Postgres', those that still are.
    fn processor_time(&self) -> BTreeMap<String, Duration> {
        let mut used = BTreeMap::new();
        for (pid, program) in processes::family(&self.system.data()) {
            *used.entry(program).or_insert(Duration::ZERO) += processes::processor_time(pid).unwrap_or_default();
        }
        used
    }

    /// From a client's message to the answer, for one client after another.
    async fn round_trips(&self, samples: usize) -> Vec<Duration> {
        let mut trips = Vec::new();
        let stages = if self.shows_stages { Some((self.stages().await, self.counted().await)) } else { None };
        for chat in self.chats(samples) {
            let (wrote, began) = (Utc::now(), Instant::now());
            self.writes("tg-calm", chat).await;
            let heard = began.elapsed();
            let sent = self.bot.until_delivered_to(chat, 1, SOON).await.unwrap()[0].at;
            trips.push(Trip { wrote, heard, sent, took: began.elapsed() });
        }
        if let Some((stages, before)) = stages {
            let after = self.counted().await;
            for (name, after) in after {
                let counted = after - before.get(&name).copied().unwrap_or(0.0);
                if counted > 0.0 {
                    println!("  {name} {counted:.3}");
                }
            }
            show_stages(&trips, stages).await;
        }
        trips.into_iter().map(|trip| trip.took).collect()
    }

    /// What the house counts of its work.
    async fn counted(&self) -> BTreeMap<String, f64> {
        let key = self.calm.key.as_ref().unwrap();
        let text = self
            .system
            .client
            .get(format!("{}/metrics", self.system.write))
            .bearer_auth(key)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let of = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            let wanted = [
                "batch",
                "requests_total",
                "steward_states_total",
                "turn_seconds",
                "dispatches",
                "states",
                "retries",
                "conflicts",
            ];
            let is = wanted.iter().any(|w| name.contains(w))
                && !name.contains("bucket")
                && !name.contains("quantile")
                && !name.starts_with('#');
            Some((name.to_owned(), value.parse().ok()?)).filter(|_| is)
        };
        text.lines().filter_map(of).collect()
    }

    /// The calm one's events from now on.
    async fn stages(&self) -> Ordered {
        let stream = async_nats::jetstream::new(self.system.nats().await.unwrap()).get_stream("EVENTS").await.unwrap();
        let config = OrderedConfig {
            filter_subject: "ev.calm.conversation.>".to_owned(),
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: stream.get_info().await.unwrap().state.last_sequence + 1,
            },
            ..Default::default()
        };
        stream.create_consumer(config).await.unwrap().messages().await.unwrap()
    }

    async fn reads(&self, samples: usize) -> Vec<Duration> {
        let mut took = Vec::new();
        for _ in 0..samples {
            let began = Instant::now();
            self.calm.get("/api/v1/conversations?limit=20").await.unwrap();
            took.push(began.elapsed());
        }
        took
    }

    /// A conversation of a channel, by its chat.
    async fn conversation(api: &Api, channel: &str, chat: i64) -> String {
        let path = format!("/api/v1/conversations?channel_id={channel}&external_id={chat}");
        let found = api.until(SOON, || async { Ok(api.items(&path).await?.into_iter().next()) }).await.unwrap();
        found["id"].as_str().unwrap().to_owned()
    }

    async fn promise(api: &Api, conversation: &str, due: DateTime<Utc>) {
        api.schedule(conversation, "now", due, &json!({ "cancel_on": "never" })).await.unwrap();
    }

    /// How late promises of the calm one's are that are due then, each in a conversation of its own.
    async fn lateness(&self, due: DateTime<Utc>, conversations: &[(i64, String)]) -> Vec<Duration> {
        for (_, conversation) in conversations {
            Self::promise(&self.calm, conversation, due).await;
        }
        let mut late = Vec::new();
        for (chat, _) in conversations {
            let is_it = |d: &&steward_tests::telegram::Delivered| d.chat_id == chat.to_string() && d.at >= due;
            let sent = self.bot.until(SOON, |all| all.iter().find(is_it).cloned()).await.unwrap();
            late.push((sent.at - due).to_std().unwrap());
        }
        late
    }
}

/// Says of the slowest round trips, and of some others, when each of their stages was over.
async fn show_stages(trips: &[Trip], mut messages: Ordered) {
    // A conversation for each trip, in their order.
    let mut told: Vec<(String, Vec<Stage>)> = Vec::new();
    while let Ok(Some(message)) = timeout(Duration::from_secs(1), messages.next()).await {
        let message = message.unwrap();
        let info = message.info().unwrap();
        let stored = DateTime::from_timestamp_nanos(info.published.unix_timestamp_nanos() as i64);
        let made = message.headers.as_ref().unwrap().get("Steward-Time").unwrap().as_str().parse().unwrap();
        let subject: Vec<&str> = message.subject.split('.').collect();
        let stage = Stage { event: subject[4].to_owned(), made, stored };
        match told.iter_mut().find(|(conversation, _)| conversation == subject[3]) {
            Some((_, stages)) => stages.push(stage),
            None => told.push((subject[3].to_owned(), vec![stage])),
        }
    }
    let mut trips: Vec<_> = trips.iter().zip(told).collect();
    trips.sort_by_key(|(trip, _)| std::cmp::Reverse(trip.took));
    for n in (0..8).chain([trips.len() / 4, trips.len() / 2]) {
        let Some((trip, (_, stages))) = trips.get(n) else { continue };
        let since = |at: DateTime<Utc>| (at - trip.wrote).num_microseconds().unwrap_or(0) as f64 / 1e3;
        let mut said = format!("  {n}: heard {:.1}", trip.heard.as_secs_f64() * 1e3);
        for Stage { event, made, stored } in stages {
            let _ = write!(said, ", {event} {:.1}/{:.1}", since(*made), since(*stored));
        }
        println!("{said}; sent {:.1}, took {:.1}", since(trip.sent), trip.took.as_secs_f64() * 1e3);
    }
}

fn p99(samples: &[Duration]) -> Duration {
    let mut sorted = samples.to_vec();
    sorted.sort();
    sorted[(sorted.len() * 99 / 100).min(sorted.len() - 1)]
}

/// What was measured, as it goes into the table; what was too slow.
#[derive(Default)]
struct Report {
    table: String,
    unfair: Vec<String>,
}

impl Report {
    fn compare(&mut self, show: &Show, flood: &str, alone: &[Duration], (under, busy): &(Vec<Duration>, String)) {
        let (alone, under) = (p99(alone), p99(under));
        let most = (alone * 3).max(alone + show.spare);
        let line = format!(
            "{flood}: p99 alone {alone:.1?}, under the flood {under:.1?} = {:.1} times, allowed {most:.1?}; processors taken: {busy}",
            under.as_secs_f64() / alone.as_secs_f64()
        );
        println!("{line}");
        let _ = writeln!(self.table, "{line}");
        if under > most {
            self.unfair.push(line);
        }
    }
}

/// Clients who write again as soon as they were heard.
fn many_turns(house: &House) -> Flood {
    let mut flood = JoinSet::new();
    for first in house.chats(8).map(|n| n * 1_000) {
        let mut api = house.system.api().clone();
        api.client = client_builder().build().unwrap();
        let writing = async move {
            for chat in first.. {
                let update = updates::message(&Person::new(chat, "en"), "hello");
                let _ = api.webhook("tg-flood", &update).await;
            }
        };
        flood.spawn_on(writing, house.elsewhere.handle());
    }
    flood
}

/// So many have written to a bot that may answer thirty of them a second, and wait for the answer.
async fn many_at_a_limited_bot(house: &House, writers: usize) {
    let chats = house.chats(writers);
    let last = chats.end - 1;
    stream::iter(chats).for_each_concurrent(16, |chat| house.writes("tg-limited", chat)).await;
    // All of their answers are to stand in the line: how long it takes to find them is the flood of turns.
    let last = House::conversation(&house.flood, "tg-limited", last).await;
    let found = async || {
        let events = house.flood.items(&format!("/api/v1/events?conversation_id={last}")).await?;
        Ok(events.into_iter().find(|event| event["type"] == "MessageQueued"))
    };
    house.flood.until(SOON, found).await.unwrap();
}

/// Mails whose answers go to a server that says nothing.
async fn mails_to_a_silent_server(house: &House, mails: usize) {
    let posted = stream::iter(0..mails).for_each_concurrent(16, |n| async move {
        let raw = format!(
            "From: a{n}@example.org\r\nTo: {AGENT}\r\nSubject: Hello\r\nMessage-ID: <m{n}@example.org>\r\n\
             Date: {}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGood morning\r\n",
            Utc::now().to_rfc2822()
        );
        let mut signature = Hmac::<Sha256>::new_from_slice(MAIL_SECRET.as_bytes()).unwrap();
        signature.update(raw.as_bytes());
        let url = format!("{}/webhooks/email/mail-flood", house.system.write);
        let request = house.system.client.post(url).header("Content-Type", "message/rfc822");
        let request = request.header("X-Steward-Signature", hex::encode(signature.finalize().into_bytes()));
        let answer = request.body(raw).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    });
    posted.await;
}

/// Promises of the flooding one's, all due then; how many there are.
async fn many_alarms(house: &House, due: DateTime<Utc>, until: DateTime<Utc>, alarms: usize) -> usize {
    let chats: Vec<i64> = house.chats(20).collect();
    let mut conversations = Vec::new();
    for chat in chats {
        house.writes("tg-flood", chat).await;
        conversations.push(House::conversation(&house.flood, "tg-flood", chat).await);
    }
    let set = stream::iter(conversations.iter().cycle().take(alarms).take_while(|_| Utc::now() < until));
    let set = set.map(|conversation| House::promise(&house.flood, conversation, due));
    set.buffer_unordered(16).count().await
}

/// Asks for it again and again, so many at once, and throws away what comes: the house is to be flooded, not this machine. What
/// says nothing more, as a stream that has told all of the past, is asked anew.
fn asked_again_and_again(house: &House, path: &str, at_once: usize) -> Flood {
    let mut flood = JoinSet::new();
    let address = house.system.read.trim_start_matches("http://").to_owned();
    let key = house.flood.key.as_ref().unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nLast-Event-ID: 0\r\nConnection: close\r\n\r\n"
    );
    for _ in 0..at_once {
        let (address, head) = (address.clone(), head.clone());
        let asking = async move {
            let mut thrown_away = vec![0; 256 << 10];
            loop {
                let Ok(mut line) = TcpStream::connect(&address).await else { continue };
                let _ = line.write_all(head.as_bytes()).await;
                // Whether it is refused or answered is the house's own business.
                while let Ok(Ok(1..)) = timeout(SILENT, line.read(&mut thrown_away)).await {}
            }
        };
        flood.spawn_on(asking, house.elsewhere.handle());
    }
    flood
}

/// Readers who read the longest page again and again.
fn many_reads(house: &House) -> Flood {
    asked_again_and_again(house, "/api/v1/events?limit=1000", 16)
}

/// Streams that want all of the past, again and again.
fn many_streams(house: &House) -> Flood {
    asked_again_and_again(house, "/api/v1/stream", 40)
}

/// Bodies that begin and never end.
async fn unfinished_bodies(house: &House) -> Flood {
    let address = house.system.write.trim_start_matches("http://").to_owned();
    let mut flood = JoinSet::new();
    for _ in 0..60 {
        let address = address.clone();
        let beginning = async move {
            let Ok(mut line) = TcpStream::connect(&address).await else { return };
            let head = format!(
                "POST /webhooks/email/mail-flood HTTP/1.1\r\nHost: {address}\r\nContent-Type: message/rfc822\r\n\
                 X-Steward-Signature: {}\r\nContent-Length: 20000000\r\n\r\n",
                "0".repeat(64)
            );
            let _ = line.write_all(head.as_bytes()).await;
            let _ = line.write_all(&vec![b'a'; 512 << 10]).await;
            std::future::pending::<()>().await;
        };
        flood.spawn_on(beginning, house.elsewhere.handle());
    }
    flood
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_floods_the_house_takes_nothing_from_the_other() {
    let show = Show::new();
    let mut servers = JoinSet::new();
    let elsewhere = Elsewhere::start();
    let flood_bot = elsewhere.handle().spawn(Telegram::start()).await.unwrap().unwrap();
    let smtp = silent_smtp(&mut servers, elsewhere.handle()).await;
    let house = House::start(elsewhere, &flood_bot, &smtp).await;
    let mut report = Report::default();

    house.round_trips(5).await;
    let trips = house.round_trips(show.samples).await;
    let reads = house.reads(show.samples).await;

    // Alarms: the calm one's are due in the same moment as all of the flood's.
    let conversations = async |n| {
        let mut all = Vec::new();
        for chat in house.chats(n) {
            house.writes("tg-calm", chat).await;
            all.push((chat, House::conversation(&house.calm, "tg-calm", chat).await));
        }
        all
    };
    let own = conversations(show.samples.min(30)).await;
    let alone = house.lateness(Utc::now() + TimeDelta::seconds(3), &own).await;
    let time = TimeDelta::milliseconds(6_000 + 4 * show.alarms as i64);
    let due = Utc::now() + time;
    let set = many_alarms(&house, due, due - TimeDelta::seconds(3), show.alarms).await;
    assert!(set >= show.alarms / 4, "only {set} alarms could be set in {time}");
    println!("{set} alarms are due at once");
    report.compare(&show, "alarms", &alone, &house.busy(house.lateness(due, &own)).await);

    let sent = |all: &[steward_tests::telegram::Delivered]| (all.len() >= set).then_some(());
    // What comes next is to be that flood's own doing.
    flood_bot.until(2 * SOON, sent).await.unwrap();
    let pending = "/api/v1/follow-ups?state=pending&limit=1";
    let none_pending = async || {
        let page = house.flood.get(pending).await?;
        Ok(page["items"].as_array().is_some_and(Vec::is_empty).then_some(()))
    };
    house.flood.until(2 * SOON, none_pending).await.unwrap();

    if show.is_of("reads") {
        let flood = many_reads(&house);
        report.compare(&show, "reads: a read", &reads, &house.busy(house.reads(show.samples)).await);
        report.compare(&show, "reads: a round trip", &trips, &house.busy(house.round_trips(show.samples)).await);
        drop(flood);
    }
    if show.is_of("streams") {
        let flood = many_streams(&house);
        report.compare(&show, "streams: a round trip", &trips, &house.busy(house.round_trips(show.samples)).await);
        drop(flood);
    }
    if show.is_of("bodies") {
        let flood = unfinished_bodies(&house).await;
        report.compare(&show, "bodies: a round trip", &trips, &house.busy(house.round_trips(show.samples)).await);
        drop(flood);
    }
    if show.is_of("turns") {
        let flood = many_turns(&house);
        report.compare(&show, "turns: a round trip", &trips, &house.busy(house.round_trips(show.samples)).await);
        drop(flood);
        let last = house.chats(1).start;
        house.writes("tg-flood", last).await;
        flood_bot.until_delivered_to(last, 1, 2 * SOON).await.unwrap();
    }
    if show.is_of("mails") {
        mails_to_a_silent_server(&house, show.writers / 3).await;
        let under = house.busy(house.round_trips(show.samples)).await;
        report.compare(&show, "a silent mail server: a round trip", &trips, &under);
    }
    if show.is_of("sends") {
        many_at_a_limited_bot(&house, show.writers).await;
        let under = house.busy(house.round_trips(show.samples)).await;
        report.compare(&show, "sends at a limited bot: a round trip", &trips, &under);
    }
    // One tenant's flood is no reason to take the house out of service.
    let ready = house.system.client.get(format!("{}/readyz", house.system.write)).send().await.unwrap();
    assert!(ready.status().is_success(), "{}", ready.text().await.unwrap());
    assert!(report.unfair.is_empty(), "{}\nof\n{}", report.unfair.join("\n"), report.table);
}

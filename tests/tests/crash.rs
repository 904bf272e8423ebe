//! `kill -9` of anything at any moment, under load: nothing acknowledged is lost, nothing is sent twice, everything due is done.
//!
//! The full show: `STEWARD_CRASH_ROUNDS=200`.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;
use steward_tests::{
    Api, Config, System, Telegram,
    lateness::{amount, time_of},
    processes::Server,
    system::SERVICES,
    updates::{self, Person},
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// Promises asked for in each round.
const LOAD: usize = 24;
/// P4: what is due is done this long after the restart.
const DONE_WITHIN: Duration = Duration::from_secs(10);

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Victim {
    Everything,
    Service(&'static str),
    Nats,
    Postgres,
}

impl fmt::Display for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::Service(name) => f.write_str(name),
            Self::Nats => f.write_str("NATS"),
            Self::Postgres => f.write_str("Postgres"),
        }
    }
}

impl Victim {
    /// Everything every other round, else one of the others.
    fn of_round(round: usize, processes: &[&'static str], rng: &mut StdRng) -> Self {
        match round % 4 {
            0 | 2 => Self::Everything,
            1 => Self::Service(processes[rng.random_range(0..processes.len())]),
            _ if rng.random_bool(0.6) => Self::Nats,
            _ => Self::Postgres,
        }
    }
}

/// One promise that a client asked for.
struct Asked {
    chat: i64,
    /// In the text, and so in what is sent.
    mark: String,
}

/// What came of all rounds.
#[derive(Default)]
struct Count {
    rounds: HashMap<String, usize>,
    acknowledged: usize,
    lost: usize,
    sent: usize,
    sent_twice: usize,
    confirmed_twice: usize,
    unfinished: usize,
    unknown: usize,
    unknown_but_delivered: usize,
    /// By what came of them.
    in_flight: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

/// Posts an update as Telegram does: once more at once, then with growing pauses, until it is acknowledged.
async fn deliver(api: Api, update: Value) {
    let mut pause = Duration::ZERO;
    loop {
        if api.telegram(&update).await.is_ok() {
            return;
        }
        // Telegram's own rule for redelivery, in a smaller unit.
        tokio::time::sleep(pause).await;
        pause = (pause * 2).clamp(Duration::from_millis(50), Duration::from_secs(1));
    }
}

async fn round(
    n: usize,
    system: &mut System,
    telegram: &Telegram,
    victim: Victim,
    rng: &mut StdRng,
    count: &mut Count,
) -> anyhow::Result<()> {
    *count.rounds.entry(victim.to_string()).or_default() += 1;
    let begin = Instant::now();
    let mut deliveries = JoinSet::new();
    let mut asked = Vec::new();
    for k in 0..LOAD {
        let chat = 1_000_000 + (n * LOAD + k) as i64;
        let mark = format!("mark{n}x{k}x");
        let text = format!("write to me in {} seconds about {mark}", 5 + k % 2);
        let update = updates::message(&Person::new(chat, "en"), &text);
        let when = begin + Duration::from_millis(rng.random_range(0..2000));
        let api = system.api().clone();
        deliveries.spawn(async move {
            // The load: clients write at moments of their own.
            sleep_until(when).await;
            deliver(api, update).await;
        });
        asked.push(Asked { chat, mark });
    }
    // The moment of the kill is chance: while requests come in and are confirmed, or while follow-ups are due and sent,
    // which is at whole seconds, for that is how Telegram tells the time of writing.
    let kill_at = if rng.random_bool(0.4) {
        begin + Duration::from_millis(rng.random_range(100..2500))
    } else {
        let second = Duration::from_millis(1000 - u64::from(Utc::now().timestamp_subsec_millis()).min(999));
        begin + second + Duration::from_secs(rng.random_range(4..8)) + Duration::from_millis(rng.random_range(0..450))
    };
    sleep_until(kill_at).await;
    match victim {
        Victim::Everything => system.kill().await?,
        Victim::Service(name) => system.kill_process(name).await?,
        Victim::Nats => drop(system.kill_server(Server::Nats)),
        Victim::Postgres => drop(system.kill_server(Server::Postgres)),
    }
    let killed = Utc::now();
    system.start_again().await?;
    let restarted = Instant::now();
    // Telegram goes on until all is acknowledged.
    tokio::time::timeout(Duration::from_secs(60), async { while deliveries.join_next().await.is_some() {} }).await?;
    count.acknowledged += asked.len();
    let last_due = Instant::now() + Duration::from_secs(6);
    let deadline = last_due.max(restarted) + DONE_WITHIN;
    for a in &asked {
        check(a, system, telegram, deadline, killed, count).await?;
    }
    Ok(())
}

/// Reads until the system answers: a read model may be on its way back.
async fn patiently<T>(
    deadline: Instant,
    mut read: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<Option<T>> {
    loop {
        match read().await {
            Ok(Some(found)) => return Ok(Some(found)),
            Ok(None) if Instant::now() >= deadline => return Ok(None),
            Err(error) if Instant::now() >= deadline => return Err(error),
            // Its line was cut or it isn't done yet.
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn check(
    asked: &Asked,
    system: &System,
    telegram: &Telegram,
    deadline: Instant,
    killed: DateTime<Utc>,
    count: &mut Count,
) -> anyhow::Result<()> {
    let found = patiently(deadline, async || {
        let Some(conversation) = system.find_conversation(asked.chat).await? else { return Ok(None) };
        let id = conversation["id"].as_str().unwrap_or_default().to_owned();
        let follow_ups = system.follow_ups(&id).await?;
        let done = follow_ups.len() == 1 && follow_ups[0]["state"] != "pending";
        Ok(done.then_some((id, follow_ups)))
    })
    .await?;
    let Some((conversation, follow_ups)) = found else {
        let conversation = system.find_conversation(asked.chat).await?;
        let follow_ups = match &conversation {
            Some(c) => system.follow_ups(c["id"].as_str().unwrap_or_default()).await?,
            None => Vec::new(),
        };
        match follow_ups.as_slice() {
            [] => {
                count.lost += 1;
                count
                    .wrong
                    .push(format!("{}: acknowledged, but no promise; conversation {conversation:?}", asked.mark));
            }
            [one] => {
                count.unfinished += 1;
                count.wrong.push(format!("{}: unfinished {DONE_WITHIN:?} after the restart: {one}", asked.mark));
            }
            more => count.wrong.push(format!("{}: {} promises of one request", asked.mark, more.len())),
        }
        return Ok(());
    };
    let follow_up = &follow_ups[0];
    let deliveries = telegram.delivered_to(asked.chat);
    let due = time_of(&follow_up["due_at"]);
    // By its words, not by its time: a confirmation that had to wait for a restart may come after the promise was due.
    let (kept, others): (Vec<_>, Vec<_>) = deliveries.iter().partition(|d| follow_up["text"] == d.text.as_str());
    if let Some(early) = kept.iter().find(|d| d.at < due - TimeDelta::milliseconds(1)) {
        count.wrong.push(format!("{}: due {due}, sent at {}", asked.mark, early.at));
    }
    count.sent += kept.len();
    if kept.len() > 1 {
        count.sent_twice += 1;
        count.wrong.push(format!("{}: sent {} times", asked.mark, kept.len()));
    }
    if others.len() > 1 {
        count.confirmed_twice += 1;
        count.wrong.push(format!("{}: confirmed {} times", asked.mark, others.len()));
    }
    match follow_up["state"].as_str().unwrap_or_default() {
        "sent" if kept.len() == 1 => {}
        "unknown" => {
            count.unknown += 1;
            count.unknown_but_delivered += kept.len();
        }
        _ => count.wrong.push(format!("{}: delivered {} times, but {follow_up}", asked.mark, kept.len())),
    }
    // Claims that were open when it was killed, and what came of them.
    let events = system.events(&conversation).await?;
    for claim in events.iter().filter(|e| e["type"] == "DispatchStarted" && time_of(&e["at"]) < killed) {
        let answer = events
            .iter()
            .find(|e| e["data"]["claim_id"] == claim["data"]["claim_id"] && e["type"] != "DispatchStarted");
        if answer.is_none_or(|a| time_of(&a["at"]) > killed) {
            let of = if claim["data"]["follow_up_id"].is_string() { "follow-up" } else { "reply" };
            let came = answer.and_then(|a| a["type"].as_str()).unwrap_or("no answer yet");
            *count.in_flight.entry(format!("{of} {came}")).or_default() += 1;
        }
    }
    Ok(())
}

async fn rounds(name: &str, mut system: System, telegram: Telegram, processes: &[&'static str]) {
    // Half of them on separate processes, half on one.
    let rounds = amount("STEWARD_CRASH_ROUNDS", 8).div_ceil(2);
    let seed = amount("STEWARD_CRASH_SEED", rand::random::<u32>() as usize) as u64;
    println!("{name}: seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    // A send takes its time, so that kills meet sends that are under way.
    telegram.set_latency(Duration::from_millis(300));
    let mut count = Count::default();
    for n in 0..rounds {
        let victim = Victim::of_round(n, processes, &mut rng);
        if let Err(error) = round(n, &mut system, &telegram, victim, &mut rng, &mut count).await {
            panic!("{name}, round {n}, {victim}: {error:#}; {}", count.wrong.join("\n"));
        }
        if n % 10 == 9 {
            println!(
                "{name}: after {} rounds {} wrong, in flight at a kill {:?}",
                n + 1,
                count.wrong.len(),
                count.in_flight
            );
        }
    }
    // Replies too come to their end, whatever was under way when something was killed.
    let open = patiently(Instant::now() + DONE_WITHIN, async || {
        let mut open = Vec::new();
        for state in ["queued", "deferred", "claimed"] {
            open.extend(system.items(&format!("/api/v1/outbox?state={state}")).await?);
        }
        Ok(open.is_empty().then_some(()))
    });
    if open.await.unwrap().is_none() {
        count.wrong.push("messages are still open".to_owned());
    }
    let unknown = system.items("/api/v1/outbox?state=unknown").await.unwrap().len();
    println!(
        "{name}: {rounds} rounds {:?}, seed {seed}: {} acknowledged, {} lost; {} sent, {} twice, {} confirmed twice; \
         {} unfinished {DONE_WITHIN:?} after the restart; claims in flight at the kill {:?}, {} follow-ups unknown \
         ({} of them delivered), {unknown} messages in all",
        count.rounds,
        count.acknowledged,
        count.lost,
        count.sent,
        count.sent_twice,
        count.confirmed_twice,
        count.unfinished,
        count.in_flight,
        count.unknown,
        count.unknown_but_delivered,
    );
    assert!(count.wrong.is_empty(), "{}", count.wrong.join("\n"));
    assert!(count.unknown <= count.in_flight.values().sum::<usize>(), "an unknown that was not in flight");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn separate_processes_killed_at_any_moment_lose_nothing_repeat_nothing_and_are_done_in_ten_seconds() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start_separately(Config::telegram(&telegram), &[]).await.unwrap();
    rounds("separate processes", system, telegram, &SERVICES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_killed_at_any_moment_loses_nothing_repeats_nothing_and_is_done_in_ten_seconds() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    rounds("steward up", system, telegram, &["up"]).await;
}

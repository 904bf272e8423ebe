//! `kill -9` of anything at any moment, under load: nothing acknowledged is lost, nothing is sent twice, everything due is done.
//!
//! The full show: `STEWARD_CRASH_ROUNDS=200`.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::HashMap, fmt, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng, SeedableRng, rngs::StdRng};
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
    fn of_round(round: usize, rng: &mut StdRng) -> Self {
        match round % 4 {
            0 | 2 => Self::Everything,
            1 => Self::Service(SERVICES[rng.random_range(0..SERVICES.len())]),
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
    in_flight: usize,
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
    rng: &mut StdRng,
    count: &mut Count,
) -> anyhow::Result<()> {
    let victim = Victim::of_round(n, rng);
    *count.rounds.entry(victim.to_string()).or_default() += 1;
    let begin = Instant::now();
    let mut deliveries = JoinSet::new();
    let mut asked = Vec::new();
    for k in 0..LOAD {
        let chat = 1_000_000 + (n * LOAD + k) as i64;
        let mark = format!("mark{n}x{k}x");
        let text = format!("write to me in {} seconds about {mark}", 6 + k % 3);
        let update = updates::message(&Person::new(chat, "en"), &text);
        let when = begin + Duration::from_millis(rng.random_range(0..2500));
        let api = system.api().clone();
        deliveries.spawn(async move {
            // The load: clients write at moments of their own.
            sleep_until(when).await;
            deliver(api, update).await;
        });
        asked.push(Asked { chat, mark });
    }
    // The moment of the kill is chance; half of them fall where follow-ups are due and sent.
    let kill_at = begin + Duration::from_millis(rng.random_range(200..9000));
    sleep_until(kill_at).await;
    let killed = Utc::now();
    match victim {
        Victim::Everything => system.kill().await?,
        Victim::Service(name) => system.kill_process(name).await?,
        Victim::Nats => drop(system.kill_server(Server::Nats)),
        Victim::Postgres => drop(system.kill_server(Server::Postgres)),
    }
    system.start_again().await?;
    let restarted = Instant::now();
    // Telegram goes on until all is acknowledged.
    tokio::time::timeout(Duration::from_secs(60), async { while deliveries.join_next().await.is_some() {} }).await?;
    count.acknowledged += asked.len();
    let last_due = Instant::now() + Duration::from_secs(9);
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
    let (kept, others): (Vec<_>, Vec<_>) =
        deliveries.iter().partition(|d| d.text.contains(&asked.mark) && d.at >= due - TimeDelta::milliseconds(1));
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
    // Claims that were open when it was killed.
    let events = system.events(&conversation).await?;
    for claim in events.iter().filter(|e| e["type"] == "DispatchStarted" && time_of(&e["at"]) < killed) {
        let answer = events
            .iter()
            .find(|e| e["data"]["claim_id"] == claim["data"]["claim_id"] && e["type"] != "DispatchStarted");
        count.in_flight += usize::from(answer.is_none_or(|a| time_of(&a["at"]) > killed));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_nothing_is_lost_nothing_is_sent_twice_and_all_is_done_in_ten_seconds() {
    let rounds = amount("STEWARD_CRASH_ROUNDS", 4);
    let seed = amount("STEWARD_CRASH_SEED", rand::random::<u32>() as usize) as u64;
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let telegram = Telegram::start().await.unwrap();
    // A send takes as long as it does over the internet, so that kills meet sends that are under way.
    telegram.set_latency(Duration::from_millis(60));
    let mut system = System::start_separately(Config::telegram(&telegram), &[]).await.unwrap();
    let mut count = Count::default();
    for n in 0..rounds {
        round(n, &mut system, &telegram, &mut rng, &mut count).await.unwrap();
        if n % 10 == 9 {
            println!("after {} rounds: {} wrong", n + 1, count.wrong.len());
        }
    }
    println!(
        "{rounds} rounds {:?}, seed {seed}: {} acknowledged, {} lost; {} sent, {} twice, {} confirmed twice; \
         {} unfinished {DONE_WITHIN:?} after the restart; {} claims in flight at the kill, {} follow-ups unknown \
         ({} of them delivered)",
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
    assert!(count.unknown <= count.in_flight, "an unknown that was not in flight");
}

//! P8: from a Telegram update to the `rules` brain's reply at the Bot API.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    bot_api::BotApi,
    http::Connection,
    options::Options,
    place::{Place, SECRET_HEADER, WEBHOOK},
    proc::Meter,
    raw::Raw,
    report::{Parts, figure},
    stats::Samples,
    updates::Updates,
};

static UPDATES: Updates = Updates::new();

/// What the client writes: a promise is asked for, or there is nothing to do but answer.
const TEXTS: [(&str, &str); 2] = [("a promise", "напиши через 3 часа про договор"), ("an answer", "добрый день")];
/// Conversations at the same time, when it is saturated.
const AT_ONCE: [usize; 2] = [32, 256];
/// Kinds of requests to NATS, as the metrics name them and as they are shown.
const KINDS: [(&str, &str); 5] = [
    ("publish", "publishes"),
    ("batch", "batches"),
    ("read", "reads"),
    ("alarm", "alarms set"),
    ("acknowledgement", "acknowledgements"),
];
/// Longest wait for a reply.
const LIMIT: Duration = Duration::from_secs(30);

pub async fn run(options: &Options) -> Result<Parts> {
    let mut parts = Parts::default();
    let bot = Arc::new(BotApi::start().await?);
    let place = Place::new(options, &bot)?;
    let up = place.up().await?;
    let raw = Raw::open(&place.masters()?.nats, 400).await?;
    let mut single = raw.awaited(1, options.span()).await?.latencies;
    parts.reference("JetStream publish, acknowledgement awaited: a turn waits for five in a row", single.figures());
    let reference = single.quantile(0.5);
    for (what, text) in TEXTS {
        let (sent, before) = (bot.sent(), up.requests().await?);
        let (mut samples, _) = turns(up.address, &bot, text, (1, Chats::New), options.span()).await?;
        let (turned, after) = ((bot.sent() - sent) as f64, up.requests().await?);
        let mut figures = samples.figures();
        figures.push(figure("turns", samples.len() as f64, ""));
        parts.case(format!("{what}, one conversation at a time"), "p50 ≤ 10 ms, p99 ≤ 40 ms", figures);
        parts.against(samples.quantile(0.5) / reference, "one publish, p50");
        // Everything that follows the answer included.
        let of_kind = |counts: &BTreeMap<String, f64>, kind: &str| counts.get(kind).copied().unwrap_or(0.0);
        let asked =
            KINDS.map(|(kind, name)| figure(name, (of_kind(&after, kind) - of_kind(&before, kind)) / turned, ""));
        parts.case(format!("{what}: requests to NATS a turn"), "", asked.to_vec());
        let mut ends = Vec::new();
        for at_once in AT_ONCE {
            let meter = Meter::start(up.pid(), up.pid());
            let sent = bot.sent();
            let (mut samples, rate) = turns(up.address, &bot, text, (at_once, Chats::New), options.span()).await?;
            let mut figures = vec![figure("turns", rate, "/s")];
            figures.extend(samples.figures());
            figures.extend(meter.per((bot.sent() - sent) as f64));
            parts.case(format!("{what}, {at_once} conversations at a time"), "≥ 1,000/s", figures);
            ends.push((at_once as f64, samples.quantile(0.5)));
        }
        if let [first, .., last] = ends.as_slice() {
            parts.grows(format!("p50 of {what} with conversations at a time"), (first.0, last.0), (first.1, last.1));
        }
    }
    for at_once in AT_ONCE {
        let (what, text) = TEXTS[1];
        let (mut samples, rate) = turns(up.address, &bot, text, (at_once, Chats::Same), options.span()).await?;
        let mut figures = vec![figure("turns", rate, "/s")];
        figures.extend(samples.figures());
        parts.case(format!("{what}, {at_once} conversations again and again"), "≥ 1,000/s", figures);
    }
    ensure!(bot.sent() > 0, "no reply was sent");
    let (sent, took) = (bot.sent() as f64, place.run(&["replay"]).await?);
    let figures = vec![figure("turns", sent / took.as_secs_f64(), "/s"), figure("all", sent, "")];
    parts.case("replay of all of them, the program's start included", "≥ 20,000/s", figures);
    up.stop().await?;
    Ok(parts)
}

/// Whether each turn is of a new conversation.
#[derive(Clone, Copy, PartialEq)]
enum Chats {
    New,
    Same,
}

/// Turns in conversations, `at_once` at the same time, each following the reply to the one before.
/// The first second isn't measured.
async fn turns(
    address: SocketAddr,
    bot: &Arc<BotApi>,
    text: &'static str,
    (at_once, chats): (usize, Chats),
    span: Duration,
) -> Result<(Samples, f64)> {
    let warm = Instant::now() + Duration::from_secs(1);
    let end = warm + span;
    let mut tasks = JoinSet::new();
    for _ in 0..at_once {
        let bot = bot.clone();
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let (mut samples, mut last) = (Samples::default(), None);
            while Instant::now() < end {
                let (chat, body) = match (chats, last) {
                    (Chats::Same, Some(chat)) => (chat, UPDATES.again(chat, text)),
                    _ => UPDATES.next(text),
                };
                last = Some(chat);
                let reply = bot.expect(chat);
                let began = Instant::now();
                let status = connection.post(WEBHOOK, SECRET_HEADER, &body).await?;
                ensure!((200..300).contains(&status), "a webhook was answered {status}");
                timeout(LIMIT, reply).await.context("no reply")??;
                if began >= warm {
                    samples.add(began.elapsed());
                }
            }
            anyhow::Ok(samples)
        });
    }
    let mut samples = Samples::default();
    while let Some(task) = tasks.join_next().await {
        samples.merge(task??);
    }
    let rate = samples.len() as f64 / span.as_secs_f64();
    Ok((samples, rate))
}

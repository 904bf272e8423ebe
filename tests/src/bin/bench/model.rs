//! MODEL: a turn that a model decides, beside the model's own time; and many that wait for a slow one.

use std::{sync::Arc, time::Duration, time::Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use steward_tests::{
    Llm,
    llm::{Format, KEY, Manner, Piece, Play, Says},
};
use tokio::time::timeout;

use crate::{
    bot_api::BotApi,
    http::Connection,
    options::Options,
    place::{Place, SECRET_HEADER, WEBHOOK},
    proc::resident_mb,
    report::{Parts, figure},
    stats::Samples,
    updates::Updates,
};

static UPDATES: Updates = Updates::new();

/// What a model has to answer.
const TEXT: &str = "какого цвета черепица?";
/// What the rules answer by themselves: nobody waits for a model.
const WITHOUT: &str = "СТОП";
/// Turns that wait at the same time, and how long the model takes for each.
const WAITING: usize = 500;
const SLOW: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(60);

pub async fn run(options: &Options) -> Result<Parts> {
    let mut parts = Parts::default();
    let (bot, llm) = (Arc::new(BotApi::start().await?), Llm::start().await?);
    let brain = format!(
        "[brain]\nprovider = \"openai\"\n[brain.providers.openai]\nmodel = \"m-1\"\napi_key = \"{KEY}\"\nbase_url = \"{}\"\n",
        llm.base(Format::Openai)
    );
    let place = Place::with(options, &bot, &brain)?;
    let up = place.up().await?;
    let mut connection = Connection::open(up.address).await?;

    for (what, calls) in [("a turn of one call", 1), ("a turn of two calls and a tool", 2)] {
        let mut samples = Samples::default();
        let warm = Instant::now() + Duration::from_secs(1);
        while warm.elapsed() < options.span() || Instant::now() < warm {
            if calls == 2 {
                llm.play(Piece::call("list_promises", json!({})));
            }
            llm.play("Серая.");
            let took = turn(&mut connection, &bot, TEXT).await?;
            if Instant::now() > warm {
                samples.add(took);
            }
        }
        let mut figures = samples.figures();
        figures.push(figure("turns", samples.len() as f64, ""));
        parts.case(format!("{what}, the model at 0 ms"), "p50 ≤ 15 ms", figures);
    }

    let mut alone = Samples::default();
    for _ in 0..100 {
        alone.add(turn(&mut connection, &bot, WITHOUT).await?);
    }
    parts.reference("a turn without a model, nobody waiting", alone.figures());
    let before = resident_mb(up.pid());
    for _ in 0..WAITING {
        let pings = (10, SLOW / 10);
        llm.play(Play {
            says: Says::Pieces(vec![Piece::text("Серая.")]),
            manner: Manner { pings, ..Manner::default() },
        });
    }
    let asked = llm.asked().len();
    let mut waiting = Vec::new();
    for _ in 0..WAITING {
        let (chat, body) = UPDATES.next(TEXT);
        waiting.push(bot.expect(chat));
        let status = connection.post(WEBHOOK, SECRET_HEADER, &body).await?;
        ensure!((200..300).contains(&status), "a webhook was answered {status}");
    }
    llm.until_asked(asked + WAITING, LIMIT).await.context("not all of them wait at once")?;
    let during = resident_mb(up.pid());
    let mut beside = Samples::default();
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        beside.add(turn(&mut connection, &bot, WITHOUT).await?);
    }
    for reply in waiting {
        timeout(LIMIT, reply).await.context("no reply")??;
    }
    let mut figures = beside.figures();
    figures.push(figure("memory of the waiting", during - before, "MB"));
    parts.case(format!("a turn without a model beside {WAITING} that wait for one"), "as alone", figures);
    parts.against(beside.quantile(0.5) / alone.quantile(0.5), "the same alone, p50");
    ensure!(llm.wrong().is_empty(), "the stand-in refused: {:?}", llm.wrong().first());
    up.stop().await?;
    Ok(parts)
}

/// From a client's message in a new conversation to the reply at the Bot API.
async fn turn(connection: &mut Connection, bot: &Arc<BotApi>, text: &str) -> Result<Duration> {
    let (chat, body) = UPDATES.next(text);
    let reply = bot.expect(chat);
    let began = Instant::now();
    let status = connection.post(WEBHOOK, SECRET_HEADER, &body).await?;
    ensure!((200..300).contains(&status), "a webhook was answered {status}");
    timeout(LIMIT, reply).await.context("no reply")??;
    Ok(began.elapsed())
}

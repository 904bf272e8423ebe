//! P6: all read models made anew from the log by `steward rebuild`.

use anyhow::Result;

use crate::{
    bot_api::BotApi,
    copy::{copy, copy_again},
    fill::Filler,
    options::Options,
    place::Place,
    report::{Parts, figure},
};

const CHATS: i64 = 20_000_000_000;

pub async fn run(options: &Options) -> Result<Parts> {
    let mut parts = Parts::default();
    let bot = BotApi::start().await?;
    let place = Place::new(options, &bot)?;
    let servers = place.servers().await?;
    let run = place.masters()?;
    let filler = Filler::connect(&run.nats).await?;
    // What the command needs with nothing to do: starting, connecting, making the schema.
    let base = place.run(&["rebuild"]).await?;
    let (mut events, mut ends) = (0, Vec::new());
    for size in [options.events() / 10, options.events()] {
        events += filler.history(CHATS + events as i64, size - events).await?;
        let rows = copy(&run.postgres, events).await?;
        parts.reference(
            format!("COPY of {events} rows"),
            vec![figure("rows", events as f64 / rows.as_secs_f64(), "/s")],
        );
        let took = place.run(&["rebuild"]).await?;
        let work = took.saturating_sub(base).as_secs_f64().max(1e-3);
        parts.case(
            format!("rebuild from {events} events"),
            "≥ 100 k/s",
            vec![
                figure("events", events as f64 / work, "/s"),
                figure("took", took.as_secs_f64(), "s"),
                figure("of that with an empty log", base.as_secs_f64(), "s"),
            ],
        );
        parts.against(rows.as_secs_f64() / work, "COPY");
        let same = copy_again(&run.postgres).await?.as_secs_f64();
        parts.reference(
            format!("COPY of the rows that {events} events made"),
            vec![figure("events", events as f64 / same, "/s"), figure("against it", same / work, "")],
        );
        ends.push((events as f64, work));
    }
    if let [first, .., last] = ends.as_slice() {
        parts.grows("time of a rebuild with events", (first.0, last.0), (first.1, last.1));
    }
    drop(filler);
    servers.stop().await?;
    Ok(parts)
}

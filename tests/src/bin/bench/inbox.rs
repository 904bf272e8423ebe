//! Inbox: the page and the lists behind it beside many conversations, each met by one message.

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::{
    bot_api::BotApi,
    fill::Filler,
    options::Options,
    place::{Place, Running},
    report::Parts,
    stats::Samples,
};

const CHATS: i64 = 20_000_000_000;
/// How often each is read.
const READS: usize = 60;
/// How many pages are turned.
const PAGES: usize = 60;

/// What the first page needs, and what it may be asked for.
const LISTS: [(&str, &str); 7] = [
    ("attention", "/api/v1/attention"),
    ("conversations, the latest first", "/api/v1/conversations?sort=latest"),
    ("conversations, by attention", "/api/v1/conversations?sort=attention"),
    ("conversations, newest first", "/api/v1/conversations"),
    ("conversations that a human has", "/api/v1/conversations?sort=latest&owner=human"),
    ("conversations found by a rare name", "/api/v1/conversations?sort=latest&q=Zebulon"),
    ("conversations found by a common name", "/api/v1/conversations?sort=latest&q=anna"),
];

pub async fn run(options: &Options) -> Result<Parts> {
    let mut parts = Parts::default();
    let bot = BotApi::start().await?;
    let place = Place::new(options, &bot)?;
    let servers = place.servers().await?;
    let filler = Filler::connect(&place.masters()?.nats).await?;
    let client = steward_http::client_builder().no_proxy().build()?;
    let mut there = 0;
    let mut ends = Vec::new();
    for size in [options.conversations() / 10, options.conversations()] {
        filler.meet(CHATS + there as i64, size - there).await?;
        there = size;
        place.run(&["rebuild"]).await?;
        let projection = place.service("projection").await?;
        let mut first = Samples::default();
        for _ in 0..READS {
            read(&client, &projection, "/inbox", &mut first).await?;
        }
        ends.push((size as f64, first.quantile(0.5)));
        parts.case(format!("the page, {size} conversations"), "≤ 100 ms", first.figures());
        for (what, path) in LISTS {
            let mut samples = Samples::default();
            for _ in 0..READS {
                read(&client, &projection, path, &mut samples).await?;
            }
            parts.case(format!("{what}, {size} conversations"), "≤ 50 ms", samples.figures());
        }
        let mut turned = Samples::default();
        let mut cursor = None;
        for _ in 0..PAGES {
            let more = cursor.map_or_else(String::new, |cursor: String| format!("&cursor={cursor}"));
            let page =
                read(&client, &projection, &format!("/api/v1/conversations?sort=latest{more}"), &mut turned).await?;
            let page: Value = serde_json::from_slice(&page)?;
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = Some(next.to_owned());
        }
        parts.case(format!("{} pages turned, {size} conversations", turned.len()), "≤ 50 ms", turned.figures());
        projection.stop().await?;
    }
    if let [first, .., last] = ends.as_slice() {
        parts.grows("the page with conversations", (first.0, last.0), (first.1, last.1));
    }
    drop(filler);
    servers.stop().await?;
    Ok(parts)
}

/// Reads a path, and adds how long that took; the body.
async fn read(client: &reqwest::Client, projection: &Running, path: &str, samples: &mut Samples) -> Result<Vec<u8>> {
    let began = std::time::Instant::now();
    let answer = client.get(format!("http://{}{path}", projection.address)).send().await?;
    let status = answer.status();
    let body = answer.bytes().await?;
    samples.add(began.elapsed());
    ensure!(status.is_success(), "{path}: {status}: {}", String::from_utf8_lossy(&body));
    Ok(body.to_vec())
}

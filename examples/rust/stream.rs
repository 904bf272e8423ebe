//! Follows the live stream (SSE), and goes on where it stopped, without a gap.

use std::{env, fs, time::Duration};

use anyhow::Context as _;
use futures::TryStreamExt as _;
use serde_json::Value;

/// A heartbeat comes at least every 15 s: silence for a minute means that the connection is dead.
const SILENCE: Duration = Duration::from_secs(60);

/// Follows until the connection ends.
async fn follow(client: &reqwest::Client, last: &str) -> anyhow::Result<()> {
    let types = env::var("TYPES").unwrap_or_else(|_| "new_message,task_update".to_owned());
    let url = format!("{}/api/v1/stream", env::var("STEWARD_URL")?);
    let mut request = client.get(url).query(&[("types", types)]).bearer_auth(env::var("STEWARD_KEY")?);
    if let Ok(position) = fs::read_to_string(last) {
        request = request.header("Last-Event-ID", position);
    }
    let mut stream = request.send().await?.error_for_status()?.bytes_stream();
    let mut text = Vec::new();
    while let Some(piece) = stream.try_next().await? {
        text.extend_from_slice(&piece);
        // An event ends with an empty line.
        while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = text.drain(..end + 2).collect();
            let block = String::from_utf8(block)?;
            let field = |name: &str| {
                let values = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                values.map(str::to_owned).reduce(|all, more| all + "\n" + &more)
            };
            if let Some(data) = field("data") {
                let mut data: Value = serde_json::from_str(&data)?;
                data["event"] = field("event").into();
                println!("{data}");
            }
            if let Some(position) = field("id") {
                // Heartbeats name a position too.
                fs::write(last, position).context("keeping the position")?;
            }
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let last = env::var("POSITION_FILE").unwrap_or_else(|_| "stream.position".to_owned());
    // In a project of your own: `reqwest::Client::builder()`. This workspace chooses its cryptography by itself.
    let client = steward_http::client_builder().read_timeout(SILENCE).build()?;
    loop {
        if let Err(lost) = follow(&client, &last).await {
            let refused = lost.downcast_ref::<reqwest::Error>().and_then(reqwest::Error::status);
            if refused.is_some_and(|status| !matches!(status.as_u16(), 429 | 503)) {
                return Err(lost);
            }
            eprintln!("{lost}; again in a second");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

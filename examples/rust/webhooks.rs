//! Receives outgoing webhooks and checks their signatures (standardwebhooks.com).

use std::{env, net::Ipv4Addr, sync::Arc};

use anyhow::Context as _;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Seconds; what is older may be a replay.
const TOLERANCE: i64 = 5 * 60;

fn is_genuine(secret: &[u8], headers: &HeaderMap, body: &[u8]) -> Option<()> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let (id, at) = (text("webhook-id")?, text("webhook-timestamp")?);
    let age = chrono::Utc::now().timestamp() - at.parse::<i64>().ok()?;
    if age.abs() > TOLERANCE {
        return None;
    }
    let mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    let mac = mac.chain_update(format!("{id}.{at}.")).chain_update(body);
    // While a secret is changed there are two signatures.
    let mut signatures =
        text("webhook-signature")?.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    signatures.any(|signature| mac.clone().verify_slice(&signature).is_ok()).then_some(())
}

async fn receive(State(secret): State<Arc<Vec<u8>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if is_genuine(&secret, &headers, &body).is_none() {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(mut delivery) = serde_json::from_slice::<serde_json::Value>(&body) else { return StatusCode::BAD_REQUEST };
    // A delivery may come twice: webhook-id tells.
    delivery["webhook_id"] = headers["webhook-id"].to_str().unwrap_or_default().into();
    println!("{delivery}");
    StatusCode::NO_CONTENT
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let secret = env::var("WEBHOOK_SECRET").context("WEBHOOK_SECRET")?;
    let secret = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(&secret))?;
    let port = env::var("PORT").map_or(Ok(8900), |port| port.parse::<u16>())?;
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let router = Router::new().route("/", post(receive)).with_state(Arc::new(secret));
    axum::serve(listener, router).await?;
    Ok(())
}

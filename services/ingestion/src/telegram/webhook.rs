//! `POST /webhooks/telegram/{channel_id}`: an Update comes in, and is durable before it is answered.

use axum::{extract::Request, http::StatusCode};
use steward_http::{Problem, Trace, read_body};
use steward_settings::{Channel, Telegram};
use subtle::ConstantTimeEq;

use super::take::{Known, take};
use crate::intake::Intake;

/// Largest Update, in bytes.
const LIMIT: usize = 1 << 20;

const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// The answer's body is empty: Telegram would run a method it finds there.
pub async fn accept(
    intake: &Intake,
    channel: &Channel,
    known: &Known<'_>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let (parts, body) = request.into_parts();
    check_secret(known.telegram, &parts.headers)?;
    let trace = Trace::of(&parts.headers);
    let body = read_body(body, LIMIT).await?;
    take(intake, channel, known, body, &trace).await?;
    Ok(StatusCode::OK)
}

/// In constant time; only the length can be learnt.
fn check_secret(telegram: &Telegram, headers: &axum::http::HeaderMap) -> Result<(), Problem> {
    let given = headers.get(SECRET_HEADER).map_or(&b""[..], |v| v.as_bytes());
    let secret = telegram.secret_token.expose();
    if !secret.is_empty() && bool::from(given.ct_eq(secret.as_bytes())) {
        return Ok(());
    }
    Err(Problem::unauthorized(
        "wrong_secret",
        "the header X-Telegram-Bot-Api-Secret-Token isn't this channel's secret_token; register the webhook again with it",
    ))
}

//! `POST /webhooks/telegram/{channel_id}`: an Update comes in, and is durable before it is answered.

use axum::{
    extract::{Request, State},
    http::StatusCode,
};
use steward_domain::settings::{Channel, ChannelKind, Telegram};
use steward_http::{ApiPath, Problem, Trace, read_body};
use subtle::ConstantTimeEq;

use super::update;
use crate::intake::Intake;

/// Largest Update, in bytes.
const LIMIT: usize = 1 << 20;

const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// `/webhooks/{kind}`: the only channel of that kind.
pub async fn to_only_channel(
    State(intake): State<Intake>,
    ApiPath(kind): ApiPath<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let mut of_kind = intake.settings.channels.iter().filter(|c| c.kind.name() == kind);
    let (Some(channel), None) = (of_kind.next(), of_kind.next()) else { return Err(which(&intake, &kind)) };
    accept(&intake, channel, request).await
}

/// `/webhooks/{kind}/{channel_id}`.
pub async fn to_channel(
    State(intake): State<Intake>,
    ApiPath((kind, channel_id)): ApiPath<(String, String)>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let channel = intake.settings.channel(&channel_id).filter(|c| c.kind.name() == kind);
    accept(&intake, channel.ok_or_else(|| which(&intake, &kind))?, request).await
}

/// Names the channels there are.
fn which(intake: &Intake, kind: &str) -> Problem {
    let with_webhook = |c: &&Channel| matches!(c.kind, ChannelKind::Telegram(_));
    let paths: Vec<String> = intake
        .settings
        .channels
        .iter()
        .filter(with_webhook)
        .map(|c| format!("/webhooks/{}/{}", c.kind.name(), c.id))
        .collect();
    let detail = if paths.is_empty() {
        "no channel with a webhook is configured; add one under [[channels]]".to_owned()
    } else {
        let kind: String = kind.chars().take(32).collect();
        format!("this names no single channel of kind `{kind}`; the webhooks are {}", paths.join(", "))
    };
    Problem::not_found("unknown_channel", detail)
}

/// The answer's body is empty: Telegram would run a method it finds there.
async fn accept(intake: &Intake, channel: &Channel, request: Request) -> Result<StatusCode, Problem> {
    let ChannelKind::Telegram(telegram) = &channel.kind else { return Err(which(intake, channel.kind.name())) };
    let (parts, body) = request.into_parts();
    check_secret(telegram, &parts.headers)?;
    let trace = Trace::of(&parts.headers);
    let body = read_body(body, LIMIT).await?;
    let arrival = update::read(&body, &channel.operators)
        .map_err(|e| Problem::bad_request("no_update", format!("{e}; send a Bot API Update as JSON")))?;
    intake.record(channel, arrival, body, &trace).await?;
    Ok(StatusCode::OK)
}

/// In constant time; only the length can be learnt.
fn check_secret(telegram: &Telegram, headers: &axum::http::HeaderMap) -> Result<(), Problem> {
    let given = headers.get(SECRET_HEADER).map_or(&b""[..], |v| v.as_bytes());
    if !telegram.secret_token.is_empty() && bool::from(given.ct_eq(telegram.secret_token.as_bytes())) {
        return Ok(());
    }
    Err(Problem::unauthorized(
        "wrong_secret",
        "the header X-Telegram-Bot-Api-Secret-Token isn't this channel's secret_token; register the webhook again with it",
    ))
}

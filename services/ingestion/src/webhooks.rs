//! `/webhooks/{kind}/{channel_id}`: finds the channel that a provider's call is for; what is in it is the channel's matter.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Uri, header},
    response::{IntoResponse as _, Response},
};
use steward_http::{ApiPath, Problem, wrong_method};
use steward_settings::Channel;

use crate::intake::Intake;

/// `/webhooks/{kind}`: the only channel of that kind.
pub async fn to_only_channel(
    State(intake): State<Intake>,
    ApiPath(kind): ApiPath<String>,
    request: Request,
) -> Result<Response, Problem> {
    let settings = intake.settings.now();
    let mut of_kind = settings.channels.iter().filter(|c| c.kind.name() == kind);
    let (Some(channel), None) = (of_kind.next(), of_kind.next()) else {
        return Err(which(&intake, &kind, request.uri(), request.headers()).await);
    };
    accept(&intake, channel, request).await
}

/// `/webhooks/{kind}/{channel_id}`.
pub async fn to_channel(
    State(intake): State<Intake>,
    ApiPath((kind, channel_id)): ApiPath<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let settings = intake.settings.now();
    match settings.channel(&channel_id).filter(|c| c.kind.name() == kind) {
        Some(channel) => accept(&intake, channel, request).await,
        None => Err(which(&intake, &kind, request.uri(), request.headers()).await),
    }
}

/// Names the channels there are to whoever may know them: a caller with a key of their tenant, or this machine in mode
/// `open`. To strangers it names none.
async fn which(intake: &Intake, kind: &str, uri: &Uri, headers: &HeaderMap) -> Problem {
    let Ok(caller) = intake.guard.caller(uri, headers).await else {
        return Problem::not_found(
            "unknown_channel",
            "there is no such webhook; use the channel's own path, /webhooks/{kind}/{channel_id}",
        );
    };
    let with_webhook = |c: &&Channel| intake.way(c).has_webhook() && c.tenant == caller.tenant.as_str();
    let settings = intake.settings.now();
    let paths: Vec<String> = settings
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

async fn accept(intake: &Intake, channel: &Channel, request: Request) -> Result<Response, Problem> {
    let way = intake.way(channel);
    if !way.takes(request.method()) {
        let problem = wrong_method(request.method().clone(), request.uri().clone()).await;
        return Ok(([(header::ALLOW, "POST")], problem).into_response());
    }
    if !way.has_webhook() {
        return Err(which(intake, channel.kind.name(), request.uri(), request.headers()).await);
    }
    way.accept(intake, channel, request).await
}

//! `/webhooks/{kind}/{channel_id}`: finds the channel that a provider's call is for; what is in it is the channel's matter.

use std::collections::BTreeMap;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use steward_http::{
    ApiPath, Problem,
    openapi::{APPEND, BODY, Code, LISTENER, PATH, problems},
    wrong_method,
};
use steward_settings::Channel;
use utoipa::{
    IntoParams, IntoResponses,
    openapi::{self, RefOr},
};

use crate::intake::Intake;

/// A webhook of the only channel of its kind
#[utoipa::path(
    post,
    path = "/webhooks/{kind}",
    tag = "channels' webhooks",
    operation_id = "notify_only_channel",
    responses((status = 200, description = "durable in the log"), Refused),
)]
pub async fn notify_only(state: State<Intake>, kind: ApiPath<String>, request: Request) -> Result<Response, Problem> {
    to_only_channel(state, kind, request).await
}

/// WhatsApp's handshake with the only channel of that kind
#[utoipa::path(
    get,
    path = "/webhooks/{kind}",
    tag = "channels' webhooks",
    operation_id = "shake_hands_with_only_channel",
    params(Handshake),
    responses((status = 200, description = "the challenge as it came", body = String, content_type = "text/plain"), HandshakeRefused),
)]
pub async fn shake_hands_of_only(
    state: State<Intake>,
    kind: ApiPath<String>,
    request: Request,
) -> Result<Response, Problem> {
    to_only_channel(state, kind, request).await
}

/// A channel's webhook: a Telegram Bot API Update, a WhatsApp Cloud API notification, or a mail
///
/// Each kind proves in its own way who calls: Telegram by the header X-Telegram-Bot-Api-Secret-Token, WhatsApp by
/// X-Hub-Signature-256 (sha256= and the hex HMAC-SHA256 of the raw body by the app's secret), a raw mail (message/rfc822)
/// by X-Steward-Signature (the same by the channel's inbound_secret), a mail provider's form as the provider signs it.
#[utoipa::path(
    post,
    path = "/webhooks/{kind}/{channel_id}",
    tag = "channels' webhooks",
    operation_id = "notify_channel",
    responses((status = 200, description = "durable in the log"), Refused),
)]
pub async fn notify(
    state: State<Intake>,
    names: ApiPath<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    to_channel(state, names, request).await
}

/// WhatsApp's handshake: answered with hub.challenge if hub.verify_token is the channel's
#[utoipa::path(
    get,
    path = "/webhooks/{kind}/{channel_id}",
    tag = "channels' webhooks",
    operation_id = "shake_hands",
    params(Handshake),
    responses((status = 200, description = "the challenge as it came", body = String, content_type = "text/plain"), HandshakeRefused),
)]
pub async fn shake_hands(
    state: State<Intake>,
    names: ApiPath<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    to_channel(state, names, request).await
}

/// The query of WhatsApp's handshake, as Meta sends it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it is read by name where the handshake is answered")]
struct Handshake {
    /// subscribe
    #[param(rename = "hub.mode")]
    mode: String,
    #[param(rename = "hub.verify_token")]
    verify_token: String,
    #[param(rename = "hub.challenge")]
    challenge: String,
}

/// What a webhook is refused for.
struct Refused;

/// The kinds differ in how they prove who calls, and so in the codes.
const FOREIGN: &[Code] = &[
    Code::new(StatusCode::NOT_FOUND, "unknown_channel", "this names no single channel with a webhook"),
    Code::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "the channel's kind has no such method"),
];

const NOTIFIED: &[Code] = &[
    Code::new(StatusCode::BAD_REQUEST, "no_update", "it is no Bot API Update"),
    Code::new(StatusCode::BAD_REQUEST, "no_notification", "it is no Cloud API notification"),
    Code::new(StatusCode::BAD_REQUEST, "no_mail", "it is no mail, nor a form of a mail provider"),
    Code::new(StatusCode::UNAUTHORIZED, "wrong_secret", "the header isn't the channel's secret_token"),
    Code::new(StatusCode::UNAUTHORIZED, "wrong_signature", "the signature isn't of this body by the channel's secret"),
    Code::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "not_read",
        "too much is being read at this moment; send it again later",
    ),
    Code::new(StatusCode::SERVICE_UNAVAILABLE, "sns_unreachable", "Amazon SNS couldn't be asked for its certificate"),
];

const SHAKEN: &[Code] = &[
    Code::new(StatusCode::BAD_REQUEST, "no_challenge", "a handshake has hub.mode=subscribe and hub.challenge"),
    Code::new(StatusCode::FORBIDDEN, "wrong_verify_token", "hub.verify_token isn't the channel's verify_token"),
];

impl IntoResponses for Refused {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        problems([LISTENER, PATH, BODY, APPEND, FOREIGN, NOTIFIED])
    }
}

/// What a handshake is refused for.
struct HandshakeRefused;

impl IntoResponses for HandshakeRefused {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        problems([LISTENER, PATH, FOREIGN, SHAKEN])
    }
}

/// `/webhooks/{kind}`: the only channel of that kind.
async fn to_only_channel(
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
async fn to_channel(
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

//! `POST /webhooks/email/{channel_id}`: a raw mail, or a provider's form, checked and durable before it is answered.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
};
use bytes::Bytes;
use steward_domain::settings::{Channel, Email};
use steward_http::{Problem, Trace, read_body};

use super::{
    Folder, Mail, Mailbox, arrival, automatic,
    proof::{self, Own, Proof},
    providers::{self, Incoming, hmac},
};
use crate::{arrival::Arrival, intake::Intake};

/// Largest body, in bytes.
const LIMIT: usize = 25 << 20;

/// A mail longer than this, in bytes, is read where it holds nobody up.
const LONG: usize = 256 << 10;

const SIGNATURE_HEADER: &str = "x-steward-signature";

/// Takes in what was posted.
pub async fn accept(
    intake: &Intake,
    channel: &Channel,
    email: &Email,
    request: Request,
) -> Result<StatusCode, Problem> {
    let (parts, body) = request.into_parts();
    let trace = Trace::of(&parts.headers);
    // Whatever proof stands in the headers is looked for before a body is read for nobody.
    let signature = is_raw(&parts.headers).then(|| signature(&parts.headers)).transpose()?;
    if signature.is_none() {
        providers::check_headers(email, &parts.headers)?;
    }
    let body = read_body(body, LIMIT).await?;
    if let Some(signature) = signature {
        check_signature(email, &signature, &body)?;
        record_from(intake, channel, email, Folder::Posted, body, &trace).await?;
        return Ok(StatusCode::OK);
    }
    for incoming in providers::read(intake, channel, email, &parts.headers, &body).await? {
        let arrivals = match incoming {
            Incoming::Mail(mail) => {
                proven(intake, channel, email, &mail, &body, &trace).await?;
                arrival::read(&mail, &mailbox(intake, channel, email, Folder::Inbox))
            }
            Incoming::Event(arrival) => vec![*arrival],
        };
        record(intake, channel, arrivals, &body, &trace).await?;
    }
    Ok(StatusCode::OK)
}

/// Records a mail as it came into the mailbox.
///
/// # Errors
/// 400 when it is no mail, 503 when the log doesn't take it: the same may be brought again.
pub async fn record_mail(
    intake: &Intake,
    channel: &Channel,
    email: &Email,
    raw: Bytes,
    trace: &Trace,
) -> Result<(), Problem> {
    record_from(intake, channel, email, Folder::Inbox, raw, trace).await
}

/// As [`record_mail`], of a mail in a folder of ours.
pub async fn record_from(
    intake: &Intake,
    channel: &Channel,
    email: &Email,
    folder: Folder,
    raw: Bytes,
    trace: &Trace,
) -> Result<(), Problem> {
    let mailbox = mailbox(intake, channel, email, folder);
    let mail = if raw.len() > LONG {
        let raw = raw.clone();
        tokio::task::spawn_blocking(move || Mail::read(&raw)).await.ok().flatten()
    } else {
        Mail::read(&raw)
    };
    let mail = mail.ok_or_else(|| {
        Problem::bad_request("no_mail", "this has no header of a mail; post an RFC 5322 message as it was received")
    })?;
    proven(intake, channel, email, &mail, &raw, trace).await?;
    record(intake, channel, arrival::read(&mail, &mailbox), &raw, trace).await
}

/// Settles the mail of ours that this one answers, if nobody knew that it arrived.
async fn proven(
    intake: &Intake,
    channel: &Channel,
    email: &Email,
    mail: &Mail,
    raw: &Bytes,
    trace: &Trace,
) -> Result<(), Problem> {
    // A bounce answers too, and says the opposite.
    if automatic::kind(mail).is_some() {
        return Ok(());
    }
    let answered = mail.in_reply_to.iter().find_map(|id| Own::named(id, &email.address));
    let Some(answered) = answered else { return Ok(()) };
    proof::settle(intake, channel, &answered, Proof::Answer, raw.clone(), trace).await.map(drop)
}

async fn record(
    intake: &Intake,
    channel: &Channel,
    arrivals: Vec<Arrival>,
    raw: &Bytes,
    trace: &Trace,
) -> Result<(), Problem> {
    for arrival in arrivals {
        intake.record(channel, arrival, raw.clone(), trace).await?;
    }
    Ok(())
}

fn mailbox<'a>(intake: &Intake, channel: &'a Channel, email: &'a Email, folder: Folder) -> Mailbox<'a> {
    let timezone = intake.settings.defaults.timezone;
    Mailbox { settings: email, operators: &channel.operators, timezone, folder }
}

fn is_raw(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    headers.contains_key(SIGNATURE_HEADER) || content_type.trim().to_ascii_lowercase().starts_with("message/")
}

/// The signature that a raw mail claims to have, in hex.
fn signature(headers: &HeaderMap) -> Result<String, Problem> {
    let given = headers.get(SIGNATURE_HEADER).and_then(|v| v.to_str().ok()).unwrap_or_default().trim();
    let given = given.strip_prefix("sha256=").unwrap_or(given);
    let is_one = given.len() == 64 && given.bytes().all(|b| b.is_ascii_hexdigit());
    if is_one { Ok(given.to_owned()) } else { Err(wrong_signature()) }
}

/// In constant time.
fn check_signature(email: &Email, given: &str, body: &[u8]) -> Result<(), Problem> {
    if hmac::is_signed(&email.inbound_secret, &[body], given) { Ok(()) } else { Err(wrong_signature()) }
}

fn wrong_signature() -> Problem {
    Problem::unauthorized(
        "wrong_signature",
        "the header X-Steward-Signature isn't the hex HMAC-SHA256 of the body under this channel's inbound_secret",
    )
}

//! `POST /webhooks/email/{channel_id}`: a raw mail, or a provider's form, checked and durable before it is answered.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
};
use bytes::Bytes;
use chrono_tz::Tz;
use steward_http::{Problem, Trace, read_body};
use steward_settings::{Channel, Email};

use super::{
    Folder, Mail, Mailbox, arrival, automatic,
    proof::{self, Own, Proof},
    providers::{self, Genuine, Incoming, Memory, hmac},
};
use crate::{arrival::Arrival, intake::Intake, parsing::LARGE};

/// Largest body, in bytes.
const LIMIT: usize = 25 << 20;

/// A mail longer than this, in bytes, is read where it holds nobody up: the understanding of what is new in one costs more
/// than its bytes.
const LONG: usize = 8 << 10;

const SIGNATURE_HEADER: &str = "x-steward-signature";

/// Takes in what was posted.
pub async fn accept(
    intake: &Intake,
    channel: &Channel,
    email: &Email,
    memory: &Memory,
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
        let (bytes, secret) = (body.clone(), email.inbound_secret.clone());
        let is_signed = async move { hmac::is_signed(secret.expose(), &[&bytes], &signature) };
        if !intake.parsing.read(&channel.tenant, body.len() > LARGE, is_signed).await? {
            return Err(wrong_signature());
        }
        record_from(intake, channel, email, Folder::Posted, body, &trace).await?;
        return Ok(StatusCode::OK);
    }
    let genuine = Genuine::default();
    let way = (channel.clone(), email.clone(), memory.clone());
    let work = provided(intake.clone(), way, parts.headers, body.clone(), genuine.clone());
    match intake.parsing.read(&channel.tenant, body.len() > LONG, work).await {
        Ok(meanings) => {
            for meaning in meanings? {
                record(intake, channel, meaning, &body, &trace).await?;
            }
        }
        Err(unread) if genuine.is_known() => intake.keep_unread(channel, unread, body, &trace).await?,
        Err(unread) => return Err(unread.into()),
    }
    Ok(StatusCode::OK)
}

/// Checks and reads what a provider posted.
async fn provided(
    intake: Intake,
    (channel, email, memory): (Channel, Email, Memory),
    headers: HeaderMap,
    body: Bytes,
    genuine: Genuine,
) -> Result<Vec<Meaning>, Problem> {
    let read = providers::read(&intake, &channel, (&email, &memory), &headers, &body, &genuine).await?;
    let mailbox = mailbox(intake.settings.now().defaults.timezone, &channel, &email, Folder::Inbox);
    let meaning = |incoming| match incoming {
        Incoming::Mail(mail) => Meaning::of(&mail, &mailbox),
        Incoming::Event(arrival) => Meaning { arrivals: vec![*arrival], answered: None },
    };
    Ok(read.into_iter().map(meaning).collect())
}

/// What is to be recorded of a mail.
struct Meaning {
    arrivals: Vec<Arrival>,
    /// The mail of ours that it answers.
    answered: Option<Own>,
}

impl Meaning {
    fn of(mail: &Mail, mailbox: &Mailbox<'_>) -> Self {
        // A bounce answers too, and says the opposite.
        let person = automatic::kind(mail, &mailbox.settings.groups).is_none();
        let mut answered = mail.in_reply_to.iter().filter(|_| person);
        let answered = answered.find_map(|id| Own::named(id, &mailbox.settings.address));
        Self { arrivals: arrival::read(mail, mailbox), answered }
    }
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
    let (of, own, bytes) = (channel.clone(), email.clone(), raw.clone());
    let timezone = intake.settings.now().defaults.timezone;
    let work = async move { Some(Meaning::of(&Mail::read(&bytes)?, &mailbox(timezone, &of, &own, folder))) };
    match intake.parsing.read(&channel.tenant, raw.len() > LONG, work).await {
        Ok(Some(meaning)) => record(intake, channel, meaning, &raw, trace).await,
        Ok(None) => Err(Problem::bad_request(
            "no_mail",
            "this has no header of a mail; post an RFC 5322 message as it was received",
        )),
        Err(unread) => intake.keep_unread(channel, unread, raw, trace).await,
    }
}

/// Records what a mail means, and first that the mail of ours arrived which it answers, if nobody knew that.
async fn record(
    intake: &Intake,
    channel: &Channel,
    meaning: Meaning,
    raw: &Bytes,
    trace: &Trace,
) -> Result<(), Problem> {
    if let Some(answered) = &meaning.answered {
        proof::settle(intake, channel, answered, Proof::Answer, raw.clone(), trace).await?;
    }
    for arrival in meaning.arrivals {
        intake.record(channel, arrival, raw.clone(), trace).await?;
    }
    Ok(())
}

fn mailbox<'a>(timezone: Tz, channel: &'a Channel, email: &'a Email, folder: Folder) -> Mailbox<'a> {
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

fn wrong_signature() -> Problem {
    Problem::unauthorized(
        "wrong_signature",
        "the header X-Steward-Signature isn't the hex HMAC-SHA256 of the body under this channel's inbound_secret",
    )
}

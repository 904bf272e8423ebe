//! `POST /api/v1/messages`: a message from the `web` channel or any other source that calls us: a client's, or an operator's command.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use steward_domain::{conversation::Conversation, ids};
use steward_http::Problem;
use steward_log::{Append, AtLeast, Expected};
use steward_proto::{Cause, Event, Recorded, TenantId, v1::ClientResponded};
use steward_settings::{Channel, ChannelKind, Settings};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Answer, Command,
    contacts::{check_language, check_timezone},
    openapi::{Fact, Refuses},
    originals,
    repeats::reused,
};
use crate::{
    arrival::{Arrival, Chat, Person, Said, What},
    intake::Intake,
    origin::{Origin, new_event, source_of},
    outside::{OutsideId, OutsideName, WholeText},
    patience::in_time,
    telegram::operator::{self, Where},
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClientMessage, example = json!({ "channel_id": "web-main", "contact": { "id": "anna", "language": "en" }, "text": "Remind me in two hours." }))]
pub struct Message {
    channel_id: String,
    contact: Contact,
    text: String,
    /// The source's id of the message: the same one is recorded once.
    #[schema(min_length = 1, max_length = 256)]
    external_id: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClientContact)]
pub struct Contact {
    #[schema(min_length = 1, max_length = 256)]
    /// The caller's own id of the person: 1 to 256 bytes.
    id: String,
    name: Option<String>,
    /// BCP 47
    language: Option<String>,
    /// IANA
    timezone: Option<String>,
}

/// Records what a client wrote on the web channel or another source, once per key
#[utoipa::path(
    post,
    path = "/api/v1/messages",
    tag = "messages",
    operation_id = "record_message",
    request_body = Message,
    responses((status = 201, description = "recorded", body = Answer), Refuses<Fact>),
)]
pub async fn message(State(intake): State<Intake>, command: Command<Message>) -> Result<Answer, Problem> {
    let body = &command.body;
    check(body)?;
    let settings = intake.settings.now();
    let channel = channel(&settings, &command)?;
    let key = match (&command.key, &body.external_id) {
        (Some(key), _) => Some(format!("key:{key}")),
        (None, Some(id)) => Some(format!("external:{id}")),
        (None, None) => None,
    };
    let repeatable = key.is_some();
    let key = key.unwrap_or_else(|| format!("event:{}", Uuid::now_v7()));
    let mut origin = origin(channel, &command, key, intake.log.clock().now());
    intake.keep_raw(&mut origin.source, command.raw.clone()).await?;
    let message_id = ids::inbound_message(origin.conversation, &origin.source.key);
    let said = originals::Said::outside(&origin.source.raw, &origin.source.raw_blob);
    let is_there = |state: &Conversation| state.inbound.contains(&origin.source.key);
    originals::same(&intake, &command, (origin.conversation, &message_id.to_string()), is_there, &said).await?;
    let recorded = async {
        if channel.operators.contains(&body.contact.id) {
            of_operator(&intake, channel, &origin, &body.text).await
        } else {
            record(&intake, &origin, body, repeatable).await
        }
    };
    let position = in_time(recorded).await?;
    command.done(&intake);
    Ok(Answer::created(message_id.to_string(), origin.conversation, position))
}

fn check(body: &Message) -> Result<(), Problem> {
    if !(1..=256).contains(&body.contact.id.len()) {
        return Err(Problem::unprocessable("bad_contact", "`contact.id` must have 1 to 256 bytes"));
    }
    if body.text.trim().is_empty() {
        return Err(Problem::unprocessable("empty_text", "`text` must say something"));
    }
    if body.external_id.as_ref().is_some_and(|id| !(1..=256).contains(&id.len())) {
        return Err(Problem::unprocessable(
            "bad_body",
            "`external_id` must have 1 to 256 bytes; leave it out if there is none",
        ));
    }
    check_language(body.contact.language.as_deref())?;
    check_timezone(body.contact.timezone.as_deref())
}

/// The caller's channel; one of another tenant doesn't exist for them.
fn channel<'a>(settings: &'a Settings, command: &Command<Message>) -> Result<&'a Channel, Problem> {
    let id = &command.body.channel_id;
    let own = |c: &&Channel| c.tenant == command.caller.tenant.as_str();
    let channel = settings.channel(id).filter(own).ok_or_else(|| {
        let ids: Vec<&str> = settings.channels.iter().filter(own).map(|c| c.id.as_str()).collect();
        Problem::not_found("unknown_channel", format!("there is no such channel; yours are: {}", ids.join(", ")))
    })?;
    match channel.kind {
        ChannelKind::Web => Ok(channel),
        _ => Err(Problem::unprocessable(
            "wrong_channel",
            format!("channel `{id}` is of kind {}; messages are posted to channels of kind web", channel.kind.name()),
        )),
    }
}

fn origin(channel: &Channel, command: &Command<Message>, key: String, now: DateTime<Utc>) -> Origin {
    let contact = &command.body.contact;
    let id = OutsideId::from(contact.id.as_str());
    let chat = Chat { external_id: id.clone(), contact: id.clone(), ..Chat::default() };
    let said = |field: &Option<String>| OutsideName::from(field.as_deref().unwrap_or_default());
    let from = Person {
        id: id.clone(),
        name: said(&contact.name),
        username: OutsideName::default(),
        language: said(&contact.language),
        timezone: said(&contact.timezone),
    };
    let what = What::Kept(OutsideName::default());
    let arrival = Arrival { key: key.into(), at: Some(now), chat: Some(chat.clone()), from: None, what };
    let source = source_of(channel, &arrival);
    let tenant = TenantId::new(&channel.tenant).expect("the configuration was checked");
    let contact_id = ids::contact(&tenant, &channel.id, &id);
    Origin {
        conversation: ids::conversation(&tenant, &channel.id, &id),
        // The caller's id of the person may hold anything; ours can stand in a header.
        cause: Cause::outside(format!("client:{contact_id}"), command.trace.traceparent.clone()),
        contact_id,
        tenant,
        chat,
        from: Some(from.into()),
        source,
    }
}

/// What one of ours writes is no client's word: a command that names the client, or nothing to answer.
/// Returns the position to wait for.
async fn of_operator(intake: &Intake, channel: &Channel, origin: &Origin, text: &str) -> Result<u64, Problem> {
    match operator::command(text, Where::OwnWords) {
        Some(command) => intake.command_in_own_chat(channel, origin, command).await?,
        None => intake.note_once(origin, |_| vec![origin.kept("operator_message")]).await?,
    }
    Ok(intake.log.load::<Conversation>(&origin.aggregate(), AtLeast::Latest).await?.version)
}

/// Returns the position to wait for.
async fn record(intake: &Intake, origin: &Origin, body: &Message, repeatable: bool) -> Result<u64, Problem> {
    let key = &origin.source.key;
    if repeatable {
        let held = intake.log.load::<Conversation>(&origin.aggregate(), AtLeast::Latest).await?;
        if held.state.inbound.contains(key) {
            return Ok(held.version);
        }
    }
    let said = Said {
        kind: "text",
        text: body.text.as_str().into(),
        full_text: WholeText::if_cut(&body.text),
        provider_message_id: body.external_id.as_deref().unwrap_or_default().into(),
        ..Said::default()
    };
    // A key may hold any character; the header it becomes may not.
    let dedupe_key = Some(format!("{}/{}", origin.source.channel_id, hex::encode(Sha256::digest(key))));
    let events = vec![new_event(&intake.log, &origin.cause, origin.said(said))];
    let append = Append { aggregate: origin.aggregate(), events, expected: Expected::Any, dedupe_key };
    let place = intake.place(&origin.tenant).await?;
    let appended = intake.log.append(append).await?;
    place.rest().await;
    if appended.duplicate {
        // Sent twice at once, or to another contact under the same key.
        let stored = intake.log.read(appended.position).await?;
        if stored.is_some_and(|stored| !is_repeat(&stored, origin)) {
            return Err(reused());
        }
    }
    Ok(appended.position)
}

fn is_repeat(stored: &Recorded, origin: &Origin) -> bool {
    let Event::ClientResponded(ClientResponded { source: Some(source), .. }) = &stored.event else { return false };
    stored.subject.aggregate_id() == Some(origin.aggregate())
        && (&source.raw, &source.raw_blob) == (&origin.source.raw, &origin.source.raw_blob)
}

//! Follow-ups: promised, moved, changed, taken back.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use steward_domain::{
    contact::Contact,
    conversation::{CancelOn, Conversation, FollowUpState, follow_ups::NewFollowUp},
    ids::{self, ConversationId, FollowUpId},
    kernel::Why,
    person::effective,
};
use steward_http::{ApiPath, Problem};
use steward_log::AtLeast;
use steward_proto::{to_timestamp, v1};
use utoipa::ToSchema;

use super::{
    Answer, Command, changed, conversation_id, decide,
    humans::{as_asked, known},
    openapi::{self, Refuses},
    originals, read_id,
    when::Clock,
};
use crate::{
    intake::Intake,
    merging,
    outside::{Line, Note, OutsideText, Words},
    patience::in_time,
};

const UNKNOWN: &str = "unknown_follow_up";

/// Kinds of action.
pub const ACTIONS: [&str; 4] = ["message", "compose", "task", "tool"];

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewFollowUp, example = json!({ "conversation_id": "7b3d4e52-8f0c-5a51-9d0e-2f6a1c9b8e47", "text": "Have you had time to look?", "phrase": "tomorrow at 10" }))]
pub struct New {
    conversation_id: String,
    /// Not needed for kinds of action other than message.
    text: Option<Words>,
    #[schema(format = DateTime)]
    due_at: Option<String>,
    /// "in two hours", "завтра утром", "el viernes"
    phrase: Option<Line>,
    /// What takes it back; if nothing is said, the client's next message.
    #[schema(schema_with = openapi::cancel_on)]
    cancel_on: Option<String>,
    intention: Option<Line>,
    /// Reads back as `scheduled_reason`.
    reason: Option<Note>,
    /// Replaces the pending one with the same key.
    key: Option<Line>,
    action: Option<Action>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAction)]
struct Action {
    #[schema(schema_with = openapi::action_kind)]
    kind: String,
    prompt: Option<Words>,
    tool: Option<Line>,
    input: Option<Value>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FollowUpChanges, example = json!({ "phrase": "in two days" }))]
pub struct Changes {
    #[schema(format = DateTime)]
    due_at: Option<String>,
    phrase: Option<Line>,
    text: Option<Words>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FollowUpCancelling, example = json!({ "reason": "they called" }))]
pub struct Cancel {
    reason: Option<Note>,
}

/// Schedules a follow-up: `due_at` or `phrase`
#[utoipa::path(
    post,
    path = "/api/v1/follow-ups",
    tag = "follow-ups",
    operation_id = "schedule_follow_up",
    request_body = New,
    responses((status = 201, description = "recorded", body = Answer), Refuses<Conversation>),
)]
pub async fn schedule(State(intake): State<Intake>, command: Command<New>) -> Result<Answer, Problem> {
    let body = &command.body;
    let conversation = conversation_id(&body.conversation_id)?;
    let action = action(body.action.as_ref())?;
    let cancel_on = match body.cancel_on.as_deref() {
        None => CancelOn::ClientResponse,
        Some(name) => CancelOn::of_name(name).ok_or_else(|| {
            Problem::unprocessable("bad_body", "`cancel_on` must be \"client_response\" or \"never\"")
        })?,
    };
    let Person { clock, contact } = in_time(person(&intake, &command, conversation)).await?;
    let when = clock.when(body.due_at.as_deref(), body.phrase.as_deref())?;
    let elsewhere = in_time(open_elsewhere(&intake, &command, &contact, conversation)).await?;
    let follow_up_id = ids::follow_up(conversation, command.unique());
    let said = originals::Said::promise(&v1::FollowUpScheduled {
        text: body.text.as_deref().unwrap_or_default().to_owned(),
        cancel_on: cancel_on.name().to_owned(),
        intention: body.intention.as_deref().unwrap_or("write").to_owned(),
        scheduled_reason: body.reason.as_deref().unwrap_or_default().to_owned(),
        key: body.key.as_deref().unwrap_or_default().to_owned(),
        phrase: when.phrase.clone(),
        due_at: Some(to_timestamp(when.due_at)),
        action: Some(action.clone()),
        ..v1::FollowUpScheduled::default()
    });
    let is_there = |state: &Conversation| state.follow_ups.contains_key(&follow_up_id);
    originals::same(&intake, &command, (conversation, &follow_up_id.to_string()), is_there, &said).await?;
    let position = decide(&intake, &command, conversation, |state| {
        if state.follow_ups.contains_key(&follow_up_id) {
            return Ok(Vec::new());
        }
        // One that takes another's place needs no room.
        let replaces = |key: &str| !key.is_empty() && state.follow_ups.values().any(|f| f.is_pending() && f.key == key);
        if !body.key.as_deref().is_some_and(replaces) {
            state.room_for_one_more(intake.settings.now().limits.open_follow_ups, elsewhere)?;
        }
        let promise = NewFollowUp {
            follow_up_id,
            due_at: when.due_at,
            timezone: when.zone.name().to_owned(),
            phrase: when.phrase.clone(),
            rule: when.rule.clone(),
            intention: body.intention.as_deref().unwrap_or("write").to_owned(),
            text: body.text.as_deref().unwrap_or_default().to_owned(),
            cancel_on,
            action: action.clone(),
            reason: body.reason.as_deref().unwrap_or_default().to_owned(),
            key: body.key.as_deref().unwrap_or_default().to_owned(),
            asked_by: String::new(),
            turn_id: None,
            language: clock.language.clone(),
            context: String::new(),
            asked_in: None,
            topic: String::new(),
            by: command.caller.actor(),
        };
        state.schedule(intake.log.clock().now(), false, promise)
    })
    .await?;
    Ok(Answer::created(follow_up_id.to_string(), conversation, position))
}

/// Moves it or changes its text
#[utoipa::path(
    patch,
    path = "/api/v1/follow-ups/{id}",
    tag = "follow-ups",
    operation_id = "change_follow_up",
    request_body = Changes,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Conversation>),
)]
pub async fn change(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Changes>,
) -> Result<Answer, Problem> {
    let id: FollowUpId = read_id(&id, UNKNOWN)?;
    let conversation = id.conversation();
    let Changes { due_at, phrase, text } = &command.body;
    let timed = due_at.is_some() || phrase.is_some();
    if !timed && text.is_none() {
        return Err(Problem::unprocessable(
            "bad_body",
            "nothing to change: give at least one of `due_at`, `phrase`, `text`",
        ));
    }
    let when = if timed {
        let Person { clock, .. } = in_time(person(&intake, &command, conversation)).await?;
        Some(clock.when(due_at.as_deref(), phrase.as_deref())?)
    } else {
        None
    };
    let by = command.caller.actor();
    let position = decide(&intake, &command, conversation, |state| {
        let mut events = Vec::new();
        if let Some(when) = &when {
            let words = (when.phrase.clone(), when.rule.clone());
            events.extend(state.move_follow_up(intake.log.clock().now(), &id, when.due_at, words, (&by, None))?);
        }
        if let Some(text) = text {
            events.extend(state.change_follow_up_text(&id, text.to_string(), &by)?);
        }
        Ok(events)
    })
    .await?;
    Ok(Answer::changed(id.to_string(), conversation, position))
}

/// Cancels it
#[utoipa::path(
    delete,
    path = "/api/v1/follow-ups/{id}",
    tag = "follow-ups",
    operation_id = "cancel_follow_up",
    request_body = Option<Cancel>,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Conversation>),
)]
pub async fn cancel(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Cancel>,
) -> Result<Answer, Problem> {
    let words = match &command.body.reason {
        Some(reason) if !reason.trim().is_empty() => reason.to_string(),
        _ => format!("cancelled by {}", command.caller.actor()),
    };
    let id: FollowUpId = read_id(&id, UNKNOWN)?;
    changed(&intake, &command, (id.to_string(), id.conversation()), |state| {
        // What the client's message cancelled may still be renewed by the brain; this ends that too.
        if let Some(follow_up) = state.follow_ups.get(&id)
            && matches!(follow_up.state, FollowUpState::Cancelled(_))
            && command.may_repeat()
        {
            return Ok(Vec::new());
        }
        as_asked(
            state.cancel(&id, Why::new("by_command", words.clone(), ""), None),
            "already_cancelled",
            command.may_repeat(),
        )
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Promises again, at its own time, what was cancelled
#[utoipa::path(
    post,
    path = "/api/v1/follow-ups/{id}/renew",
    tag = "follow-ups",
    operation_id = "renew_follow_up",
    responses((status = 201, description = "recorded; `id` is the new one's", body = Answer), Refuses<Conversation>),
)]
pub async fn renew(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Nothing>,
) -> Result<Answer, Problem> {
    let id: FollowUpId = read_id(&id, UNKNOWN)?;
    let conversation = id.conversation();
    let contact = in_time(person(&intake, &command, conversation)).await?.contact;
    let elsewhere = in_time(open_elsewhere(&intake, &command, &contact, conversation)).await?;
    let (by, new_id) = (command.caller.actor(), ids::follow_up(conversation, command.unique()));
    let position = decide(&intake, &command, conversation, |state| {
        if state.follow_ups.contains_key(&new_id) {
            return Ok(Vec::new());
        }
        state.room_for_one_more(intake.settings.now().limits.open_follow_ups, elsewhere)?;
        state.renew_by(intake.log.clock().now(), &id, new_id, &by)
    })
    .await?;
    Ok(Answer::created(new_id.to_string(), conversation, position))
}

/// Who a conversation is with.
struct Person {
    clock: Clock,
    contact: Arc<Contact>,
}

async fn person<T>(intake: &Intake, command: &Command<T>, conversation: ConversationId) -> Result<Person, Problem> {
    let tenant = &command.caller.tenant;
    let aggregate = ids::conversation_aggregate(tenant, conversation);
    let state = intake.log.load::<Conversation>(&aggregate, AtLeast::Latest).await?.state;
    known(&state)?;
    let contact = match state.place.as_ref().and_then(|p| p.contact_id) {
        Some(id) => merging::contact(&intake.log, tenant, id).await?,
        None => Arc::default(),
    };
    let clock =
        Clock::of(&effective(&intake.settings.now().defaults, Some(&contact), &state), intake.log.clock().now());
    Ok(Person { clock, contact })
}

/// Follow-ups that are open in the person's other conversations, counted up to the limit.
async fn open_elsewhere<T>(
    intake: &Intake,
    command: &Command<T>,
    contact: &Contact,
    conversation: ConversationId,
) -> Result<usize, Problem> {
    let (mut open, most) = (0, intake.settings.now().limits.open_follow_ups);
    for other in contact.elsewhere(conversation) {
        if open >= most {
            break;
        }
        let other = ids::conversation_aggregate(&command.caller.tenant, other);
        open += intake.log.load::<Conversation>(&other, AtLeast::Latest).await?.state.open_follow_ups();
    }
    Ok(open)
}

fn action(given: Option<&Action>) -> Result<v1::Action, Problem> {
    let Some(given) = given else { return Ok(v1::Action { kind: "message".to_owned(), ..v1::Action::default() }) };
    if !ACTIONS.contains(&given.kind.as_str()) {
        return Err(Problem::unprocessable(
            "bad_body",
            "`action.kind` must be \"message\", \"compose\", \"task\" or \"tool\"",
        ));
    }
    let tool = given.tool.as_deref().unwrap_or_default().to_owned();
    let input = given.input.as_ref().map(Value::to_string).unwrap_or_default();
    if input.len() > OutsideText::LONGEST {
        return Err(Problem::unprocessable(
            "bad_body",
            format!("`action.input` must have at most {} bytes", OutsideText::LONGEST),
        ));
    }
    if (given.kind == "tool") == tool.is_empty() {
        return Err(Problem::unprocessable(
            "bad_body",
            "`action.tool` names the tool of an action of kind \"tool\", and of no other",
        ));
    }
    Ok(v1::Action {
        kind: given.kind.clone(),
        prompt: given.prompt.as_deref().unwrap_or_default().to_owned(),
        tool,
        input,
    })
}

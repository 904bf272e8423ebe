//! Goals, milestones and facts of a contact, as operators set, correct, resolve, merge and remove them.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use steward_domain::{
    contact::{
        Contact, Refused,
        memory::{Changes, Ending, Evidence, Kind, Memory, NewItem, RememberedId, Word},
    },
    conversation::talk::{By, Talk},
    ids::{self, ContactId, MessageId},
};
use steward_http::{ApiPath, Problem};
use steward_log::AtLeast;
use steward_proto::Event;
use utoipa::ToSchema;

use super::{Answer, Command, contacts::contact_id, openapi::Refuses, outbox::Nothing, read_id, when::instant};
use crate::{
    intake::Intake,
    merging,
    outside::{Line, Note},
    patience::in_time,
};

const UNKNOWN: &str = "unknown_remembered";

/// Words of the contact's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = QuotedWords)]
pub struct Quoted {
    message_id: String,
    /// It must stand in that message just so.
    quote: Note,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewGoal, example = json!({ "contact_id": "2c1f7a90-6f55-5c0e-8d1e-0b5f4f6f9a11", "title": "learn Spanish", "due_at": "2027-06-01T10:00:00+02:00" }))]
pub struct NewGoal {
    contact_id: String,
    title: Line,
    #[schema(format = DateTime)]
    due_at: Option<String>,
    /// Percent.
    #[schema(minimum = 0, maximum = 100)]
    progress: Option<u32>,
    evidence: Option<Quoted>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GoalChanges, example = json!({ "progress": 40 }))]
pub struct GoalChanges {
    /// The old one is retired for good.
    title: Option<Line>,
    #[schema(format = DateTime)]
    due_at: Option<String>,
    #[schema(minimum = 0, maximum = 100)]
    progress: Option<u32>,
    /// A person says that it is so: nothing is surer.
    confirmed: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMilestone, example = json!({ "contact_id": "2c1f7a90-6f55-5c0e-8d1e-0b5f4f6f9a11", "text": "passed the first exam" }))]
pub struct NewMilestone {
    contact_id: String,
    text: Line,
    goal_id: Option<String>,
    #[schema(format = DateTime)]
    happened_at: Option<String>,
    evidence: Option<Quoted>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MilestoneChanges, example = json!({ "text": "passed the second exam" }))]
pub struct MilestoneChanges {
    text: Option<Line>,
    #[schema(format = DateTime)]
    happened_at: Option<String>,
    /// A person says that it is so: nothing is surer.
    confirmed: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewFact, example = json!({ "contact_id": "2c1f7a90-6f55-5c0e-8d1e-0b5f4f6f9a11", "text": "lives in Valencia" }))]
pub struct NewFact {
    contact_id: String,
    text: Line,
    evidence: Option<Quoted>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FactChanges, example = json!({ "text": "lives in Madrid" }))]
pub struct FactChanges {
    text: Option<Line>,
    /// A person says that it is so: nothing is surer.
    confirmed: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RememberedMerging, example = json!({ "into": "2c1f7a906f555c0e8d1e0b5f4f6f9a11g2c1f7a906f555c0e8d1e0b5f4f6f9a11" }))]
pub struct MergeInto {
    /// What is to stand for both.
    into: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RememberedRemoval, example = json!({ "reason": "they never said so" }))]
pub struct Removal {
    reason: Option<Note>,
}

/// Sets a goal
#[utoipa::path(
    post,
    path = "/api/v1/goals",
    tag = "memory",
    operation_id = "set_goal",
    request_body = NewGoal,
    responses((status = 201, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn set_goal(State(intake): State<Intake>, command: Command<NewGoal>) -> Result<Answer, Problem> {
    let body = &command.body;
    let at = body.due_at.as_deref().map(instant).transpose()?;
    let new =
        New { kind: Kind::Goal, text: &body.title, at, goal: None, progress: percent(body.progress)?.unwrap_or(0) };
    remember(&intake, &command, &body.contact_id, new, body.evidence.as_ref()).await
}

/// Records a milestone
#[utoipa::path(
    post,
    path = "/api/v1/milestones",
    tag = "memory",
    operation_id = "record_milestone",
    request_body = NewMilestone,
    responses((status = 201, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn record_milestone(State(intake): State<Intake>, command: Command<NewMilestone>) -> Result<Answer, Problem> {
    let body = &command.body;
    let at = body.happened_at.as_deref().map(instant).transpose()?;
    let goal = body.goal_id.as_deref().map(|id| of_kind(id, Kind::Goal)).transpose()?;
    let new = New { kind: Kind::Milestone, text: &body.text, at, goal, progress: 0 };
    remember(&intake, &command, &body.contact_id, new, body.evidence.as_ref()).await
}

/// Remembers a fact
#[utoipa::path(
    post,
    path = "/api/v1/facts",
    tag = "memory",
    operation_id = "remember_fact",
    request_body = NewFact,
    responses((status = 201, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn remember_fact(State(intake): State<Intake>, command: Command<NewFact>) -> Result<Answer, Problem> {
    let body = &command.body;
    let new = New { kind: Kind::Fact, text: &body.text, at: None, goal: None, progress: 0 };
    remember(&intake, &command, &body.contact_id, new, body.evidence.as_ref()).await
}

/// Corrects a goal; its old title is retired for good
#[utoipa::path(
    patch,
    path = "/api/v1/goals/{id}",
    tag = "memory",
    operation_id = "change_goal",
    request_body = GoalChanges,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn change_goal(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<GoalChanges>,
) -> Result<Answer, Problem> {
    let GoalChanges { title, due_at, progress, confirmed } = &command.body;
    let changes = Changes {
        text: title.as_deref().map(str::to_owned),
        at: due_at.as_deref().map(instant).transpose()?,
        progress: percent(*progress)?,
        confidence: sure(*confirmed),
        ..Changes::default()
    };
    correct(&intake, &command, of_kind(&id, Kind::Goal)?, changes).await
}

/// Corrects a milestone; the old one is retired for good
#[utoipa::path(
    patch,
    path = "/api/v1/milestones/{id}",
    tag = "memory",
    operation_id = "change_milestone",
    request_body = MilestoneChanges,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn change_milestone(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<MilestoneChanges>,
) -> Result<Answer, Problem> {
    let MilestoneChanges { text, happened_at, confirmed } = &command.body;
    let changes = Changes {
        text: text.as_deref().map(str::to_owned),
        at: happened_at.as_deref().map(instant).transpose()?,
        confidence: sure(*confirmed),
        ..Changes::default()
    };
    correct(&intake, &command, of_kind(&id, Kind::Milestone)?, changes).await
}

/// Corrects a fact; the old one is retired for good
#[utoipa::path(
    patch,
    path = "/api/v1/facts/{id}",
    tag = "memory",
    operation_id = "change_fact",
    request_body = FactChanges,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn change_fact(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<FactChanges>,
) -> Result<Answer, Problem> {
    let FactChanges { text, confirmed } = &command.body;
    let changes =
        Changes { text: text.as_deref().map(str::to_owned), confidence: sure(*confirmed), ..Changes::default() };
    correct(&intake, &command, of_kind(&id, Kind::Fact)?, changes).await
}

/// A goal is reached
#[utoipa::path(
    post,
    path = "/api/v1/goals/{id}/achieve",
    tag = "memory",
    operation_id = "achieve_goal",
    responses((status = 200, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn achieve_goal(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Nothing>,
) -> Result<Answer, Problem> {
    end(&intake, &command, of_kind(&id, Kind::Goal)?, None).await
}

/// A milestone is done with
#[utoipa::path(
    post,
    path = "/api/v1/milestones/{id}/resolve",
    tag = "memory",
    operation_id = "resolve_milestone",
    responses((status = 200, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn resolve_milestone(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Nothing>,
) -> Result<Answer, Problem> {
    end(&intake, &command, of_kind(&id, Kind::Milestone)?, None).await
}

/// Removes a goal for good
#[utoipa::path(
    delete,
    path = "/api/v1/goals/{id}",
    tag = "memory",
    operation_id = "remove_goal",
    request_body = Option<Removal>,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn remove_goal(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Removal>,
) -> Result<Answer, Problem> {
    let why = command.body.reason.as_deref().unwrap_or_default();
    end(&intake, &command, of_kind(&id, Kind::Goal)?, Some(why)).await
}

/// Removes a milestone for good
#[utoipa::path(
    delete,
    path = "/api/v1/milestones/{id}",
    tag = "memory",
    operation_id = "dismiss_milestone",
    request_body = Option<Removal>,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn dismiss_milestone(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Removal>,
) -> Result<Answer, Problem> {
    let why = command.body.reason.as_deref().unwrap_or_default();
    end(&intake, &command, of_kind(&id, Kind::Milestone)?, Some(why)).await
}

/// Removes a fact for good
#[utoipa::path(
    delete,
    path = "/api/v1/facts/{id}",
    tag = "memory",
    operation_id = "retire_fact",
    request_body = Option<Removal>,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn retire_fact(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<Removal>,
) -> Result<Answer, Problem> {
    let why = command.body.reason.as_deref().unwrap_or_default();
    end(&intake, &command, of_kind(&id, Kind::Fact)?, Some(why)).await
}

/// Two goals are one
#[utoipa::path(
    post,
    path = "/api/v1/goals/{id}/merge",
    tag = "memory",
    operation_id = "merge_goals",
    request_body = MergeInto,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn merge_goals(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<MergeInto>,
) -> Result<Answer, Problem> {
    merge(&intake, &command, of_kind(&id, Kind::Goal)?, of_kind(&command.body.into, Kind::Goal)?).await
}

/// Two milestones are one
#[utoipa::path(
    post,
    path = "/api/v1/milestones/{id}/merge",
    tag = "memory",
    operation_id = "merge_milestones",
    request_body = MergeInto,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn merge_milestones(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<MergeInto>,
) -> Result<Answer, Problem> {
    merge(&intake, &command, of_kind(&id, Kind::Milestone)?, of_kind(&command.body.into, Kind::Milestone)?).await
}

/// Two facts are one
#[utoipa::path(
    post,
    path = "/api/v1/facts/{id}/merge",
    tag = "memory",
    operation_id = "merge_facts",
    request_body = MergeInto,
    responses((status = 200, description = "recorded", body = Answer), Refuses<Contact>),
)]
pub async fn merge_facts(
    State(intake): State<Intake>,
    ApiPath(id): ApiPath<String>,
    command: Command<MergeInto>,
) -> Result<Answer, Problem> {
    merge(&intake, &command, of_kind(&id, Kind::Fact)?, of_kind(&command.body.into, Kind::Fact)?).await
}

/// Something to be remembered, as a command names it.
struct New<'a> {
    kind: Kind,
    text: &'a str,
    at: Option<DateTime<Utc>>,
    goal: Option<RememberedId>,
    progress: u32,
}

async fn remember<T>(
    intake: &Intake,
    command: &Command<T>,
    contact: &str,
    new: New<'_>,
    quoted: Option<&Quoted>,
) -> Result<Answer, Problem> {
    let contact = contact_id(contact)?;
    merging::known(&intake.log, &command.caller.tenant, contact).await?;
    let evidence = match quoted {
        Some(quoted) => vec![evidence(intake, command, contact, quoted).await?],
        None => Vec::new(),
    };
    let id = RememberedId { contact, kind: new.kind, unique: command.unique() };
    let wanted = NewItem {
        id,
        text: new.text.trim().to_owned(),
        goal: new.goal,
        at: new.at,
        progress: new.progress,
        evidence,
        confidence: 100,
        by: command.caller.actor(),
        turn_id: None,
        word: Word::Commanded,
    };
    let aggregate = ids::contact_aggregate(&command.caller.tenant, contact);
    let now = intake.log.clock().now();
    let carried_out = command.carry_out(intake, &aggregate, |state: &Contact| {
        state.stands_for_itself()?;
        if let Some(goal) = &wanted.goal
            && state.memory.get(goal).is_none()
        {
            return Err(Refused::UnknownRemembered { id: goal.to_string() });
        }
        let event = state.memory.remember(now, &wanted)?;
        // What says the same stands already: the answer names that.
        let words = steward_domain::contact::memory::Words::of(&wanted.text);
        let known = state.memory.open(id.kind).find(|item| item.words().same(&words)).map_or(id, |item| item.id);
        Ok((event.into_iter().collect::<Vec<Event>>(), known))
    });
    let carried_out = carried_out.await?;
    Ok(Answer::made_of_none(carried_out.value.to_string(), carried_out.position))
}

/// Words that the contact wrote in a conversation of theirs.
async fn evidence<T>(
    intake: &Intake,
    command: &Command<T>,
    contact: ContactId,
    quoted: &Quoted,
) -> Result<Evidence, Problem> {
    let message_id: MessageId = read_id(&quoted.message_id, UNKNOWN)?;
    let conversation = ids::conversation_aggregate(&command.caller.tenant, message_id.conversation());
    let looking = async {
        let talk = intake.log.load::<Talk>(&conversation, AtLeast::Latest).await?;
        let place =
            intake.log.load::<steward_domain::conversation::Conversation>(&conversation, AtLeast::Latest).await?;
        Ok::<_, steward_log::LogError>((talk.state, place.state.place.as_ref().and_then(|place| place.contact_id)))
    };
    let (talk, theirs) = in_time(looking).await?;
    let own = talk.said().find(|said| said.by == By::Client && said.message_id == quoted.message_id);
    let found = own
        .filter(|_| theirs == Some(contact))
        .and_then(|said| Evidence::of(message_id, &said.text, &quoted.quote, said.at));
    found.ok_or_else(|| Refused::NoSuchQuote { message_id: quoted.message_id.chars().take(80).collect() }.into())
}

async fn correct<T>(
    intake: &Intake,
    command: &Command<T>,
    id: RememberedId,
    changes: Changes,
) -> Result<Answer, Problem> {
    if changes == Changes::default() {
        return Err(Problem::unprocessable("bad_body", "nothing to change: give at least one field"));
    }
    let changes = Changes { by: command.caller.actor(), ..changes };
    let anew = RememberedId { unique: command.unique(), ..id };
    decide(intake, command, id, |memory| {
        let events = memory.correct(&id, &changes, anew)?;
        let now = if id.kind == Kind::Goal || events.is_empty() { id } else { anew };
        Ok((events, now))
    })
    .await
}

/// `why`: it is gone; `None`: it is done.
async fn end<T>(intake: &Intake, command: &Command<T>, id: RememberedId, why: Option<&str>) -> Result<Answer, Problem> {
    let ending = Ending {
        done: why.is_none(),
        code: "by_command",
        words: why.unwrap_or_default().to_owned(),
        evidence: Vec::new(),
        by: command.caller.actor(),
        turn_id: None,
        instead: None,
    };
    decide(intake, command, id, |memory| Ok((memory.end_of(&id, &ending)?, id))).await
}

async fn merge<T>(
    intake: &Intake,
    command: &Command<T>,
    id: RememberedId,
    into: RememberedId,
) -> Result<Answer, Problem> {
    let by = command.caller.actor();
    decide(intake, command, id, |memory| Ok((memory.merge(&id, &into, &by)?, into))).await
}

/// Decides on the contact that an id names.
async fn decide<T>(
    intake: &Intake,
    command: &Command<T>,
    id: RememberedId,
    mut decision: impl FnMut(&Memory) -> Result<(Vec<Event>, RememberedId), Refused>,
) -> Result<Answer, Problem> {
    if let Some(answer) = command.answered(intake) {
        return Ok(answer);
    }
    let aggregate = ids::contact_aggregate(&command.caller.tenant, id.contact);
    let carried_out = command.carry_out(intake, &aggregate, |state: &Contact| decision(&state.memory)).await?;
    Ok(command.answer(intake, Answer::of_none(carried_out.value.to_string(), carried_out.position)))
}

fn of_kind(text: &str, kind: Kind) -> Result<RememberedId, Problem> {
    let id: RememberedId = text.parse().map_err(|_| unknown())?;
    if id.kind == kind { Ok(id) } else { Err(unknown()) }
}

fn unknown() -> Problem {
    Problem::not_found(UNKNOWN, "there is nothing with this id; take ids from the lists under /api/v1")
}

/// What a person's word is worth, in percent.
fn sure(confirmed: Option<bool>) -> Option<u32> {
    confirmed.filter(|it| *it).map(|_| 100)
}

fn percent(value: Option<u32>) -> Result<Option<u32>, Problem> {
    match value {
        Some(value) if value > 100 => Err(Problem::unprocessable("bad_body", "`progress` is from 0 to 100")),
        value => Ok(value),
    }
}

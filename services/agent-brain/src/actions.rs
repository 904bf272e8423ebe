//! Due follow-ups that are no message of their own: composed now, an agent task, a tool call.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use steward_domain::{
    conversation::{Author, Conversation, FollowUp, FollowUpState, OnReply, Refused, outbox::Queue},
    ids::{self, ConversationId, FollowUpId},
    kernel::Why,
};
use steward_log::{AtLeast, DecideError, Handled, places::Place};
use steward_proto::{AggregateId, Cause, Event, Recorded, v1};

use crate::{
    brain::Failure,
    claiming::{Claim, Seen},
    outcome::Turn,
    recording::Ended,
    turns::Worker,
};

/// Follow-ups that the result of listing them names, at most: those that are due first.
const LISTED: usize = 100;
/// Characters of the text of each, at most.
const LISTED_TEXT: usize = 500;

/// Carries out the action of a due follow-up, as one turn.
pub async fn carry_out(
    worker: &Worker,
    aggregate: &AggregateId,
    conversation: ConversationId,
    recorded: &Recorded,
    follow_up_id: FollowUpId,
) -> Result<Handled, DecideError<Refused>> {
    let brain = Arc::clone(worker.brains.usual());
    let cause = worker.cause(recorded, brain.name());
    let mut at_least = AtLeast::Position(recorded.position);
    loop {
        let Some(place) = worker.place(&aggregate.tenant, true).await else {
            return Ok(Handled::Later(Duration::ZERO));
        };
        worker.log.load::<Conversation>(aggregate, at_least).await?;
        let task = |state: &Conversation, _| Task::of(state, &follow_up_id);
        let claimed = worker
            .claim(aggregate, (conversation, Some(follow_up_id)), &Seen::default(), &*brain, &cause, task)
            .await?;
        let (turn, task) = match claimed {
            Claim::Turn(turn, task) => (turn, task),
            Claim::Busy(wait) => return Ok(Handled::Later(wait)),
            Claim::NothingToDo => return Ok(Handled::Done),
        };
        match act(worker, aggregate, &cause, &turn, task, place).await? {
            Ended::Done => return Ok(Handled::Done),
            Ended::Superseded => at_least = AtLeast::Latest,
            Ended::PutOff => return Ok(Handled::Later(Duration::ZERO)),
        }
    }
}

/// Does what is due, within the time a brain has, and records it; or that it failed, and why.
async fn act(
    worker: &Worker,
    aggregate: &AggregateId,
    cause: &Cause,
    turn: &Turn,
    task: Option<Task>,
    place: Place,
) -> Result<Ended, DecideError<Refused>> {
    let Some(thought) = worker.think(&aggregate.tenant, move || task.map(Task::carry_out)).await else {
        return Ok(Ended::PutOff);
    };
    drop(place);
    let done = thought.unwrap_or_else(|failure| Some(Done::Failed(failure)));
    let record = async |done: Option<&Done>| {
        let events = |state: &Conversation| events(state, turn, done);
        worker.complete(aggregate, cause, turn, false, events).await
    };
    let recorded = record(done.as_ref()).await;
    let failure = match (&recorded, &done) {
        (Ok(_), Some(Done::Failed(failure))) => Some(failure.clone()),
        (Err(error), Some(Done::Said(_) | Done::Result(_))) => Failure::of(error),
        _ => None,
    };
    if let Some(failure) = &failure {
        tracing::error!(code = %failure.code, turn_id = %turn.id, "a follow-up's action failed");
    }
    match (recorded, failure) {
        (Err(_), Some(failure)) => record(Some(&Done::Failed(failure))).await,
        (recorded, _) => recorded,
    }
}

/// What is to be done, with all that it needs to know.
#[derive(Debug)]
pub struct Task {
    follow_up: Arc<FollowUp>,
    /// What waits to be sent, by due time: as much of it as is listed.
    pending: Vec<Arc<FollowUp>>,
}

/// What a task led to.
#[derive(Debug, PartialEq)]
pub enum Done {
    Said(String),
    Result(String),
    Failed(Failure),
}

impl Task {
    /// `None`: it has ended meanwhile.
    pub fn of(state: &Conversation, follow_up_id: &FollowUpId) -> Option<Self> {
        let follow_up = due(state, follow_up_id)?;
        let pending = state.pending().into_iter().take(LISTED).cloned().collect();
        Some(Self { follow_up: Arc::clone(follow_up), pending })
    }

    /// What can be done without a model: a text that was given is sent; the pending promises can be listed; all else fails
    /// and says why.
    pub fn carry_out(self) -> Done {
        let f = &self.follow_up;
        let (code, text) = match f.action.kind.as_str() {
            "compose" if !f.text.trim().is_empty() => return Done::Said(f.text.clone()),
            "tool" if f.action.tool == "list_follow_ups" => return Done::Result(listed(&self.pending)),
            "tool" => ("unknown_tool", format!("there is no tool `{}`", f.action.tool)),
            _ => ("no_model", "this needs a model, and none is configured ([brain] provider)".to_owned()),
        };
        Done::Failed(Failure::new(code, text))
    }
}

fn listed(pending: &[Arc<FollowUp>]) -> String {
    let row = |id: &FollowUpId, due_at: DateTime<Utc>, text: &str| {
        let text: String = text.chars().take(LISTED_TEXT).collect();
        serde_json::json!({"id": id, "due_at": due_at, "text": text})
    };
    let rows: Vec<_> = pending.iter().map(|p| row(&p.id, p.due_at, &p.text)).collect();
    serde_json::Value::from(rows).to_string()
}

/// The follow-up, while its action waits to be carried out.
fn due<'a>(state: &'a Conversation, follow_up_id: &FollowUpId) -> Option<&'a Arc<FollowUp>> {
    let waits = |f: &&Arc<FollowUp>| matches!(f.state, FollowUpState::Due { message_id: None });
    state.follow_ups.get(follow_up_id).filter(waits)
}

/// What is recorded of a task that is done, and the end of its turn. `None`, or if it ended meanwhile: the turn alone.
pub fn events(state: &Conversation, turn: &Turn, done: Option<&Done>) -> Result<Vec<Event>, Refused> {
    let due = turn.follow_up_id.and_then(|id| due(state, &id));
    let (mut events, outcome, error) = match (due, done) {
        (None, _) | (_, None) => (Vec::new(), "silent", String::new()),
        (Some(f), Some(Done::Said(text))) => {
            let keeps = f.cancel_on.name() == "never";
            let queue = Queue {
                message_id: ids::message_of_follow_up(turn.conversation, &f.id),
                author: Author::Bot,
                author_id: String::new(),
                text: text.clone(),
                due_at: None,
                on_reply: if keeps { OnReply::Keep } else { OnReply::Cancel },
                key: String::new(),
                turn_id: Some(turn.id),
                follow_up_id: Some(f.id),
                proactive: true,
                buttons: Vec::new(),
            };
            (state.queue(queue)?, "replied", String::new())
        }
        (Some(f), Some(Done::Result(result))) => {
            let result = result.clone();
            let done = v1::FollowUpDone { follow_up_id: f.id.to_string(), result, turn_id: turn.id.to_string() };
            (vec![done.into()], "replied", String::new())
        }
        (Some(f), Some(Done::Failed(failure))) => {
            let reason = Some((&Why::new(&failure.code, failure.text.clone(), "")).into());
            let failed = v1::FollowUpFailed { follow_up_id: f.id.to_string(), reason, turn_id: turn.id.to_string() };
            (vec![failed.into()], "failed", failure.to_string())
        }
    };
    let completed = v1::TurnCompleted {
        turn_id: turn.id.to_string(),
        through_position: state.answered_through,
        outcome: outcome.to_owned(),
        brain: turn.brain.clone(),
        model: turn.model.clone(),
        decisions: 1,
        error,
        ..Default::default()
    };
    events.push(completed.into());
    Ok(events)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::LazyLock;

    use steward_domain::ids::TurnId;
    use steward_log::{AppendError, SchemaAhead};
    use steward_proto::{Fold as _, NewEvent};
    use uuid::Uuid;

    use super::*;
    use crate::journal::Spent;

    const HERE: ConversationId = ConversationId::new(Uuid::from_u128(1));
    static DUE: LazyLock<FollowUpId> = LazyLock::new(|| ids::follow_up(HERE, Uuid::max()));

    pub(crate) fn record(state: &mut Conversation, event: impl Into<Event>) {
        let (id, event) = (Uuid::now_v7(), event.into());
        let subject = format!("ev.t.conversation.c.{}", event.subject_token()).parse().unwrap();
        let NewEvent { metadata, event } = NewEvent::new(id, Utc::now(), &Cause::outside("test", ""), event);
        let payload = event.encode();
        state.evolve(&Recorded { position: 1, subject, metadata, event, payload });
    }

    pub(crate) fn promised(state: &mut Conversation, id: FollowUpId, text: &str, action: v1::Action) {
        let (follow_up_id, text) = (id.to_string(), text.to_owned());
        record(state, v1::FollowUpScheduled { follow_up_id, text, action: Some(action), ..Default::default() });
    }

    pub(crate) fn client_writes(state: &mut Conversation) {
        let source = v1::Source { external_id: "1".to_owned(), channel: "telegram".to_owned(), ..Default::default() };
        let message_id = ids::inbound_message(HERE, "1").to_string();
        record(state, v1::ClientResponded { source: Some(source), message_id, ..Default::default() });
    }

    /// A conversation in which a follow-up with this action is due.
    fn with(kind: &str, tool: &str, text: &str) -> Conversation {
        let mut state = Conversation::default();
        client_writes(&mut state);
        promised(
            &mut state,
            *DUE,
            text,
            v1::Action { kind: kind.to_owned(), tool: tool.to_owned(), ..Default::default() },
        );
        record(&mut state, v1::FollowUpDue { follow_up_id: DUE.to_string(), ..Default::default() });
        state
    }

    pub(crate) fn turn() -> Turn {
        Turn {
            id: TurnId::new(Uuid::from_u128(3)),
            conversation: HERE,
            follow_up_id: Some(*DUE),
            through: 0,
            zone: String::new(),
            brain: "rules".to_owned(),
            model: String::new(),
            started: v1::TurnStarted::default(),
            now: Utc::now(),
            claimed: true,
            failure: None,
            spent: Spent::default(),
            ids: Vec::new(),
        }
    }

    fn outcome(events: &[Event]) -> &str {
        let Some(Event::TurnCompleted(completed)) = events.last() else { panic!("no end of the turn: {events:?}") };
        &completed.outcome
    }

    #[test]
    fn a_thousand_long_promises_are_listed_in_one_event() {
        let mut state = with("tool", "list_follow_ups", "");
        for n in 0..1_000 {
            promised(
                &mut state,
                ids::follow_up(HERE, Uuid::from_u128(n)),
                &"\u{1}\"😀".repeat(10_000),
                v1::Action::default(),
            );
        }
        let done = Task::of(&state, &DUE).unwrap().carry_out();
        let events = events(&state, &turn(), Some(&done)).unwrap();
        assert!(events[0].encode().len() < 500_000, "{} bytes", events[0].encode().len());
        assert!(matches!(&events[0], Event::FollowUpDone(e) if e.result.matches("due_at").count() == LISTED));
        assert_eq!(outcome(&events), "replied");
    }

    #[test]
    fn an_action_that_fails_or_cannot_be_recorded_ends_as_failed() {
        let state = with("task", "", "");
        let Done::Failed(no_model) = Task::of(&state, &DUE).unwrap().carry_out() else { panic!("there is no model") };
        assert_eq!(no_model.code, "no_model");
        let too_large = AppendError::TooLarge { type_name: "MessageQueued".to_owned(), bytes: 2, limit: 1 };
        let too_large = Failure::of(&DecideError::Append(too_large)).unwrap();
        assert_eq!(too_large.code, "too_large");
        assert_eq!(Failure::of(&DecideError::Append(AppendError::TooMany(1_001))).unwrap().code, "too_large");
        for failure in [no_model, too_large] {
            let events = events(&state, &turn(), Some(&Done::Failed(failure))).unwrap();
            assert!(matches!(&events[0], Event::FollowUpFailed(_)));
            assert_eq!(outcome(&events), "failed");
            let mut state = state.clone();
            events.into_iter().for_each(|event| record(&mut state, event));
            assert!(Task::of(&state, &DUE).is_none(), "it isn't tried again");
        }
    }

    #[test]
    fn what_passes_or_waits_for_an_upgrade_is_no_failure() {
        let ahead = SchemaAhead { aggregate: "conversation", what: "MoonPhaseChanged".into() };
        let unavailable = AppendError::Unavailable { after: Duration::ZERO };
        for error in [
            DecideError::SchemaAhead(ahead),
            DecideError::Append(unavailable),
            DecideError::Append(AppendError::Broken),
        ] {
            assert_eq!(Failure::of(&error), None, "{error:?}");
        }
    }

    #[test]
    fn what_was_taken_back_meanwhile_is_not_said() {
        let mut state = with("compose", "", "Hello");
        let done = Task::of(&state, &DUE).unwrap().carry_out();
        assert_eq!(done, Done::Said("Hello".to_owned()));
        assert_eq!(outcome(&events(&state, &turn(), Some(&done)).unwrap()), "replied");
        record(&mut state, v1::FollowUpCancelled { follow_up_id: DUE.to_string(), ..Default::default() });
        let events = events(&state, &turn(), Some(&done)).unwrap();
        assert_eq!((events.len(), outcome(&events)), (1, "silent"));
    }
}

//! Replay: a turn that is in the log, decided again by what it was decided by, must come to what was recorded. Only reads.

use std::{collections::HashMap, pin::pin, sync::Arc};

use futures::StreamExt as _;
use steward_domain::{
    contact::Contact,
    conversation::{Conversation, Refused},
    ids::{self, ContactId, FollowUpId, MessageId},
    person::contact_of,
};
use steward_log::{Log, LogError};
use steward_proto::{AggregateId, Event, Fold, Recorded, from_timestamp, v1};
use uuid::Uuid;

use crate::{
    actions::{self, Done, Task},
    brain::{Brain as _, Decision, Failure, TurnInput},
    input::turn_input,
    journal::Spent,
    outcome::Turn,
    rules::{self, Rules},
    settings::{SettingsError, TurnSettings},
};

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Replayed {
    Same,
    Differs {
        recorded: Vec<Event>,
        again: Vec<Event>,
    },
    /// It can't be decided again, or there is nothing to compare.
    Skipped(&'static str),
}

/// Why a turn couldn't be decided again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("what it decides now is refused: {0}")]
    Refused(#[from] Refused),
}

/// Decides a turn again, from its claim.
pub async fn replay(log: &Log, claim: &Recorded) -> Result<Replayed, ReplayError> {
    let (Event::TurnStarted(started), Some(aggregate)) = (&claim.event, claim.subject.aggregate_id()) else {
        return Ok(Replayed::Skipped("no turn begins here"));
    };
    let Some(now) = from_timestamp(started.now.as_ref()) else {
        return Ok(Replayed::Skipped("it was recorded before turns told what they are decided by"));
    };
    if started.renewed {
        return Ok(Replayed::Skipped("it began before"));
    }
    if started.brain != Rules::default().name() {
        return Ok(Replayed::Skipped("another brain than the rules decided it"));
    }
    let events = past(log, &aggregate).await?;
    let completed = events.iter().find_map(|recorded| match &recorded.event {
        Event::TurnCompleted(completed) if completed.turn_id == started.turn_id => Some((recorded, completed)),
        _ => None,
    });
    let (Some((end, completed)), Ok(conversation), Ok(id), Ok(follow_up_id)) =
        (completed, aggregate.id().parse(), started.turn_id.parse(), ids::optional(&started.follow_up_id))
    else {
        return Ok(Replayed::Skipped("it came to nothing"));
    };
    let history = History { events: &events, after: claim.position, end };
    let turn = Turn {
        id,
        conversation,
        follow_up_id,
        through: started.through_position,
        zone: String::new(),
        brain: started.brain.clone(),
        model: started.model.clone(),
        started: started.clone(),
        now,
        claimed: true,
        failure: failure(completed),
        spent: Spent::default(),
        ids: Vec::new(),
    };
    let again = if follow_up_id.is_none() {
        let settings = TurnSettings::stored(log, &started.settings_hash).await?;
        let contact = contact(log, &aggregate, &started.contact_positions).await?;
        let state = history.as_of(started.conversation_position);
        let input = turn_input(&state, &contact, &settings, started.open_elsewhere as usize, now);
        answer(turn, &input, &history)?
    } else {
        act(&turn, &history)?
    };
    let recorded: Vec<Event> = history.recorded().map(|recorded| recorded.event.clone()).collect();
    Ok(if recorded == again { Replayed::Same } else { Replayed::Differs { recorded, again } })
}

/// A conversation's events, and which of them a turn recorded.
struct History<'a> {
    events: &'a [Recorded],
    /// Position of the turn's claim.
    after: u64,
    end: &'a Recorded,
}

impl<'a> History<'a> {
    /// The conversation as it was at a position.
    fn as_of(&self, position: u64) -> Conversation {
        as_of(self.events, position)
    }

    /// What the turn recorded, to its end.
    fn recorded(&self) -> impl Iterator<Item = &'a Recorded> {
        let (after, end) = (self.after, self.end);
        let from_here = self.events.iter().filter(move |r| r.position > after && r.position <= end.position);
        from_here.filter(move |r| {
            let same_cause = r.metadata.causation_id == end.metadata.causation_id;
            // A renewed claim decides nothing.
            same_cause && r.metadata.actor == end.metadata.actor && !matches!(r.event, Event::TurnStarted(_))
        })
    }

    /// The conversation as it was just before the turn recorded another event, when it had recorded so many.
    fn before(&self, count: usize) -> Conversation {
        let next = self.recorded().nth(count).unwrap_or(self.end);
        self.as_of(next.position.saturating_sub(1))
    }
}

/// What a turn that answers messages records.
fn answer(mut turn: Turn, input: &TurnInput, history: &History<'_>) -> Result<Vec<Event>, Refused> {
    turn.zone = input.zone.name().to_owned();
    let failed = turn.failure.is_some();
    let decisions = if failed { rules::failed(input) } else { rules::decide(input) };
    turn.ids = named(&decisions, input.human_active, history);
    if input.human_active {
        return Ok(turn.suppress(&history.before(0), &decisions));
    }
    let bulk = Turn::bulk(&decisions);
    let (mut events, mut done) = (Vec::new(), 0);
    loop {
        let (batch, after) = turn.next(&history.before(events.len()), &decisions, &bulk, done)?;
        events.extend(batch);
        match after {
            Some(recorded) => done = recorded,
            None => return Ok(events),
        }
    }
}

/// What a turn that carries out a follow-up's action records.
fn act(turn: &Turn, history: &History<'_>) -> Result<Vec<Event>, Refused> {
    let shown = history.as_of(turn.started.conversation_position);
    let done = match turn.failure.clone() {
        Some(failure) => Some(Done::Failed(failure)),
        None => turn.follow_up_id.and_then(|id| Task::of(&shown, &id)).map(Task::carry_out),
    };
    actions::events(&history.before(0), turn, done.as_ref())
}

/// The names that were given to what the decisions made: made up at the time, so they are taken from what was recorded.
fn named(decisions: &[Decision], draft: bool, history: &History<'_>) -> Vec<Uuid> {
    fn unique_of_message(id: &str) -> Uuid {
        id.parse().map(MessageId::unique).unwrap_or_default()
    }
    let of = |name: fn(&Event) -> Option<Uuid>| history.recorded().filter_map(move |r| name(&r.event));
    let mut drafts = of(|event| match event {
        Event::DraftSuppressed(e) => Some(unique_of_message(&e.message_id)),
        _ => None,
    });
    let mut messages = of(|event| match event {
        Event::MessageQueued(e) => e.message.as_ref().map(|m| unique_of_message(&m.message_id)),
        _ => None,
    });
    let mut promises = of(|event| match event {
        Event::FollowUpScheduled(e) if e.renews.is_empty() => {
            Some(e.follow_up_id.parse().map(FollowUpId::unique).unwrap_or_default())
        }
        _ => None,
    });
    let name = |decision: &Decision| match decision {
        Decision::Reply { .. } if !draft => messages.next(),
        Decision::Reply { .. } | Decision::Withhold { .. } => drafts.next(),
        Decision::Schedule { .. } => promises.next(),
        _ => None,
    };
    decisions.iter().map(name).map(Option::unwrap_or_default).collect()
}

/// Why a turn failed, if it did: that the time or the log was short can't be seen again.
fn failure(completed: &v1::TurnCompleted) -> Option<Failure> {
    let (code, text) = completed.error.split_once(": ")?;
    Some(Failure::new(code, text))
}

/// The contact as it was read: the first of these, under the second if it was merged into it.
async fn contact(log: &Log, aggregate: &AggregateId, read: &[v1::ContactPosition]) -> Result<Arc<Contact>, LogError> {
    let positions: HashMap<ContactId, u64> =
        read.iter().filter_map(|r| Some((r.contact_id.parse().ok()?, r.position))).collect();
    let Some(id) = read.first().and_then(|r| r.contact_id.parse().ok()) else { return Ok(Arc::default()) };
    contact_of(id, async |id: ContactId| {
        let events = past(log, &ids::contact_aggregate(&aggregate.tenant, id)).await?;
        Ok(Arc::new(as_of(&events, positions.get(&id).copied().unwrap_or_default())))
    })
    .await
}

fn as_of<S: Fold>(events: &[Recorded], position: u64) -> S {
    let mut state = S::default();
    events.iter().filter(|recorded| recorded.position <= position).for_each(|recorded| state.evolve(recorded));
    state
}

/// All events of an aggregate that the log has now.
async fn past(log: &Log, aggregate: &AggregateId) -> Result<Vec<Recorded>, LogError> {
    let mut events = Vec::new();
    let mut past = pin!(log.past(1, vec![aggregate.wildcard()]).await?);
    while let Some(tailed) = past.next().await {
        events.push(tailed?.recorded);
    }
    Ok(events)
}

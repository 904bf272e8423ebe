//! A turn that is in the log, decided again by what it was decided by.

use std::sync::Arc;

use steward_domain::{
    contact::Contact,
    conversation::{Conversation, Refused, talk::Talk},
    ids::{self, FollowUpId, MessageId, TurnId},
};
use steward_proto::{AggregateId, Event, Fold as _, Recorded, from_timestamp, v1};
use steward_settings::{RULES, Settings};
use uuid::Uuid;

use super::{ReplayError, Replayed, deeds::deeds};
use crate::{
    actions::{self, Done, Task},
    brain::{Brain, Decision, Failure, TurnInput},
    input::{around, turn_input},
    journal::{Notebook, Spent},
    outcome::Turn,
    rules,
};

/// A turn that has begun, with all that it was decided by.
pub(super) struct Open {
    pub aggregate: AggregateId,
    /// The position of its claim.
    pub claim: u64,
    pub started: v1::TurnStarted,
    /// The conversation as the brain saw it.
    pub base: Conversation,
    pub talk: Arc<Talk>,
    pub contact: Arc<Contact>,
    pub settings: Arc<Settings>,
    /// The conversation's events since, its claim among them.
    pub tail: Vec<Arc<Recorded>>,
}

/// Why the turn of this claim can't be decided again, if it can't; by `another` brain than the one that it names.
pub(super) fn undecidable(started: &v1::TurnStarted, another: bool) -> Option<&'static str> {
    if from_timestamp(started.now.as_ref()).is_none() {
        return Some("it was recorded before turns told what they are decided by");
    }
    if another {
        return (!started.follow_up_id.is_empty()).then_some("it carries out an action, which no brain decides");
    }
    (started.brain != RULES).then_some("another brain than the rules decided it")
}

/// Decides it by the rules again, which must come to the same events.
pub(super) fn decided(open: &Open, end: &Recorded, completed: &v1::TurnCompleted) -> Result<Replayed, ReplayError> {
    let history = History { open, end };
    let Some(turn) = open.turn(completed) else { return Ok(Replayed::Skipped("it came to nothing")) };
    let again = if turn.follow_up_id.is_none() {
        let input = open.input(&turn);
        let failed = turn.failure.is_some();
        let decisions = if failed { rules::failed(&input) } else { rules::decide(&input) };
        let ids = named(&decisions, input.human_active, &history);
        answer(turn, &input, &decisions, ids, &history)?
    } else {
        act(&turn, &history)?
    };
    let recorded: Vec<Event> = history.recorded().map(|recorded| recorded.event.clone()).collect();
    Ok(if recorded == again { Replayed::Same } else { Replayed::Differs { recorded, again } })
}

/// Has another brain decide it, and compares what they do; with what the brain's models cost, in micro-USD.
pub(super) async fn decided_by(
    brain: &dyn Brain,
    open: &Open,
    end: &Recorded,
    completed: &v1::TurnCompleted,
) -> Result<(Replayed, u64), ReplayError> {
    let history = History { open, end };
    let Some(turn) = open.turn(completed) else { return Ok((Replayed::Skipped("it came to nothing"), 0)) };
    let mut input = open.input(&turn);
    input.around = around(&open.aggregate.tenant, turn.conversation, &open.base, &open.contact, Arc::clone(&open.talk));
    let (input, notes) = (Arc::new(input), Notebook::new(turn.id));
    let decisions = brain.decide(&input, &notes).await?;
    let spent = notes.spent();
    let cost = spent.micro_usd;
    // Whatever stood in for it is no answer of its.
    if !spent.degraded.is_empty() {
        return Ok((Replayed::Skipped("no model answered"), cost));
    }
    // What is made gets names of no consequence.
    let ids = (0..decisions.len()).map(|n| Uuid::from_u128(u128::from(open.claim) << 32 | n as u128)).collect();
    let again = match answer(turn, &input, &decisions, ids, &history) {
        Ok(events) => deeds(&events),
        Err(refused) => vec![format!("refused: {refused}")],
    };
    let recorded: Vec<Event> = history.recorded().map(|recorded| recorded.event.clone()).collect();
    let recorded = deeds(&recorded);
    Ok((if recorded == again { Replayed::Same } else { Replayed::Otherwise { recorded, again } }, cost))
}

impl Open {
    fn turn(&self, completed: &v1::TurnCompleted) -> Option<Turn> {
        let Self { started, aggregate, .. } = self;
        let id: TurnId = started.turn_id.parse().ok()?;
        Some(Turn {
            id,
            conversation: aggregate.id().parse().ok()?,
            follow_up_id: ids::optional(&started.follow_up_id).ok()?,
            through: started.through_position,
            zone: String::new(),
            brain: started.brain.clone(),
            model: started.model.clone(),
            started: started.clone(),
            now: from_timestamp(started.now.as_ref())?,
            claimed: true,
            failure: failure(completed),
            spent: Spent::default(),
            ids: Vec::new(),
        })
    }

    fn input(&self, turn: &Turn) -> TurnInput {
        let open_elsewhere = self.started.open_elsewhere as usize;
        turn_input(&self.base, &self.contact, &self.settings, open_elsewhere, turn.now)
    }

    /// The conversation as it was at a position, which isn't before what the brain saw.
    fn as_of(&self, position: u64) -> Conversation {
        let mut state = self.base.clone();
        self.tail.iter().filter(|recorded| recorded.position <= position).for_each(|recorded| state.evolve(recorded));
        state
    }
}

/// What a turn recorded.
struct History<'a> {
    open: &'a Open,
    end: &'a Recorded,
}

impl<'a> History<'a> {
    /// What the turn recorded, to its end.
    fn recorded(&self) -> impl Iterator<Item = &'a Recorded> {
        let (after, end) = (self.open.claim, self.end);
        let from_here =
            self.open.tail.iter().map(AsRef::as_ref).filter(move |r| r.position > after && r.position <= end.position);
        from_here.filter(move |r| {
            let same_cause = r.metadata.causation_id == end.metadata.causation_id;
            // A renewed claim decides nothing.
            same_cause && r.metadata.actor == end.metadata.actor && !matches!(r.event, Event::TurnStarted(_))
        })
    }

    /// The conversation as it was just before the turn recorded another event, when it had recorded so many.
    fn before(&self, count: usize) -> Conversation {
        let next = self.recorded().nth(count).unwrap_or(self.end);
        self.open.as_of(next.position.saturating_sub(1))
    }
}

/// What a turn that answers messages records.
fn answer(
    mut turn: Turn,
    input: &TurnInput,
    decisions: &[Decision],
    ids: Vec<Uuid>,
    history: &History<'_>,
) -> Result<Vec<Event>, Refused> {
    turn.zone = input.zone.name().to_owned();
    turn.ids = ids;
    if input.human_active {
        return Ok(turn.suppress(&history.before(0), decisions));
    }
    let bulk = Turn::bulk(decisions);
    let (mut events, mut done) = (Vec::new(), 0);
    loop {
        let (batch, after) = turn.next(&history.before(events.len()), decisions, &bulk, done)?;
        events.extend(batch);
        match after {
            Some(recorded) => done = recorded,
            None => return Ok(events),
        }
    }
}

/// What a turn that carries out a follow-up's action records.
fn act(turn: &Turn, history: &History<'_>) -> Result<Vec<Event>, Refused> {
    let done = match turn.failure.clone() {
        Some(failure) => Some(Done::Failed(failure)),
        None => turn.follow_up_id.and_then(|id| Task::of(&history.open.base, &id)).map(Task::carry_out),
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

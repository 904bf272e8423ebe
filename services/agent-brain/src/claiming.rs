//! A turn's claim: what is looked up before it, what the log then holds of it, and that it is renewed while a brain thinks.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use steward_domain::{
    contact::Contact,
    conversation::{
        Conversation, Refused,
        turns::{Inputs, StartTurn, TurnStart},
    },
    ids::{self, ContactId, ConversationId, FollowUpId, TurnId},
    person::contact_of,
};
use steward_log::{AtLeast, DecideError, LogError};
use steward_proto::{AggregateId, Cause, Event, to_timestamp, v1};
use uuid::Uuid;

use crate::{
    brain::Brain,
    journal::Spent,
    outcome::Turn,
    recording::{Ended, new_events},
    turns::Worker,
};

/// When to look again at a turn that another worker holds.
const BUSY: Duration = Duration::from_millis(250);

/// Whether a turn was claimed.
pub enum Claim<T> {
    /// It is in the log as ours; with what was made of the conversation as it was before.
    Turn(Box<Turn>, T),
    Busy(Duration),
    NothingToDo,
}

/// What a turn is decided by beside its conversation.
#[derive(Default)]
pub struct Seen {
    pub contact: Arc<Contact>,
    /// Of the contact, and of the one that stands for it.
    pub contact_positions: Vec<v1::ContactPosition>,
    /// Promises open in the person's other conversations.
    pub open_elsewhere: usize,
}

impl Worker {
    /// Looks up what a turn of this conversation is decided by, as it was when this position of the log was reached, or later.
    pub async fn see(&self, aggregate: &AggregateId, state: &Conversation, position: u64) -> Result<Seen, LogError> {
        let at_least = AtLeast::Position(position);
        let (contact, contact_positions) = self.contact(aggregate, state, at_least).await?;
        let open_elsewhere = self.open_elsewhere(aggregate, &contact, at_least).await?;
        Ok(Seen { contact, contact_positions, open_elsewhere })
    }

    /// Claims a turn for what waits, or for a due follow-up's action. `given` makes of the conversation, as it is when the
    /// turn begins, what it is decided by.
    pub async fn claim<T>(
        &self,
        aggregate: &AggregateId,
        (conversation, follow_up_id): (ConversationId, Option<FollowUpId>),
        seen: &Seen,
        brain: &dyn Brain,
        cause: &Cause,
        given: impl Fn(&Conversation, DateTime<Utc>) -> T,
    ) -> Result<Claim<T>, DecideError<Refused>> {
        let turn_id = TurnId::new(Uuid::now_v7());
        let settings_hash = self.settings_hash().await?;
        let decided = self
            .log
            .decide::<Conversation, _, _>(aggregate, AtLeast::Cached, |state, version| {
                let start = self.start((turn_id, follow_up_id), brain, seen, settings_hash, version);
                Ok(match self.begin(state, conversation, start)? {
                    Claim::Turn(turn, ()) => {
                        let claim = new_events(turn.now, cause, vec![turn.started.clone().into()]);
                        let given = given(state, turn.now);
                        (claim, Claim::Turn(Box::new(Turn { claimed: true, ..*turn }), given))
                    }
                    Claim::Busy(wait) => (Vec::new(), Claim::Busy(wait)),
                    Claim::NothingToDo => (Vec::new(), Claim::NothingToDo),
                })
            })
            .await?;
        Ok(decided.value)
    }

    /// Begins a turn that is claimed only as it is recorded, claim, decisions and end in one. What it finds isn't asked for
    /// again, so `at_least` must name the message that it is for.
    pub async fn begin_unclaimed<T>(
        &self,
        aggregate: &AggregateId,
        conversation: ConversationId,
        at_least: AtLeast,
        seen: &Seen,
        brain: &dyn Brain,
        given: impl Fn(&Conversation, DateTime<Utc>) -> T,
    ) -> Result<Claim<T>, DecideError<Refused>> {
        let settings_hash = self.settings_hash().await?;
        let before = self.log.load::<Conversation>(aggregate, at_least).await?;
        before.readable()?;
        let start = self.start((TurnId::new(Uuid::now_v7()), None), brain, seen, settings_hash, before.version);
        Ok(match self.begin(&before.state, conversation, start).map_err(DecideError::Refused)? {
            Claim::Turn(turn, ()) => {
                let given = given(&before.state, turn.now);
                Claim::Turn(turn, given)
            }
            Claim::Busy(wait) => Claim::Busy(wait),
            Claim::NothingToDo => Claim::NothingToDo,
        })
    }

    fn start(
        &self,
        (turn_id, follow_up_id): (TurnId, Option<FollowUpId>),
        brain: &dyn Brain,
        seen: &Seen,
        settings_hash: &str,
        version: u64,
    ) -> StartTurn {
        let now = self.now();
        StartTurn {
            turn_id,
            now,
            lease_until: now + brain.pace().lease,
            worker: self.name.clone(),
            brain: brain.name().to_owned(),
            model: brain.model().to_owned(),
            follow_up_id,
            inputs: Inputs {
                conversation_position: version,
                contact_positions: seen.contact_positions.clone(),
                open_elsewhere: u32::try_from(seen.open_elsewhere).unwrap_or(u32::MAX),
                settings_hash: settings_hash.to_owned(),
            },
        }
    }

    fn begin(
        &self,
        state: &Conversation,
        conversation: ConversationId,
        start: StartTurn,
    ) -> Result<Claim<()>, Refused> {
        Ok(match state.start_turn(&start)? {
            TurnStart::Started(started) => {
                let turn = Turn {
                    id: start.turn_id,
                    conversation,
                    follow_up_id: start.follow_up_id,
                    through: started.through_position,
                    zone: String::new(),
                    brain: start.brain,
                    model: start.model,
                    started: *started,
                    now: start.now,
                    claimed: false,
                    failure: None,
                    spent: Spent::default(),
                    ids: Vec::new(),
                };
                Claim::Turn(Box::new(turn), ())
            }
            // It will most likely be done long before its lease is over.
            TurnStart::Busy(until) => Claim::Busy((until - start.now).to_std().unwrap_or_default().min(BUSY)),
            TurnStart::NothingToDo => Claim::NothingToDo,
        })
    }

    /// Claims an open turn for longer, if nothing came in between; else it is dropped.
    pub async fn renew(
        &self,
        aggregate: &AggregateId,
        cause: &Cause,
        turn: &Turn,
        lease: TimeDelta,
        draft: bool,
    ) -> Result<Ended, DecideError<Refused>> {
        self.complete(aggregate, cause, turn, draft, |_| {
            let lease_until = Some(to_timestamp(self.now() + lease));
            let renewed = v1::TurnStarted { lease_until, renewed: true, ..turn.started.clone() };
            Ok(vec![Event::from(renewed)])
        })
        .await
    }

    /// The contact behind a conversation; a merged one under the contact that stands for it. With the position up to which each
    /// of the two was read.
    pub async fn contact(
        &self,
        aggregate: &AggregateId,
        state: &Conversation,
        at_least: AtLeast,
    ) -> Result<(Arc<Contact>, Vec<v1::ContactPosition>), LogError> {
        let contact_id = state.place.as_ref().and_then(|p| p.contact_id);
        let Some(contact_id) = contact_id else { return Ok(Default::default()) };
        let read = Mutex::new(Vec::new());
        let noted = || read.lock().unwrap_or_else(PoisonError::into_inner);
        let load = async |id: ContactId| {
            let contact = ids::contact_aggregate(&aggregate.tenant, id);
            let loaded = self.log.load::<Contact>(&contact, at_least).await?;
            noted().push(v1::ContactPosition { contact_id: id.to_string(), position: loaded.version });
            Ok::<_, LogError>(loaded.state)
        };
        let contact = contact_of(contact_id, load).await?;
        let positions = std::mem::take(&mut *noted());
        Ok((contact, positions))
    }

    /// Promises that are open in the person's other conversations, counted up to the limit. One that is made there at the
    /// same moment may be missed; the limit of this conversation alone is kept exactly.
    pub async fn open_elsewhere(
        &self,
        aggregate: &AggregateId,
        contact: &Contact,
        at_least: AtLeast,
    ) -> Result<usize, LogError> {
        let Ok(here) = aggregate.id().parse() else { return Ok(0) };
        let (mut open, most) = (0, self.settings.now().limits.open_follow_ups);
        for other in contact.elsewhere(here) {
            if open >= most {
                break;
            }
            let other = ids::conversation_aggregate(&aggregate.tenant, other);
            open += self.log.load::<Conversation>(&other, at_least).await?.state.open_follow_ups();
        }
        Ok(open)
    }
}

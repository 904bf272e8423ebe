//! From a brain's decisions to the events of a completed turn.

use chrono::{DateTime, TimeDelta, Utc};
use steward_domain::{
    conversation::{
        AskedIn, Author, CancelOn, Conversation, OnReply, Refused, batch::Batch, follow_ups::NewFollowUp, outbox::Queue,
    },
    ids::{self, ConversationId, FollowUpId, MessageId, TurnId},
    kernel::{Refusal as _, Why},
};
use steward_log::{AppendError, DecideError};
use steward_proto::{Event, to_timestamp, v1};
use uuid::Uuid;

use crate::{
    brain::{self, Decision, Failure, Offer},
    journal::Spent,
    press::{self, Press},
};

/// A turn in hand.
pub struct Turn {
    pub id: TurnId,
    pub conversation: ConversationId,
    /// The due follow-up whose action it carries out; `None`: it answers messages.
    pub follow_up_id: Option<FollowUpId>,
    pub through: u64,
    pub zone: String,
    /// As the events name them.
    pub brain: String,
    pub model: String,
    /// Its claim.
    pub started: v1::TurnStarted,
    pub now: DateTime<Utc>,
    /// The claim is in the log; else it is recorded with the first decisions.
    pub claimed: bool,
    /// Why it could not be decided, if that is so.
    pub failure: Option<Failure>,
    /// What it took to decide it.
    pub spent: Spent,
    /// A fresh id for each decision, made once: deciding again after a conflict names the same things.
    pub ids: Vec<Uuid>,
}

impl Failure {
    /// What keeps a decision from ever being recorded, if it is the decision itself: deciding the same again won't help, but
    /// saying so does. `None`: the log's trouble, or an upgrade's.
    pub fn of(error: &DecideError<Refused>) -> Option<Self> {
        match error {
            DecideError::Refused(refused) => Some(Self::new(refused.code(), refused.to_string())),
            DecideError::Append(AppendError::Broken | AppendError::Log(_))
            | DecideError::SchemaAhead(_)
            | DecideError::Log(_) => None,
            DecideError::Append(error) if error.is_permanent() => {
                use AppendError::{BatchTooLarge, TooLarge, TooMany};
                let large = matches!(error, TooLarge { .. } | TooMany(_) | BatchTooLarge { .. });
                let code = if large { "too_large" } else { "not_recordable" };
                Some(Self::new(code, error.to_string()))
            }
            DecideError::Append(_) => None,
        }
    }
}

impl Turn {
    /// Which decisions may be recorded ahead of the others: those that carry on or take back promises, of which there may be
    /// more than one batch holds. Should the turn be lost after some of them, the next one finds them done, and goes on.
    pub fn bulk(decisions: &[Decision]) -> Vec<usize> {
        let bulk = |d: &Decision| matches!(d, Decision::Renew { .. } | Decision::Cancel { .. });
        (0..decisions.len()).filter(|&at| bulk(&decisions[at])).collect()
    }

    /// The events of the next batch, when so many of `bulk` are recorded; and how many are after it, or `None` if it ends
    /// the turn: then what is left of `bulk` is in it, beside the other decisions.
    pub fn next(
        &self,
        state: &Conversation,
        decisions: &[Decision],
        bulk: &[usize],
        done: usize,
    ) -> Result<(Vec<Event>, Option<usize>), Refused> {
        let mut batch = Batch::default();
        for (recorded, at) in bulk.iter().enumerate().skip(done) {
            if !batch.add(self.events(state, decisions, [*at])?) {
                return Ok((batch.events, Some(recorded)));
            }
        }
        Ok((self.complete(state, decisions, &bulk[..done])?, None))
    }

    /// The events of some of the turn's decisions, against the state as it is now.
    fn events(
        &self,
        state: &Conversation,
        decisions: &[Decision],
        these: impl IntoIterator<Item = usize>,
    ) -> Result<Vec<Event>, Refused> {
        let mut events = Vec::new();
        for at in these {
            match self.decide(state, decisions, &decisions[at], self.ids[at]) {
                Ok(decided) => events.extend(decided),
                // It ended by itself between the brain's look and now: nothing is left to do about it.
                Err(refused) if refused.came_too_late() => {}
                Err(refused) => return Err(refused),
            }
        }
        Ok(events)
    }

    /// The events of the turn's decisions, but for those recorded already, and its end.
    fn complete(
        &self,
        state: &Conversation,
        decisions: &[Decision],
        recorded: &[usize],
    ) -> Result<Vec<Event>, Refused> {
        let rest = (0..decisions.len()).filter(|at| recorded.binary_search(at).is_err());
        let mut events = self.events(state, decisions, rest)?;
        let settled = |decision: &Decision| match decision {
            Decision::Intent { message_id, .. } => Some(*message_id),
            _ => None,
        };
        let settled: Vec<MessageId> = decisions.iter().filter_map(settled).collect();
        events.extend(state.leave_intents(&settled, self.through, self.id));
        let replied = decisions.iter().any(|d| matches!(d, Decision::Reply { .. }));
        events.push(self.completed(if replied { "replied" } else { "silent" }, decisions.len()));
        Ok(events)
    }

    /// It is dropped; what it took was for nothing, and is known.
    pub fn superseded(&self, code: &str) -> Event {
        let dropped = Conversation::supersede(self.id, code);
        let Spent { calls: model_calls, usage, micro_usd, .. } = self.spent;
        v1::TurnSuperseded { model_calls, usage, micro_usd, ..dropped }.into()
    }

    /// What the bot would have said while a human is active. Whoever wants nothing more is heard all the same.
    pub fn suppress(&self, state: &Conversation, decisions: &[Decision]) -> Vec<Event> {
        let mut events: Vec<Event> = decisions
            .iter()
            .zip(&self.ids)
            .filter_map(|(decision, id)| match decision {
                Decision::Reply { text, .. } | Decision::Withhold { text } => {
                    Some(self.draft(*id, text, &Why::new("human_active", "a human is active", "")))
                }
                Decision::OptOut { message_id } => Some(self.opted_out(state, message_id)),
                _ => None,
            })
            .collect();
        events.push(self.completed("suppressed", decisions.len()));
        events
    }

    /// Words that aren't sent, and why.
    fn draft(&self, id: Uuid, text: &str, why: &Why) -> Event {
        v1::DraftSuppressed {
            turn_id: self.id.to_string(),
            message_id: ids::message(self.conversation, id).to_string(),
            text: text.to_owned(),
            reason: Some(why.into()),
        }
        .into()
    }

    fn opted_out(&self, state: &Conversation, message_id: &MessageId) -> Event {
        let text = beginning(state, message_id);
        v1::ContactOptedOut { message_id: message_id.to_string(), text, turn_id: self.id.to_string() }.into()
    }

    fn completed(&self, outcome: &str, decisions: usize) -> Event {
        v1::TurnCompleted {
            turn_id: self.id.to_string(),
            through_position: self.through,
            outcome: if self.failure.is_some() { "failed" } else { outcome }.to_owned(),
            brain: self.brain.clone(),
            model: self.spent.model.clone().unwrap_or_else(|| self.model.clone()),
            error: self.failure.as_ref().map(ToString::to_string).unwrap_or_default(),
            decisions: u32::try_from(decisions).unwrap_or(u32::MAX),
            model_calls: self.spent.calls,
            usage: self.spent.usage,
            micro_usd: self.spent.micro_usd,
            prompt_hash: self.spent.prompt_hash.clone(),
            fallback: self.spent.fallback,
            degraded: self.spent.degraded.clone(),
        }
        .into()
    }

    /// The follow-up that a decision makes or moves, by its id from then on.
    fn promised(&self, state: &Conversation, decisions: &[Decision], at: usize) -> Option<FollowUpId> {
        let renewal = |id: &FollowUpId| ids::follow_up(self.conversation, press::renewal_of(id));
        Some(match decisions.get(at)? {
            Decision::Schedule { .. } => ids::follow_up(self.conversation, *self.ids.get(at)?),
            Decision::Renew { follow_up_id } => renewal(follow_up_id),
            Decision::Move { follow_up_id, .. } if state.is_renewable(follow_up_id) => renewal(follow_up_id),
            Decision::Move { follow_up_id, .. } => *follow_up_id,
            Decision::Restore { follow_up_id } => renewal(follow_up_id),
            Decision::Reply { .. }
            | Decision::Withhold { .. }
            | Decision::Retopic { .. }
            | Decision::Cancel { .. }
            | Decision::RequestHuman { .. }
            | Decision::Ask { .. }
            | Decision::OptOut { .. }
            | Decision::OptIn { .. }
            | Decision::Book { .. }
            | Decision::Remember(_)
            | Decision::Intent { .. } => return None,
        })
    }

    fn buttons(&self, state: &Conversation, decisions: &[Decision], offer: &Offer) -> Vec<v1::Button> {
        let Some(promise) = self.promised(state, decisions, offer.decision) else { return Vec::new() };
        let offered = Press::ALL.into_iter().zip(offer.titles);
        offered.map(|(press, title)| v1::Button { id: press.of(&promise), title: title.to_owned() }).collect()
    }

    fn decide(
        &self,
        state: &Conversation,
        decisions: &[Decision],
        decision: &Decision,
        id: Uuid,
    ) -> Result<Vec<Event>, Refused> {
        match decision {
            Decision::Reply { text, offer } => state.queue(Queue {
                message_id: ids::message(self.conversation, id),
                author: Author::Bot,
                author_id: String::new(),
                text: text.clone(),
                due_at: None,
                on_reply: OnReply::Keep,
                key: String::new(),
                turn_id: Some(self.id),
                follow_up_id: None,
                proactive: false,
                buttons: offer.as_ref().map(|o| self.buttons(state, decisions, o)).unwrap_or_default(),
            }),
            Decision::Withhold { text } => {
                Ok(vec![self.draft(id, text, &Why::new("said_by_human", "a human has said just this", ""))])
            }
            Decision::Schedule {
                due_at,
                phrase,
                rule,
                intention,
                text,
                topic,
                cancel_on,
                reason,
                language,
                message_id,
            } => {
                let asked = state.unanswered.iter().find(|m| Some(m.message_id) == *message_id);
                let schedule = NewFollowUp {
                    follow_up_id: ids::follow_up(self.conversation, id),
                    due_at: *due_at,
                    timezone: self.zone.clone(),
                    phrase: phrase.clone(),
                    rule: rule.clone(),
                    intention: intention.clone(),
                    text: text.clone(),
                    cancel_on: match cancel_on {
                        brain::CancelOn::ClientResponse => CancelOn::ClientResponse,
                        brain::CancelOn::Never => CancelOn::Never,
                    },
                    action: v1::Action { kind: "message".to_owned(), ..Default::default() },
                    reason: reason.clone(),
                    key: String::new(),
                    asked_by: asked.map(|m| m.from.id.clone()).unwrap_or_default(),
                    turn_id: Some(self.id),
                    language: language.code().to_owned(),
                    context: asked.map(|m| m.text.chars().take(2_000).collect()).unwrap_or_default(),
                    asked_in: asked.map(|m| AskedIn {
                        message_id: m.message_id,
                        provider_id: m.provider_message_id.clone(),
                        at: Some(m.written_at),
                    }),
                    topic: topic.clone(),
                    by: "client".to_owned(),
                };
                state.schedule(self.now, true, schedule)
            }
            Decision::Renew { follow_up_id } => {
                let renewal = ids::follow_up(self.conversation, press::renewal_of(follow_up_id));
                state.renew(follow_up_id, renewal, None, Some(self.id))
            }
            Decision::Move { follow_up_id, due_at, phrase, rule } => {
                let words = (phrase.clone(), rule.clone());
                if state.is_renewable(follow_up_id) {
                    let due = Some((*due_at, words.0, words.1));
                    let renewal = ids::follow_up(self.conversation, press::renewal_of(follow_up_id));
                    state.renew(follow_up_id, renewal, due, Some(self.id))
                } else {
                    state.move_follow_up(self.now, follow_up_id, *due_at, words, ("client", Some(self.id)))
                }
            }
            Decision::Retopic { follow_up_id, text, topic } => {
                state.change_topic(follow_up_id, (text.clone(), topic.clone()), Some(self.id))
            }
            Decision::Restore { follow_up_id } => {
                let renewal = ids::follow_up(self.conversation, press::renewal_of(follow_up_id));
                state.restore(self.now, follow_up_id, renewal, Some(self.id))
            }
            Decision::Cancel { follow_up_id } => {
                let why = Why::new("by_client", "the client asked for it", "");
                state.cancel(follow_up_id, why, Some(self.id))
            }
            Decision::RequestHuman { message_id } => {
                let text = beginning(state, message_id);
                Ok(vec![v1::HumanRequested { message_id: message_id.to_string(), text }.into()])
            }
            Decision::Ask { message_id, question, language } => Ok(vec![
                v1::QuestionAsked {
                    turn_id: self.id.to_string(),
                    message_id: message_id.to_string(),
                    intention: question.intention.clone(),
                    topic: question.topic.clone(),
                    language: language.code().to_owned(),
                }
                .into(),
            ]),
            // It stands on the contact already.
            Decision::Remember(_) => Ok(Vec::new()),
            Decision::Intent { message_id, resolution, why } => {
                Ok(state.resolve_intent(message_id, *resolution, why, self.id).into_iter().collect())
            }
            Decision::Book { title, starts_at, minutes, message_id } => {
                let ends_at = *starts_at + TimeDelta::minutes((*minutes).into());
                let meeting = v1::Meeting {
                    meeting_id: format!("{}@steward", id.simple()),
                    starts_at: Some(to_timestamp(*starts_at)),
                    ends_at: Some(to_timestamp(ends_at)),
                    timezone: self.zone.clone(),
                    title: title.clone(),
                    ..Default::default()
                };
                let message_id = message_id.to_string();
                Ok(vec![v1::MeetingBooked { meeting: Some(meeting), source: None, message_id }.into()])
            }
            Decision::OptOut { message_id } => Ok(vec![self.opted_out(state, message_id)]),
            Decision::OptIn { message_id } => {
                Ok(vec![v1::ContactOptedIn { message_id: message_id.to_string(), turn_id: self.id.to_string() }.into()])
            }
        }
    }
}

/// The beginning of a message that waits for an answer.
fn beginning(state: &Conversation, message_id: &MessageId) -> String {
    let message = state.unanswered.iter().find(|m| m.message_id == *message_id);
    message.map(|m| m.text.chars().take(500).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use steward_domain::conversation::{batch::BYTES_AT_ONCE, follow_ups::AT_ONCE};

    use super::*;
    use crate::actions::tests::{client_writes, promised, record, turn};

    /// Promises with texts of so many bytes are cancelled by a message, and a turn carries them on: how many batches it takes.
    fn batches(promises: usize, bytes: usize) -> usize {
        let mut state = Conversation::default();
        for n in 0..promises {
            promised(
                &mut state,
                ids::follow_up(ConversationId::new(Uuid::from_u128(1)), Uuid::from_u128(n as u128)),
                &"x".repeat(bytes),
                v1::Action::default(),
            );
        }
        client_writes(&mut state);
        let cancelled = state.cancelled.iter().map(|f| f.id);
        let mut decisions: Vec<_> = cancelled.map(|follow_up_id| Decision::Renew { follow_up_id }).collect();
        decisions.push(Decision::Reply { text: "They stand.".to_owned(), offer: None });
        assert_eq!(decisions.len(), promises + 1);
        let turn = Turn { ids: decisions.iter().map(|_| Uuid::now_v7()).collect(), ..turn() };
        let (bulk, mut done) = (Turn::bulk(&decisions), 0);
        for batch in 1.. {
            let (events, after) = turn.next(&state, &decisions, &bulk, done).unwrap();
            let size: usize = events.iter().map(|event| event.encode().len()).sum();
            assert!(
                events.len() <= AT_ONCE + 2 && size <= BYTES_AT_ONCE + 1_000,
                "{} events, {size} bytes",
                events.len()
            );
            let ends = matches!(events.last(), Some(Event::TurnCompleted(_)));
            events.into_iter().for_each(|event| record(&mut state, event));
            let Some(after) = after else {
                assert!(ends);
                assert_eq!((state.open_follow_ups(), state.cancelled.len()), (promises, 0));
                return batch;
            };
            assert!(after > done && !ends);
            done = after;
        }
        unreachable!()
    }

    #[test]
    fn promises_are_carried_on_in_batches_that_the_log_takes_by_count_and_by_bytes() {
        assert_eq!(batches(0, 1), 1);
        assert_eq!(batches(AT_ONCE, 1), 1);
        assert_eq!(batches(AT_ONCE + 1, 1), 2);
        assert_eq!(batches(1_000, 1), 5);
        let large = BYTES_AT_ONCE / 32 - 500;
        assert_eq!(batches(32, large), 1);
        assert_eq!(batches(33, large), 2);
        assert_eq!(batches(200, large), 7);
    }
}

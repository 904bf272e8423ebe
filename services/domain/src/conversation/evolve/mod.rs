//! How each event changes a conversation. Facts may come in any order and are never refused, so nothing here may panic.

mod endings;
mod inbound;
mod promises;
mod receipts;
mod sending;

use steward_language::understanding::LONGEST_TOPIC;
use steward_proto::{ConversationEvent, Event, Fold, Recorded, from_timestamp, v1};

use self::inbound::said_at;
use super::{
    in_line::WAITS_ITS_TURN,
    requests::REQUEST_REVOKED,
    state::{
        Author, CancelOn, Cancelled, Claim, Conversation, FollowUpState, MessageState, OnReply, OpenTurn, Question,
    },
    takeover::stretch::{Line, Speaker},
};
use crate::{
    brain::Choice,
    ids::{self, ClaimId, FollowUpId, MessageId, NoId, TurnId},
    kernel::{Why, unread_id, unread_type, unread_value},
};

impl Conversation {
    /// What an event says of a thing whose id can't be read is left aside; [`Fold::unread`] tells of those that
    /// bring such a thing.
    fn take(&mut self, recorded: &Recorded) -> Result<(), NoId> {
        let at = recorded.metadata.at;
        let event_id = recorded.metadata.event_id;
        let Some(event) = ConversationEvent::of(&recorded.event) else { return Ok(()) };
        self.marks.take(recorded);
        match event {
            ConversationEvent::ClientResponded(e) => self.client_responded(recorded, e)?,
            ConversationEvent::HumanResponded(e) => {
                self.came_from(e.source.as_ref(), &e.contact_id, at);
                self.human_wrote(at);
                self.spoken = true;
                self.human_said(Line::new(Speaker::Human, e.message_id.parse()?, &e.kind, &e.text, at));
            }
            ConversationEvent::UpdateKept(e) => {
                self.came_from(e.source.as_ref(), &e.contact_id, at);
                if opens_window(e) {
                    self.heard_from(e.source.as_ref(), at);
                }
            }
            ConversationEvent::RequestEdited(e) => self.request_edited(recorded, e)?,
            ConversationEvent::HumanRequested(_)
            | ConversationEvent::DraftSuppressed(_)
            | ConversationEvent::TalkSummarised(_) => {}
            ConversationEvent::ContactOptedOut(_) => self.opted_out = true,
            ConversationEvent::ContactOptedIn(_) => self.opted_out = false,
            ConversationEvent::QuestionAsked(e) => {
                self.question = Some(Question {
                    turn_id: e.turn_id.clone(),
                    message_id: e.message_id.clone(),
                    intention: e.intention.clone(),
                    topic: e.topic.chars().take(LONGEST_TOPIC).collect(),
                    language: e.language.clone(),
                    at,
                });
            }
            ConversationEvent::MeetingBooked(e) => {
                self.came_from(e.source.as_ref(), "", at);
                self.meeting_set(e.meeting.as_ref(), at);
            }
            ConversationEvent::MeetingMoved(e) => {
                self.came_from(e.source.as_ref(), "", at);
                self.meeting_set(e.meeting.as_ref(), at);
            }
            ConversationEvent::MeetingCancelled(e) => {
                self.came_from(e.source.as_ref(), "", at);
                self.meeting_called_off(e, at);
            }
            ConversationEvent::DeliveryReported(e) => {
                self.came_from(e.source.as_ref(), "", at);
                self.reported(e, (recorded.position, at))?;
            }
            ConversationEvent::HumanTakeoverStarted(e) => {
                self.came_from(e.source.as_ref(), "", at);
                self.stretch_began(e, at);
                self.takeover_started(e, at, &event_id.to_string());
            }
            ConversationEvent::HumanTakeoverEnded(e) => {
                self.came_from(e.source.as_ref(), "", at);
                self.takeover = None;
                self.stretch_ended(at);
            }
            ConversationEvent::RecipientBlocked(e) => {
                self.came_from(e.source.as_ref(), "", at);
                self.unreachable(said_at(e.source.as_ref(), at));
            }
            ConversationEvent::RecipientUnblocked(e) => {
                self.came_from(e.source.as_ref(), "", at);
                self.reachable(said_at(e.source.as_ref(), at));
            }
            ConversationEvent::IntentLeft(e) => self.intent_left(e, recorded.position)?,
            ConversationEvent::IntentResolved(e) => self.intent_resolved(e)?,
            ConversationEvent::BrainChosen(e) => self.brain = Choice::of(e),
            ConversationEvent::AddressBound(e) => {
                if let Some(place) = &mut self.place {
                    place.external_id.clone_from(&e.external_id);
                }
            }

            ConversationEvent::TurnStarted(e) => {
                self.turn = Some(OpenTurn {
                    turn_id: e.turn_id.parse()?,
                    through: e.through_position,
                    position: recorded.position,
                    lease_until: from_timestamp(e.lease_until.as_ref()).unwrap_or(at),
                    worker: e.worker.clone(),
                    follow_up_id: ids::optional(&e.follow_up_id)?,
                });
            }
            ConversationEvent::TurnCompleted(e) => {
                self.stretch_told(e);
                self.turn_completed(e);
                // What another turn asked was answered by this one, or left.
                self.question.take_if(|question| question.turn_id != e.turn_id);
            }
            ConversationEvent::TurnSuperseded(e) => {
                if self.turn.as_ref().is_some_and(|t| e.turn_id.parse() == Ok(t.turn_id)) {
                    self.turn = None;
                }
            }

            ConversationEvent::FollowUpScheduled(e) => self.scheduled(e, at)?,
            ConversationEvent::FollowUpMoved(e) => {
                let due_at = from_timestamp(e.due_at.as_ref()).unwrap_or(at);
                if !e.turn_id.is_empty() {
                    self.taken_back = None;
                }
                self.change_follow_up(&e.follow_up_id.parse()?, |f| {
                    f.due_at = due_at;
                    f.set_at = at;
                    if !e.phrase.is_empty() {
                        f.phrase.clone_from(&e.phrase);
                        f.rule.clone_from(&e.rule);
                    }
                });
            }
            ConversationEvent::FollowUpTextChanged(e) => self.change_follow_up(&e.follow_up_id.parse()?, |f| {
                f.text.clone_from(&e.text);
                if let Some(topic) = &e.topic {
                    f.topic = topic.chars().take(LONGEST_TOPIC).collect();
                }
            }),
            ConversationEvent::FollowUpDue(e) => {
                let follow_up_id = e.follow_up_id.parse()?;
                let message_id = e.message.as_ref().map(|m| m.message_id.parse()).transpose()?;
                let late_from = self.follow_ups.get(&follow_up_id).map_or(at, |f| f.due_at.max(f.set_at));
                self.change_follow_up(&follow_up_id, |f| f.state = FollowUpState::Due { message_id });
                if let Some(message) = &e.message {
                    self.queued(message, late_from)?;
                }
            }
            ConversationEvent::FollowUpCancelled(e) => {
                let follow_up_id = e.follow_up_id.parse()?;
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                self.unannounced.remove(&Cancelled::FollowUp(follow_up_id));
                // The client's own "don't write", or what they asked with is gone: nothing to renew any more.
                if matches!(why.code.as_str(), "by_client" | REQUEST_REVOKED) {
                    self.cancelled.remove(&follow_up_id);
                }
                let missed = why.code == "human_active";
                let cancelled = self.cancel_follow_up(&follow_up_id, &why);
                if e.confirms && !cancelled {
                    self.change_follow_up(&follow_up_id, |f| {
                        if let FollowUpState::Cancelled(before) = &mut f.state
                            && before.code == "client_responded"
                        {
                            before.clone_from(&why);
                        }
                    });
                }
                if why.code == "by_client" {
                    self.took_back(&follow_up_id, &e.turn_id, at);
                }
                if cancelled
                    && missed
                    && let Some(takeover) = &mut self.takeover
                {
                    takeover.misses(follow_up_id);
                }
            }
            ConversationEvent::FollowUpExpired(e) => {
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                self.end_follow_up(&e.follow_up_id.parse()?, FollowUpState::Expired(why));
            }
            ConversationEvent::FollowUpDone(e) => self.end_follow_up(&e.follow_up_id.parse()?, FollowUpState::Done),
            ConversationEvent::FollowUpFailed(e) => {
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                self.end_follow_up(&e.follow_up_id.parse()?, FollowUpState::Failed(why));
            }

            ConversationEvent::MessageQueued(e) => {
                if let Some(message) = &e.message {
                    if message.author == Author::Human.name() {
                        self.human_wrote(at);
                        // What is for later is said when its time comes.
                        if message.due_at.is_none() {
                            self.human_said(Line::new(
                                Speaker::Human,
                                message.message_id.parse()?,
                                "text",
                                &message.text,
                                at,
                            ));
                        }
                    }
                    if let Some(follow_up_id) = ids::optional(&message.follow_up_id)? {
                        let message_id = Some(message.message_id.parse()?);
                        self.change_follow_up(&follow_up_id, |f| f.state = FollowUpState::Due { message_id });
                    }
                    self.queued(message, at)?;
                }
            }
            // In line it stays until it is claimed.
            ConversationEvent::MessageDue(e) => {
                let message_id = e.message_id.parse()?;
                self.change_message(&message_id, |m| {
                    if let MessageState::Queued { not_before } | MessageState::Held { not_before, .. } = &mut m.state {
                        *not_before = None;
                    }
                });
                if let Some(m) = self.outbox.get(&message_id).filter(|m| m.author == Author::Human) {
                    let said = Line::new(Speaker::Human, m.id, "text", &m.text, at);
                    self.human_said(said);
                }
            }
            ConversationEvent::MessageMoved(e) => {
                let due_at = from_timestamp(e.due_at.as_ref()).unwrap_or(at);
                let message_id = e.message_id.parse()?;
                self.lined_up(&message_id, false);
                self.change_message(&message_id, |m| {
                    if let MessageState::Queued { not_before } | MessageState::Held { not_before, .. } = &mut m.state {
                        *not_before = Some(due_at);
                        m.late_from = m.late_from.max(due_at);
                    }
                });
            }
            ConversationEvent::MessageHeld(e) => {
                let message_id = e.message_id.parse()?;
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                self.unannounced_holds.remove(&message_id);
                self.hold(&message_id, why);
            }
            ConversationEvent::MessageApproved(e) => {
                let message_id = e.message_id.parse()?;
                self.unannounced_holds.remove(&message_id);
                self.approved(&message_id, &e.approval_hash, at);
            }
            ConversationEvent::MessageReleased(e) => self.released(&e.message_id.parse()?, at),
            ConversationEvent::MessageEdited(e) => self.edited(&e.message_id.parse()?, e),
            ConversationEvent::MessageCancelled(e) => {
                let message_id = e.message_id.parse()?;
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                self.unannounced.remove(&Cancelled::Message(message_id));
                self.unannounced_holds.remove(&message_id);
                self.cancel_message(&message_id, &why);
            }
            ConversationEvent::MessageExpired(e) => {
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                self.end_message(&e.message_id.parse()?, MessageState::Expired(why));
            }
            ConversationEvent::MessageRetried(e) => self.retried(&e.message_id.parse()?, at),
            ConversationEvent::SendDeferred(e) => {
                let in_line = e.reason.as_ref().is_some_and(|reason| reason.code == WAITS_ITS_TURN);
                let message_id = e.message_id.parse()?;
                self.lined_up(&message_id, in_line);
                self.put_off(&message_id, from_timestamp(e.until.as_ref()).unwrap_or(at), recorded.position);
            }

            ConversationEvent::DispatchStarted(e) => {
                let claim_id = e.claim_id.parse()?;
                self.change_message(&e.message_id.parse()?, |m| {
                    m.part = e.part as usize;
                    m.attempts = e.attempt;
                    m.last_claim = Some(claim_id);
                    m.as_template = !e.template.is_empty();
                    m.in_line = false;
                    m.state = MessageState::Claimed(Claim {
                        claim_id,
                        at,
                        expires_at: from_timestamp(e.expires_at.as_ref()).unwrap_or(at),
                        worker: e.worker.clone(),
                    });
                });
            }
            ConversationEvent::DispatchSucceeded(e) => self.succeeded(e, (recorded.position, at))?,
            ConversationEvent::DispatchFailed(e) => {
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                let message_id = e.message_id.parse()?;
                if self.claim_matters(&message_id, e.claim_id.parse()?) {
                    if why.code == "blocked" {
                        self.blocked = true;
                    }
                    self.end_message(&message_id, MessageState::Failed(why));
                }
            }
            ConversationEvent::DispatchDeferred(e) => self.deferred(e, recorded.position, at)?,
            ConversationEvent::DispatchUnknown(e) => {
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                let message_id = e.message_id.parse()?;
                if self.claim_matters(&message_id, e.claim_id.parse()?) {
                    self.end_message(&message_id, MessageState::Unknown(why));
                }
            }
        }
        Ok(())
    }
}

impl Fold for Conversation {
    fn evolve(&mut self, recorded: &Recorded) {
        // A fold never fails.
        let _ = self.take(recorded);
    }

    fn unread(event: &Event) -> Option<String> {
        match ConversationEvent::of(event) {
            None => Some(unread_type(event)),
            Some(ConversationEvent::FollowUpScheduled(e)) => {
                unread_value(event, "cancel_on", &e.cancel_on, |name| CancelOn::of_name(name).is_some())
                    .or_else(|| unread_id::<FollowUpId>(event, "follow_up_id", &e.follow_up_id))
            }
            Some(
                ConversationEvent::FollowUpDue(v1::FollowUpDue { message: Some(message), .. })
                | ConversationEvent::MessageQueued(v1::MessageQueued { message: Some(message) }),
            ) => unread_value(event, "on_reply", &message.on_reply, |name| OnReply::of_name(name).is_some())
                .or_else(|| unread_value(event, "author", &message.author, |name| Author::of_name(name).is_some()))
                .or_else(|| unread_id::<MessageId>(event, "message_id", &message.message_id))
                .or_else(|| unread_id::<FollowUpId>(event, "follow_up_id", &message.follow_up_id))
                .or_else(|| unread_id::<TurnId>(event, "turn_id", &message.turn_id)),
            Some(ConversationEvent::ClientResponded(e)) => unread_id::<MessageId>(event, "message_id", &e.message_id),
            Some(ConversationEvent::RequestEdited(e)) => unread_id::<MessageId>(event, "message_id", &e.message_id),
            Some(ConversationEvent::HumanResponded(e)) => unread_id::<MessageId>(event, "message_id", &e.message_id),
            Some(ConversationEvent::TurnStarted(e)) => unread_id::<TurnId>(event, "turn_id", &e.turn_id)
                .or_else(|| unread_id::<FollowUpId>(event, "follow_up_id", &e.follow_up_id)),
            Some(ConversationEvent::DispatchStarted(e)) => unread_id::<ClaimId>(event, "claim_id", &e.claim_id),
            Some(_) => None,
        }
    }
}

/// A call opens the service window like a message, and so does what an operator writes from their own address.
fn opens_window(kept: &v1::UpdateKept) -> bool {
    let (Some(source), Some(from)) = (&kept.source, &kept.from) else { return kept.kind.starts_with("call") };
    kept.kind.starts_with("call") || (kept.kind.starts_with("operator_") && from.id == source.external_id)
}

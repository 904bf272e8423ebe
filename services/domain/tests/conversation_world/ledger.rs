//! What must hold after every step, told from the log alone and by comparing the state before and after.

use std::collections::{BTreeMap, HashMap, HashSet};

use steward_domain::{
    conversation::{CancelOn, Conversation, FollowUpState, MessageState},
    ids::MessageId,
};
use steward_proto::{Event, Recorded};

/// The log read independently of the fold under test.
#[derive(Default)]
pub struct Ledger {
    human_active: bool,
    group: bool,
    follow_ups: HashMap<String, Promise>,
    messages: HashMap<String, Sending>,
    last_words: HashMap<String, u64>,
    any_words: u64,
}

struct Promise {
    until_reply: bool,
    asked_by: String,
    /// The client's words after this position cancel it.
    since: u64,
}

#[derive(Default)]
struct Sending {
    follow_up_id: String,
    by_bot: bool,
    /// Open claims and the part of each.
    open: BTreeMap<String, u32>,
    /// Part and whether another claim of it is allowed.
    last: Option<(u32, bool)>,
    retried_at: u64,
}

impl Ledger {
    /// Checks what may be recorded, then takes note of it.
    pub fn record(&mut self, recorded: &Recorded) {
        let position = recorded.position;
        match &recorded.event {
            Event::ClientResponded(e) => {
                self.group |= e.source.as_ref().is_some_and(|s| s.group);
                let person = e.from.as_ref().map(|p| p.id.clone()).unwrap_or_default();
                self.last_words.insert(person, position);
                self.any_words = position;
            }
            Event::HumanTakeoverStarted(_) => self.human_active = true,
            Event::HumanTakeoverEnded(_) => self.human_active = false,
            Event::FollowUpScheduled(e) => {
                let until_reply = e.cancel_on == CancelOn::ClientResponse.name();
                let promise = Promise { until_reply, asked_by: e.asked_by.clone(), since: position };
                self.follow_ups.insert(e.follow_up_id.clone(), promise);
            }
            Event::FollowUpDue(e) => {
                assert!(!self.human_active, "a follow-up was decided due while a human is active");
                assert!(!self.answered(&e.follow_up_id), "a promise was decided due after the client's message");
                if let Some(m) = &e.message {
                    self.queued(m);
                }
            }
            Event::MessageQueued(e) => self.queued(e.message.as_ref().expect("a queued message")),
            Event::MessageRetried(e) => {
                let sending = self.messages.get_mut(&e.message_id).expect("a message that was queued");
                sending.retried_at = position;
                sending.last = sending.last.map(|(part, _)| (part, true));
                if let Some(promise) = self.follow_ups.get_mut(&sending.follow_up_id) {
                    promise.since = position;
                }
            }
            Event::DispatchStarted(e) => {
                let answered = self.answered(&e.follow_up_id);
                let sending = self.messages.get_mut(&e.message_id).expect("a message that was queued");
                assert!(!answered, "a claim after the client's message");
                assert!(!(self.human_active && sending.by_bot), "a claim of the bot's while a human is active");
                // A claim from before an operator's retry may never be heard of again.
                assert!(sending.open.is_empty(), "a second claim while one is open: {:?}", sending.open);
                if let Some((part, again)) = sending.last {
                    let next = e.part == part + 1;
                    assert!(
                        again && (e.part == part || next),
                        "a new claim of part {} after part {part} without a deferral, a retry or a success",
                        e.part
                    );
                } else {
                    assert_eq!(e.part, 0, "parts go in order");
                }
                sending.last = Some((e.part, false));
                sending.open.insert(e.claim_id.clone(), e.part);
            }
            Event::DispatchSucceeded(e) => self.ended(&e.message_id, &e.claim_id, true),
            Event::DispatchDeferred(e) => self.ended(&e.message_id, &e.claim_id, true),
            Event::DispatchFailed(e) => self.ended(&e.message_id, &e.claim_id, false),
            Event::DispatchUnknown(e) => self.ended(&e.message_id, &e.claim_id, false),
            // By our own ids, it says what came of an attempt as its worker would.
            Event::DeliveryReported(e) if !e.claim_id.is_empty() => {
                self.ended(&e.message_id, &e.claim_id, e.status != "failed");
            }
            _ => {}
        }
    }

    fn queued(&mut self, m: &steward_proto::v1::Outgoing) {
        let by_bot = m.author != "human";
        let sending = Sending { follow_up_id: m.follow_up_id.clone(), by_bot, ..Default::default() };
        self.messages.insert(m.message_id.clone(), sending);
    }

    /// Only the answer that ends the open claim may allow another.
    fn ended(&mut self, message_id: &str, claim_id: &str, again: bool) {
        let sending = self.messages.get_mut(message_id).expect("a message that was queued");
        if let Some(part) = sending.open.remove(claim_id)
            && sending.last.is_some_and(|(last, _)| last == part)
        {
            sending.last = Some((part, again));
        }
    }

    /// Whether the client has written since this promise was made (or retried by an operator).
    fn answered(&self, follow_up_id: &str) -> bool {
        let Some(promise) = self.follow_ups.get(follow_up_id) else { return false };
        let words = if self.group && !promise.asked_by.is_empty() {
            self.last_words.get(&promise.asked_by).copied().unwrap_or(0)
        } else {
            self.any_words
        };
        promise.until_reply && words > promise.since
    }

    /// The state as a whole agrees with the log.
    pub fn check(&self, state: &Conversation) {
        for f in state.follow_ups.values() {
            let (open, claimed) = match &f.state {
                FollowUpState::Pending => (true, false),
                FollowUpState::Due { message_id: None } => (true, false),
                FollowUpState::Due { message_id: Some(id) } => {
                    let message = state.outbox.get(id).expect("a due follow-up's message is remembered");
                    assert!(message.is_open(), "{} is due, its message is {:?}", f.id, message.state);
                    (true, matches!(message.state, MessageState::Claimed(_)))
                }
                _ => (false, false),
            };
            assert!(
                !(open && !claimed && self.answered(&f.id.to_string())),
                "{} is open after the client's message",
                f.id
            );
            let due = matches!(f.state, FollowUpState::Due { .. });
            assert!(!(due && !claimed && self.human_active), "{} is due while a human is active", f.id);
        }
        for m in state.outbox.values().filter(|m| m.is_open() && m.follow_up_id.is_some()) {
            let f = m
                .follow_up_id
                .and_then(|id| state.follow_ups.get(&id))
                .expect("the follow-up of an open message is remembered");
            let due = FollowUpState::Due { message_id: Some(m.id) };
            assert_eq!(f.state, due, "the message {} is open, its follow-up {} is not due", m.id, f.id);
        }
        let mut told = HashSet::new();
        for (what, why) in &state.unannounced {
            assert!(told.insert(format!("{what:?}")), "{what:?} is to be announced twice");
            assert!(!why.code.is_empty());
        }
    }

    /// An end is for good, unless it is unknown or an operator retries.
    pub fn check_change(before: &Conversation, after: &Conversation, retried: Option<MessageId>) {
        for (id, old) in &before.follow_ups {
            let Some(new) = after.follow_ups.get(id) else {
                assert!(!old.is_open(), "the open follow-up {id} was forgotten");
                continue;
            };
            if old.is_open() || old.state == new.state {
                continue;
            }
            let settled = matches!(old.state, FollowUpState::Unknown(_))
                && matches!(new.state, FollowUpState::Sent | FollowUpState::Failed(_) | FollowUpState::Unknown(_));
            // What the provider says later: it failed after all, or arrived after all.
            let reported = matches!(
                (&old.state, &new.state),
                (FollowUpState::Sent, FollowUpState::Failed(_)) | (FollowUpState::Failed(_), FollowUpState::Sent)
            );
            let by_operator = retried.is_some_and(|m| {
                matches!(&new.state, FollowUpState::Due { message_id: Some(id) } if *id == m)
                    && !matches!(old.state, FollowUpState::Sent | FollowUpState::Cancelled(_))
            });
            // What the client's message had cancelled ends for the reason of who decides that it stays so.
            let confirmed = matches!(
                (&old.state, &new.state),
                (FollowUpState::Cancelled(why), FollowUpState::Cancelled(_)) if why.code == "client_responded"
            );
            assert!(
                settled || reported || by_operator || confirmed,
                "{id} went from {:?} to {:?}",
                old.state,
                new.state
            );
        }
        for (id, old) in &before.outbox {
            let Some(new) = after.outbox.get(id) else {
                assert!(!old.is_open(), "the open message {id} was forgotten");
                continue;
            };
            let settled = matches!(old.state, MessageState::Unknown(_))
                && matches!(new.state, MessageState::Sent(_) | MessageState::Failed(_) | MessageState::Unknown(_));
            let fine = old.is_open()
                || old.state == new.state
                || settled
                || goes_forward(&old.state, &new.state)
                || retried == Some(*id);
            assert!(fine, "the message {id} went from {:?} to {:?}", old.state, new.state);
        }
    }
}

/// What reports may add to an end: sent, then failed, then delivered, then read.
fn goes_forward(old: &MessageState, new: &MessageState) -> bool {
    let rank = |state: &MessageState| match state {
        MessageState::Sent(receipts) => match receipts.state() {
            "read" => Some(4),
            "delivered" => Some(3),
            _ => Some(1),
        },
        MessageState::Failed(_) => Some(2),
        _ => None,
    };
    matches!((rank(old), rank(new)), (Some(old), Some(new)) if old <= new)
}

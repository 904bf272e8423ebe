//! Claiming one attempt of one part: what is known when the claim is decided, and what it gives to send.

use std::time::Duration;

use chrono::{DateTime, Utc};
use steward_domain::{
    contact::Contact,
    conversation::{
        Author, Conversation, Refused,
        dispatch::{Claiming, Step},
        templates::Addressee,
    },
    ids::{ClaimId, FollowUpId, MessageId},
    person::effective,
    settings::Policy,
};
use steward_log::{AtLeast, DecideError};
use steward_proto::{AggregateId, Cause, v1};
use uuid::Uuid;

use crate::{
    channels::{Outbound, TemplateCall, Thread},
    dispatcher::Dispatcher,
};

/// A claim lives as long as the longest request may take, and this much longer, so that the answer can be recorded.
const TO_RECORD: Duration = Duration::from_secs(2);

/// A claim that is in the log, with what is to be sent.
pub struct Claimed {
    pub claim_id: ClaimId,
    pub part: usize,
    pub parts: usize,
    pub attempt: u32,
    pub text: String,
    pub author: &'static str,
    pub follow_up_id: Option<FollowUpId>,
    pub external_id: String,
    pub template: Option<TemplateCall>,
    buttons: Vec<v1::Button>,
    thread: Thread,
    pub(crate) proactive: bool,
    /// Whether a person let the message go.
    pub(crate) let_go: bool,
}

impl Claimed {
    pub(crate) fn outbound(&self, message_id: &MessageId) -> Outbound {
        let last = self.part + 1 == self.parts;
        Outbound {
            external_id: self.external_id.clone(),
            message_id: *message_id,
            part: self.part,
            parts: self.parts,
            text: self.text.clone(),
            claim_id: self.claim_id,
            // Buttons stand below the whole text, so only the last part has them.
            buttons: if last { self.buttons.clone() } else { Vec::new() },
            template: self.template.clone(),
            thread: self.thread.clone(),
            proactive: self.proactive,
            attempt: self.attempt,
            by_human: self.author == Author::Human.name(),
        }
    }
}

/// What the claim is decided by, beside the conversation.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    /// The tenant's policy.
    pub(crate) policy: &'a Policy,
    pub(crate) contact: Option<&'a Contact>,
    /// When proactive messages went to the same person in their other conversations.
    pub(crate) elsewhere: &'a [DateTime<Utc>],
    pub(crate) breaker_open: bool,
}

/// What came of trying to claim.
pub(crate) enum Claimable {
    Claimed(Box<Claimed>),
    /// Something else was recorded instead, so the conversation has to be looked at again.
    Recorded,
    Busy(DateTime<Utc>),
    Nothing,
}

impl Dispatcher {
    /// Decides the claim against the conversation's version.
    pub(crate) async fn claim(
        &self,
        aggregate: &AggregateId,
        message_id: &MessageId,
        known: Known<'_>,
        limited_until: Option<DateTime<Utc>>,
        cause: &Cause,
    ) -> Result<Claimable, DecideError<Refused>> {
        let claim_id = ClaimId::new(Uuid::now_v7());
        let decided = self
            .log
            .decide::<Conversation, _, _>(aggregate, AtLeast::Cached, |state, _| {
                let claiming = self.claiming(message_id, claim_id, state, known, limited_until);
                Ok(match state.next_step(&claiming)? {
                    Step::Claim { event, part, text, attempt, template } => {
                        let message = &state.outbox[message_id];
                        let claimed = Claimed {
                            claim_id,
                            part,
                            parts: message.parts.len(),
                            attempt,
                            text,
                            author: message.author.name(),
                            follow_up_id: message.follow_up_id,
                            external_id: state.place.as_ref().map(|p| p.external_id.clone()).unwrap_or_default(),
                            template: template.map(|t| TemplateCall {
                                name: t.name,
                                language: t.language,
                                parameters: t.parameters,
                            }),
                            buttons: message.buttons.iter().take(state.capabilities().buttons).cloned().collect(),
                            thread: Thread {
                                subject: state.thread.subject.clone(),
                                references: state.thread.references.clone(),
                            },
                            proactive: message.proactive,
                            let_go: message.let_go,
                        };
                        (self.events(cause, vec![*event]), Claimable::Claimed(Box::new(claimed)))
                    }
                    Step::Record(events) => (self.events(cause, events), Claimable::Recorded),
                    Step::Busy(until) => (Vec::new(), Claimable::Busy(until)),
                    Step::Waits | Step::Nothing => (Vec::new(), Claimable::Nothing),
                })
            })
            .await?;
        Ok(decided.value)
    }

    pub(crate) fn claiming<'a>(
        &'a self,
        message_id: &MessageId,
        claim_id: ClaimId,
        state: &'a Conversation,
        known: Known<'a>,
        limited_until: Option<DateTime<Utc>>,
    ) -> Claiming<'a> {
        let Known { policy, contact, elsewhere, breaker_open } = known;
        let settings = self.settings.now();
        let person = effective(&settings.defaults, contact, state);
        let channel_id = state.place.as_ref().map_or("", |place| place.channel_id.as_str());
        let way = self.routes.get(channel_id);
        Claiming {
            message_id: *message_id,
            now: self.now(),
            claim_id,
            worker: &self.worker,
            lifetime: way.map_or(Duration::ZERO, |route| route.way.request_timeout()) + TO_RECORD,
            late_limit: settings.defaults.late_limit,
            channel_configured: way.is_some(),
            policy,
            approval: settings.approval(channel_id),
            zone: person.zone.value,
            archived: contact.is_some_and(|c| c.archived),
            limited_until,
            templates: way.map_or(&[][..], |route| route.way.templates()),
            addressee: Addressee { languages: [person.said_tag, settings.defaults.language.code()], name: person.name },
            breaker_open,
            elsewhere,
        }
    }
}

//! The person behind a conversation, who may be known by several contacts.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use steward_domain::{
    contact::Contact,
    conversation::Conversation,
    ids::{self, ContactId, MessageId},
    person::contact_of,
};
use steward_log::{AtLeast, LogError};
use steward_proto::AggregateId;
use tokio::time::timeout;
use uuid::Uuid;

use crate::{channels::Sent, dispatcher::Dispatcher};

/// How long a claim waits, the first time, when it met another claim of the same person at the cap. It waits longer
/// each time, so that its attempts outlast the slowest channel's request, and at random, so that two don't meet again.
const APART: Duration = Duration::from_secs(1);

/// How much of the time that is left to record its outcome a new claim may spend on looking at the person's other
/// conversations.
const LOOKING: Duration = Duration::from_millis(500);

/// Which proactive messages of other conversations count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    Sent,
    SentOrClaimed,
}

impl Dispatcher {
    /// The contact of a conversation. For a merged contact it is what counts under the contact that stands for it.
    pub(crate) async fn contact(
        &self,
        aggregate: &AggregateId,
        contact_id: Option<ContactId>,
        at_least: AtLeast,
    ) -> Result<Option<Arc<Contact>>, LogError> {
        let Some(contact_id) = contact_id else { return Ok(None) };
        let contact = contact_of(contact_id, |id| async move {
            let contact = ids::contact_aggregate(&aggregate.tenant, id);
            Ok::<_, LogError>(self.log.load::<Contact>(&contact, at_least).await?.state)
        });
        contact.await.map(Some)
    }

    /// When proactive messages went to the same person in their other conversations. Only asked where a cap counts
    /// them.
    pub(crate) async fn sent_elsewhere(
        &self,
        aggregate: &AggregateId,
        contact: Option<&Contact>,
    ) -> Result<Vec<DateTime<Utc>>, LogError> {
        self.elsewhere(aggregate, contact, Counted::Sent).await
    }

    /// Whether this claim must be given up, because another claim of the same person is open at the cap and neither
    /// knew of the other when it was made. Whichever looks second sees the first, so the cap is never exceeded. Nothing
    /// has left yet: if the log doesn't answer soon, the message is put off, and the claim's time isn't used up.
    pub(crate) async fn meets_another(
        &self,
        aggregate: &AggregateId,
        contact: Option<&Contact>,
        (message_id, attempt): (&MessageId, u32),
    ) -> Option<Sent> {
        let text = match timeout(LOOKING, self.at_cap_with_others(aggregate, contact, message_id)).await {
            Ok(Ok(false)) => return None,
            Ok(Ok(true)) => "another message to the same person is on its way in another conversation",
            Ok(Err(_)) | Err(_) => "the person's other conversations couldn't be read now",
        };
        let spread = 1.0 + f64::from(Uuid::new_v4().as_bytes()[0]) / 256.0;
        let apart = APART.mul_f64(spread * f64::from(attempt.saturating_mul(attempt)));
        let retry_at = Some(self.now() + apart);
        Some(Sent::Deferred { code: "frequency_cap", text: text.to_owned(), retry_at })
    }

    async fn at_cap_with_others(
        &self,
        aggregate: &AggregateId,
        contact: Option<&Contact>,
        message_id: &MessageId,
    ) -> Result<bool, LogError> {
        let elsewhere = self.elsewhere(aggregate, contact, Counted::SentOrClaimed).await?;
        if elsewhere.is_empty() {
            return Ok(false);
        }
        let own = self.log.load::<Conversation>(aggregate, AtLeast::Latest).await?.state;
        Ok(own.is_at_cap(&self.settings.now().policy(&aggregate.tenant), self.now(), *message_id, &elsewhere))
    }

    async fn elsewhere(
        &self,
        aggregate: &AggregateId,
        contact: Option<&Contact>,
        counted: Counted,
    ) -> Result<Vec<DateTime<Utc>>, LogError> {
        let (Some(contact), Ok(here)) = (contact, aggregate.id().parse()) else { return Ok(Vec::new()) };
        if self.settings.now().policy(&aggregate.tenant).daily_cap.is_none() {
            return Ok(Vec::new());
        }
        let mut times = Vec::new();
        for conversation in contact.elsewhere(here) {
            let there = ids::conversation_aggregate(&aggregate.tenant, conversation);
            let there = self.log.load::<Conversation>(&there, AtLeast::Latest).await?.state;
            times.extend(&there.proactive_sent);
            if counted == Counted::SentOrClaimed {
                times.extend(there.proactive_claimed(None));
            }
        }
        Ok(times)
    }
}

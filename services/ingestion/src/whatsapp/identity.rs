//! Which conversation a person is in: by their number, by the id that the business knows them by, and after either changed.
//!
//! Since 2026 WhatsApp may tell a number, a business-scoped user id, or both. Whichever comes, it leads to one
//! conversation: once both are seen together, each is bound to it. Numbers of Mexico and Brazil are written in two ways, which
//! lead to one conversation too.

use futures::StreamExt as _;
use steward_domain::{
    address::Address,
    contact::{Contact, How, Merge},
    conversation::Conversation,
    ids::{self, ConversationId},
    kernel::Refusal as _,
    whatsapp::other_form,
};
use steward_http::Problem;
use steward_log::{AtLeast, DecideError, Versioned};
use steward_proto::{AggregateId, Event, v1};

use crate::{arrival::Chat, intake::never_refused, merging, origin::new_event, people::People};

/// What names a business-scoped id in a notification: `user_id`, `from_user_id`.
const USER_ID: &[u8] = b"user_id\"";

impl People<'_> {
    /// The conversation of whoever is at this address and has this id (empty: it isn't told).
    ///
    /// # Errors
    /// 503 when the log doesn't answer.
    pub async fn conversation(&self, chat: &Chat) -> Result<ConversationId, Problem> {
        let address = chat.external_id.as_str();
        let Some(person) = chat.person.as_deref().filter(|p| !p.is_empty()) else {
            return self.at(address).await;
        };
        // The id is of one person for good; a number may pass to somebody else.
        let conversation = match self.bound(person).await? {
            Some(conversation) => conversation,
            None => {
                let conversation = self.at(address).await?;
                self.bind(person, conversation, "").await?
            }
        };
        let before = self.at(address).await?;
        if address != person && before != conversation {
            self.same_person(before, conversation, person).await?;
            // First where we write to: once the address is bound, nothing looks again.
            self.write_to(address, conversation, person).await?;
            self.rebind(address, conversation, person).await?;
        }
        Ok(conversation)
    }

    /// The person at `from` is at `to` from now on, and has the id `person` (empty: it isn't told). Whoever gets the
    /// old number after them is somebody else.
    ///
    /// # Errors
    /// 503 when the log doesn't answer.
    pub async fn moved(&self, from: &str, to: &str, person: &str) -> Result<ConversationId, Problem> {
        let conversation = match self.bound(to).await? {
            Some(conversation) => conversation,
            None => {
                let conversation = self.at(from).await?;
                self.bind(to, conversation, from).await?
            }
        };
        if !person.is_empty() && person != to {
            self.bind(person, conversation, from).await?;
        }
        if self.at(from).await? == conversation {
            let next = ids::conversation(self.tenant, &self.channel.id, &format!("{from} after {to}"));
            self.rebind(from, next, to).await?;
        }
        Ok(conversation)
    }

    /// Whether an item is in the conversation that its address led to before.
    ///
    /// # Errors
    /// 503 when the log doesn't answer.
    pub async fn had_it_before(&self, chat: &Chat, now: ConversationId, key: &str) -> Result<bool, Problem> {
        let first = ids::conversation(self.tenant, &self.channel.id, &chat.external_id);
        if first == now {
            return Ok(false);
        }
        let first = ids::conversation_aggregate(self.tenant, first);
        Ok(self.intake.log.load::<Conversation>(&first, AtLeast::Latest).await?.state.inbound.contains(key))
    }

    /// Merges the contact behind a number with the one known by an id alone, now that WhatsApp names both together: the
    /// number is proven to be theirs. Not when they had another number before (then this one may have been somebody
    /// else's until now), and not when another id was told at this number.
    async fn same_person(&self, at_number: ConversationId, by_id: ConversationId, person: &str) -> Result<(), Problem> {
        let log = &self.intake.log;
        let load = async |id| {
            let conversation = ids::conversation_aggregate(self.tenant, id);
            Ok::<_, Problem>(log.load::<Conversation>(&conversation, AtLeast::Latest).await?.state)
        };
        let (number, id) = tokio::try_join!(load(at_number), load(by_id))?;
        let (Some(number), Some(id)) = (&number.place, &id.place) else { return Ok(()) };
        if id.external_id != person || self.an_id_was_told_in(at_number).await? {
            return Ok(());
        }
        let (Some(contact), Some(into)) = (id.contact_id, number.contact_id) else { return Ok(()) };
        // The one that has been known longer stands for both.
        let aggregate = ids::contact_aggregate(self.tenant, into);
        let into = log.load::<Contact>(&aggregate, AtLeast::Latest).await?.state.merged_into.unwrap_or(into);
        let merge = Merge {
            contact,
            into,
            how: How::Verified,
            by: format!("channel:{}", self.channel.id),
            reason: "WhatsApp named the number and the id of one person together".to_owned(),
            conversations: [by_id].into(),
            into_conversations: [at_number].into(),
        };
        match merging::merge(log, self.tenant, self.cause, &merge).await {
            Ok(_) => Ok(()),
            Err(DecideError::Refused(refused)) => {
                // An operator has merged them otherwise, or they are one already.
                tracing::info!(%contact, %into, code = refused.code(), "a proven match isn't merged");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether any message of this conversation came with a business-scoped id.
    async fn an_id_was_told_in(&self, conversation: ConversationId) -> Result<bool, Problem> {
        let subject = format!("ev.{}.conversation.{conversation}.client_responded", self.tenant);
        let mut messages = std::pin::pin!(self.intake.log.past(0, vec![subject]).await?);
        while let Some(message) = messages.next().await {
            let Event::ClientResponded(said) = message?.recorded.event else { continue };
            let Some(source) = said.source else { continue };
            // Whatever the body says besides: the word alone is enough to leave them two.
            if source.raw.windows(USER_ID.len()).any(|word| word == USER_ID) || !source.raw_blob.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn address(&self, address: &str) -> AggregateId {
        ids::address(self.tenant, &self.channel.id, address)
    }

    async fn bound(&self, address: &str) -> Result<Option<ConversationId>, Problem> {
        let address = self.address(address);
        // Another process may have bound it.
        Ok(self.intake.log.load::<Address>(&address, AtLeast::Latest).await?.state.conversation_id)
    }

    /// The conversation at an address, bound or not. A number that is written in two ways leads to one.
    async fn at(&self, address: &str) -> Result<ConversationId, Problem> {
        if let Some(bound) = self.bound(address).await? {
            return Ok(bound);
        }
        let own = ids::conversation(self.tenant, &self.channel.id, address);
        let Some(other) = other_form(address) else { return Ok(own) };
        if let Some(bound) = self.bound(&other).await? {
            return Ok(bound);
        }
        let others = ids::conversation(self.tenant, &self.channel.id, &other);
        let theirs =
            !self.intake.is_there(self.tenant, own).await? && self.intake.is_there(self.tenant, others).await?;
        // Should both come at once, they meet at the shorter one: where that leads is decided once.
        let (meeting, conversation) =
            (if other.len() < address.len() { &other } else { address }, if theirs { others } else { own });
        self.bind(meeting, conversation, "").await
    }

    /// Binds an address that leads nowhere yet; where it leads after that.
    async fn bind(
        &self,
        address: &str,
        conversation: ConversationId,
        previous: &str,
    ) -> Result<ConversationId, Problem> {
        self.decide(&self.address(address), |state: &Address| match state.conversation_id {
            Some(already) => (Vec::new(), already),
            None => (vec![self.event(address, conversation, previous)], conversation),
        })
        .await
    }

    /// Binds an address wherever it led before, however it is written.
    async fn rebind(&self, address: &str, conversation: ConversationId, previous: &str) -> Result<(), Problem> {
        for form in other_form(address).iter().map(String::as_str).chain([address]) {
            self.rebind_one(form, conversation, previous).await?;
        }
        Ok(())
    }

    async fn rebind_one(&self, address: &str, conversation: ConversationId, previous: &str) -> Result<(), Problem> {
        self.decide(&self.address(address), |state: &Address| {
            let already = state.conversation_id == Some(conversation);
            (if already { Vec::new() } else { vec![self.event(address, conversation, previous)] }, ())
        })
        .await
    }

    /// A conversation that has begun goes on at this address: what is sent goes there.
    async fn write_to(&self, address: &str, conversation: ConversationId, previous: &str) -> Result<(), Problem> {
        let aggregate = ids::conversation_aggregate(self.tenant, conversation);
        let noted = self.intake.log.record(&aggregate, AtLeast::Cached, |seen: &Versioned<Conversation>| {
            let elsewhere = seen.state.place.as_ref().is_some_and(|place| place.external_id != address);
            let event = || new_event(&self.intake.log, self.cause, self.event(address, conversation, previous));
            (if elsewhere { vec![event()] } else { Vec::new() }, ())
        });
        never_refused(noted.await)
    }

    fn event(&self, address: &str, conversation: ConversationId, previous: &str) -> Event {
        v1::AddressBound {
            channel_id: self.channel.id.clone(),
            external_id: address.to_owned(),
            conversation_id: conversation.to_string(),
            previous_external_id: previous.to_owned(),
            reason: "same_person".to_owned(),
        }
        .into()
    }

    async fn decide<T: Send>(
        &self,
        address: &AggregateId,
        decide: impl Fn(&Address) -> (Vec<Event>, T) + Send,
    ) -> Result<T, Problem> {
        let decided = self.intake.log.decide(address, AtLeast::Cached, |state: &Address, _| {
            let (events, value) = decide(state);
            let events = events.into_iter().map(|event| new_event(&self.intake.log, self.cause, event)).collect();
            Ok((events, value))
        });
        never_refused(decided.await)
    }
}

//! Which conversation a person is in: by their number, by the id that the business knows them by, and after either changed.
//!
//! Since 2026 WhatsApp may tell a number, a business-scoped user id, or both. Whichever comes, it leads to one
//! conversation: once both are seen together, each is bound to it.

use steward_domain::{address::Address, conversation::Conversation, ids, settings::Channel};
use steward_http::Problem;
use steward_log::{AtLeast, DecideError};
use steward_proto::{AggregateId, Cause, Event, Fold, TenantId, v1};
use uuid::Uuid;

use crate::{arrival::Chat, intake::Intake, origin::new_event};

/// Where people of one channel are bound.
pub struct People<'a> {
    pub intake: &'a Intake,
    pub tenant: &'a TenantId,
    pub channel: &'a Channel,
    pub cause: &'a Cause,
}

impl People<'_> {
    /// The conversation of whoever is at this address and has this id (empty: it isn't told).
    ///
    /// # Errors
    /// 503 when the log doesn't answer.
    pub async fn conversation(&self, chat: &Chat) -> Result<Uuid, Problem> {
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
        if address != person && self.at(address).await? != conversation {
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
    pub async fn moved(&self, from: &str, to: &str, person: &str) -> Result<Uuid, Problem> {
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
    pub async fn had_it_before(&self, chat: &Chat, now: Uuid, key: &str) -> Result<bool, Problem> {
        let first = ids::conversation(self.tenant, &self.channel.id, &chat.external_id);
        if first == now {
            return Ok(false);
        }
        let first = ids::conversation_aggregate(self.tenant, first);
        Ok(self.intake.log.load::<Conversation>(&first, AtLeast::Latest).await?.state.inbound.contains(key))
    }

    fn address(&self, address: &str) -> AggregateId {
        ids::address(self.tenant, &self.channel.id, address)
    }

    async fn bound(&self, address: &str) -> Result<Option<Uuid>, Problem> {
        let address = self.address(address);
        // Another process may have bound it.
        Ok(self.intake.log.load::<Address>(&address, AtLeast::Latest).await?.state.conversation_id)
    }

    /// The conversation at an address, bound or not.
    async fn at(&self, address: &str) -> Result<Uuid, Problem> {
        let bound = self.bound(address).await?;
        Ok(bound.unwrap_or_else(|| ids::conversation(self.tenant, &self.channel.id, address)))
    }

    /// Binds an address that leads nowhere yet; where it leads after that.
    async fn bind(&self, address: &str, conversation: Uuid, previous: &str) -> Result<Uuid, Problem> {
        self.decide(&self.address(address), |state: &Address| match state.conversation_id {
            Some(already) => (Vec::new(), already),
            None => (vec![self.event(address, conversation, previous)], conversation),
        })
        .await
    }

    /// Binds an address wherever it led before.
    async fn rebind(&self, address: &str, conversation: Uuid, previous: &str) -> Result<(), Problem> {
        self.decide(&self.address(address), |state: &Address| {
            let already = state.conversation_id == Some(conversation);
            (if already { Vec::new() } else { vec![self.event(address, conversation, previous)] }, ())
        })
        .await
    }

    /// A conversation that has begun goes on at this address: what is sent goes there.
    async fn write_to(&self, address: &str, conversation: Uuid, previous: &str) -> Result<(), Problem> {
        let aggregate = ids::conversation_aggregate(self.tenant, conversation);
        self.decide(&aggregate, |state: &Conversation| {
            let elsewhere = state.place.as_ref().is_some_and(|place| place.external_id != address);
            (if elsewhere { vec![self.event(address, conversation, previous)] } else { Vec::new() }, ())
        })
        .await
    }

    fn event(&self, address: &str, conversation: Uuid, previous: &str) -> Event {
        v1::AddressBound {
            channel_id: self.channel.id.clone(),
            external_id: address.to_owned(),
            conversation_id: conversation.to_string(),
            previous_external_id: previous.to_owned(),
            reason: "same_person".to_owned(),
        }
        .into()
    }

    async fn decide<S: Fold, T: Send>(
        &self,
        aggregate: &AggregateId,
        decide: impl Fn(&S) -> (Vec<Event>, T) + Send,
    ) -> Result<T, Problem> {
        let decided = self.intake.log.decide(aggregate, AtLeast::Cached, |state: &S, _| {
            let (events, value) = decide(state);
            let events = events.into_iter().map(|event| new_event(self.cause, event)).collect();
            Ok::<_, std::convert::Infallible>((events, value))
        });
        match decided.await {
            Ok(decided) => Ok(decided.value),
            Err(DecideError::Refused(never)) => match never {},
            Err(DecideError::Append(error)) => Err(error.into()),
            Err(DecideError::Log(error)) => Err(error.into()),
        }
    }
}

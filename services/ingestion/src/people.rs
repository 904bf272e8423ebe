//! Where the people of a channel are: which conversation an address leads to, and what becomes of it when they move.

use steward_domain::{
    address::Address,
    ids::{self, ConversationId},
};
use steward_http::Problem;
use steward_log::AtLeast;
use steward_proto::{Cause, Event, TenantId, v1};
use steward_settings::Channel;

use crate::{arrival::Chat, intake::Intake, origin::new_event};

/// The people of one channel.
pub struct People<'a> {
    pub intake: &'a Intake,
    pub tenant: &'a TenantId,
    pub channel: &'a Channel,
    pub cause: &'a Cause,
}

impl People<'_> {
    /// The conversation at an address, which may have moved there from another.
    ///
    /// # Errors
    /// 503 when the log doesn't answer.
    pub async fn at_address(&self, chat: &Chat) -> Result<ConversationId, Problem> {
        self.intake.conversation_at(self.tenant, self.channel, chat).await
    }

    /// Binds a new address to the conversation at the old one, once; returns that conversation.
    ///
    /// # Errors
    /// 503 when the log doesn't answer.
    pub async fn follow(&self, from: &str, to: &str) -> Result<ConversationId, Problem> {
        let old = Chat { external_id: from.into(), may_be_bound: true, ..Chat::default() };
        let conversation = self.at_address(&old).await?;
        let address = ids::address(self.tenant, &self.channel.id, to);
        let decided = self.intake.log.decide(&address, AtLeast::Cached, |state: &Address, _| {
            let event = || new_event(&self.intake.log, self.cause, bound(&self.channel.id, to, conversation, from));
            let events = if state.conversation_id.is_none() { vec![event()] } else { Vec::new() };
            Ok::<_, steward_domain::conversation::Refused>((events, state.conversation_id.unwrap_or(conversation)))
        });
        Ok(decided.await?.value)
    }
}

impl Intake {
    /// As [`People::at_address`].
    pub(crate) async fn conversation_at(
        &self,
        tenant: &TenantId,
        channel: &Channel,
        chat: &Chat,
    ) -> Result<ConversationId, Problem> {
        if chat.may_be_bound {
            let address = ids::address(tenant, &channel.id, &chat.external_id);
            if let Some(bound) = self.log.load::<Address>(&address, AtLeast::Cached).await?.state.conversation_id {
                return Ok(bound);
            }
        }
        Ok(ids::conversation(tenant, &channel.id, &chat.external_id))
    }
}

/// The address is the conversation's from now on.
pub fn bound(channel_id: &str, to: &str, conversation: ConversationId, from: &str) -> Event {
    v1::AddressBound {
        channel_id: channel_id.to_owned(),
        external_id: to.to_owned(),
        conversation_id: conversation.to_string(),
        previous_external_id: from.to_owned(),
        reason: "migrated".to_owned(),
    }
    .into()
}

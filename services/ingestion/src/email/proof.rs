//! Proof that a mail of ours arrived though nobody knew: a copy among the sent mails, or an answer to it.

use bytes::Bytes;
use steward_domain::{
    conversation::{Conversation, MessageState},
    ids::{self, MessageId},
    mail::own_message,
};
use steward_http::{Problem, Trace};
use steward_log::AtLeast;
use steward_proto::TenantId;
use steward_settings::Channel;

use crate::{
    arrival::{Arrival, Chat, Report, What},
    intake::Intake,
};

/// One part of a message of ours, as a Message-ID names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// The Message-ID, with its brackets.
    pub id: String,
    pub message_id: MessageId,
    pub part: u32,
}

impl Own {
    /// `None`: it is no Message-ID that `address` gives. Nobody guesses one: whoever names it has had the mail.
    pub fn named(id: &str, address: &str) -> Option<Self> {
        let bare = id.trim().trim_start_matches('<').trim_end_matches('>');
        let (message, part) = own_message(bare, address)?;
        Some(Self { id: format!("<{bare}>"), message_id: message, part })
    }
}

/// What proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The server put a copy among the sent mails: it took the mail.
    Copy,
    /// Somebody answers it: they have it.
    Answer,
}

/// What became of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The message's fate is known.
    Enough,
    /// Its send is still under way.
    TooEarly,
}

/// Records that a mail of ours arrived, if that isn't known.
///
/// # Errors
/// The log can't be read or doesn't take it; the same may be brought again.
pub async fn settle(
    intake: &Intake,
    channel: &Channel,
    own: &Own,
    proof: Proof,
    raw: Bytes,
    trace: &Trace,
) -> Result<Told, Problem> {
    let tenant = TenantId::new(&channel.tenant).expect("the configuration was checked");
    let aggregate = ids::conversation_aggregate(&tenant, own.message_id.conversation());
    let state = intake.log.load::<Conversation>(&aggregate, AtLeast::Latest).await?.state;
    let (Some(place), Some(message)) = (&state.place, state.outbox.get(&own.message_id)) else {
        return Ok(Told::Enough);
    };
    if place.channel_id != channel.id {
        return Ok(Told::Enough);
    }
    match &message.state {
        MessageState::Unknown(_) if u32::try_from(message.part) == Ok(own.part) => {}
        MessageState::Claimed(_) => return Ok(Told::TooEarly),
        _ => return Ok(Told::Enough),
    }
    let (kind, status) = match proof {
        Proof::Copy => ("copy", "sent"),
        Proof::Answer => ("answer", "delivered"),
    };
    let report = Report {
        message_id: Some(own.message_id),
        part: own.part,
        provider_message_id: own.id.as_str().into(),
        status,
        ..Report::default()
    };
    let chat = Chat {
        external_id: place.external_id.as_str().into(),
        contact: place.external_id.as_str().into(),
        may_be_bound: true,
        ..Chat::default()
    };
    let key = format!("{kind}:{}", own.id).into();
    let arrival = Arrival { key, at: None, chat: Some(chat), from: None, what: What::Reported(report) };
    intake.record(channel, arrival, raw, trace).await?;
    Ok(Told::Enough)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_a_message_id_of_this_address_names_a_send() {
        let message_id = ids::message(ids::ConversationId::new(Uuid::from_u128(1)), Uuid::from_u128(2));
        let id = steward_domain::mail::message_id(&message_id, 1, "a@example.com");
        let own = Own { id: id.clone(), message_id, part: 1 };
        for given in [id.as_str(), &id[1..id.len() - 1], &format!(" {id}\r\n")] {
            assert_eq!(Own::named(given, "a@example.com"), Some(own.clone()), "{given}");
        }
        assert_eq!(Own::named(&id, "a@example.org"), None);
        for given in ["", "<", ">", "<>", "<x@example.com>", "ё"] {
            assert_eq!(Own::named(given, "a@example.com"), None, "{given}");
        }
    }
}

//! How things are named: a type for each kind of id, ids that two processes work out alike, and ids that say which
//! conversation they belong to.
//!
//! Events, rows and answers hold ids as text; it is read once, where it comes in, and only in the one form in which it is
//! written. An id of one kind can't be taken for one of another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use steward_proto::{Aggregate, AggregateId, TenantId};
use uuid::Uuid;

/// The text is no id of this kind: empty, of another length or form, or written otherwise than we write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no id of a {kind}; its form is {form}")]
pub struct NoId {
    kind: &'static str,
    form: &'static str,
}

/// Ids that are a UUID: 36 characters, lower case, with dashes.
macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident of $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    return String::deserialize(deserializer)?.parse().map_err(D::Error::custom);
                }
                Uuid::deserialize(deserializer).map(Self)
            }
        }

        impl FromStr for $name {
            type Err = NoId;

            fn from_str(text: &str) -> Result<Self, NoId> {
                let id = Uuid::try_parse(text).ok();
                let written = id.filter(|id| id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text);
                written.map(Self).ok_or(NoId { kind: $kind, form: "a UUID in lower case, with dashes" })
            }
        }
    )*};
}

uuid_ids! {
    /// A conversation: a UUIDv5 of tenant, channel and outside address.
    ConversationId of "conversation";
    /// A contact: a UUIDv5 of tenant, channel and the channel's own id of the person.
    ContactId of "contact";
    /// A turn: a UUIDv7.
    TurnId of "turn";
    /// A dispatcher's claim of one part of a message: a UUIDv7.
    ClaimId of "claim";
    /// An outgoing webhook: a UUIDv7, or a UUIDv5 of what asks for it.
    WebhookId of "webhook";
}

/// Ids that begin with their conversation's: 32 hex digits of it, a letter, and 32 of what is unique in it, in lower case.
macro_rules! ids_of_a_conversation {
    ($($(#[$doc:meta])* $name:ident of $kind:literal with $letter:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            conversation: ConversationId,
            unique: Uuid,
        }

        impl $name {
            /// The conversation that it belongs to.
            pub const fn conversation(self) -> ConversationId {
                self.conversation
            }

            /// What makes it differ from the others of its conversation.
            pub const fn unique(self) -> Uuid {
                self.unique
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{}", $letter, "{}"), self.conversation.0.simple(), self.unique.simple())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    (self.conversation, self.unique).serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    return String::deserialize(deserializer)?.parse().map_err(D::Error::custom);
                }
                let (conversation, unique) = Deserialize::deserialize(deserializer)?;
                Ok(Self { conversation, unique })
            }
        }

        impl FromStr for $name {
            type Err = NoId;

            fn from_str(text: &str) -> Result<Self, NoId> {
                let parts = text.split_at_checked(32).and_then(|(conversation, rest)| {
                    Some((simple(conversation)?, simple(rest.strip_prefix($letter)?)?))
                });
                let (conversation, unique) = parts.ok_or(NoId {
                    kind: $kind,
                    form: concat!("32 hex digits, `", $letter, "`, 32 hex digits, in lower case"),
                })?;
                Ok(Self { conversation: ConversationId(conversation), unique })
            }
        }
    )*};
}

ids_of_a_conversation! {
    /// A follow-up.
    FollowUpId of "follow-up" with 'f';
    /// A message, in or out.
    MessageId of "message" with 'm';
}

pub(crate) fn simple(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (id.simple().encode_lower(&mut Uuid::encode_buffer()) == text).then_some(id)
}

/// The delivery of the event at one position of the log to one webhook: 32 hex digits of the webhook's id, `d`, the
/// position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId {
    pub webhook: WebhookId,
    pub event_position: u64,
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}d{}", self.webhook.0.simple(), self.event_position)
    }
}

impl FromStr for DeliveryId {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Self, NoId> {
        let read = text.split_at_checked(32).and_then(|(webhook, rest)| {
            let position: u64 = rest.strip_prefix('d')?.parse().ok()?;
            // Written in another way it would be another name of the same delivery.
            (rest[1..] == position.to_string())
                .then_some(Self { webhook: WebhookId(simple(webhook)?), event_position: position })
        });
        read.ok_or(NoId { kind: "delivery", form: "32 hex digits in lower case, `d`, the event's position" })
    }
}

/// An id that may be left out, read from an event: empty is none.
///
/// # Errors
/// When there is one that can't be read.
pub fn optional<T: FromStr<Err = NoId>>(text: &str) -> Result<Option<T>, NoId> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

/// An id that may be left out, as an event holds it.
pub fn or_empty<T: fmt::Display>(id: Option<T>) -> String {
    id.map_or_else(String::new, |id| id.to_string())
}

/// Root of all name-based ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f2d_3b0a_52a4_4c8e_9d4f_5e1c_a7b3_0d11);

fn named(kind: &str, parts: &[&str]) -> Uuid {
    Uuid::new_v5(&Uuid::new_v5(&NAMESPACE, kind.as_bytes()), parts.join("/").as_bytes())
}

/// The conversation at an outside address: the same for whoever sees it first.
pub fn conversation(tenant: &TenantId, channel_id: &str, external_id: &str) -> ConversationId {
    ConversationId(named("conversation", &[tenant.as_str(), channel_id, external_id]))
}

/// The contact behind a channel's own id of a person.
pub fn contact(tenant: &TenantId, channel_id: &str, person_id: &str) -> ContactId {
    ContactId(named("contact", &[tenant.as_str(), channel_id, person_id]))
}

/// The aggregate that says where an outside address leads.
pub fn address(tenant: &TenantId, channel_id: &str, external_id: &str) -> AggregateId {
    AggregateId::of_uuid(
        tenant.clone(),
        Aggregate::Address,
        named("address", &[tenant.as_str(), channel_id, external_id]),
    )
}

/// The inbox that keeps an update of no conversation; updates spread over 64 of them by key.
pub fn inbox(tenant: &TenantId, channel_id: &str, key: &str) -> AggregateId {
    let shard = named("inbox", &[channel_id, key]).as_bytes()[15] % 64;
    let id = named("inbox", &[tenant.as_str(), channel_id]).simple().to_string();
    AggregateId::new(tenant.clone(), Aggregate::Inbox, &format!("{id}-{shard}"))
        .expect("hex digits and a dash are a token")
}

/// The client's message that a channel names by `key`.
pub fn inbound_message(conversation: ConversationId, key: &str) -> MessageId {
    message(conversation, named("message", &[&conversation.to_string(), key]))
}

/// A follow-up of this conversation. `unique` is a fresh UUIDv7, or a UUIDv5 of what asks for it: then asking again names
/// the same one.
pub fn follow_up(conversation: ConversationId, unique: Uuid) -> FollowUpId {
    FollowUpId { conversation, unique }
}

/// A message of this conversation; `unique` as of a follow-up.
pub fn message(conversation: ConversationId, unique: Uuid) -> MessageId {
    MessageId { conversation, unique }
}

/// The message that a follow-up becomes: one follow-up, one message, whoever makes it.
pub fn message_of_follow_up(conversation: ConversationId, follow_up_id: &FollowUpId) -> MessageId {
    message(conversation, named("due", &[&follow_up_id.to_string()]))
}

/// The aggregate of a conversation.
pub fn conversation_aggregate(tenant: &TenantId, id: ConversationId) -> AggregateId {
    AggregateId::of_uuid(tenant.clone(), Aggregate::Conversation, id.0)
}

/// The aggregate of a contact.
pub fn contact_aggregate(tenant: &TenantId, id: ContactId) -> AggregateId {
    AggregateId::of_uuid(tenant.clone(), Aggregate::Contact, id.0)
}

/// The aggregate of a tenant's own settings and keys.
pub fn tenant_aggregate(tenant: &TenantId) -> AggregateId {
    AggregateId::new(tenant.clone(), Aggregate::Tenant, tenant.as_str()).expect("a tenant's name is a token")
}

/// The aggregate of an outgoing webhook.
pub fn webhook_aggregate(tenant: &TenantId, id: WebhookId) -> AggregateId {
    AggregateId::of_uuid(tenant.clone(), Aggregate::Webhook, id.0)
}

/// The aggregate of what became of an outgoing webhook's deliveries: only added to, never folded.
pub fn deliveries_aggregate(tenant: &TenantId, webhook: WebhookId) -> AggregateId {
    AggregateId::of_uuid(tenant.clone(), Aggregate::Delivery, webhook.0)
}

/// The aggregate of what a brain did in a turn: only added to, never folded.
pub fn run_aggregate(tenant: &TenantId, turn: TurnId) -> AggregateId {
    AggregateId::of_uuid(tenant.clone(), Aggregate::Run, turn.0)
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;

    /// A text in each form that is near to that of an id and isn't it.
    fn spoilt(id: &str) -> Vec<String> {
        let cut = |to: usize| id[..to].to_owned();
        vec![
            String::new(),
            "ё".to_owned(),
            "\0".to_owned(),
            cut(32),
            cut(id.len() - 1),
            id.to_uppercase(),
            format!("{id}0"),
            format!("0{id}"),
            format!(" {id}"),
            format!("{id}\n"),
            format!("{id}\r\n"),
            format!("{}\r\n{}", &id[..16], &id[18..]),
            format!("{}ё{}", &id[..8], &id[10..]),
            format!("{{{id}}}"),
            format!("urn:uuid:{id}"),
            id.replace('-', "_"),
            id.replace('-', ""),
            id.repeat(1_000),
        ]
    }

    /// Reads back as it is written, and in no other form.
    fn has_one_form<
        T: FromStr<Err = NoId> + Serialize + DeserializeOwned + Copy + fmt::Display + fmt::Debug + PartialEq,
    >(
        id: T,
        form: &str,
    ) {
        assert_eq!(id.to_string(), form);
        assert_eq!(serde_json::to_value(id).unwrap(), form);
        assert_eq!(form.parse().as_ref(), Ok(&id));
        for text in spoilt(form).into_iter().filter(|text| text != form) {
            assert!(text.parse::<T>().is_err(), "{text:?} was read as {id:?}");
            assert!(serde_json::from_value::<T>(text.clone().into()).is_err(), "{text:?} was read as {id:?}");
        }
        assert_eq!(serde_json::from_value::<T>(form.into()).unwrap(), id);
    }

    #[test]
    fn an_id_is_read_in_the_one_form_in_which_it_is_written() {
        let unique = Uuid::from_u128(0xa7);
        let conversation = ConversationId::new(Uuid::from_u128(0xc0));
        has_one_form(conversation, "00000000-0000-0000-0000-0000000000c0");
        has_one_form(ContactId::new(unique), "00000000-0000-0000-0000-0000000000a7");
        has_one_form(TurnId::new(unique), "00000000-0000-0000-0000-0000000000a7");
        has_one_form(ClaimId::new(unique), "00000000-0000-0000-0000-0000000000a7");
        has_one_form(WebhookId::new(unique), "00000000-0000-0000-0000-0000000000a7");
        let [of_follow_up, of_message] =
            ['f', 'm'].map(|kind| format!("000000000000000000000000000000c0{kind}000000000000000000000000000000a7"));
        has_one_form(follow_up(conversation, unique), &of_follow_up);
        has_one_form(message(conversation, unique), &of_message);
        assert!(of_message.parse::<FollowUpId>().is_err() && of_follow_up.parse::<MessageId>().is_err());
    }

    #[test]
    fn an_id_says_which_conversation_it_belongs_to() {
        let tenant = TenantId::new("default").unwrap();
        let conversation_id = conversation(&tenant, "tg", "42");
        let read: FollowUpId = follow_up(conversation_id, Uuid::from_u128(7)).to_string().parse().unwrap();
        assert_eq!((read.conversation(), read.unique()), (conversation_id, Uuid::from_u128(7)));
        let read: MessageId = inbound_message(conversation_id, "update:1").to_string().parse().unwrap();
        assert_eq!(read.conversation(), conversation_id);
    }

    #[test]
    fn ids_are_in_the_order_of_their_texts() {
        let conversations = [1, 0x10, u128::MAX].map(|n| ConversationId::new(Uuid::from_u128(n)));
        let mut ids: Vec<MessageId> = conversations
            .into_iter()
            .flat_map(|c| [u128::MAX - 1, 9, 0xa].map(|n| message(c, Uuid::from_u128(n))))
            .collect();
        let mut texts: Vec<String> = ids.iter().map(MessageId::to_string).collect();
        ids.sort();
        texts.sort();
        assert_eq!(ids.iter().map(MessageId::to_string).collect::<Vec<_>>(), texts);
    }

    #[test]
    fn a_deliverys_id_names_its_webhook_and_its_event() {
        let webhook = WebhookId::new(Uuid::from_u128(0xdddd));
        let delivery = DeliveryId { webhook, event_position: 42 };
        assert_eq!(delivery.to_string().parse(), Ok(delivery));
        let simple = webhook.uuid().simple().to_string();
        for id in [
            "",
            "ё",
            &simple,
            &format!("{simple}d"),
            &format!("{simple}d+1"),
            &format!("{simple}d042"),
            &format!("{simple}d1\r\n"),
            &format!("{}d1", simple.to_uppercase()),
            &format!("{simple}d18446744073709551616"),
            &format!("{webhook}d1"),
        ] {
            assert!(id.parse::<DeliveryId>().is_err(), "{id}");
        }
    }
}

//! How things are named: ids that two processes work out alike, and ids that say which conversation they belong to.

use steward_proto::{Aggregate, AggregateId, TenantId};
use uuid::Uuid;

/// Root of all name-based ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f2d_3b0a_52a4_4c8e_9d4f_5e1c_a7b3_0d11);

fn named(kind: &str, parts: &[&str]) -> Uuid {
    Uuid::new_v5(&Uuid::new_v5(&NAMESPACE, kind.as_bytes()), parts.join("/").as_bytes())
}

/// The conversation at an outside address: the same for whoever sees it first.
pub fn conversation(tenant: &TenantId, channel_id: &str, external_id: &str) -> Uuid {
    named("conversation", &[tenant.as_str(), channel_id, external_id])
}

/// The contact behind a channel's own id of a person.
pub fn contact(tenant: &TenantId, channel_id: &str, person_id: &str) -> Uuid {
    named("contact", &[tenant.as_str(), channel_id, person_id])
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
pub fn inbound_message(conversation: Uuid, key: &str) -> String {
    part(conversation, 'm', named("message", &[&conversation.to_string(), key]))
}

/// A follow-up of this conversation. `unique` is a fresh UUIDv7, or a UUIDv5 of what asks for it: then asking again names
/// the same one.
pub fn follow_up(conversation: Uuid, unique: Uuid) -> String {
    part(conversation, 'f', unique)
}

/// A message of this conversation; `unique` as of a follow-up.
pub fn message(conversation: Uuid, unique: Uuid) -> String {
    part(conversation, 'm', unique)
}

/// The message that a follow-up becomes: one follow-up, one message, whoever makes it.
pub fn message_of_follow_up(conversation: Uuid, follow_up_id: &str) -> String {
    part(conversation, 'm', named("due", &[follow_up_id]))
}

fn part(conversation: Uuid, kind: char, unique: Uuid) -> String {
    format!("{}{kind}{}", conversation.simple(), unique.simple())
}

/// The conversation that the id of a follow-up or message belongs to; `None` if it is no such id.
pub fn conversation_of(id: &str) -> Option<Uuid> {
    let (conversation, rest) = id.split_at_checked(32)?;
    let unique = rest.strip_prefix(['f', 'm'])?;
    let plain = |s: &str| s.len() == 32 && s.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if plain(conversation) && plain(unique) { Uuid::parse_str(conversation).ok() } else { None }
}

/// The aggregate of a conversation.
pub fn conversation_aggregate(tenant: &TenantId, id: Uuid) -> AggregateId {
    AggregateId::of_uuid(tenant.clone(), Aggregate::Conversation, id)
}

/// The aggregate of a contact.
pub fn contact_aggregate(tenant: &TenantId, id: Uuid) -> AggregateId {
    AggregateId::of_uuid(tenant.clone(), Aggregate::Contact, id)
}

/// The aggregate of a tenant's own settings and keys.
pub fn tenant_aggregate(tenant: &TenantId) -> AggregateId {
    AggregateId::new(tenant.clone(), Aggregate::Tenant, tenant.as_str()).expect("a tenant's name is a token")
}

/// The aggregate of an outgoing webhook.
pub fn webhook_aggregate(tenant: &TenantId, id: Uuid) -> AggregateId {
    AggregateId::of_uuid(tenant.clone(), Aggregate::Webhook, id)
}

/// The aggregate of what became of an outgoing webhook's deliveries: only added to, never folded.
pub fn deliveries_aggregate(tenant: &TenantId, webhook: Uuid) -> AggregateId {
    AggregateId::of_uuid(tenant.clone(), Aggregate::Delivery, webhook)
}

/// The delivery of the event at this position to this webhook.
pub fn delivery(webhook: Uuid, event_position: u64) -> String {
    format!("{}d{event_position}", webhook.simple())
}

/// The webhook and the event's position that the id of a delivery names; `None` if it is no such id.
pub fn delivery_of(id: &str) -> Option<(Uuid, u64)> {
    let (webhook, position) = id.split_at_checked(32)?;
    let webhook = Uuid::parse_str(webhook).ok()?;
    let position = position.strip_prefix('d')?.parse().ok()?;
    // Written in another way it would be another name of the same delivery.
    (delivery(webhook, position) == id).then_some((webhook, position))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_which_conversation_it_belongs_to() {
        let tenant = TenantId::new("default").unwrap();
        let conversation_id = conversation(&tenant, "tg", "42");
        assert_eq!(conversation_of(&follow_up(conversation_id, Uuid::from_u128(7))), Some(conversation_id));
        assert_eq!(conversation_of(&inbound_message(conversation_id, "update:1")), Some(conversation_id));
        for id in ["", "x", &conversation_id.to_string(), &"f".repeat(64), &"0".repeat(65), "ё"] {
            assert_eq!(conversation_of(id), None, "{id}");
        }
    }

    #[test]
    fn a_deliverys_id_names_its_webhook_and_its_event() {
        let webhook = Uuid::from_u128(0xdddd);
        assert_eq!(delivery_of(&delivery(webhook, 42)), Some((webhook, 42)));
        let simple = webhook.simple().to_string();
        for id in [
            "",
            "ё",
            &simple,
            &format!("{simple}d"),
            &format!("{simple}d+1"),
            &format!("{simple}d042"),
            &format!("{webhook}d1"),
        ] {
            assert_eq!(delivery_of(id), None, "{id}");
        }
    }
}

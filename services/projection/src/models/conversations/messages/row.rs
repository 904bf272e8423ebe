//! The table `messages`: what came in, and what goes out.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use steward_domain::{
    conversation::{Author, Claim, Message, MessageState, OnReply, Receipts},
    ids::{self, NoId},
    kernel::Why,
};
use steward_proto::{Event, Recorded, from_timestamp, v1};
use utoipa::ToSchema;

use crate::rows::{Entity, Json, Lookup, Reason, hashed, table};

table! {
    pub struct MessageRow = "messages" {
        tenant: String,
        id: String,
        conversation_id: String,
        direction: String,
        author: String,
        author_id: String,
        kind: String,
        text: String,
        full_text: String,
        external_id: String,
        reply_to: String,
        media: Option<Json<Vec<Media>>>,
        state: String,
        reason: Option<Json<Reason>>,
        at: DateTime<Utc>,
        due_at: Option<DateTime<Utc>>,
        sent_at: Option<DateTime<Utc>>,
        delivered_at: Option<DateTime<Utc>>,
        read_at: Option<DateTime<Utc>>,
        follow_up_id: String,
        turn_id: String,
        on_reply: String,
        key: String,
        proactive: bool,
        parts: u32,
        part: u32,
        attempts: u32,
        claim_id: String,
        /// The provider's ids of the parts, in order.
        provider_ids: Json<Vec<String>>,
        cancel_after_claim: Option<Json<Reason>>,
        position: u64,
        changed_position: u64,
    }
}

/// A file that came with a message, as it is stored and shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Media {
    /// image, audio, video, document, sticker, …
    pub kind: String,
    pub provider_id: String,
    pub mime_type: String,
    pub file_name: String,
    /// The size in bytes.
    pub size: u64,
}

impl From<&v1::Media> for Media {
    fn from(m: &v1::Media) -> Self {
        Self {
            kind: m.kind.clone(),
            provider_id: m.provider_id.clone(),
            mime_type: m.mime_type.clone(),
            file_name: m.file_name.clone(),
            size: m.size,
        }
    }
}

impl Entity for MessageRow {
    const KEY: &'static [&'static str] = &["tenant", "conversation_id", "id"];

    const LOOKUPS: &'static [Lookup<Self>] = &[OPEN, NAMED_BY_PROVIDER];

    fn key(&self) -> [&str; 3] {
        [&self.tenant, &self.conversation_id, &self.id]
    }
}

/// Finds the open messages of conversations.
pub const OPEN: Lookup<MessageRow> = Lookup {
    name: "open messages",
    condition: || {
        let of = hashed::key_in(&["tenant", "conversation_id"]);
        format!("{of} AND state IN ('queued', 'held', 'deferred', 'claimed')")
    },
    under: |row, found| {
        if matches!(row.state.as_str(), "queued" | "held" | "deferred" | "claimed") {
            found([&row.tenant, &row.conversation_id, ""]);
        }
    },
};

/// Finds messages on their way out by a provider's id: that of the latest part, or of any.
pub const NAMED_BY_PROVIDER: Lookup<MessageRow> = Lookup {
    name: "messages by provider's id",
    condition: named_by_provider,
    under: |row, found| {
        if row.on_reply.is_empty() {
            return;
        }
        let parts = if row.parts > 1 { row.provider_ids.0.as_slice() } else { &[] };
        if !row.external_id.is_empty() {
            found([&row.tenant, &row.conversation_id, &row.external_id]);
        }
        for id in parts {
            found([&row.tenant, &row.conversation_id, id]);
        }
    },
};

fn named_by_provider() -> String {
    let found = |condition: &str| {
        format!(
            "SELECT m.tenant, m.conversation_id, m.id \
             FROM unnest($1::text[], $2::text[], $3::text[]) AS w(tenant, conversation_id, name) \
             JOIN {{schema}}.messages m ON m.tenant = w.tenant AND {} \
             WHERE m.on_reply <> '' AND {condition}",
            hashed::is("m.conversation_id", "w.conversation_id")
        )
    };
    let found = format!(
        "({} UNION {}) AS found",
        found(&format!("m.external_id <> '' AND {}", hashed::is("m.external_id", "w.name"))),
        found("m.parts > 1 AND m.provider_ids ? w.name")
    );
    let [conversation, id] = [hashed::hash("conversation_id"), hashed::hash("id")];
    format!(
        "(tenant, {conversation}, {id}, conversation_id, id) IN \
         (SELECT tenant, {conversation}, {id}, conversation_id, id FROM {found})"
    )
}

impl MessageRow {
    fn new(recorded: &Recorded, id: &str, direction: &str, author: &str, state: &str) -> Self {
        Self {
            tenant: recorded.subject.tenant.to_string(),
            id: id.to_owned(),
            conversation_id: recorded.subject.id.to_string(),
            direction: direction.to_owned(),
            author: author.to_owned(),
            author_id: String::new(),
            kind: "text".to_owned(),
            text: String::new(),
            full_text: String::new(),
            external_id: String::new(),
            reply_to: String::new(),
            media: None,
            state: state.to_owned(),
            reason: None,
            at: recorded.metadata.at,
            due_at: None,
            sent_at: None,
            delivered_at: None,
            read_at: None,
            follow_up_id: String::new(),
            turn_id: String::new(),
            on_reply: String::new(),
            key: String::new(),
            proactive: false,
            parts: 1,
            part: 0,
            attempts: 0,
            claim_id: String::new(),
            provider_ids: Json(Vec::new()),
            cancel_after_claim: None,
            position: recorded.position,
            changed_position: recorded.position,
        }
    }

    /// The row of a message that the client wrote.
    pub fn received(recorded: &Recorded, e: &v1::ClientResponded) -> Self {
        let media: Vec<Media> = e.media.iter().map(Media::from).collect();
        Self {
            author_id: e.from.as_ref().map(|p| p.id.clone()).unwrap_or_default(),
            kind: e.kind.clone(),
            text: e.text.clone(),
            full_text: e.full_text.clone(),
            external_id: e.provider_message_id.clone(),
            reply_to: e.reply_to.clone(),
            media: (!media.is_empty()).then_some(Json(media)),
            sent_at: e.source.as_ref().and_then(|s| from_timestamp(s.sent_at.as_ref())),
            ..Self::new(recorded, &e.message_id, "in", "client", "received")
        }
    }

    /// The row of a message that one of ours wrote outside Steward.
    pub fn seen(recorded: &Recorded, e: &v1::HumanResponded) -> Self {
        let sent_at = e.source.as_ref().and_then(|s| from_timestamp(s.sent_at.as_ref()));
        Self {
            author_id: e.from.as_ref().map(|p| p.id.clone()).unwrap_or_default(),
            kind: e.kind.clone(),
            text: e.text.clone(),
            external_id: e.provider_message_id.clone(),
            sent_at: Some(sent_at.unwrap_or(recorded.metadata.at)),
            ..Self::new(recorded, &e.message_id, "out", "human", "sent")
        }
    }

    /// The row of a message on its way out.
    pub fn queued(recorded: &Recorded, m: &v1::Outgoing, folded: &Message) -> Self {
        Self {
            author_id: m.author_id.clone(),
            text: m.text.clone(),
            due_at: from_timestamp(m.due_at.as_ref()),
            follow_up_id: m.follow_up_id.clone(),
            turn_id: m.turn_id.clone(),
            on_reply: folded.on_reply.name().to_owned(),
            key: m.key.clone(),
            proactive: m.proactive,
            parts: folded.parts.len() as u32,
            ..Self::new(recorded, &m.message_id, "out", folded.author.name(), "queued")
        }
    }

    /// Takes in the folded state after an event that changed it.
    pub fn follow(&mut self, folded: &Message, recorded: &Recorded) {
        self.changed_position = recorded.position;
        self.part = folded.part as u32;
        self.attempts = folded.attempts;
        self.claim_id = ids::or_empty(folded.last_claim);
        self.text.clone_from(&folded.text);
        self.parts = folded.parts.len() as u32;
        self.provider_ids.0.clone_from(&folded.provider_ids);
        if let Some(latest) = folded.provider_ids.iter().rfind(|id| !id.is_empty()) {
            self.external_id.clone_from(latest);
        }
        self.cancel_after_claim = folded.cancel_after_claim.as_ref().map(|why| Json(why.into()));
        let (state, reason) = match &folded.state {
            MessageState::Queued { not_before } => {
                self.due_at = not_before.or(self.due_at);
                match &recorded.event {
                    Event::SendDeferred(v1::SendDeferred { message_id, reason, .. })
                    | Event::DispatchDeferred(v1::DispatchDeferred { message_id, reason, .. })
                        if *message_id == self.id =>
                    {
                        ("deferred", reason.as_ref().map(Reason::from))
                    }
                    _ => ("queued", None),
                }
            }
            MessageState::Held { why, not_before } => {
                self.due_at = not_before.or(self.due_at);
                ("held", Some(why.into()))
            }
            MessageState::Claimed(_) => ("claimed", None),
            MessageState::Sent(receipts) => {
                (self.delivered_at, self.read_at) = (receipts.delivered_at, receipts.read_at);
                (receipts.state(), None)
            }
            MessageState::Failed(why) => ("failed", Some(why.into())),
            MessageState::Unknown(why) => ("unknown", Some(why.into())),
            MessageState::Cancelled(why) => ("cancelled", Some(why.into())),
            MessageState::Expired(why) => ("expired", Some(why.into())),
        };
        state.clone_into(&mut self.state);
        self.reason = reason.map(Json);
    }

    /// The folded state, as far as this row holds it.
    pub fn restore(&self) -> Result<Message, NoId> {
        let why = || self.reason.as_ref().map(|Json(reason)| Why::from(reason)).unwrap_or_default();
        Ok(Message {
            id: self.id.parse()?,
            author: if self.author == Author::Human.name() { Author::Human } else { Author::Bot },
            text: self.text.clone(),
            // States depend on how many parts there are, and not on their texts.
            parts: vec![String::new(); self.parts as usize],
            part: self.part as usize,
            attempts: self.attempts,
            on_reply: OnReply::of_name(&self.on_reply).unwrap_or(OnReply::Keep),
            key: self.key.clone(),
            follow_up_id: ids::optional(&self.follow_up_id)?,
            turn_id: ids::optional(&self.turn_id)?,
            proactive: self.proactive,
            late_from: self.due_at.unwrap_or(self.at),
            last_claim: ids::optional(&self.claim_id)?,
            // Only deciders ask for this and for what is left empty below.
            as_template: false,
            provider_ids: self.provider_ids.0.clone(),
            buttons: Vec::new(),
            approved: String::new(),
            let_go: false,
            in_line: false,
            state: match self.state.as_str() {
                "claimed" => MessageState::Claimed(Claim {
                    claim_id: self.claim_id.parse()?,
                    at: self.at,
                    expires_at: self.at,
                    worker: String::new(),
                }),
                "sent" | "delivered" | "read" => {
                    MessageState::Sent(Receipts { delivered_at: self.delivered_at, read_at: self.read_at })
                }
                "held" => MessageState::Held { why: why(), not_before: self.due_at },
                "failed" => MessageState::Failed(why()),
                "unknown" => MessageState::Unknown(why()),
                "cancelled" => MessageState::Cancelled(why()),
                "expired" => MessageState::Expired(why()),
                _ => MessageState::Queued { not_before: self.due_at },
            },
            cancel_after_claim: self.cancel_after_claim.as_ref().map(|Json(reason)| reason.into()),
        })
    }
}

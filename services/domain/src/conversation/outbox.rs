//! Deciding about messages on their way out: queued, due, cancelled, retried; and how a long text is split.

use chrono::{DateTime, Utc};
use steward_proto::{Event, to_timestamp, v1};

use super::{
    Author, Conversation, MessageState, OnReply, Refused, Why,
    follow_ups::{Alarm, Alarmed},
};

/// Longest text of one Telegram message, in UTF-16 code units (Bot API, `sendMessage`).
const TELEGRAM_LIMIT: usize = 4096;

/// A message to be sent.
#[derive(Debug, Clone)]
pub struct Queue {
    pub message_id: String,
    pub author: Author,
    pub author_id: String,
    pub text: String,
    /// Not before; `None`: at once.
    pub due_at: Option<DateTime<Utc>>,
    pub on_reply: OnReply,
    /// The same key replaces the waiting one. Empty: none.
    pub key: String,
    pub turn_id: String,
    pub follow_up_id: String,
    /// Nobody waits for it, so quiet hours and caps apply.
    pub proactive: bool,
    /// Offered below the text where the channel has them.
    pub buttons: Vec<v1::Button>,
}

impl Conversation {
    /// Queues a message.
    pub fn queue(&self, q: Queue) -> Result<Vec<Event>, Refused> {
        self.readable()?;
        if self.place.is_none() {
            return Err(Refused::new(
                "unknown_conversation",
                "there is no such conversation; it begins with the client's first message",
            ));
        }
        if q.text.trim().is_empty() {
            return Err(Refused::new("empty_text", "a message needs a text"));
        }
        let mut events = Vec::new();
        if !q.key.is_empty() {
            for old in self.outbox.values().filter(|m| m.is_queued() && m.key == q.key) {
                let why = Why::new("replaced", "another with the same key took its place", "");
                events.push(cancelled(&old.id, &why, ""));
            }
        }
        let parts = self.split(&q.text);
        let message = v1::Outgoing {
            message_id: q.message_id,
            author: q.author.name().to_owned(),
            text: q.text,
            parts,
            due_at: q.due_at.map(to_timestamp),
            on_reply: q.on_reply.name().to_owned(),
            key: q.key,
            follow_up_id: q.follow_up_id,
            turn_id: q.turn_id,
            proactive: q.proactive,
            author_id: q.author_id,
            buttons: q.buttons,
        };
        events.push(v1::MessageQueued { message: Some(message) }.into());
        Ok(events)
    }

    /// What the alarm of a message that waits leads to.
    pub fn message_due(&self, alarm: &Alarm<'_>) -> Result<Alarmed, Refused> {
        self.readable()?;
        let Some(message) = self.outbox.get(alarm.id) else { return Ok(Alarmed::Nothing) };
        match message.state {
            MessageState::Queued { not_before: Some(at) } if at > alarm.now => Ok(Alarmed::NotYet(at)),
            MessageState::Queued { not_before: Some(at) } => Ok(Alarmed::Decided(vec![
                v1::MessageDue { message_id: message.id.clone(), due_at: Some(to_timestamp(at)) }.into(),
            ])),
            _ => Ok(Alarmed::Nothing),
        }
    }

    /// Takes back a message that waits.
    pub fn cancel_message_by(&self, message_id: &str, by: &str) -> Result<Vec<Event>, Refused> {
        self.readable()?;
        let message = self.known_message(message_id)?;
        if !message.is_queued() {
            return Err(Refused::new(
                "not_queued",
                "only a message that waits can be cancelled; this one is being sent or has ended",
            ));
        }
        Ok(vec![cancelled(message_id, &Why::new("by_command", format!("cancelled by {by}"), ""), by)])
    }

    /// Another attempt at a message that failed or whose fate is unknown.
    pub fn retry_message(&self, message_id: &str, by: &str) -> Result<Vec<Event>, Refused> {
        self.readable()?;
        let message = self.known_message(message_id)?;
        match message.state {
            MessageState::Failed(_) | MessageState::Unknown(_) | MessageState::Expired(_)
                if self.human_active() && message.author == Author::Bot =>
            {
                Err(Refused::new(
                    "human_active",
                    "a human is active, so the bot is silent; release the conversation first",
                ))
            }
            MessageState::Failed(_) | MessageState::Unknown(_) | MessageState::Expired(_) => {
                Ok(vec![v1::MessageRetried { message_id: message_id.to_owned(), by: by.to_owned() }.into()])
            }
            _ => Err(Refused::new(
                "not_retryable",
                "only a message that failed, expired, or whose fate is unknown can be sent again",
            )),
        }
    }

    fn known_message(&self, id: &str) -> Result<&super::Message, Refused> {
        self.outbox.get(id).map(AsRef::as_ref).ok_or_else(|| {
            Refused::new("unknown_message", format!("there is no message `{id}` in this conversation's outbox"))
        })
    }

    /// The text in parts that the conversation's channel takes.
    pub fn split(&self, text: &str) -> Vec<String> {
        match self.place.as_ref().map(|p| p.channel.as_str()) {
            Some("telegram") => split(text, TELEGRAM_LIMIT),
            _ => vec![text.to_owned()],
        }
    }
}

fn cancelled(id: &str, why: &Why, by: &str) -> Event {
    v1::MessageCancelled { message_id: id.to_owned(), reason: Some(why.into()), by: by.to_owned() }.into()
}

/// Splits at the last line break, else the last space, that keeps a part within `limit` UTF-16 units; else in the word.
fn split(text: &str, limit: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text.trim_end();
    while !rest.is_empty() {
        let mut units = 0;
        let mut fits = rest.len();
        for (i, c) in rest.char_indices() {
            units += c.len_utf16();
            if units > limit {
                fits = i;
                break;
            }
        }
        let end = if fits == rest.len() {
            fits
        } else {
            let head = &rest[..fits];
            let boundary = head.rfind('\n').or_else(|| head.rfind(' ')).filter(|i| *i > 0);
            boundary.unwrap_or(fits)
        };
        let part = rest[..end].trim_end();
        if !part.is_empty() {
            parts.push(part.to_owned());
        }
        rest = rest[end..].trim_start_matches(['\n', ' ']);
    }
    if parts.is_empty() { vec![text.to_owned()] } else { parts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_split_at_a_space_and_nothing_is_lost() {
        let text = "слово ".repeat(1500);
        let parts = split(&text, TELEGRAM_LIMIT);
        assert_eq!(parts.len(), 3);
        assert!(parts.iter().all(|p| p.encode_utf16().count() <= TELEGRAM_LIMIT && p.ends_with("слово")));
        assert_eq!(parts.join(" "), text.trim_end());
    }

    #[test]
    fn a_word_longer_than_a_message_is_cut() {
        let parts = split(&"🙂".repeat(5000), TELEGRAM_LIMIT);
        assert_eq!(parts.iter().map(|p| p.chars().count()).collect::<Vec<_>>(), [2048, 2048, 904]);
    }
}

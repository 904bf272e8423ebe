//! The talk: what client, bot and humans said last, as a model is shown it. A second fold over a conversation's events, for
//! no decision depends on it.

use std::{collections::VecDeque, sync::Arc};

use chrono::{DateTime, Utc};
use steward_proto::{ConversationEvent, Event, Fold, Recorded, from_timestamp, v1};

/// Messages that are kept.
pub const SAID_KEPT: usize = 64;
/// Characters of each.
pub const CHARACTERS_KEPT: usize = 2_000;

/// What was said last, oldest first; [`SAID_KEPT`] messages of [`CHARACTERS_KEPT`] characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Talk {
    said: VecDeque<Arc<Said>>,
    /// Queued for later and not yet due.
    later: VecDeque<Arc<Said>>,
    /// Due, and queued before this talk begins: their words are known when they are sent.
    unknown: VecDeque<String>,
    /// Older ones that aren't here any more.
    pub left_out: u64,
    /// What was said up to a message, summed up.
    pub summary: Option<Arc<Summary>>,
}

/// What a model made of older messages. It is made of what people wrote, so it is as little an instruction as their words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub text: String,
    /// The position of the last message that it sums up.
    pub through: u64,
    /// Messages that there were up to it.
    pub upto: u64,
    /// Messages that no summary has read.
    pub unread: u64,
    /// In UTC, and the how manieth of that day.
    pub day: String,
    pub of_day: u32,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub by: By,
    /// Of the event that says it.
    pub position: u64,
    pub message_id: String,
    /// `text`, `image`, …
    pub kind: String,
    pub text: String,
    /// There was more of it.
    pub cut: bool,
    pub at: DateTime<Utc>,
}

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Client,
    /// Somebody else's words that the client passed on.
    Elsewhere,
    Bot,
    Human,
}

/// Whether an event is a message that is said, at once or now.
pub(super) fn is_said(recorded: &Recorded) -> bool {
    use ConversationEvent as E;
    match E::of(&recorded.event) {
        Some(E::ClientResponded(_) | E::HumanResponded(_) | E::MessageDue(_)) => true,
        Some(E::FollowUpDue(due)) => due.message.is_some(),
        Some(E::MessageQueued(queued)) => queued.message.as_ref().is_some_and(|m| is_due(m, recorded.metadata.at)),
        _ => false,
    }
}

fn is_due(message: &v1::Outgoing, at: DateTime<Utc>) -> bool {
    from_timestamp(message.due_at.as_ref()).is_none_or(|due| due <= at)
}

impl Summary {
    pub fn of(e: &v1::TalkSummarised) -> Self {
        let v1::TalkSummarised { text, through_position, upto, unread, day, of_day, .. } = e.clone();
        Self { text, through: through_position, upto, unread, day, of_day }
    }
}

impl Talk {
    /// One of which so many messages lie behind and aren't here, and what they were summed up as.
    pub fn behind(left_out: u64, summary: Option<Summary>) -> Self {
        Self { left_out, summary: summary.map(Arc::new), ..Self::default() }
    }

    pub fn said(&self) -> impl DoubleEndedIterator<Item = &Said> + ExactSizeIterator {
        self.said.iter().map(AsRef::as_ref)
    }

    fn push(&mut self, said: Arc<Said>) {
        self.said.push_back(said);
        if self.said.len() > SAID_KEPT {
            self.said.pop_front();
            self.left_out += 1;
        }
    }

    fn out(&mut self, message: &v1::Outgoing, (position, at): (u64, DateTime<Utc>), is_due: bool) {
        let by = if message.author == "human" { By::Human } else { By::Bot };
        let said = Arc::new(Said::new((by, position), &message.message_id, "text", &message.text, at));
        if is_due {
            self.push(said);
            return;
        }
        self.later.push_back(said);
        if self.later.len() > SAID_KEPT {
            self.later.pop_front();
        }
    }

    /// It is never said.
    fn unsaid(&mut self, message_id: &str) {
        self.said.retain(|said| said.message_id != message_id);
        self.later.retain(|said| said.message_id != message_id);
    }
}

impl Said {
    fn new((by, position): (By, u64), message_id: &str, kind: &str, text: &str, at: DateTime<Utc>) -> Self {
        let end = text.char_indices().nth(CHARACTERS_KEPT).map_or(text.len(), |(end, _)| end);
        let (kind, text) = (kind.to_owned(), text[..end].to_owned());
        Self { by, position, message_id: message_id.to_owned(), kind, cut: end < text.len(), text, at }
    }
}

impl Fold for Talk {
    fn evolve(&mut self, recorded: &Recorded) {
        use ConversationEvent as E;
        let (position, at) = (recorded.position, recorded.metadata.at);
        let Some(event) = E::of(&recorded.event) else { return };
        match event {
            E::ClientResponded(e) => {
                let by = if e.forwarded { By::Elsewhere } else { By::Client };
                let sent = e.source.as_ref().and_then(|source| from_timestamp(source.sent_at.as_ref()));
                self.push(Arc::new(Said::new((by, position), &e.message_id, &e.kind, &e.text, sent.unwrap_or(at))));
            }
            E::HumanResponded(e) => {
                self.push(Arc::new(Said::new((By::Human, position), &e.message_id, &e.kind, &e.text, at)));
            }
            E::MessageQueued(v1::MessageQueued { message: Some(message) }) => {
                self.out(message, (position, at), is_due(message, at));
            }
            E::FollowUpDue(v1::FollowUpDue { message: Some(message), .. }) => self.out(message, (position, at), true),
            E::MessageDue(e) => {
                if let Some(which) = self.later.iter().position(|said| said.message_id == e.message_id)
                    && let Some(due) = self.later.remove(which)
                {
                    self.push(Arc::new(Said { at, position, ..Arc::unwrap_or_clone(due) }));
                } else {
                    self.unknown.push_back(e.message_id.clone());
                    if self.unknown.len() > SAID_KEPT {
                        self.unknown.pop_front();
                    }
                }
            }
            E::MessageEdited(e) => {
                for said in self.said.iter_mut().chain(&mut self.later).filter(|said| said.message_id == e.message_id) {
                    *said =
                        Arc::new(Said::new((said.by, said.position), &said.message_id, &said.kind, &e.text, said.at));
                }
            }
            E::DispatchSucceeded(e) => {
                if let Some(which) = self.unknown.iter().position(|id| *id == e.message_id) {
                    self.unknown.remove(which);
                    let by = if e.author == "human" { By::Human } else { By::Bot };
                    self.push(Arc::new(Said::new((by, position), &e.message_id, "text", &e.text, at)));
                }
            }
            E::TalkSummarised(e) => self.summary = Some(Arc::new(Summary::of(e))),
            E::MessageCancelled(e) => self.unsaid(&e.message_id),
            E::MessageExpired(e) => self.unsaid(&e.message_id),
            E::DispatchFailed(e) => self.unsaid(&e.message_id),
            _ => {}
        }
    }

    /// What it can't read is missing from the talk and spoils nothing.
    fn unread(_: &Event) -> Option<String> {
        None
    }
}
